/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * node-switch.c - nodes of kind switch, and what the ends of links say to them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/internal.h"
#include "bridge/scenario/switch.h"

#define CONTROLLERS_MAX 8
#define TARGET_SIZE     64

const char *const scn_switch_keys[] = {"kind", "protocols", "fail-mode", "dpid",       "flows",     "groups", "meters",
				       "stp",  "rstp",      "ip",        "controller", "configure", NULL};

static const char *const versions[SCENARIO_OPENFLOW_VERSIONS] = {"OpenFlow10", "OpenFlow11", "OpenFlow12",
								 "OpenFlow13", "OpenFlow14", "OpenFlow15"};

static const struct scn_value *first_of(const struct scn_value *value)
{
	return value->kind == SCN_LIST ? value->first : value;
}

static const struct scn_value *next_of(const struct scn_value *value, const struct scn_value *child)
{
	return value->kind == SCN_LIST ? child->next : NULL;
}

static void read_protocols(struct scn_load *load, const struct scn_value *map, struct scenario_switch *sw)
{
	const struct scn_value *value = scn_get(map, "protocols"), *child;
	uint32_t protocols = 0;

	sw->protocols = (1u << SCENARIO_OPENFLOW_VERSIONS) - 1;
	if (!value)
		return;
	for (child = first_of(value); child; child = next_of(value, child)) {
		unsigned int i;

		if (!scn_text(load, child))
			continue;
		for (i = 0; i < SCENARIO_OPENFLOW_VERSIONS && strcmp(child->text, versions[i]); i++)
			;
		if (i == SCENARIO_OPENFLOW_VERSIONS)
			scn_error(load, child, "\"%s\" is no version of OpenFlow; write OpenFlow10 to OpenFlow15",
				  scn_show(child->text).text);
		else
			protocols |= 1u << i;
	}
	if (value->kind == SCN_LIST && !value->count)
		scn_error(load, value, "a switch speaks at least one version; write [OpenFlow10, OpenFlow13]");
	sw->protocols = protocols;
}

static void read_dpid(struct scn_load *load, const struct scn_value *map, struct scenario_switch *sw)
{
	const struct scn_value *value = scn_get(map, "dpid");

	sw->dpid = sw->number;
	if (!value || !scn_text(load, value))
		return;
	if (value->len > 16 || strspn(value->text, "0123456789abcdefABCDEF") != value->len ||
	    !(sw->dpid = strtoull(value->text, NULL, 16)))
		scn_error(load, value,
			  "\"%s\" is not a datapath ID; write 1 to 16 hexadecimal digits, as 00000000000000a1",
			  scn_show(value->text).text);
}

/* One line, if it says anything; @source: the file it is from and its line there, else NULL. */
static void keep_line(struct scn_load *load, struct scenario_lines *lines, const char *text, size_t len,
		      struct scenario_pos pos, const char *source, unsigned int number)
{
	struct scenario_line *line = &lines->items[lines->count];

	while (len && strchr(" \t\r", text[len - 1]))
		len--;
	while (len && strchr(" \t", *text))
		text++, len--;
	if (!len || *text == '#')
		return;
	line->text = scn_keepf(load, "%.*s", (int)len, text);
	if (source)
		line->source = scn_keepf(load, "%s:%u: ", scn_show(source).text, number);
	line->pos = pos;
	lines->count += !load->nomem;
}

/* As ovs-ofctl does it with a file: whatever follows a "#" is a comment. */
static size_t code_len(const char *text, size_t len, bool comments)
{
	const char *comment = comments ? memchr(text, '#', len) : NULL;

	return comment ? (size_t)(comment - text) : len;
}

/*
 * Text as the tools of Open vSwitch take it from a file: empty lines and comments say nothing. @example: of the name
 * of such a file; NULL where there can be none, and where a "#" within a line is no comment.
 */
static void read_lines(struct scn_load *load, const struct scn_value *map, const char *key, const char *example,
		       struct scenario_lines *lines)
{
	struct scn_value *value = scn_get(map, key);
	const struct scn_value *texts = value, *name = NULL, *child;
	size_t count = 0;

	if (!value || value->kind == SCN_NULL)
		return;
	if (value->kind == SCN_MAP && example) {
		texts = scn_inline_beside(load, value, example, &name);
		if (!texts)
			return;
	}
	for (child = first_of(texts); child; child = next_of(texts, child)) {
		if (!name && !scn_text(load, child))
			return;
		count++;
		for (const char *c = child->text; *c; c++)
			count += *c == '\n';
	}
	lines->items = scn_new(load, count, sizeof(*lines->items));
	if (!lines->items)
		return;
	for (child = first_of(texts); child; child = next_of(texts, child)) {
		struct scenario_pos pos = name ? name->pos : child->pos;
		const char *text = child->text;
		unsigned int number = 1;
		size_t len;

		for (; !load->nomem; text += len + 1, number++) {
			len = strcspn(text, "\n");
			keep_line(load, lines, text, code_len(text, len, example), pos, name ? name->text : NULL,
				  number);
			if (!text[len])
				break;
			pos.line += !name && child->literal;
		}
	}
}

/* "tcp:ADDRESS[:PORT]" or "ssl:...": Open vSwitch's own form, with the port filled in. */
static bool read_target(struct scn_load *load, const struct scn_value *value, struct scenario_controller *controller)
{
	char address[TARGET_SIZE], *port;
	unsigned long number = SCENARIO_CONTROLLER_PORT;
	uint8_t bytes[4];

	if ((strncmp(value->text, "tcp:", 4) && strncmp(value->text, "ssl:", 4)) || value->len >= TARGET_SIZE)
		goto wrong;
	strcpy(address, value->text + 4);
	port = strchr(address, ':');
	if (port) {
		*port++ = '\0';
		if (!*port || strspn(port, "0123456789") != strlen(port))
			goto wrong;
		number = strtoul(port, NULL, 10);
	}
	if (inet_pton(AF_INET, address, bytes) != 1 || number < 1 || number > 65535)
		goto wrong;
	controller->kind = SCENARIO_CONTROLLER_ADDRESS;
	controller->target = scn_keepf(load, "%.3s:%s:%lu", value->text, address, number);
	return controller->target != NULL;
wrong:
	scn_error(load, value,
		  "\"%s\" is not a controller; write learning, tcp:10.0.0.9:6653, ssl:10.0.0.9:6653 or {app: FILE.py}",
		  scn_show(value->text).text);
	return false;
}

/* A file below the directory of the scenario, which is all of the host that an application gets to see. */
static bool read_app(struct scn_load *load, const struct scn_value *value, struct scenario_controller *controller)
{
	static const char *const app_keys[] = {"app", NULL};
	const char *path;

	if (!scn_read_map(load, value, app_keys) || !scn_read_text(load, value, "app", "app.py", &path))
		return false;
	if (!scn_is_beside(path)) {
		scn_error(load, scn_get(value, "app"), "\"%s\" is not a file beside the scenario; write app.py",
			  scn_show(path).text);
		return false;
	}
	controller->kind = SCENARIO_CONTROLLER_APP;
	controller->target = scn_keep(load, path);
	return controller->target != NULL;
}

static void read_controllers(struct scn_load *load, const struct scn_value *map, struct scenario_switch *sw)
{
	const struct scn_value *value = scn_get(map, "controller"), *child;
	size_t count;

	if (!value || value->kind == SCN_NULL)
		return;
	count = value->kind == SCN_LIST ? value->count : 1;
	if (count > CONTROLLERS_MAX) {
		scn_error(load, value, "%zu controllers; a switch has at most %d", count, CONTROLLERS_MAX);
		return;
	}
	sw->controllers = scn_new(load, count, sizeof(*sw->controllers));
	if (!sw->controllers)
		return;
	for (child = first_of(value); child; child = next_of(value, child)) {
		struct scenario_controller *controller = &sw->controllers[sw->controller_count];
		bool ok;

		controller->pos = child->pos;
		if (child->kind == SCN_MAP)
			ok = read_app(load, child, controller);
		else if (!scn_text(load, child))
			ok = false;
		else if (!strcmp(child->text, "learning"))
			ok = true; /* SCENARIO_CONTROLLER_LEARNING */
		else
			ok = read_target(load, child, controller);
		sw->controller_count += ok;
	}
}

void scn_load_switch(struct scn_load *load, const struct scn_value *map, struct scenario_node *node)
{
	/* "all" and "default" are directories beside those of interfaces in /proc/sys/net */
	static const char *const taken_names[] = {"lo", "all", "default", "ovs-netdev", "ovs-system", NULL};
	static const char *const fail_modes[] = {"standalone", "secure", NULL};
	struct scenario_switch *sw = scn_new(load, 1, sizeof(*sw));
	const struct scn_value *ip = scn_get(map, "ip");
	unsigned int fail_mode = 0;

	if (!sw)
		return;
	node->sw = sw;
	sw->number = 1;
	for (size_t i = 0; i + 1 < load->scenario->node_count; i++)
		sw->number += load->scenario->nodes[i].sw != NULL;
	if (strlen(node->name) > SCENARIO_SWITCH_NAME_MAX)
		scn_error_key(load, map, "the name has more than %d characters; a switch is an interface, too",
			      SCENARIO_SWITCH_NAME_MAX);
	for (const char *const *taken = taken_names; *taken; taken++)
		if (!strcmp(node->name, *taken))
			scn_error_key(
				load, map,
				"the kernel or Open vSwitch has an interface \"%s\" already, and a switch is one, "
				"too; use another name",
				node->name);
	read_protocols(load, map, sw);
	sw->has_fail_mode = scn_read_word(load, map, "fail-mode", NULL, fail_modes, &fail_mode);
	sw->is_secure = fail_mode == 1;
	read_dpid(load, map, sw);
	scn_read_bool(load, map, "stp", &sw->stp);
	scn_read_bool(load, map, "rstp", &sw->rstp);
	if (sw->stp && sw->rstp)
		scn_error(load, scn_get(map, "rstp"), "a bridge runs STP or RSTP; leave one of the two out");
	read_lines(load, map, "flows", "my.flows", &sw->flows);
	read_lines(load, map, "groups", "my.groups", &sw->groups);
	read_lines(load, map, "meters", "my.meters", &sw->meters);
	if ((sw->groups.count && !(sw->protocols >> 1)))
		scn_error(load, scn_get(map, "groups"), "groups need OpenFlow11 or later; add it to protocols");
	if (sw->meters.count && !(sw->protocols >> 3))
		scn_error(load, scn_get(map, "meters"), "meters need OpenFlow13 or later; add it to protocols");
	read_lines(load, map, "configure", NULL, &sw->configure);
	read_controllers(load, map, sw);
	if (ip)
		sw->addr_count = scn_read_addrs(load, ip, &sw->addrs, NULL);
}

static void read_trunks(struct scn_load *load, const struct scn_value *map, struct scenario_switch_port *port)
{
	const struct scn_value *value = scn_get(map, "trunks"), *child;

	if (!value || !scn_want(load, value, SCN_LIST) || !value->count)
		return;
	port->trunks = scn_new(load, value->count, sizeof(*port->trunks));
	if (!port->trunks)
		return;
	for (child = value->first; child; child = child->next) {
		unsigned long vlan;

		if (!scn_text(load, child))
			continue;
		vlan = strtoul(child->text, NULL, 10);
		if (child->len > 4 || strspn(child->text, "0123456789") != child->len || vlan > SCENARIO_VLAN_MAX)
			scn_error(load, child, "\"%s\" is not a VLAN; write 0 to %d", scn_show(child->text).text,
				  SCENARIO_VLAN_MAX);
		else
			port->trunks[port->trunk_count++] = (uint16_t)vlan;
	}
}

void scn_load_switch_port(struct scn_load *load, const struct scn_value *value, struct scenario_end *end)
{
	struct scenario_switch_port *port = scn_new(load, 1, sizeof(*port));
	uint64_t number = 0, tag = 0;

	if (!port)
		return;
	end->port_of = port;
	end->promiscuous = true;
	if (value->kind != SCN_MAP)
		return;
	scn_read_bool(load, value, "management", &port->management);
	if (port->management) {
		static const char *const useless[] = {"port", "tag", "trunks", "rate-limit", NULL};

		end->promiscuous = false;
		for (const char *const *key = useless; *key; key++)
			if (scn_get(value, *key))
				scn_error(load, scn_get(value, *key),
					  "a management interface is no port of the switch; leave the key out");
		return;
	}
	if (scn_get(value, "ip"))
		scn_error(load, scn_get(value, "ip"),
			  "a port of a switch has no address; give the switch one with its own key ip, or make this "
			  "end its management interface with management: true");
	scn_read_count(load, value, "port", NULL, 1, SCENARIO_SWITCH_PORT_MAX, &number);
	scn_read_count(load, value, "tag", NULL, 1, SCENARIO_VLAN_MAX, &tag);
	port->number = (uint32_t)number;
	port->tag = (uint16_t)tag;
	read_trunks(load, value, port);
	if (!scn_read_unit(load, value, "rate-limit", NULL, SCN_RATE, 1000, SCN_RATE_BPS_MAX, &port->limit_bps))
		return;
	port->limit_pos = scn_get(value, "rate-limit")->pos;
	if (port->limit_bps % 1000)
		scn_error(load, scn_get(value, "rate-limit"),
			  "\"%s\" is no whole number of kbps, in which switches count; write %llukbps",
			  scn_get(value, "rate-limit")->text, (unsigned long long)(port->limit_bps / 1000));
}

/* Explicit numbers first, then 1, 2, ... around them in the order of the file. */
static void number_ports(struct scn_load *load, uint32_t node)
{
	struct scenario *scenario = load->scenario;
	struct scn_index numbers;
	uint32_t next = 1, old;

	scn_index_init(&numbers, &load->tree);
	for (int explicit = 1; explicit >= 0; explicit --) {
		for (uint32_t i = 0; i < scenario->end_count; i++) {
			struct scenario_switch_port *port = scenario->ends[i].port_of;
			int err;

			if (scenario->ends[i].node != node || !port || port->management || !!port->number != explicit)
				continue;
			if (!explicit)
				port->number = next++;
			while ((err = scn_index_add(&numbers, &port->number, sizeof(port->number), i, &old)) ==
				       -EEXIST &&
			       !explicit)
				port->number = next++;
			if (err == -ENOMEM)
				load->nomem = true;
			if (err == -EEXIST)
				scn_error(load, load->drafts[i].value,
					  "port %u of switch \"%s\" is taken already (%s); use another number",
					  port->number, scenario->nodes[node].name,
					  scn_where(load->drafts[old].value).text);
		}
	}
}

static bool prefixes_meet(const struct scenario_addr *a, const struct scenario_addr *b)
{
	uint8_t len = a->prefix_len < b->prefix_len ? a->prefix_len : b->prefix_len;

	if (a->family != b->family)
		return false;
	for (uint8_t bit = 0; bit < len; bit++)
		if ((a->bytes[bit / 8] ^ b->bytes[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return true;
}

struct own_addr {
	uint32_t node;
	const struct scenario_addr *addr;
	struct scenario_pos pos;
};

static void check_own_addr(struct scn_load *load, struct own_addr *all, size_t *count, struct own_addr one)
{
	if (one.addr->family != AF_INET) {
		scn_error_at(load, one.pos, "switch \"%s\" has an IPv6 address of its own; it can have IPv4 ones only",
			     load->scenario->nodes[one.node].name);
		return;
	}
	for (size_t i = 0; i < *count; i++) {
		if (all[i].node == one.node || !prefixes_meet(all[i].addr, one.addr))
			continue;
		scn_error_at(load, one.pos,
			     "switches \"%s\" and \"%s\" have addresses of their own in one subnet; all switches "
			     "share one IP stack, so give each a subnet of its own",
			     load->scenario->nodes[all[i].node].name, load->scenario->nodes[one.node].name);
		return;
	}
	all[(*count)++] = one;
}

/* All switches are one Open vSwitch, with one IP stack: it could not tell two interfaces in one subnet apart. */
static void check_own_addrs(struct scn_load *load)
{
	struct scenario *scenario = load->scenario;
	struct own_addr *all;
	size_t count = 0;

	for (size_t i = 0; i < scenario->node_count; i++)
		count += scenario->nodes[i].sw ? scenario->nodes[i].sw->addr_count : 0;
	for (size_t i = 0; i < scenario->end_count; i++)
		count += scenario->ends[i].port_of ? scenario->ends[i].addr_count : 0;
	all = scn_alloc(&load->tree, (count + 1) * sizeof(*all));
	if (!all) {
		load->nomem = true;
		return;
	}
	count = 0;
	for (uint32_t i = 0; i < scenario->node_count; i++)
		for (size_t j = 0; scenario->nodes[i].sw && j < scenario->nodes[i].sw->addr_count; j++)
			check_own_addr(load, all, &count,
				       (struct own_addr){i, &scenario->nodes[i].sw->addrs[j], scenario->nodes[i].pos});
	for (size_t i = 0; i < scenario->end_count; i++)
		for (size_t j = 0; scenario->ends[i].port_of && j < scenario->ends[i].addr_count; j++)
			check_own_addr(load, all, &count,
				       (struct own_addr){scenario->ends[i].node, &scenario->ends[i].addrs[j],
							 scenario->ends[i].pos});
}

bool scenario_wire_is_patch(const struct scenario *scenario, const struct scenario_link *link)
{
	if (link->kind != SCENARIO_LINK_WIRE || link->end_count != 2)
		return false;
	for (uint32_t i = link->first_end; i < link->first_end + 2; i++) {
		const struct scenario_end *end = &scenario->ends[i];

		if (!end->port_of || end->port_of->management || scenario->nodes[end->node].sw->stp ||
		    scenario->nodes[end->node].sw->rstp)
			return false;
	}
	return true;
}

void scn_complete_switches(struct scn_load *load)
{
	struct scenario *scenario = load->scenario;

	for (uint32_t i = 0; i < scenario->node_count; i++) {
		if (!scenario->nodes[i].sw)
			continue;
		number_ports(load, i);
		for (uint32_t j = 0; j < i; j++)
			if (scenario->nodes[j].sw && scenario->nodes[j].sw->dpid == scenario->nodes[i].sw->dpid)
				scn_error_at(
					load, scenario->nodes[i].pos,
					"switches \"%s\" and \"%s\" have the same datapath ID; give one another dpid",
					scenario->nodes[j].name, scenario->nodes[i].name);
	}
	for (uint32_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];

		if (!end->port_of || load->drafts[i].bad || strlen(end->port_name) <= SCN_IFNAME_MAX)
			continue;
		scn_error(load, load->drafts[i].value,
			  "the interface would be called \"%s\", which has more than %d characters; use a shorter name "
			  "for the switch or the end",
			  end->port_name, SCN_IFNAME_MAX);
	}
	check_own_addrs(load);
}
