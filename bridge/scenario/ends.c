/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ends.c - the ends of links: what the file says of them and what it leaves to us (names, addresses, MACs).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bridge/scenario/internal.h"
#include "bridge/scenario/switch.h"

#define END_ADDRS_MAX 16

static const char *const end_keys[] = {"node", "name",     "ip",       "mac", "promiscuous",
				       "role", "position", "mobility", NULL};
static const char *const switch_end_keys[] = {"node",     "name",     "ip",         "mac",        "promiscuous",
					      "port",     "tag",      "trunks",     "management", "role",
					      "position", "mobility", "rate-limit", NULL};

static bool ifname_ok(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > SCN_IFNAME_MAX || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (size_t i = 0; i < len; i++)
		/* the kernel refuses "/", ":" and blanks, and takes "%" for a pattern */
		if (name[i] <= ' ' || name[i] > '~' || strchr("/:%", name[i]))
			return false;
	return true;
}

static bool read_ifname(struct scn_load *load, const struct scn_value *value)
{
	if (!scn_text(load, value))
		return false;
	if (!ifname_ok(value->text)) {
		scn_error(load, value,
			  "\"%s\" is not an interface name; use 1 to %d characters without blanks, \"/\", \":\" and "
			  "\"%%\"",
			  scn_show(value->text).text, SCN_IFNAME_MAX);
		return false;
	}
	/* "all" and "default" are directories below /proc/sys/net/ipv4/conf */
	if (!strcmp(value->text, "lo") || !strcmp(value->text, "all") || !strcmp(value->text, "default")) {
		scn_error(load, value, "\"%s\" is a name the kernel keeps for itself; use another, as eth0",
			  value->text);
		return false;
	}
	return true;
}

static bool read_ip(struct scn_load *load, const struct scn_value *value, struct scenario_addr *ret)
{
	struct scenario_addr addr;
	const char *why;

	if (!scn_text(load, value))
		return false;
	if (scn_addr_parse(value->text, &addr) < 0) {
		scn_error(load, value,
			  "\"%s\" is not an address with its prefix; write it as 10.0.0.1/24 or fd00::1/64",
			  scn_show(value->text).text);
		return false;
	}
	why = scn_addr_unusable(&addr);
	if (!why && addr.family == AF_INET && addr.prefix_len <= 30 && scn_addr_host_is(&addr, false))
		why = "the subnet's own address";
	if (!why && addr.family == AF_INET && addr.prefix_len <= 30 && scn_addr_host_is(&addr, true))
		why = "the subnet's broadcast address";
	if (why) {
		scn_error(load, value, "\"%s\" is %s; use an address an interface can have", value->text, why);
		return false;
	}
	*ret = addr;
	return true;
}

size_t scn_read_addrs(struct scn_load *load, const struct scn_value *value, struct scenario_addr **ret,
		      const struct scn_value ***ret_values)
{
	size_t count = value->kind == SCN_LIST ? value->count : 1, found = 0;
	const struct scn_value *child, **values;

	if (count > END_ADDRS_MAX) {
		scn_error(load, value, "%zu addresses; an interface has at most %d", count, END_ADDRS_MAX);
		return 0;
	}
	*ret = scn_new(load, count, sizeof(**ret));
	values = scn_alloc(&load->tree, count * sizeof(*values));
	if (!*ret || !values) {
		load->nomem = true;
		return 0;
	}
	for (child = value->kind == SCN_LIST ? value->first : value; child;
	     child = value->kind == SCN_LIST ? child->next : NULL) {
		if (read_ip(load, child, &(*ret)[found]))
			values[found++] = child;
	}
	if (ret_values)
		*ret_values = values;
	return found;
}

static bool read_mac(struct scn_load *load, const struct scn_value *value, uint8_t *ret_mac)
{
	static const uint8_t zero[6];
	uint8_t mac[6];

	if (!scn_text(load, value))
		return false;
	if (scn_mac_parse(value->text, mac) < 0) {
		scn_error(load, value, "\"%s\" is not a MAC; write it as 02:00:00:00:00:01",
			  scn_show(value->text).text);
		return false;
	}
	if (mac[0] & 1) {
		scn_error(load, value, "\"%s\" is a group address; the first byte of an interface's MAC is even",
			  value->text);
		return false;
	}
	if (!memcmp(mac, zero, sizeof(zero))) {
		scn_error(load, value, "\"%s\" is no address; write one like 02:00:00:00:00:01", value->text);
		return false;
	}
	memcpy(ret_mac, mac, sizeof(mac));
	return true;
}

/* What an end of a simulated node can't have. */
static void check_inner(struct scn_load *load, uint32_t link, const struct scenario_end *end,
			const struct scn_value *value)
{
	const struct scenario_node *node = &load->scenario->nodes[end->node];

	if (!scenario_link_is_simulated(&load->scenario->links[link]))
		scn_error(load, value,
			  "node \"%s\" exists inside ns-3, where a wire does not lead; use a simulated link",
			  node->name);
	if (value->kind != SCN_MAP)
		return;
	if (scn_get(value, "promiscuous"))
		scn_error(load, scn_get(value, "promiscuous"),
			  "a simulated node takes what its role needs; leave the key out");
	if (scn_get(value, "ip") && !scenario_role_has_ip(node->role))
		scn_error(load, scn_get(value, "ip"), "a switch or hub has no address; leave it out");
}

void scn_load_end(struct scn_load *load, uint32_t link, uint32_t index, const struct scn_value *value)
{
	struct scenario_end *end = &load->scenario->ends[index];
	struct scn_end_draft *draft = &load->drafts[index];
	const struct scn_value *node = value, *field;
	bool is_switch;

	end->link = link;
	end->pos = value->pos;
	end->port = SCENARIO_NONE;
	draft->value = value;
	if (value->kind == SCN_MAP) {
		node = scn_get(value, "node");
		if (!node)
			scn_need(load, value, "node", "h1");
	} else if (value->kind != SCN_TEXT) {
		scn_error(load, value, "is not an end; write a node's name or {node: h1, name: eth0, ip: 10.0.0.1/24}");
		node = NULL;
	}
	end->node = node ? scn_find_node(load, node) : SCENARIO_NONE;
	draft->bad = end->node == SCENARIO_NONE;
	if (!draft->bad && !scenario_node_is_real(&load->scenario->nodes[end->node]))
		check_inner(load, link, end, value);
	is_switch = !draft->bad && scenario_node_is_switch(&load->scenario->nodes[end->node]);
	if (value->kind == SCN_MAP)
		scn_read_map(load, value, is_switch ? switch_end_keys : end_keys);
	if (is_switch)
		scn_load_switch_port(load, value, end);
	scn_load_wifi_end(load, &load->scenario->links[link], end, value);
	if (value->kind != SCN_MAP)
		return;
	field = scn_get(value, "name");
	if (field) {
		if (read_ifname(load, field))
			draft->name = field;
		else
			draft->bad = true;
	}
	draft->ip = scn_get(value, "ip");
	if (draft->ip)
		end->addr_count = scn_read_addrs(load, draft->ip, &end->addrs, &draft->addr_values);
	field = scn_get(value, "mac");
	if (field) {
		if (read_mac(load, field, end->mac))
			draft->mac = field;
		else
			draft->bad = true;
	}
	if (end->port_of && !end->port_of->management && scn_get(value, "promiscuous"))
		scn_error(load, scn_get(value, "promiscuous"),
			  "a port of a switch takes every frame; leave the key out");
	else if (load->scenario->links[link].kind == SCENARIO_LINK_WIRE && scn_get(value, "promiscuous"))
		scn_error(load, scn_get(value, "promiscuous"), "a wire delivers every frame; leave the key out");
	else
		scn_read_bool(load, value, "promiscuous", &end->promiscuous);
}

void scn_number_ends(struct scn_load *load, uint32_t link, const struct scn_subnets *subnets)
{
	const struct scenario_link *l = &load->scenario->links[link];
	struct scenario_end *end;
	bool small[SCN_SUBNETS_MAX] = {false};

	if (!subnets->count)
		return;
	for (uint32_t i = 0; i < l->end_count; i++) {
		end = &load->scenario->ends[l->first_end + i];
		/* a port of a switch has no address, but it counts: the next end's follows from the order in the file
		 */
		if (load->drafts[l->first_end + i].ip || (end->port_of && !end->port_of->management))
			continue;
		if (end->node != SCENARIO_NONE && !scenario_node_is_real(&load->scenario->nodes[end->node]) &&
		    !scenario_role_has_ip(load->scenario->nodes[end->node].role))
			continue;
		end->addrs = scn_new(load, subnets->count, sizeof(*end->addrs));
		if (!end->addrs)
			return;
		for (size_t j = 0; j < subnets->count; j++) {
			if (scn_addr_number(&subnets->items[j], i + 1, &end->addrs[end->addr_count])) {
				end->addr_count++;
			} else if (!small[j]) {
				small[j] = true;
				scn_error(load, subnets->values[j],
					  "\"%s\" has no address for end %u of %u; use a shorter prefix",
					  subnets->values[j]->text, i + 1, l->end_count);
			}
		}
	}
}

/* Report a name or address that two ends have; the error is where the later one was written. */
static void report_twin(struct scn_load *load, const struct scn_value *at, const char *what, const char *text,
			uint32_t twin, const struct scn_value *twin_at)
{
	const struct scenario_end *other = &load->scenario->ends[twin];

	scn_error(load, at, "%s %s belongs to %s.%s already (%s); give one of them another", what, text,
		  load->scenario->nodes[other->node].name,
		  other->name ? other->name : load->scenario->links[other->link].name, scn_where(twin_at).text);
}

/* Explicit interface names first, then eth0, eth1, ... around them; every end without error gets a port name. */
static void name_interfaces(struct scn_load *load)
{
	struct scenario *scenario = load->scenario;
	struct scn_index names;
	struct scn_end_draft *draft;
	struct scenario_end *end;
	uint32_t *next, old;
	char name[SCN_IFNAME_MAX + 1];
	int err;

	scn_index_init(&names, load->arena);
	next = scn_alloc(&load->tree, (scenario->node_count + 1) * sizeof(*next));
	if (!next) {
		load->nomem = true;
		return;
	}
	/* OpenFlow counts ports from 1 */
	for (size_t i = 0; i < scenario->node_count; i++)
		next[i] = scenario_node_is_switch(&scenario->nodes[i]);
	for (uint32_t i = 0; i < scenario->end_count; i++) {
		end = &scenario->ends[i];
		draft = &load->drafts[i];
		if (draft->bad || !draft->name)
			continue;
		end->name = scn_keep(load, draft->name->text);
		end->port_name = scn_keepf(load, "%s.%s", scenario->nodes[end->node].name, draft->name->text);
		if (!end->name || !end->port_name)
			return;
		err = scn_index_add(&names, end->port_name, strlen(end->port_name), i, &old);
		if (err == -ENOMEM) {
			load->nomem = true;
			return;
		}
		if (err == -EEXIST) {
			scn_error(load, draft->name,
				  "node \"%s\" has an interface \"%s\" already (%s); use another name",
				  scenario->nodes[end->node].name, end->name, scn_where(load->drafts[old].name).text);
			draft->bad = true;
		}
	}
	for (uint32_t i = 0; i < scenario->end_count; i++) {
		end = &scenario->ends[i];
		draft = &load->drafts[i];
		if (draft->bad || draft->name)
			continue;
		do {
			snprintf(name, sizeof(name), "eth%u", next[end->node]++);
			end->port_name = scn_keepf(load, "%s.%s", scenario->nodes[end->node].name, name);
			if (!end->port_name)
				return;
			err = scn_index_add(&names, end->port_name, strlen(end->port_name), i, &old);
		} while (err == -EEXIST);
		end->name = scn_keep(load, name);
		if (err < 0 || !end->name) {
			load->nomem = true;
			return;
		}
	}
}

static void check_addrs(struct scn_load *load)
{
	struct scenario *scenario = load->scenario;
	const struct scn_value *at, *twin_at;
	uint32_t old, told_link = SCENARIO_NONE;
	char text[SCN_ADDR_TEXT_SIZE];
	struct scn_index addrs;
	int err;

	scn_index_init(&addrs, load->arena);
	/* explicit addresses first: a collision with a numbered one is told where the explicit one stands */
	for (int explicit = 1; explicit >= 0; explicit --) {
		for (uint32_t i = 0; i < scenario->end_count; i++) {
			const struct scenario_end *end = &scenario->ends[i];
			const struct scn_end_draft *draft = &load->drafts[i];

			if (draft->bad || !!draft->ip != explicit)
				continue;
			for (size_t j = 0; j < end->addr_count; j++) {
				err = scn_index_add(&addrs, end->addrs[j].bytes,
						    end->addrs[j].family == AF_INET6 ? 16 : 4, i, &old);
				if (err == -ENOMEM) {
					load->nomem = true;
					return;
				}
				if (!err)
					continue;
				scn_addr_print(&end->addrs[j], text);
				*strchr(text, '/') = '\0';
				at = draft->value;
				twin_at = load->drafts[old].value;
				if (explicit) {
					at = draft->addr_values[j];
				} else if (load->drafts[old].ip) {
					report_twin(load, load->drafts[old].ip, "address", text, i, at);
					continue;
				} else if (told_link == end->link) {
					continue; /* two links with one subnet: once is enough */
				}
				told_link = end->link;
				report_twin(load, at, "address", text, old, twin_at);
			}
		}
	}
}

static void give_macs(struct scn_load *load)
{
	struct scenario *scenario = load->scenario;
	char text[SCN_NAME_MAX + SCN_IFNAME_MAX + 32];
	struct scenario_end *end;
	struct scn_index macs;
	uint32_t hash, old;
	int err;

	scn_index_init(&macs, load->arena);
	for (uint32_t i = 0; i < scenario->end_count; i++) {
		end = &scenario->ends[i];
		if (load->drafts[i].bad || !load->drafts[i].mac)
			continue;
		err = scn_index_add(&macs, end->mac, sizeof(end->mac), i, &old);
		if (err == -ENOMEM)
			load->nomem = true;
		if (err == -EEXIST)
			report_twin(load, load->drafts[i].mac, "MAC", load->drafts[i].mac->text, old,
				    load->drafts[old].mac);
	}
	for (uint32_t i = 0; i < scenario->end_count && !load->nomem; i++) {
		end = &scenario->ends[i];
		if (load->drafts[i].bad || load->drafts[i].mac)
			continue;
		for (unsigned int round = 0;; round++) {
			snprintf(text, sizeof(text), round ? "%s#%u" : "%s", end->port_name, round);
			hash = scn_hash(text, strlen(text));
			memcpy(end->mac,
			       (uint8_t[]){0x02, 0x67, (uint8_t)(hash >> 24), (uint8_t)(hash >> 16),
					   (uint8_t)(hash >> 8), (uint8_t)hash},
			       6);
			err = scn_index_add(&macs, end->mac, sizeof(end->mac), i, &old);
			if (err != -EEXIST)
				break;
		}
		if (err == -ENOMEM)
			load->nomem = true;
	}
}

void scn_complete_ends(struct scn_load *load)
{
	/* what could not be read has been reported; its ends take no part, so that nothing is reported twice */
	name_interfaces(load);
	if (!load->nomem)
		check_addrs(load);
	if (!load->nomem)
		give_macs(load);
}
