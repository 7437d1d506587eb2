/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * simulated.c - nodes that exist inside ns-3 only.
 */
#include "bridge/scenario/internal.h"

static const char *const simulated_keys[] = {"kind", "role", "routing", "routes", "applications", NULL};

void scn_load_simulated(struct scn_load *load, const struct scn_value *map, struct scenario_node *node)
{
	static const char *const roles[] = {"host", "router", "switch", "hub", NULL};
	static const char *const routings[] = {"static", "global", "olsr", "aodv", "rip", NULL};
	static const char *const ip_keys[] = {"routes", "applications"};
	unsigned int role = SCENARIO_ROLE_HOST, routing = SCENARIO_ROUTING_STATIC;

	scn_read_map(load, map, simulated_keys);
	scn_read_word(load, map, "role", "router", roles, &role);
	node->role = (enum scenario_role)role;
	if (scn_read_word(load, map, "routing", NULL, routings, &routing) && node->role != SCENARIO_ROLE_ROUTER)
		scn_error(load, scn_get(map, "routing"),
			  "only a router has routing; leave the key out, or write role: router");
	node->routing = (enum scenario_routing)routing;
	if (scenario_role_has_ip(node->role))
		return;
	for (size_t i = 0; i < sizeof(ip_keys) / sizeof(*ip_keys); i++)
		if (scn_get(map, ip_keys[i]))
			scn_error(load, scn_get(map, ip_keys[i]),
				  "a switch or hub knows no IP; leave the key out, or write role: router");
}
