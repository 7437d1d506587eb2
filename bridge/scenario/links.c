/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * links.c - the section `links`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bridge/scenario/internal.h"

#define MTU_MIN      68 /* the least IPv4 allows */
#define MTU_MIN_IPV6 1280
#define MTU_MAX      16000
#define MTU_DEFAULT  1500

static const char *const csma_keys[] = {"kind", "rate", "delay", "mtu", "queue", "subnet", "ends", NULL};
static const char *const ghost_keys[] = {"kind", "mtu", "subnet", "ends", NULL};
static const char *const wire_keys[] = {"kind", "mtu", "subnet", "ends", NULL};

/* A kind of link: the word in the file, its own keys, who reads them, and how many ends it has. */
struct link_type {
	const char *word;
	enum scenario_link_kind kind;
	const char *const *keys;
	void (*load)(struct scn_load *load, const struct scn_value *map, struct scenario_link *link);
	uint32_t ends_min, ends_max;
	const char *advice; /* for a wrong number of ends */
	void (*finish)(struct scn_load *load, const struct scn_value *map, struct scenario_link *link);
};

static void load_csma(struct scn_load *load, const struct scn_value *map, struct scenario_link *link)
{
	uint64_t queue = SCN_QUEUE_FRAMES;

	scn_read_unit(load, map, "rate", "100Mbps", SCN_RATE, 1, SCN_RATE_BPS_MAX, &link->rate_bps);
	scn_read_unit(load, map, "delay", NULL, SCN_TIME, 0, SCN_DELAY_NS_MAX, &link->delay_ns);
	scn_read_unit(load, map, "queue", NULL, SCN_PACKETS, 1, SCN_QUEUE_FRAMES_MAX, &queue);
	link->queue_frames = (uint32_t)queue;
}

static const struct link_type link_types[] = {
	{"csma", SCENARIO_LINK_CSMA, csma_keys, load_csma, 2, SCENARIO_CSMA_ENDS_MAX, "", NULL},
	{"p2p", SCENARIO_LINK_P2P, scn_p2p_keys, scn_load_p2p, 2, 2, "; use csma for more", NULL},
	{"ghost", SCENARIO_LINK_GHOST, ghost_keys, NULL, 1, SCENARIO_GHOST_ENDS_MAX, "", NULL},
	{"wire", SCENARIO_LINK_WIRE, wire_keys, NULL, 2, 2, "; use csma for more", NULL},
	{"lte", SCENARIO_LINK_LTE, scn_lte_keys, scn_load_lte, 2, SCENARIO_LTE_UES_MAX + 1, "", scn_finish_lte},
	{"wifi", SCENARIO_LINK_WIFI, scn_wifi_keys, scn_load_wifi, 2, SCENARIO_WIFI_ENDS_MAX, "", scn_finish_wifi},
};

#define LINK_TYPES (sizeof(link_types) / sizeof(link_types[0]))

/* Return: NULL if the kind is unknown, so that nothing else of the link can be judged. */
static const struct link_type *read_kind(struct scn_load *load, const struct scn_value *map)
{
	const struct scn_value *value = scn_get(map, "kind");
	char words[128] = "";
	size_t used = 0;

	for (size_t i = 0; i < LINK_TYPES; i++)
		used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s",
					 i == 0                ? ""
					 : i + 1 == LINK_TYPES ? " or "
							       : ", ",
					 link_types[i].word);
	if (!value) {
		scn_error_key(load, map, "lacks \"kind\"; write kind: csma, one of %s", words);
		return NULL;
	}
	if (!scn_text(load, value))
		return NULL;
	for (size_t i = 0; i < LINK_TYPES; i++)
		if (!strcmp(value->text, link_types[i].word))
			return &link_types[i];
	scn_error(load, value, "\"%s\" is not a kind of link; write %s", scn_show(value->text).text, words);
	return NULL;
}

static void read_subnet(struct scn_load *load, const struct scn_value *value, struct scn_subnets *subnets)
{
	struct scenario_addr addr, right;
	char text[SCN_ADDR_TEXT_SIZE];
	const char *why;

	if (!scn_text(load, value))
		return;
	if (scn_addr_parse(value->text, &addr) < 0) {
		scn_error(load, value, "\"%s\" is not a subnet; write it as 10.0.0.0/24 or fd00::/64",
			  scn_show(value->text).text);
		return;
	}
	if (!scn_addr_host_is(&addr, false)) {
		right = addr;
		scn_addr_clear_host(&right);
		scn_addr_print(&right, text);
		scn_error(load, value, "\"%s\" has host bits set; write %s", value->text, text);
		return;
	}
	why = scn_addr_unusable(&addr);
	if (why || !addr.prefix_len) {
		scn_error(load, value, "\"%s\" is %s; use one like 10.0.0.0/24", value->text,
			  why ? why : "every address there is");
		return;
	}
	for (size_t i = 0; i < subnets->count; i++) {
		if (subnets->items[i].family == addr.family) {
			scn_error(load, value, "a second %s subnet; a link has at most one of each family",
				  addr.family == AF_INET ? "IPv4" : "IPv6");
			return;
		}
	}
	subnets->items[subnets->count] = addr;
	subnets->values[subnets->count++] = value;
}

static void read_subnets(struct scn_load *load, const struct scn_value *map, struct scn_subnets *subnets)
{
	const struct scn_value *value = scn_get(map, "subnet"), *child;

	if (!value)
		return;
	if (value->kind != SCN_LIST) {
		read_subnet(load, value, subnets);
		return;
	}
	for (child = value->first; child; child = child->next)
		read_subnet(load, child, subnets);
}

static void read_ends(struct scn_load *load, const struct scn_value *map, uint32_t index, const struct link_type *type)
{
	struct scenario_link *link = &load->scenario->links[index];
	const struct scn_value *ends = scn_get(map, "ends"), *child;

	if (!ends) {
		scn_error_key(load, map, "lacks \"ends\"; write ends: [h1, h2]");
		return;
	}
	if (!scn_want(load, ends, SCN_LIST))
		return;
	if (ends->count < type->ends_min || ends->count > type->ends_max) {
		if (type->ends_min == type->ends_max)
			scn_error(load, ends, "a %s has %u ends, not %zu%s", type->word, type->ends_min, ends->count,
				  type->advice);
		else
			scn_error(load, ends, "%zu end%s; a %s link has from %u to %u%s", ends->count,
				  ends->count == 1 ? "" : "s", type->word, type->ends_min, type->ends_max,
				  type->advice);
		return;
	}
	for (child = ends->first; child && !load->nomem; child = child->next) {
		scn_load_end(load, index, link->first_end + link->end_count, child);
		link->end_count++;
		load->scenario->end_count++;
	}
}

static void check_ipv6_mtu(struct scn_load *load, const struct scn_value *map, const struct scenario_link *link,
			   const struct scn_subnets *subnets)
{
	const struct scn_value *mtu = scn_get(map, "mtu");
	bool has_ipv6 = false;

	for (size_t i = 0; i < subnets->count; i++)
		has_ipv6 |= subnets->items[i].family == AF_INET6;
	for (uint32_t i = link->first_end; i < link->first_end + link->end_count; i++)
		for (size_t j = 0; j < load->scenario->ends[i].addr_count; j++)
			has_ipv6 |= load->scenario->ends[i].addrs[j].family == AF_INET6;
	if (mtu && has_ipv6 && link->mtu < MTU_MIN_IPV6)
		scn_error(load, mtu, "IPv6 needs at least %d; raise it or take the IPv6 addresses away", MTU_MIN_IPV6);
}

static void load_link(struct scn_load *load, const struct scn_value *value, uint32_t index)
{
	struct scenario_link *link = &load->scenario->links[index];
	struct scn_subnets subnets = {0};
	const struct link_type *type;
	uint64_t mtu = MTU_DEFAULT;

	if (value->kind != SCN_MAP) {
		if (scn_want(load, value, SCN_MAP))
			scn_error_key(load, value, "says nothing; write {kind: csma, rate: 100Mbps, ends: [h1, h2]}");
		return;
	}
	type = read_kind(load, value);
	if (!type)
		return;
	link->kind = type->kind;
	scn_read_map(load, value, type->keys);
	if (type->load)
		type->load(load, value, link);
	scn_read_count(load, value, "mtu", NULL, MTU_MIN, MTU_MAX, &mtu);
	link->mtu = (uint32_t)mtu;
	read_subnets(load, value, &subnets);
	read_ends(load, value, index, type);
	if (load->nomem)
		return;
	if (type->finish)
		type->finish(load, value, link);
	scn_number_ends(load, index, &subnets);
	check_ipv6_mtu(load, value, link, &subnets);
	scn_check_lte(load, value, link);
}

/* How many ends there can be at most. */
static size_t count_ends(const struct scn_value *links)
{
	const struct scn_value *link, *ends;
	size_t count = 0;

	for (link = links->first; link; link = link->next) {
		ends = scn_get(link, "ends");
		if (ends && ends->kind == SCN_LIST)
			count += ends->count;
	}
	return count;
}

void scn_load_links(struct scn_load *load)
{
	const struct scn_value *links = scn_get(load->root, "links"), *value;
	struct scenario *scenario = load->scenario;
	struct scenario_link *link;
	size_t ends, reported;
	int err;

	if (links && !scn_want(load, links, SCN_MAP))
		load->links_unknown = true;
	if (!links || load->links_unknown || !links->count)
		return;
	load->bad_links = scn_alloc(&load->tree, links->count * sizeof(*load->bad_links));
	if (!load->bad_links)
		load->nomem = true;
	ends = count_ends(links);
	scenario->links = scn_new(load, links->count, sizeof(*scenario->links));
	scenario->ends = scn_new(load, ends, sizeof(*scenario->ends));
	load->drafts = scn_alloc(&load->tree, ends * sizeof(*load->drafts));
	if (!load->drafts)
		load->nomem = true;
	for (value = links->first; value && !load->nomem; value = value->next) {
		link = &scenario->links[scenario->link_count];
		link->name = scn_keep(load, value->key);
		link->pos = value->key_pos;
		link->ghost = SCENARIO_NONE;
		link->first_end = (uint32_t)scenario->end_count;
		if (!link->name)
			return;
		if (scn_name(load, value, true) &&
		    scn_index_find(&load->node_index, value->key, strlen(value->key)) != SCENARIO_NONE)
			scn_error_key(load, value, "a node has this name already; give the link another");
		scenario->link_count++;
		reported = load->reported;
		load_link(load, value, (uint32_t)scenario->link_count - 1);
		load->bad_links[scenario->link_count - 1] = load->reported > reported;
		err = scn_index_add(&load->link_index, link->name, strlen(link->name),
				    (uint32_t)scenario->link_count - 1, NULL);
		if (err == -ENOMEM)
			load->nomem = true;
	}
	if (!load->nomem)
		scn_complete_ends(load);
}
