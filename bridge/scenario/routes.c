/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * routes.c - the key `routes` of nodes: "10.9.0.0/16 via 10.0.0.2", as ip-route(8) has it.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bridge/scenario/internal.h"

#define ROUTES_MAX 1000

/* The end of @node that reaches @via directly, or SCENARIO_NONE. */
static uint32_t find_end(const struct scenario *scenario, uint32_t node, const struct scenario_addr *via)
{
	for (uint32_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];

		if (end->node != node)
			continue;
		for (size_t j = 0; j < end->addr_count; j++)
			if (scn_addr_has(&end->addrs[j], via))
				return i;
	}
	return SCENARIO_NONE;
}

static void read_to(struct scn_load *load, const struct scn_value *value, const char *text,
		    struct scenario_route *route)
{
	char right[SCN_ADDR_TEXT_SIZE];

	if (!strcmp(text, "default")) {
		route->to.family = route->via.family;
		return;
	}
	if (scn_addr_parse(text, &route->to) < 0) {
		scn_error(load, value, "\"%s\" is not a subnet; write it as 10.9.0.0/16 or fd09::/48, or \"default\"",
			  scn_show(text).text);
		return;
	}
	if (!scn_addr_host_is(&route->to, false)) {
		struct scenario_addr subnet = route->to;

		scn_addr_clear_host(&subnet);
		scn_addr_print(&subnet, right);
		scn_error(load, value, "\"%s\" has host bits set; write %s", scn_show(text).text, right);
		return;
	}
	if (route->to.family != route->via.family)
		scn_error(load, value, "subnet and gateway are of two families; write both in IPv4 or both in IPv6");
}

static bool read_route(struct scn_load *load, const struct scn_value *value, uint32_t node,
		       struct scenario_route *route)
{
	const struct scenario *scenario = load->scenario;
	char to[SCN_ADDR_TEXT_SIZE], via[SCN_ADDR_TEXT_SIZE], more;

	if (!scn_text(load, value))
		return false;
	if (sscanf(value->text, "%63s via %63s %c", to, via, &more) != 2) {
		scn_error(load, value,
			  "\"%s\" is not a route; write \"10.9.0.0/16 via 10.0.0.2\" or "
			  "\"default via 10.0.0.2\"",
			  scn_show(value->text).text);
		return false;
	}
	if (scn_addr_host_parse(via, &route->via) < 0 || scn_addr_unusable(&route->via)) {
		scn_error(load, value, "\"%s\" is not a gateway's address; write one like 10.0.0.2",
			  scn_show(via).text);
		return false;
	}
	read_to(load, value, to, route);
	route->pos = value->pos;
	route->end = find_end(scenario, node, &route->via);
	/* an error in the ends may be why */
	if (route->end == SCENARIO_NONE && !load->reported)
		scn_error(load, value, "%s is in no subnet of node \"%s\"; name a gateway on one of its links", via,
			  scenario->nodes[node].name);
	return true;
}

void scn_load_routes(struct scn_load *load)
{
	const struct scn_value *nodes = scn_get(load->root, "nodes"), *value, *routes, *child;
	struct scenario_node *node;
	uint32_t index = 0;

	if (load->nodes_unknown)
		return;
	for (value = nodes->first; value && !load->nomem; value = value->next, index++) {
		node = &load->scenario->nodes[index];
		routes = scn_get(value, "routes");
		if (!routes || !scn_want(load, routes, SCN_LIST) || !routes->count)
			continue;
		if (routes->count > ROUTES_MAX) {
			scn_error(load, routes, "%zu routes; a node has at most %d", routes->count, ROUTES_MAX);
			continue;
		}
		node->routes = scn_new(load, routes->count, sizeof(*node->routes));
		for (child = routes->first; child && !load->nomem; child = child->next)
			if (read_route(load, child, index, &node->routes[node->route_count]))
				node->route_count++;
	}
}
