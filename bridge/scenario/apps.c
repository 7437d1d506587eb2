/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * apps.c - the key `applications` of simulated nodes. Names and defaults are those of ns-3's applications.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bridge/scenario/internal.h"

#define APPS_MAX        1000
#define TIME_NS_MAX     (UINT64_C(7) * 86400 * 1000000000)
#define RATE_BPS_MAX    UINT64_C(100000000000)
#define PACKET_SIZE_MAX 65507 /* the longest UDP datagram over IPv4 */
#define SEQ_SIZE        12    /* number and time that udp-client puts in front, ns-3's SeqTsHeader */
#define DATA_SIZE_MAX   (UINT64_C(1) << 50)
#define COUNT_MAX       UINT32_MAX

static const char *const server_keys[] = {"kind", "port", "start", "stop", NULL};
static const char *const sink_keys[] = {"kind", "protocol", "port", "start", "stop", NULL};
static const char *const client_keys[] = {"kind",  "to",          "port",     "start", "stop",
					  "count", "packet-size", "interval", NULL};
static const char *const on_off_keys[] = {"kind", "protocol",    "to", "port", "start",    "stop",
					  "rate", "packet-size", "on", "off",  "max-size", NULL};
static const char *const bulk_keys[] = {"kind", "to", "port", "start", "stop", "packet-size", "max-size", NULL};

/* A kind of application: the word in the file, its keys, and ns-3's defaults. */
struct app_type {
	const char *word;
	const char *const *keys;
	bool tcp;
	uint32_t size_min, packet_size; /* bytes; 0: sends nothing by itself */
	uint64_t count;
};

/* in the order of enum scenario_app_kind */
static const struct app_type types[] = {
	{"udp-echo-server", server_keys, false, 0, 0, 0}, {"udp-echo-client", client_keys, false, 1, 100, 100},
	{"udp-server", server_keys, false, 0, 0, 0},      {"udp-client", client_keys, false, SEQ_SIZE, 1024, 100},
	{"packet-sink", sink_keys, true, 0, 0, 0},        {"on-off", on_off_keys, false, 1, 512, 0},
	{"bulk-send", bulk_keys, true, 1, 512, 0},
};

#define TYPES (sizeof(types) / sizeof(types[0]))

const char *scenario_app_name(enum scenario_app_kind kind)
{
	return types[kind].word;
}

/* "1s", "uniform 100ms 900ms" or "exponential 500ms". */
static void read_dist(struct scn_load *load, const struct scn_value *map, const char *key, struct scenario_dist *ret)
{
	const struct scn_value *value = scn_get(map, key);
	struct scn_value parts[2] = {{.kind = SCN_TEXT}, {.kind = SCN_TEXT}};
	char word[16], first[48] = "", second[48] = "", more;
	struct scn_value holder;
	unsigned int want = 1;
	int got;

	*ret = (struct scenario_dist){SCENARIO_DIST_CONSTANT, 1000000000, 0};
	if (!value || !scn_text(load, value))
		return;
	if (!strchr(value->text, ' ')) {
		scn_read_unit(load, map, key, NULL, SCN_TIME, 0, TIME_NS_MAX, &ret->a_ns);
		return;
	}
	got = sscanf(value->text, "%15s %47s %47s %c", word, first, second, &more);
	if (!strcmp(word, "exponential"))
		ret->kind = SCENARIO_DIST_EXPONENTIAL;
	else if (!strcmp(word, "uniform"))
		ret->kind = SCENARIO_DIST_UNIFORM;
	if (ret->kind == SCENARIO_DIST_UNIFORM)
		want = 2;
	if (ret->kind == SCENARIO_DIST_CONSTANT || got != (int)want + 1) {
		scn_error(load, value, "\"%s\" is not a duration; write 1s, \"exponential 1s\" or \"uniform 500ms 2s\"",
			  scn_show(value->text).text);
		return;
	}
	/* the parts stand where the whole does */
	holder = *value;
	holder.kind = SCN_MAP;
	holder.first = &parts[0];
	for (unsigned int i = 0; i < want; i++) {
		parts[i] = *value;
		parts[i].text = i ? second : first;
		parts[i].len = strlen(parts[i].text);
		parts[i].key = i ? "until" : "from";
		parts[i].parent = value->parent;
		parts[i].next = i + 1 < want ? &parts[i + 1] : NULL;
	}
	scn_read_unit(load, &holder, "from", NULL, SCN_TIME, 0, TIME_NS_MAX, &ret->a_ns);
	if (want == 2)
		scn_read_unit(load, &holder, "until", NULL, SCN_TIME, ret->a_ns, TIME_NS_MAX, &ret->b_ns);
}

/* A node's first address, or an address. */
static void read_to(struct scn_load *load, const struct scn_value *map, struct scenario_app *app)
{
	const struct scn_value *value = scn_get(map, "to");
	const struct scenario *scenario = load->scenario;
	uint32_t node;

	if (!value) {
		scn_need(load, map, "to", "h1");
		return;
	}
	if (!scn_text(load, value))
		return;
	if (!scn_addr_host_parse(value->text, &app->to)) {
		if (scn_addr_unusable(&app->to))
			scn_error(load, value, "\"%s\" is %s; write the address of an interface", value->text,
				  scn_addr_unusable(&app->to));
		return;
	}
	node = scn_find_node(load, value);
	for (uint32_t i = 0; node != SCENARIO_NONE && i < scenario->end_count && !app->to.family; i++)
		if (scenario->ends[i].node == node && scenario->ends[i].addr_count)
			app->to = scenario->ends[i].addrs[0];
	if (node != SCENARIO_NONE && !app->to.family && !load->reported)
		scn_error(load, value, "node \"%s\" has no address; give its link a subnet", value->text);
}

static void read_sender(struct scn_load *load, const struct scn_value *map, const struct app_type *type,
			struct scenario_app *app)
{
	uint64_t size = type->packet_size;

	read_to(load, map, app);
	scn_read_unit(load, map, "packet-size", NULL, SCN_SIZE, type->size_min, PACKET_SIZE_MAX, &size);
	app->packet_size = (uint32_t)size;
	switch (app->kind) {
	case SCENARIO_APP_UDP_CLIENT:
	case SCENARIO_APP_UDP_ECHO_CLIENT:
		app->interval_ns = 1000000000;
		app->packet_count = type->count;
		scn_read_unit(load, map, "interval", NULL, SCN_TIME, 1000, TIME_NS_MAX, &app->interval_ns);
		scn_read_count(load, map, "count", NULL, 0, COUNT_MAX, &app->packet_count);
		break;
	case SCENARIO_APP_ON_OFF:
		scn_read_unit(load, map, "rate", "500kbps", SCN_RATE, 1, RATE_BPS_MAX, &app->rate_bps);
		read_dist(load, map, "on", &app->on);
		read_dist(load, map, "off", &app->off);
		if (!load->reported && !app->on.a_ns && !app->on.b_ns && !app->off.a_ns && !app->off.b_ns)
			scn_error(load, map, "neither on nor off for any time; write on: 1s, off: 1s");
		scn_read_unit(load, map, "max-size", NULL, SCN_SIZE, 0, DATA_SIZE_MAX, &app->data_size);
		break;
	case SCENARIO_APP_BULK_SEND:
		scn_read_unit(load, map, "max-size", NULL, SCN_SIZE, 0, DATA_SIZE_MAX, &app->data_size);
		break;
	case SCENARIO_APP_UDP_ECHO_SERVER:
	case SCENARIO_APP_UDP_SERVER:
	case SCENARIO_APP_PACKET_SINK:
		break;
	}
}

static bool read_app(struct scn_load *load, const struct scn_value *map, struct scenario_app *app)
{
	static const char *const protocols[] = {"udp", "tcp", NULL};
	const char *words[TYPES + 1] = {NULL};
	const struct app_type *type;
	unsigned int kind, tcp;
	uint64_t port = 0;

	if (map->kind != SCN_MAP) {
		scn_error(load, map, "is not an application; write {kind: packet-sink, port: 9}");
		return false;
	}
	for (size_t i = 0; i < TYPES; i++)
		words[i] = types[i].word;
	if (!scn_read_word(load, map, "kind", "packet-sink", words, &kind))
		return false;
	type = &types[kind];
	app->kind = (enum scenario_app_kind)kind;
	app->pos = map->pos;
	scn_read_map(load, map, type->keys);
	tcp = type->tcp;
	scn_read_word(load, map, "protocol", NULL, protocols, &tcp);
	app->tcp = tcp == 1;
	scn_read_count(load, map, "port", "9", 1, UINT16_MAX, &port);
	app->port = (uint16_t)port;
	scn_read_unit(load, map, "start", NULL, SCN_TIME, 0, TIME_NS_MAX, &app->start_ns);
	if (scn_read_unit(load, map, "stop", NULL, SCN_TIME, 0, TIME_NS_MAX, &app->stop_ns) &&
	    app->stop_ns <= app->start_ns)
		scn_error(load, scn_get(map, "stop"), "not after its start; write a later time, or leave the key out");
	if (type->packet_size)
		read_sender(load, map, type, app);
	return true;
}

void scn_load_apps(struct scn_load *load)
{
	const struct scn_value *nodes = scn_get(load->root, "nodes"), *value, *apps, *child;
	struct scenario_node *node;
	size_t index = 0;

	if (load->nodes_unknown)
		return;
	for (value = nodes->first; value && !load->nomem; value = value->next, index++) {
		node = &load->scenario->nodes[index];
		apps = scn_get(value, "applications");
		if (node->kind != SCENARIO_NODE_SIMULATED || !apps || !scn_want(load, apps, SCN_LIST) || !apps->count)
			continue;
		if (apps->count > APPS_MAX) {
			scn_error(load, apps, "%zu applications; a node has at most %d", apps->count, APPS_MAX);
			continue;
		}
		node->apps = scn_new(load, apps->count, sizeof(*node->apps));
		for (child = apps->first; child && !load->nomem; child = child->next)
			if (read_app(load, child, &node->apps[node->app_count]))
				node->app_count++;
	}
}
