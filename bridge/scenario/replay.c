/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * replay.c - nodes of kind replay: a capture file as a node. The file itself is not looked at here.
 */
#include "bridge/scenario/replay.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bridge/scenario/internal.h"

#define LOOP_MAX       1000000000
#define SPEED_DECIMALS 6 /* 0.000001 ... */
#define SPEED_MAX      UINT64_C(1000000)
#define REWRITES_MAX   1000 /* of each kind */
#define FILTER_LEN_MAX 4096

const char *const scn_replay_keys[] = {"kind", "file", "filter",    "start",   "speed",
				       "loop", "gap",  "truncated", "rewrite", NULL};
static const char *const rewrite_keys[] = {"mac", "ip", NULL};

/* A decimal as a fraction: times scale by it without an error but the last rounding. */
static void read_speed(struct scn_load *load, const struct scn_value *map, struct scenario_replay *replay)
{
	const struct scn_value *value = scn_get(map, "speed");
	struct scn_decimal number;
	uint64_t power = 1;

	replay->speed_num = replay->speed_den = 1;
	if (!value || !scn_text(load, value))
		return;
	if (scn_decimal(value->text, &number) < 0 || *number.rest || number.negative || !number.digits ||
	    number.decimals > SPEED_DECIMALS) {
		scn_error(load, value,
			  "\"%s\" is not a speed; write 2 for twice as fast or 0.5 for half as fast, with at most %d "
			  "decimals",
			  scn_show(value->text).text, SPEED_DECIMALS);
		return;
	}
	for (unsigned int i = 0; i < number.decimals; i++)
		power *= 10;
	if (number.digits > (unsigned __int128)SPEED_MAX * power) {
		scn_error(load, value, "\"%s\" is out of range; it is at most %llu", scn_show(value->text).text,
			  (unsigned long long)SPEED_MAX);
		return;
	}
	replay->speed_num = (uint64_t)number.digits;
	replay->speed_den = power;
}

void scn_load_replay(struct scn_load *load, const struct scn_value *map, struct scenario_node *node)
{
	static const char *const truncated_words[] = {"refuse", "pad", NULL};
	const struct scn_value *filter = scn_get(map, "filter");
	struct scenario_replay *replay = node->replay = scn_new(load, 1, sizeof(*replay));
	unsigned int truncated = 0;
	const char *text;
	uint64_t loop = 1;

	if (!replay)
		return;
	if (scn_read_text(load, map, "file", "traffic.pcap", &text)) {
		replay->file = scn_keep(load, text);
		replay->file_pos = scn_get(map, "file")->pos;
	}
	if (filter && scn_read_text(load, map, "filter", NULL, &text)) {
		if (filter->len > FILTER_LEN_MAX)
			scn_error(load, filter, "%zu characters; a filter has at most %d", filter->len, FILTER_LEN_MAX);
		replay->filter = scn_keep(load, text);
		replay->filter_pos = filter->pos;
	}
	scn_read_unit(load, map, "start", NULL, SCN_TIME, 0, SCN_AT_NS_MAX, &replay->start_ns);
	read_speed(load, map, replay);
	scn_read_count(load, map, "loop", NULL, 1, LOOP_MAX, &loop);
	replay->loop = (uint32_t)loop;
	if (scn_read_unit(load, map, "gap", NULL, SCN_TIME, 0, SCN_AT_NS_MAX, &replay->gap_ns) && loop == 1)
		scn_error(load, scn_get(map, "gap"),
			  "is between passes, and there is one; write loop: 2, or leave it "
			  "out");
	scn_read_word(load, map, "truncated", NULL, truncated_words, &truncated);
	replay->pad = truncated == 1;
}

/* ---- rewrite, with all ends complete ---- */

/*
 * The end that "h2" or "h2.eth0" names: of a node with several, the one on @link. Reports; SCENARIO_NONE then, and when
 * something is wrong with the links already.
 */
static uint32_t find_end(struct scn_load *load, const struct scn_value *value, uint32_t link)
{
	const struct scenario *scenario = load->scenario;
	const char *dot = strchr(value->text, '.');
	uint32_t only = SCENARIO_NONE, count = 0, node;
	struct scn_value name = *value;

	if (dot) {
		for (uint32_t i = 0; i < scenario->end_count; i++)
			if (scenario->ends[i].port_name && !strcmp(scenario->ends[i].port_name, value->text))
				return i;
		if (!load->reported)
			scn_error(load, value, "there is no interface \"%s\"; write h1 or h1.eth0, or an address",
				  scn_show(value->text).text);
		return SCENARIO_NONE;
	}
	node = scn_find_node(load, &name);
	if (node == SCENARIO_NONE)
		return SCENARIO_NONE;
	for (uint32_t i = 0; i < scenario->end_count; i++) {
		if (scenario->ends[i].node != node)
			continue;
		if (scenario->ends[i].link == link)
			return i;
		only = i;
		count++;
	}
	if (count == 1)
		return only;
	if (!load->reported)
		scn_error(load, value, "node \"%s\" has %u interfaces, none of them on this link; name one: %s.eth0",
			  value->text, count, value->text);
	return SCENARIO_NONE;
}

static void read_mac_rewrite(struct scn_load *load, const struct scn_value *value, uint32_t link,
			     struct scenario_replay *replay)
{
	struct scenario_mac_rewrite entry;
	uint32_t end;

	if (scn_mac_parse(value->key, entry.from) < 0) {
		scn_error_key(load, value, "\"%s\" is not a MAC; write it as \"02:00:00:00:00:01\"",
			      scn_show(value->key).text);
		return;
	}
	if (!scn_text(load, value))
		return;
	if (scn_mac_parse(value->text, entry.to) < 0) {
		if (strchr(value->text, ':')) {
			scn_error(load, value,
				  "\"%s\" is not a MAC; write it as \"02:00:00:00:00:01\", or a node's name",
				  scn_show(value->text).text);
			return;
		}
		end = find_end(load, value, link);
		if (end == SCENARIO_NONE)
			return;
		memcpy(entry.to, load->scenario->ends[end].mac, sizeof(entry.to));
	}
	for (size_t i = 0; i < replay->mac_count; i++) {
		if (!memcmp(replay->macs[i].from, entry.from, sizeof(entry.from))) {
			scn_error_key(load, value, "the same MAC a second time; leave one of them out");
			return;
		}
	}
	replay->macs[replay->mac_count++] = entry;
}

static void read_ip_rewrite(struct scn_load *load, const struct scn_value *value, uint32_t link,
			    struct scenario_replay *replay)
{
	struct scenario_ip_rewrite entry = {0};
	uint32_t end;

	if (scn_addr_host_parse(value->key, &entry.from) < 0) {
		scn_error_key(load, value, "\"%s\" is not an address; write it as 192.0.2.1 or \"2001:db8::1\"",
			      scn_show(value->key).text);
		return;
	}
	if (!scn_text(load, value))
		return;
	if (scn_addr_host_parse(value->text, &entry.to) < 0) {
		end = find_end(load, value, link);
		if (end == SCENARIO_NONE)
			return;
		for (size_t i = 0; i < load->scenario->ends[end].addr_count && !entry.to.family; i++)
			if (load->scenario->ends[end].addrs[i].family == entry.from.family)
				entry.to = load->scenario->ends[end].addrs[i];
		if (!entry.to.family) {
			if (!load->reported)
				scn_error(load, value,
					  "%s has no %s address; give its link a subnet, or write an address",
					  load->scenario->ends[end].port_name,
					  entry.from.family == AF_INET ? "IPv4" : "IPv6");
			return;
		}
	}
	if (entry.to.family != entry.from.family) {
		scn_error(load, value,
			  "\"%s\" is of the other family than %s; an address is replaced by one of its own",
			  scn_show(value->text).text, value->key);
		return;
	}
	for (size_t i = 0; i < replay->ip_count; i++) {
		if (replay->ips[i].from.family == entry.from.family &&
		    !memcmp(replay->ips[i].from.bytes, entry.from.bytes, sizeof(entry.from.bytes))) {
			scn_error_key(load, value, "the same address a second time; leave one of them out");
			return;
		}
	}
	replay->ips[replay->ip_count++] = entry;
}

static const struct scn_value *read_list(struct scn_load *load, const struct scn_value *rewrite, const char *key)
{
	const struct scn_value *map = scn_get(rewrite, key);

	if (!map || !scn_want(load, map, SCN_MAP) || !map->count)
		return NULL;
	if (map->count > REWRITES_MAX) {
		scn_error(load, map, "%zu addresses; at most %d can be replaced", map->count, REWRITES_MAX);
		return NULL;
	}
	return map;
}

static void read_rewrite(struct scn_load *load, const struct scn_value *rewrite, uint32_t link,
			 struct scenario_replay *replay)
{
	const struct scn_value *macs, *ips, *child;

	if (!scn_read_map(load, rewrite, rewrite_keys))
		return;
	macs = read_list(load, rewrite, "mac");
	if (macs)
		replay->macs = scn_new(load, macs->count, sizeof(*replay->macs));
	for (child = macs ? macs->first : NULL; child && !load->nomem; child = child->next)
		read_mac_rewrite(load, child, link, replay);
	ips = read_list(load, rewrite, "ip");
	if (ips)
		replay->ips = scn_new(load, ips->count, sizeof(*replay->ips));
	for (child = ips ? ips->first : NULL; child && !load->nomem; child = child->next)
		read_ip_rewrite(load, child, link, replay);
}

/* Where frames of any kind, from any address, can enter. */
static void check_end(struct scn_load *load, const struct scenario_end *end, const struct scn_value *value)
{
	const struct scenario_link *link = &load->scenario->links[end->link];

	switch (link->kind) {
	case SCENARIO_LINK_CSMA:
	case SCENARIO_LINK_P2P:
	case SCENARIO_LINK_WIRE: /* reported where the end is read */
		return;
	case SCENARIO_LINK_WIFI:
		if (end->place && !end->place->is_ap)
			scn_error(load, value,
				  "a capture has frames of many addresses, a Wi-Fi station sends from one; make it an "
				  "access point (role: ap), or put it behind one on a link of its own");
		return;
	case SCENARIO_LINK_LTE:
		scn_error(load, value,
			  "LTE carries its users' IP packets, no frames of a capture; put the replay on a csma or p2p "
			  "link");
		return;
	case SCENARIO_LINK_GHOST:
		scn_error(load, value,
			  "links of kind ghost join containers to your program; put the replay on a csma or p2p link");
		return;
	}
}

void scn_load_replays(struct scn_load *load)
{
	const struct scn_value *nodes = scn_get(load->root, "nodes"), *value, *rewrite;
	const struct scenario *scenario = load->scenario;
	struct scenario_node *node;
	uint32_t index = 0, first, count = 0;

	if (load->nodes_unknown)
		return;
	for (value = nodes->first; value && !load->nomem; value = value->next, index++) {
		node = &load->scenario->nodes[index];
		if (!scenario_node_is_replay(node) || !node->replay)
			continue;
		if (++count == SCENARIO_REPLAYS_MAX + 1)
			scn_error_key(load, value, "is one replay too many; %d files can be open",
				      SCENARIO_REPLAYS_MAX);
		first = SCENARIO_NONE;
		for (uint32_t i = 0; i < scenario->end_count; i++) {
			if (scenario->ends[i].node != index)
				continue;
			check_end(load, &scenario->ends[i], load->drafts[i].value);
			if (first != SCENARIO_NONE)
				scn_error(load, load->drafts[i].value,
					  "replay \"%s\" has an end already (%s); a capture enters one link: make "
					  "another node for this one",
					  node->name, scn_where(load->drafts[first].value).text);
			first = first == SCENARIO_NONE ? i : first;
		}
		if (first == SCENARIO_NONE) {
			if (!load->reported)
				scn_error_key(load, value,
					      "no link has an end here, so nobody gets its frames; add "
					      "it to the ends of a link");
			continue;
		}
		rewrite = scn_get(value, "rewrite");
		if (rewrite)
			read_rewrite(load, rewrite, scenario->ends[first].link, node->replay);
	}
}
