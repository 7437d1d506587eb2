/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nodes.c - the section `nodes`.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bridge/scenario/internal.h"

#define MEMORY_SIZE_MIN (UINT64_C(4) << 20)
#define MEMORY_SIZE_MAX (UINT64_C(1) << 50)
#define CPUS_MAX        1024

static const char *const node_keys[] = {"kind",    "attach", "rootfs", "privileged", "cpus", "memory",
					"sysctls", "env",    "start",  "routes",     NULL};

/* Prefixes of the sysctls that belong to a container's namespaces. The host's own are not for a scenario to touch. */
static const char *const sysctl_prefixes[] = {"net.",       "fs.mqueue.",        "kernel.msg", "kernel.sem",
					      "kernel.shm", "kernel.domainname", NULL};

/* A kind of node: the word in the file, its keys, and who reads them. */
struct node_type {
	const char *word;
	enum scenario_node_kind kind;
	const char *const *keys; /* NULL: they depend on more, and who reads them checks */
	void (*load)(struct scn_load *load, const struct scn_value *map, struct scenario_node *node);
};

static void load_container(struct scn_load *load, const struct scn_value *value, struct scenario_node *node);

static const struct node_type node_types[] = {
	{"container", SCENARIO_NODE_CONTAINER, node_keys, load_container},
	{"switch", SCENARIO_NODE_SWITCH, scn_switch_keys, scn_load_switch},
	{"simulated", SCENARIO_NODE_SIMULATED, NULL, scn_load_simulated},
	{"replay", SCENARIO_NODE_REPLAY, scn_replay_keys, scn_load_replay},
};

#define NODE_TYPES (sizeof(node_types) / sizeof(node_types[0]))

/* Return: NULL if the kind is unknown, so that nothing else of the node can be judged. */
static const struct node_type *read_kind(struct scn_load *load, const struct scn_value *map)
{
	const struct scn_value *value = scn_get(map, "kind");
	char words[128] = "";
	size_t used = 0;

	if (!value)
		return &node_types[0];
	if (!scn_text(load, value))
		return NULL;
	for (size_t i = 0; i < NODE_TYPES; i++) {
		if (!strcmp(value->text, node_types[i].word))
			return &node_types[i];
		used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s",
					 i == 0                ? ""
					 : i + 1 == NODE_TYPES ? " or "
							       : ", ",
					 node_types[i].word);
	}
	scn_error(load, value, "\"%s\" is not a kind of node; write %s", scn_show(value->text).text, words);
	return NULL;
}

static void read_rootfs(struct scn_load *load, const struct scn_value *map, struct scenario_node *node)
{
	const struct scn_value *value = scn_get(map, "rootfs");
	const char *part;
	size_t len;

	if (!value || !scn_text(load, value) || !strcmp(value->text, "host"))
		return;
	if (value->text[0] != '/') {
		scn_error(load, value,
			  "\"%s\" is neither \"host\" nor an absolute directory; write host or /path/to/it",
			  scn_show(value->text).text);
		return;
	}
	if (value->len >= 4096) {
		scn_error(load, value, "path of %zu bytes; at most 4095 are possible", value->len);
		return;
	}
	for (part = value->text; *part; part += len) {
		part += strspn(part, "/");
		len = strcspn(part, "/");
		if (len == 2 && !memcmp(part, "..", 2)) {
			scn_error(load, value, "\"..\" in a path; write the directory it leads to");
			return;
		}
	}
	node->rootfs = scn_keep(load, value->text);
}

static bool sysctl_key_ok(struct scn_load *load, const struct scn_value *value)
{
	const char *key = value->key;
	char dotted[SCN_KEY_LEN_MAX + 1];
	size_t len = strlen(key);

	/* dots become slashes on the way to /proc/sys: two in a row, or one at an end, could climb out of it */
	if (strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_.-/") != len || len > SCN_KEY_LEN_MAX ||
	    strchr("./", key[0]) || strchr("./", key[len - 1])) {
		scn_error_key(load, value, "not the name of a sysctl; write it as net.ipv4.ip_forward");
		return false;
	}
	for (size_t i = 0; i <= len; i++)
		dotted[i] = key[i] == '/' ? '.' : key[i];
	if (strstr(dotted, "..")) {
		scn_error_key(load, value, "not the name of a sysctl; write it as net.ipv4.ip_forward");
		return false;
	}
	for (const char *const *prefix = sysctl_prefixes; *prefix; prefix++)
		if (!strncmp(dotted, *prefix, strlen(*prefix)))
			return true;
	scn_error_key(load, value,
		      "is not a container's own sysctl; allowed are net.*, fs.mqueue.*, kernel.msg*, kernel.sem, "
		      "kernel.shm* and kernel.domainname");
	return false;
}

static bool env_key_ok(struct scn_load *load, const struct scn_value *value)
{
	const char *key = value->key;

	if (strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == strlen(key) &&
	    !(*key >= '0' && *key <= '9'))
		return true;
	scn_error_key(load, value, "not the name of an environment variable; use letters, digits and \"_\"");
	return false;
}

static void read_pairs(struct scn_load *load, const struct scn_value *map, const char *key,
		       bool (*key_ok)(struct scn_load *load, const struct scn_value *value), bool empty_ok,
		       struct scenario_pair **ret, size_t *ret_count)
{
	const struct scn_value *value = scn_get(map, key), *child;
	struct scenario_pair *pairs;
	size_t count = 0;

	if (!value || !scn_want(load, value, SCN_MAP) || !value->count)
		return;
	pairs = scn_new(load, value->count, sizeof(*pairs));
	if (!pairs)
		return;
	for (child = value->first; child; child = child->next) {
		if (!key_ok(load, child))
			continue;
		if (!(empty_ok && child->kind == SCN_TEXT) && !scn_text(load, child))
			continue;
		pairs[count].key = scn_keep(load, child->key);
		pairs[count].value = scn_keep(load, child->text);
		pairs[count].pos = child->key_pos;
		count++;
	}
	*ret = pairs;
	*ret_count = count;
}

static void read_start(struct scn_load *load, const struct scn_value *map, struct scenario_node *node)
{
	const struct scn_value *value = scn_get(map, "start"), *child;

	if (!value || !scn_want(load, value, SCN_LIST) || !value->count)
		return;
	node->start = scn_new(load, value->count, sizeof(*node->start));
	if (!node->start)
		return;
	for (child = value->first; child; child = child->next)
		if (scn_text(load, child))
			node->start[node->start_count++] = scn_keep(load, child->text);
}

static void read_cpus(struct scn_load *load, const struct scn_value *map, struct scenario_node *node)
{
	double cpus;

	if (!scn_read_number(load, map, "cpus", &cpus))
		return;
	/* the kernel's quota has a floor of 1 ms in a period of 100 ms */
	if (cpus < 0.01 || cpus > CPUS_MAX)
		scn_error(load, scn_get(map, "cpus"), "out of range; it is from 0.01 to %d CPUs", CPUS_MAX);
	else
		node->cpus = cpus;
}

static void load_container(struct scn_load *load, const struct scn_value *value, struct scenario_node *node)
{
	static const char *const attach_words[] = {"bridge", "tap", NULL};
	unsigned int attach = SCENARIO_ATTACH_BRIDGE;

	scn_read_word(load, value, "attach", NULL, attach_words, &attach);
	node->attach = (enum scenario_attach)attach;
	read_rootfs(load, value, node);
	scn_read_bool(load, value, "privileged", &node->privileged);
	read_cpus(load, value, node);
	scn_read_unit(load, value, "memory", NULL, SCN_SIZE, MEMORY_SIZE_MIN, MEMORY_SIZE_MAX, &node->memory_size);
	read_pairs(load, value, "sysctls", sysctl_key_ok, false, &node->sysctls, &node->sysctl_count);
	read_pairs(load, value, "env", env_key_ok, true, &node->env, &node->env_count);
	read_start(load, value, node);
}

static void load_node(struct scn_load *load, const struct scn_value *value, struct scenario_node *node)
{
	const struct node_type *type = NULL;

	/* Whatever goes wrong, it is a node of some kind: what refers to it is not wrong as well. */
	node->kind = SCENARIO_NODE_CONTAINER;
	if (!scn_want(load, value, SCN_MAP))
		return;
	type = read_kind(load, value);
	if (!type)
		return;
	node->kind = type->kind;
	if (type->keys)
		scn_read_map(load, value, type->keys);
	type->load(load, value, node);
}

/* What every container's own /etc/hosts has: to look it up would find the container itself, without a word. */
static bool is_loopback_name(const char *name)
{
	static const char *const names[] = {"localhost", "ip6-localhost", "ip6-loopback"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

void scn_load_nodes(struct scn_load *load)
{
	const struct scn_value *nodes = scn_get(load->root, "nodes"), *value;
	struct scenario *scenario = load->scenario;
	struct scenario_node *node;

	load->nodes_unknown = true;
	if (!nodes) {
		scn_error_at(load, load->root->pos, "lacks \"nodes\"; write nodes: {h1: {}, h2: {}}");
		return;
	}
	if (!scn_want(load, nodes, SCN_MAP))
		return;
	if (!nodes->count) {
		scn_error(load, nodes, "there are no nodes; write nodes: {h1: {}, h2: {}}");
		return;
	}
	load->nodes_unknown = false;
	scenario->nodes = scn_new(load, nodes->count, sizeof(*scenario->nodes));
	if (!scenario->nodes)
		return;
	for (value = nodes->first; value && !load->nomem; value = value->next) {
		node = &scenario->nodes[scenario->node_count];
		node->name = scn_keep(load, value->key);
		node->pos = value->key_pos;
		if (!node->name)
			return;
		if (scn_name(load, value, true) && is_loopback_name(value->key))
			scn_error_key(load, value, "\"%s\" is what every container calls itself; use another name",
				      value->key);
		/* a node that is wrong still exists: what refers to it is not wrong as well */
		if (scn_index_add(&load->node_index, node->name, strlen(node->name), (uint32_t)scenario->node_count,
				  NULL) == -ENOMEM)
			load->nomem = true;
		scenario->node_count++;
		load_node(load, value, node);
	}
}
