/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_scenario.c - the scenario language: defaults, units, addresses, islands, --set, and what is refused, where.
 */
#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/scenario.h"
#include "bridge/scenario/switch.h"

#define BAD_DIR  "../bad-scenarios"
#define GOOD_DIR "scenario"

#define NODES "ghostbridge: 1\nnodes: {h1: {}, h2: {}, h3: {}, h4: {}}\n"
#define LAN   NODES "links:\n  lan: {kind: csma, rate: 100Mbps, subnet: 10.0.0.0/24, ends: [h1, h2]}\n"

static struct scenario *load_with(const char *text, const struct scenario_options *options)
{
	struct scenario *scenario = NULL;
	struct scenario_errors errors;
	int err = scenario_load(text, strlen(text), options, &scenario, &errors);

	if (err)
		ck_abort_msg("refused: %d %u:%u %s\n%s", err, errors.count ? errors.items[0].pos.line : 0,
			     errors.count ? errors.items[0].pos.column : 0, errors.count ? errors.items[0].text : "",
			     text);
	return scenario;
}

static struct scenario *load(const char *text)
{
	return load_with(text, NULL);
}

static struct scenario *load_set(const char *text, size_t count, const char *const *sets)
{
	struct scenario_options options = {.default_name = "test", .sets = sets, .set_count = count};

	return load_with(text, &options);
}

/* The text must be refused; returns the first error's text, in a buffer that the next call overwrites. */
static const char *refuse_with(const char *text, size_t size, const struct scenario_options *options,
			       struct scenario_pos *ret_pos, size_t *ret_count)
{
	static char first[2048];
	struct scenario *scenario = (struct scenario *)first;
	struct scenario_errors errors;
	int err = scenario_load(text, size, options, &scenario, &errors);

	ck_assert_msg(err == -EINVAL, "loaded although wrong (%d): %.300s", err, text);
	ck_assert_ptr_eq(scenario, first); /* untouched */
	ck_assert_uint_ge(errors.count, 1);
	ck_assert_uint_le(errors.count, SCENARIO_ERRORS_MAX);
	for (size_t i = 0; i < errors.count; i++) {
		ck_assert_ptr_null(strchr(errors.items[i].text, '\n'));
		if (i > 0)
			ck_assert_uint_le(errors.items[i - 1].pos.line, errors.items[i].pos.line);
	}
	snprintf(first, sizeof(first), "%s", errors.items[0].text);
	if (ret_pos)
		*ret_pos = errors.items[0].pos;
	if (ret_count)
		*ret_count = errors.count;
	scenario_errors_done(&errors);
	ck_assert_uint_eq(errors.count, 0);
	return first;
}

static const char *refuse(const char *text)
{
	return refuse_with(text, strlen(text), NULL, NULL, NULL);
}

static void assert_contains(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in: %s", part, text);
}

static const char *addr_text(const struct scenario_addr *addr)
{
	static char text[64];
	size_t len;

	ck_assert_ptr_nonnull(inet_ntop(addr->family, addr->bytes, text, sizeof(text)));
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, "/%u", addr->prefix_len);
	return text;
}

static char *read_file(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	char *data = malloc(2 << 20);

	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	*ret_size = fread(data, 1, (2 << 20) - 1, file);
	data[*ret_size] = '\0';
	fclose(file);
	return data;
}

#define assert_str_same(a, b) ck_assert_int_eq(strcmp((a) ? (a) : "(none)", (b) ? (b) : "(none)"), 0)

/* Everything but positions, and `text` where --set rewrote it. */
static void assert_same(const struct scenario *a, const struct scenario *b)
{
	assert_str_same(a->name, b->name);
	assert_str_same(a->description, b->description);
	ck_assert_uint_eq(a->seed, b->seed);
	ck_assert_uint_eq(a->lag_ns, b->lag_ns);
	ck_assert_uint_eq(a->budget_ns, b->budget_ns);
	ck_assert(a->quantile == b->quantile && a->require_pass == b->require_pass);
	ck_assert_uint_eq(a->workers, b->workers);
	ck_assert_uint_eq(a->ghost_count, b->ghost_count);
	ck_assert_uint_eq(a->node_count, b->node_count);
	ck_assert_uint_eq(a->link_count, b->link_count);
	ck_assert_uint_eq(a->end_count, b->end_count);
	ck_assert_uint_eq(a->step_count, b->step_count);
	ck_assert_uint_eq(a->expect_count, b->expect_count);
	ck_assert_uint_eq(a->change_count, b->change_count);
	for (size_t i = 0; i < a->change_count; i++) {
		ck_assert_uint_eq(a->changes[i].at_ns, b->changes[i].at_ns);
		ck_assert_str_eq(a->changes[i].key, b->changes[i].key);
		ck_assert_str_eq(a->changes[i].text, b->changes[i].text);
	}
	for (size_t i = 0; i < a->node_count; i++) {
		const struct scenario_node *x = &a->nodes[i], *y = &b->nodes[i];

		assert_str_same(x->name, y->name);
		assert_str_same(x->rootfs, y->rootfs);
		ck_assert(x->kind == y->kind && x->attach == y->attach && x->privileged == y->privileged);
		ck_assert(x->cpus == y->cpus && x->memory_size == y->memory_size);
		ck_assert_uint_eq(x->sysctl_count, y->sysctl_count);
		ck_assert_uint_eq(x->env_count, y->env_count);
		ck_assert_uint_eq(x->start_count, y->start_count);
		for (size_t j = 0; j < x->sysctl_count; j++) {
			assert_str_same(x->sysctls[j].key, y->sysctls[j].key);
			assert_str_same(x->sysctls[j].value, y->sysctls[j].value);
		}
		for (size_t j = 0; j < x->env_count; j++) {
			assert_str_same(x->env[j].key, y->env[j].key);
			assert_str_same(x->env[j].value, y->env[j].value);
		}
		for (size_t j = 0; j < x->start_count; j++)
			assert_str_same(x->start[j], y->start[j]);
	}
	for (size_t i = 0; i < a->link_count; i++) {
		const struct scenario_link *x = &a->links[i], *y = &b->links[i];

		assert_str_same(x->name, y->name);
		ck_assert(x->kind == y->kind && x->rate_bps == y->rate_bps && x->delay_ns == y->delay_ns);
		ck_assert(x->mtu == y->mtu && x->queue_frames == y->queue_frames && x->ghost == y->ghost);
		ck_assert(x->first_end == y->first_end && x->end_count == y->end_count);
	}
	for (size_t i = 0; i < a->end_count; i++) {
		const struct scenario_end *x = &a->ends[i], *y = &b->ends[i];

		ck_assert(x->node == y->node && x->link == y->link && x->port == y->port);
		assert_str_same(x->name, y->name);
		assert_str_same(x->port_name, y->port_name);
		ck_assert(!memcmp(x->mac, y->mac, 6) && x->promiscuous == y->promiscuous);
		ck_assert_uint_eq(x->addr_count, y->addr_count);
		for (size_t j = 0; j < x->addr_count; j++)
			ck_assert(!memcmp(&x->addrs[j], &y->addrs[j], sizeof(x->addrs[j])));
	}
	for (size_t i = 0; i < a->step_count; i++) {
		const struct scenario_step *x = &a->steps[i], *y = &b->steps[i];

		assert_str_same(x->name, y->name);
		assert_str_same(x->run, y->run);
		ck_assert(x->at_ns == y->at_ns && x->node == y->node && x->background == y->background);
	}
	for (size_t i = 0; i < a->expect_count; i++) {
		const struct scenario_expect *x = &a->expects[i], *y = &b->expects[i];

		assert_str_same(x->text, y->text);
		assert_str_same(x->pattern, y->pattern);
		assert_str_same(x->path, y->path);
		assert_str_same(x->equals, y->equals);
		ck_assert(x->kind == y->kind && x->step == y->step && x->exit == y->exit);
		ck_assert(x->has_min == y->has_min && x->has_max == y->has_max && x->min == y->min && x->max == y->max);
	}
}

/* ---- defaults ---- */

START_TEST(test_defaults)
{
	struct scenario *s = load(LAN "steps: [{node: h1, run: 'true'}]\n");

	ck_assert_str_eq(s->name, "scenario");
	ck_assert_ptr_null(s->description);
	ck_assert_uint_eq(s->seed, 1);
	ck_assert_uint_eq(s->lag_ns, 0);
	ck_assert_uint_eq(s->budget_ns, 1000000);
	ck_assert(s->quantile == 0.99);
	ck_assert(!s->require_pass);
	ck_assert_uint_eq(s->workers, 0);
	ck_assert_uint_eq(s->ghost_count, 1);
	ck_assert_uint_eq(s->node_count, 4);
	ck_assert_int_eq(s->nodes[0].kind, SCENARIO_NODE_CONTAINER);
	ck_assert_int_eq(s->nodes[0].attach, SCENARIO_ATTACH_BRIDGE);
	ck_assert_ptr_null(s->nodes[0].rootfs);
	ck_assert(!s->nodes[0].privileged);
	ck_assert(s->nodes[0].cpus == 0);
	ck_assert_uint_eq(s->nodes[0].memory_size, 0);
	ck_assert_uint_eq(s->nodes[0].sysctl_count + s->nodes[0].env_count + s->nodes[0].start_count, 0);
	ck_assert_uint_eq(s->links[0].delay_ns, 0);
	ck_assert_uint_eq(s->links[0].mtu, 1500);
	ck_assert_uint_eq(s->links[0].queue_frames, 100);
	ck_assert(!s->ends[0].promiscuous);
	ck_assert_str_eq(s->steps[0].name, "step-1");
	ck_assert_uint_eq(s->steps[0].at_ns, 0);
	ck_assert(!s->steps[0].background);
	scenario_free(s);
}
END_TEST

START_TEST(test_everything)
{
	size_t size;
	char *text = read_file(GOOD_DIR "/everything.yaml", &size);
	struct scenario *s = load(text);

	ck_assert_str_eq(s->name, "everything");
	ck_assert_str_eq(s->description, "every key there is");
	ck_assert_uint_eq(s->seed, 7);
	ck_assert_uint_eq(s->lag_ns, 1500000);
	ck_assert_uint_eq(s->budget_ns, 500000);
	ck_assert(s->quantile == 0.999);
	ck_assert(s->require_pass);
	ck_assert_uint_eq(s->workers, 3);
	ck_assert_int_eq(s->nodes[0].attach, SCENARIO_ATTACH_TAP);
	ck_assert(s->nodes[0].privileged);
	ck_assert(s->nodes[0].cpus == 0.5);
	ck_assert_uint_eq(s->nodes[0].memory_size, 64 << 20);
	ck_assert_str_eq(s->nodes[1].rootfs, "/srv/root");
	ck_assert_uint_eq(s->nodes[1].sysctl_count, 2);
	ck_assert_str_eq(s->nodes[1].sysctls[0].key, "net.ipv4.ip_forward");
	ck_assert_str_eq(s->nodes[1].sysctls[0].value, "1");
	ck_assert_uint_eq(s->nodes[1].env_count, 2);
	ck_assert_str_eq(s->nodes[1].env[1].value, "");
	ck_assert_uint_eq(s->nodes[1].start_count, 2);
	ck_assert_uint_eq(s->links[0].rate_bps, 1500000);
	ck_assert_uint_eq(s->links[0].mtu, 9000);
	ck_assert_int_eq(s->links[1].kind, SCENARIO_LINK_WIRE);
	ck_assert_uint_eq(s->links[1].rate_bps, 0);
	ck_assert_uint_eq(s->links[1].ghost, SCENARIO_NONE);
	ck_assert_uint_eq(s->ends[s->links[1].first_end].port, SCENARIO_NONE);
	ck_assert(s->ends[1].promiscuous);
	ck_assert(s->steps[0].background);
	ck_assert_uint_eq(s->steps[1].at_ns, UINT64_C(60000000000));
	ck_assert_int_eq(s->expects[0].exit, 255);
	ck_assert_str_eq(s->expects[0].text, "srv: exit 255");
	ck_assert_int_eq(s->expects[1].kind, SCENARIO_EXPECT_MATCH);
	ck_assert_int_eq(s->expects[2].kind, SCENARIO_EXPECT_NO_MATCH);
	ck_assert_int_eq(s->expects[3].kind, SCENARIO_EXPECT_JSON);
	ck_assert(s->expects[3].has_min && s->expects[3].has_max);
	ck_assert(s->expects[3].min == 1000 && s->expects[3].max == 2000.5);
	ck_assert_str_eq(s->expects[4].equals, "x");
	ck_assert_int_eq(s->expects[5].kind, SCENARIO_EXPECT_REPORT);
	ck_assert_uint_eq(s->expects[5].step, SCENARIO_NONE);
	ck_assert(s->expects[5].max == -5 && !s->expects[5].has_min);
	ck_assert_str_eq(s->text, text);
	scenario_free(s);
	free(text);
}
END_TEST

START_TEST(test_default_name)
{
	struct scenario_options options = {.default_name = "my-lab"};
	struct scenario *s = load_with(LAN, &options);

	ck_assert_str_eq(s->name, "my-lab");
	scenario_free(s);
	options.default_name = "My Lab";
	assert_contains(refuse_with(LAN, strlen(LAN), &options, NULL, NULL), "lacks \"name\"");
	s = load_with("name: given\n" LAN, &options);
	ck_assert_str_eq(s->name, "given");
	scenario_free(s);
}
END_TEST

/* ---- units ---- */

static const struct {
	const char *set;
	uint64_t rate, delay, memory, queue;
} units[] = {
	{"lan.rate=1bps", .rate = 1},
	{"lan.rate=64kbps", .rate = 64000},
	{"lan.rate=1.5Mbps", .rate = 1500000},
	{"lan.rate=0.001kbps", .rate = 1},
	{"lan.rate=400Gbps", .rate = UINT64_C(400000000000)},
	{"lan.rate=400.000Gbps", .rate = UINT64_C(400000000000)},
	{"lan.rate=0000100Mbps", .rate = 100000000},
	{"lan.delay=1ns", .delay = 1},
	{"lan.delay=2.5us", .delay = 2500},
	{"lan.delay=0.000001ms", .delay = 1},
	{"lan.delay=1.000000000s", .delay = 1000000000},
	{"lan.delay=10s", .delay = UINT64_C(10000000000)},
	{"lan.delay=0.1min", .delay = UINT64_C(6000000000)},
	{"h1.memory=4194304B", .memory = 4 << 20},
	{"h1.memory=4096KiB", .memory = 4 << 20},
	{"h1.memory=0.5GiB", .memory = 512 << 20},
	{"h1.memory=256MiB", .memory = 256 << 20},
	{"lan.queue=7p", .queue = 7},
	{"lan.queue=7packets", .queue = 7},
};

START_TEST(test_units)
{
	struct scenario *s = load_set(LAN, 1, &units[_i].set);

	ck_assert_uint_eq(s->links[0].rate_bps, units[_i].rate ? units[_i].rate : 100000000);
	ck_assert_uint_eq(s->links[0].delay_ns, units[_i].delay);
	ck_assert_uint_eq(s->nodes[0].memory_size, units[_i].memory);
	ck_assert_uint_eq(s->links[0].queue_frames, units[_i].queue ? units[_i].queue : 100);
	scenario_free(s);
}
END_TEST

static const char *const wrong_units[] = {
	"lan.rate=1",
	"lan.rate=Mbps",
	"lan.rate=1 Mbps",
	"lan.rate=1MBPS",
	"lan.rate=+1Mbps",
	"lan.rate=1e3bps",
	"lan.rate=.5Mbps",
	"lan.rate=1.Mbps",
	"lan.rate=1.2.3bps",
	"lan.rate=0x10bps",
	"lan.rate=1Mbps1",
	"lan.rate=1,5Mbps",
	"lan.rate=1_000bps",
	"lan.rate=-0bps",
	"lan.rate=340282366920938463463374607431768211457bps",
	"lan.rate=18446744073709551617bps",
	"lan.rate=0.0000000000000000000000000000000000000000001Gbps",
	"lan.delay=1.5ns",
	"lan.delay=1",
	"lan.delay=10.1s",
	"lan.delay=1d",
	"h1.memory=1B",
	"h1.memory=4",
	"h1.memory=4MB",
	"lan.queue=1",
	"lan.queue=0p",
	"lan.queue=1.5p",
	"fidelity.quantile=1",
	"fidelity.quantile=0%",
	"fidelity.quantile=101%",
	"fidelity.quantile=%",
	"fidelity.budget=0s",
	"lan.mtu=1500B",
	"lan.mtu=1500.5",
	"seed=1.5",
	"workers=0",
	"h1.cpus=-1",
	"h1.cpus=0",
};

START_TEST(test_wrong_units)
{
	struct scenario_options options = {.sets = &wrong_units[_i], .set_count = 1};
	struct scenario_pos pos;
	size_t count;
	const char *text = refuse_with(LAN, strlen(LAN), &options, &pos, &count);

	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(pos.line, 0);
	assert_contains(text, "--set ");
	assert_contains(text, wrong_units[_i]);
}
END_TEST

START_TEST(test_quantiles)
{
	static const struct {
		const char *set;
		double quantile;
	} cases[] = {{"fidelity.quantile=100%", 1},
		     {"fidelity.quantile=99.9%", 0.999},
		     {"fidelity.quantile=50%", 0.5},
		     {"fidelity.quantile=99.99%", 0.9999}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scenario *s = load_set(LAN, 1, &cases[i].set);

		ck_assert(s->quantile == cases[i].quantile);
		scenario_free(s);
	}
}
END_TEST

/* ---- addresses, names, MACs ---- */

START_TEST(test_numbers)
{
	struct scenario *s = load(
		NODES
		"links:\n"
		"  a: {kind: csma, rate: 1Mbps, subnet: [10.0.0.0/29, 'fd00::/64'], ends: [h1, h2, h3, h4, h1, h2]}\n"
		"  b: {kind: wire, subnet: 'fd01::/64', ends: [h1, {node: h2, ip: [192.168.7.9/24, 'fd01::9/64']}]}\n"
		"  c: {kind: csma, rate: 1Mbps, subnet: 10.1.0.0/16, ends: [h1, {node: h2, ip: []}]}\n");

	ck_assert_uint_eq(s->end_count, 10);
	ck_assert_uint_eq(s->ends[0].addr_count, 2);
	ck_assert_str_eq(addr_text(&s->ends[0].addrs[0]), "10.0.0.1/29");
	ck_assert_str_eq(addr_text(&s->ends[0].addrs[1]), "fd00::1/64");
	ck_assert_str_eq(addr_text(&s->ends[5].addrs[0]), "10.0.0.6/29");
	ck_assert_str_eq(addr_text(&s->ends[5].addrs[1]), "fd00::6/64");
	ck_assert_str_eq(addr_text(&s->ends[6].addrs[0]), "fd01::1/64");
	ck_assert_uint_eq(s->ends[7].addr_count, 2);
	ck_assert_str_eq(addr_text(&s->ends[7].addrs[0]), "192.168.7.9/24");
	ck_assert_str_eq(addr_text(&s->ends[8].addrs[0]), "10.1.0.1/16");
	ck_assert_uint_eq(s->ends[9].addr_count, 0);
	/* eth0, eth1, ... in the order of the file */
	ck_assert_str_eq(s->ends[0].port_name, "h1.eth0");
	ck_assert_str_eq(s->ends[4].port_name, "h1.eth1");
	ck_assert_str_eq(s->ends[6].port_name, "h1.eth2");
	ck_assert_str_eq(s->ends[8].port_name, "h1.eth3");
	ck_assert_str_eq(s->ends[9].port_name, "h2.eth3");
	scenario_free(s);
}
END_TEST

START_TEST(test_hundred_ends)
{
	char text[4096] = NODES "links:\n  lan: {kind: csma, rate: 1Gbps, subnet: 10.0.0.0/25, ends: [h1";
	struct scenario *s;

	for (int i = 1; i < 100; i++)
		strcat(text, i % 2 ? ", h2" : ", h1");
	strcat(text, "]}\n");
	s = load(text);
	ck_assert_uint_eq(s->end_count, 100);
	ck_assert_str_eq(addr_text(&s->ends[99].addrs[0]), "10.0.0.100/25");
	ck_assert_str_eq(s->ends[99].port_name, "h2.eth49");
	ck_assert_uint_eq(s->ends[99].port, 99);
	for (int i = 0; i < 100; i++) {
		for (int j = 0; j < i; j++)
			ck_assert(memcmp(s->ends[i].mac, s->ends[j].mac, 6));
		ck_assert_uint_eq(s->ends[i].mac[0], 0x02);
		ck_assert_uint_eq(s->ends[i].mac[1], 0x67);
	}
	scenario_free(s);
	*strrchr(text, ']') = '\0';
	strcat(text, ", h3]}\n");
	assert_contains(refuse(text), "101 ends; a csma link has from 2 to 100");
}
END_TEST

START_TEST(test_names_around)
{
	struct scenario *s =
		load(NODES "links:\n"
			   "  a: {kind: csma, rate: 1Mbps, ends: [h1, h2]}\n"
			   "  b: {kind: csma, rate: 1Mbps, ends: [{node: h1, name: eth0}, {node: h2, name: lan.5}]}\n"
			   "  c: {kind: csma, rate: 1Mbps, ends: [h1, h1]}\n");

	ck_assert_str_eq(s->ends[0].name, "eth1");
	ck_assert_str_eq(s->ends[1].name, "eth0");
	ck_assert_str_eq(s->ends[2].name, "eth0");
	ck_assert_str_eq(s->ends[3].port_name, "h2.lan.5");
	ck_assert_str_eq(s->ends[4].name, "eth2");
	ck_assert_str_eq(s->ends[5].name, "eth3");
	scenario_free(s);
}
END_TEST

START_TEST(test_macs)
{
	static const uint8_t stable[6] = {0x02, 0x67, 0x6b, 0xba, 0x4d, 0x55}; /* FNV-1a of "h1.eth0" */
	static const uint8_t given[6] = {0x00, 0x16, 0x3e, 0xab, 0xcd, 0xef};
	struct scenario *s, *other;

	s = load(NODES "links:\n  a: {kind: csma, rate: 1Mbps, ends: [h1, {node: h2, mac: '00:16:3E:ab:CD:ef'}]}\n");
	ck_assert(!memcmp(s->ends[0].mac, stable, 6));
	ck_assert(!memcmp(s->ends[1].mac, given, 6));
	/* another link elsewhere changes nothing */
	other = load(NODES "links:\n  z: {kind: wire, ends: [h3, h4]}\n"
			   "  a: {kind: csma, rate: 9Mbps, ends: [h1, h2]}\n");
	ck_assert(!memcmp(other->ends[2].mac, stable, 6));
	scenario_free(other);
	scenario_free(s);
	/* somebody else has it already: hash again */
	s = load(NODES "links:\n  a: {kind: csma, rate: 1Mbps, ends: [h1, {node: h2, mac: '02:67:6b:ba:4d:55'}]}\n");
	ck_assert(memcmp(s->ends[0].mac, stable, 6));
	ck_assert(!memcmp(s->ends[0].mac, stable, 2));
	scenario_free(s);
}
END_TEST

START_TEST(test_lookups)
{
	struct scenario *s = load(LAN);

	ck_assert_uint_eq(scenario_find_node(s, "h2"), 1);
	ck_assert_uint_eq(scenario_find_node(s, "h9"), SCENARIO_NONE);
	ck_assert_ptr_eq(scenario_find_port(s, 0, 1), &s->ends[1]);
	ck_assert_ptr_null(scenario_find_port(s, 0, 2));
	ck_assert_ptr_null(scenario_find_port(s, 1, 0));
	ck_assert_ptr_null(scenario_find_port(s, SCENARIO_NONE, SCENARIO_NONE));
	ck_assert_uint_eq(scenario_port_count(s, 0), 2);
	ck_assert_uint_eq(scenario_port_count(s, 1), 0);
	scenario_free(s);
	scenario_free(NULL);
}
END_TEST

/* ---- islands ---- */

#define CSMA(name, ends) "  " name ": {kind: csma, rate: 1Mbps, ends: [" ends "]}\n"
#define ISLANDS                                                                                                        \
	NODES "links:\n" CSMA("a", "h1, h2")                                                                           \
		CSMA("b", "h1, h2, h3, h4") "  w: {kind: wire, ends: [h1, h2]}\n" CSMA("c", "h2, h3, h4")              \
			CSMA("d", "h1, h3")

static struct scenario *pack(const char *text, uint32_t workers)
{
	struct scenario_options options = {.workers = workers};

	return load_with(text, &options);
}

START_TEST(test_islands)
{
	struct scenario *s = pack(ISLANDS, 0);

	ck_assert_uint_eq(s->ghost_count, 1);
	ck_assert_uint_eq(scenario_port_count(s, 0), 11);
	ck_assert_uint_eq(s->ends[s->links[1].first_end].port, 2);
	ck_assert_uint_eq(s->ends[s->links[3].first_end].port, 6);
	scenario_free(s);

	/* heaviest first: b(4) | c(3), a(2) -> with c, d(2) -> with b; ghost 0 is the one of link a */
	s = pack(ISLANDS, 2);
	ck_assert_uint_eq(s->ghost_count, 2);
	ck_assert_uint_eq(s->links[0].ghost, 0);
	ck_assert_uint_eq(s->links[1].ghost, 1);
	ck_assert_uint_eq(s->links[2].ghost, SCENARIO_NONE);
	ck_assert_uint_eq(s->links[3].ghost, 0);
	ck_assert_uint_eq(s->links[4].ghost, 1);
	ck_assert_uint_eq(scenario_port_count(s, 0), 5);
	ck_assert_uint_eq(scenario_port_count(s, 1), 6);
	ck_assert_uint_eq(s->ends[s->links[3].first_end].port, 2);
	ck_assert_uint_eq(s->ends[s->links[4].first_end].port, 4);
	for (uint32_t ghost = 0; ghost < 2; ghost++)
		for (uint32_t port = 0; port < scenario_port_count(s, ghost); port++)
			ck_assert_uint_eq(scenario_find_port(s, ghost, port)->port, port);
	scenario_free(s);

	/* never more ghosts than islands */
	s = pack(ISLANDS, 1000);
	ck_assert_uint_eq(s->ghost_count, 4);
	for (uint32_t i = 0, ghost = 0; i < s->link_count; i++)
		if (s->links[i].kind == SCENARIO_LINK_CSMA)
			ck_assert_uint_eq(s->links[i].ghost, ghost++);
	scenario_free(s);

	/* the file decides, if it says */
	s = pack(ISLANDS "workers: 3\n", 1);
	ck_assert_uint_eq(s->ghost_count, 3);
	ck_assert_uint_eq(s->workers, 3);
	scenario_free(s);

	s = pack(NODES "links: {w: {kind: wire, ends: [h1, h2]}}\n", 8);
	ck_assert_uint_eq(s->ghost_count, 0);
	scenario_free(s);
}
END_TEST

/* ---- --set ---- */

START_TEST(test_set_none)
{
	struct scenario *s = load_set(LAN "# a comment at the end", 0, NULL);

	ck_assert_str_eq(s->text, LAN "# a comment at the end");
	scenario_free(s);
}
END_TEST

START_TEST(test_sets)
{
	const char *const sets[] = {
		"links.lan.delay=1ms",
		"lan.delay=50ms",
		"h1.cpus=1.5",
		"nodes.h2={memory: 64MiB, env: {A: \"x y\"}}",
		"nodes.h5=",
		"h2.sysctls.net.ipv4.ip_forward=1",
		"links.lan.ends[1]={node: h2, ip: 10.0.0.77/24}",
		"lan.ends.2=h5",
		"steps[0]={node: h1, run: \"first\"}",
		"steps[1].node=h2",
		"steps[1].run=echo \"a: b\" # not a comment, {really}",
		"seed=42",
		"description='it''s'",
		"expect=[{step: step-1, match: \"a\\nb\\\\\\\"\"}]",
	};
	struct scenario *s = load_set(LAN, sizeof(sets) / sizeof(sets[0]), sets), *again;
	struct scenario_options options = {.default_name = "test"};

	ck_assert_uint_eq(s->links[0].delay_ns, 50000000);
	ck_assert(s->nodes[0].cpus == 1.5);
	ck_assert_uint_eq(s->nodes[1].memory_size, 64 << 20);
	ck_assert_str_eq(s->nodes[1].sysctls[0].key, "net.ipv4.ip_forward");
	ck_assert_uint_eq(s->node_count, 5);
	ck_assert_uint_eq(s->end_count, 3);
	ck_assert_str_eq(addr_text(&s->ends[1].addrs[0]), "10.0.0.77/24");
	ck_assert_str_eq(addr_text(&s->ends[2].addrs[0]), "10.0.0.3/24");
	ck_assert_str_eq(s->steps[0].run, "first");
	ck_assert_str_eq(s->steps[1].run, "echo \"a: b\" # not a comment, {really}");
	ck_assert_uint_eq(s->seed, 42);
	ck_assert_str_eq(s->description, "it's");
	ck_assert_str_eq(s->expects[0].pattern, "a\nb\\\"");
	ck_assert_uint_eq(s->links[0].pos.line, 4); /* what no --set touched keeps its place */
	again = load_with(s->text, &options);
	assert_same(s, again);
	scenario_free(again);
	scenario_free(s);
}
END_TEST

/* Texts that YAML could take for something else must come back as they were. */
START_TEST(test_set_round_trip)
{
	static const char *const texts[] = {
		"null",
		"~",
		"true",
		"- a",
		"a: b",
		"a #b",
		"#",
		"&a",
		"*a",
		"!a",
		"|",
		">",
		"%",
		"@",
		"`",
		"---",
		"...",
		"?",
		"a,b",
		"[",
		"]",
		"{",
		"}",
		"1:2",
		"=",
		"<<",
		" x ",
		"\t",
		"\n",
		"a\n\nb\n",
		"\\",
		"\"",
		"'",
		"a\rb",
		"\x01",
		"\x7f",
		"\xc2\x85",
		"\xc2\xa0",
		"\xe2\x80\xa8",
		"\xe2\x80\xa9",
		"\xef\xbb\xbf",
		"\xf0\x9f\x91\xbb",
		"ä",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct scenario_options options = {.default_name = "test"};
		struct scenario *s, *again;
		char set[256] = "nodes.h1.start=[\"", *to = set + strlen(set);

		for (const unsigned char *c = (const unsigned char *)texts[i]; *c; c++) {
			if (!strncmp((const char *)c, "\xe2\x80\xa8", 3) ||
			    !strncmp((const char *)c, "\xe2\x80\xa9", 3)) {
				to += sprintf(to, "\\u20%02x", c[2] - 0x80);
				c += 2;
			} else if (!strncmp((const char *)c, "\xef\xbb\xbf", 3)) {
				to += sprintf(to, "\\uFEFF");
				c += 2;
			} else if (*c == 0xc2 && c[1] < 0xa0) {
				to += sprintf(to, "\\x%02x", *++c);
			} else if (*c < ' ' || *c == '"' || *c == '\\' || *c == 0x7f) {
				to += sprintf(to, "\\x%02x", *c);
			} else {
				*to++ = (char)*c;
			}
		}
		strcpy(to, "\"]");
		s = load_set(LAN, 1, (const char *const[]){set});
		ck_assert_str_eq(s->nodes[0].start[0], texts[i]);
		again = load_with(s->text, &options);
		assert_same(s, again);
		scenario_free(again);
		scenario_free(s);
	}
}
END_TEST

static const struct {
	const char *set;
	const char *error;
} wrong_sets[] = {
	{"lan.delay", "there is no \"=\""},
	{"=5", "no path before"},
	{"lan..delay=5ms", "empty key"},
	{"lan.=5ms", "ends with a dot"},
	{"lan[=5ms", "\"[\" without \"]\""},
	{"lan.ends[x]=h1", "only a number"},
	{"lan.ends[]=h1", "empty key"},
	{"lan.ends[0]x=h1", "must follow"},
	{"lam.delay=5ms", "there is no key, link or node \"lam\"; did you mean \"lan\"?"},
	{"lan.dealy=5ms", "unknown key; did you mean \"delay\"?"},
	{"lan.ends[5]=h1", "is a list of 2"},
	{"lan.ends.node=h1", "is a list of 2"},
	{"lan.ends[0].mac=x", "links.lan.ends[0] is a single value"},
	{"nodes[0]=x", "nodes is a map; write .0 instead of [0]"},
	{"lan.rate=100", "--set lan.rate=100: \"100\" has no unit"},
	{"lan.ends=[h1, h9]", "links.lan.ends[1]: there is no node \"h9\""},
	{"lan={kind: csma", "this is not YAML"},
	{"lan={kind: csma, ends: [h1, h2]}", "lacks \"rate\""},
	{"description=\"\\0\"", "escaped NUL"},
	{"description=\xff", "is not UTF-8"},
	{"description=a\x02", "control character"},
	{"description=*a", NULL}, /* plain text, no alias */
	{"description=[*a]", "alias"},
	{"nodes.h1.start=[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]", "nested deeper than 16"},
	{"nodes.h1.start=[[[[[[[[[[[[[[x]]]]]]]]]]]]]]", "becomes deeper than 16"},
	{"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q=1", "too long"},
	{"ghostbridge=2", "not a schema"},
	{"lan={rate: 1Mbps, rate: 2Mbps}", "the key stands twice; keep one"},
	{"lan.ends=[{node: h1, name: x}, {node: h1, name: x}]", "(in --set lan.ends="},
	{"description=  x  ", NULL},
	{"nodes={}", "there are no nodes"},
	{"links.x.kind=csma", "lacks \"rate\""},
	{"lan.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p=1", "too long"},
	{"seed={a: b}", "is a map; write a single value"},
	{"\tx=1", "there is no key, link or node \"?x\""},
};

START_TEST(test_wrong_set)
{
	struct scenario_options options = {.sets = &wrong_sets[_i].set, .set_count = 1};
	struct scenario_pos pos;
	const char *text;

	if (!wrong_sets[_i].error) {
		scenario_free(load_with(LAN, &options));
		return;
	}
	text = refuse_with(LAN, strlen(LAN), &options, &pos, NULL);
	ck_assert_int_eq(strncmp(text, "--set ", 6), 0);
	assert_contains(text, wrong_sets[_i].error);
	ck_assert_uint_eq(pos.line, 0);
	ck_assert_uint_eq(pos.column, 0);
}
END_TEST

/* Text as run must load again, so it has the limits of a file, and a --set has one of its own. */
START_TEST(test_set_too_large)
{
	const size_t size = SCENARIO_FILE_SIZE_MAX - 4096, set_size = 60 << 10;
	char *data = malloc(size + 1), *set = malloc(set_size + 16384);
	struct scenario_options options = {.sets = (const char *const[]){set}, .set_count = 1};

	/* \x7F takes four bytes when it is written anew */
	strcpy(data, LAN "description: \"");
	memset(data + strlen(data), 'x', size - strlen(LAN) - 17);
	memcpy(data + size - 4, "\"\n", 3);
	strcpy(set, "nodes.h1.start=[\"");
	for (size_t i = 0; i < 10000; i++)
		strcat(set + i * 4, "\\x7F");
	strcat(set, "\"]");
	assert_contains(refuse_with(data, strlen(data), &options, NULL, NULL), "with every --set it has ");
	memset(set, 'x', 65537);
	set[65537] = '\0';
	assert_contains(refuse_with(data, strlen(data), &options, NULL, NULL), "65537 bytes; at most 65536");
	free(data);
	free(set);
}
END_TEST

/* ---- files ---- */

/* Files that a scenario names, beside it; @context is its path. */
static int read_beside(void *context, const char *name, char **ret, size_t *ret_size)
{
	const char *path = context, *slash = strrchr(path, '/');
	char file[512];

	snprintf(file, sizeof(file), "%.*s/%s", (int)(slash - path), path, name);
	*ret = read_file(file, ret_size);
	return 0;
}

static void check_good(const char *path)
{
	struct scenario_options options = {
		.default_name = "test", .workers = 2, .read_file = read_beside, .read_file_data = (void *)path};
	const char *const sets[] = {"seed=3"};
	struct scenario_errors errors;
	struct scenario *s, *again;
	size_t size;
	char *text = read_file(path, &size);

	if (scenario_load(text, size, &options, &s, &errors))
		ck_abort_msg("%s:%u:%u: %s", path, errors.items[0].pos.line, errors.items[0].pos.column,
			     errors.items[0].text);
	/* A trace's content takes its name's place. */
	if (!strstr(text, "trace: ") && !strstr(text, "timeline: ")) {
		ck_assert_uint_eq(strlen(s->text), size);
		ck_assert(!memcmp(s->text, text, size));
	}
	options.read_file = NULL;
	again = load_with(s->text, &options);
	assert_same(s, again);
	scenario_free(again);
	scenario_free(s);
	options.sets = sets;
	options.set_count = 1;
	options.read_file = read_beside;
	s = load_with(text, &options);
	options.set_count = 0;
	options.read_file = NULL;
	again = load_with(s->text, &options);
	ck_assert_uint_eq(again->seed, 3);
	assert_same(s, again);
	scenario_free(again);
	scenario_free(s);
	free(text);
}

static int for_each_yaml(const char *dir, void (*check)(const char *path))
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	char path[512];
	int count = 0;

	ck_assert_msg(stream != NULL, "%s: %s (run me in tests/unit)", dir, strerror(errno));
	while ((entry = readdir(stream))) {
		if (!strstr(entry->d_name, ".yaml"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		check(path);
		count++;
	}
	closedir(stream);
	return count;
}

/* Simulated nodes: what of them is written down, which links they join, where their counters are. */
START_TEST(test_simulated)
{
	struct scenario_options options = {.workers = 4};
	const struct scenario_node *r1, *r2;
	const struct scenario_app *app;
	struct scenario *s;
	size_t size;
	char *text = read_file(GOOD_DIR "/simulated.yaml", &size);

	s = load_with(text, &options);
	ck_assert_int_eq(s->nodes[0].route_count, 2);
	ck_assert_int_eq(s->nodes[0].routes[0].to.prefix_len, 0);
	ck_assert_int_eq(s->nodes[0].routes[0].via.bytes[3], 2);
	ck_assert_int_eq(s->nodes[0].routes[1].to.family, AF_INET6);
	r1 = &s->nodes[scenario_find_node(s, "r1")];
	ck_assert(!scenario_node_is_real(r1));
	ck_assert_int_eq(r1->routing, SCENARIO_ROUTING_OLSR);
	ck_assert_str_eq(s->ends[r1->routes[0].end].port_name, "r1.eth1");
	r2 = &s->nodes[scenario_find_node(s, "r2")];
	ck_assert_int_eq(r2->app_count, 3);
	ck_assert(r2->apps[0].tcp);
	app = &r2->apps[1];
	ck_assert_int_eq(app->kind, SCENARIO_APP_ON_OFF);
	ck_assert(!app->tcp);
	ck_assert_uint_eq(app->rate_bps, 2000000);
	ck_assert_uint_eq(app->packet_size, 500);
	ck_assert_int_eq(app->on.kind, SCENARIO_DIST_EXPONENTIAL);
	ck_assert_uint_eq(app->on.a_ns, 250000000);
	ck_assert_int_eq(app->off.kind, SCENARIO_DIST_UNIFORM);
	ck_assert_uint_eq(app->off.b_ns, 20000000);
	ck_assert_uint_eq(app->stop_ns, UINT64_C(3000000000));
	ck_assert_int_eq(app->to.bytes[2], 1); /* 10.0.1.1 */
	ck_assert_int_eq(r2->apps[2].to.family, AF_INET6);
	ck_assert_uint_eq(r2->apps[2].packet_count, 0);
	/* Three links meet in r1 and s1; the fourth is between containers only. */
	ck_assert_uint_eq(s->ghost_count, 2);
	ck_assert_uint_eq(s->links[0].ghost, s->links[2].ghost);
	ck_assert_uint_ne(s->links[0].ghost, s->links[3].ghost);
	ck_assert_uint_eq(scenario_port_count(s, s->links[0].ghost), 2);
	ck_assert_uint_eq(scenario_inner_count(s, s->links[0].ghost), 5);
	for (size_t i = 0; i < s->end_count; i++) {
		const struct scenario_end *end = &s->ends[i];
		bool real = scenario_node_is_real(&s->nodes[end->node]);

		ck_assert_int_eq(end->port != SCENARIO_NONE, real);
		ck_assert(real ? end->stats == end->port : end->stats >= 2 && end->stats < 7);
		if (!strcmp(s->nodes[end->node].name, "s1"))
			ck_assert_uint_eq(end->addr_count, 0);
	}
	scenario_free(s);
	free(text);
}
END_TEST

START_TEST(test_good_files)
{
	ck_assert_int_ge(for_each_yaml(GOOD_DIR, check_good), 6);
	ck_assert_int_ge(for_each_yaml("../../scenarios", check_good), 1);
}
END_TEST

/* The first line says what must come out: "# expect: LINE:COLUMN: part of the text". One mistake, one error. */
static void check_bad(const char *path)
{
	struct scenario_options options = {.default_name = "bad"};
	struct scenario_pos want, pos;
	char part[256];
	const char *error;
	size_t size, count;
	char *text = read_file(path, &size);

	ck_assert_msg(sscanf(text, "# expect: %u:%u: %255[^\n]", &want.line, &want.column, part) == 3, "%s: first line",
		      path);
	error = refuse_with(text, size, &options, &pos, &count);
	ck_assert_msg(strstr(error, part) && pos.line == want.line && pos.column == want.column && count == 1,
		      "%s: got %u:%u: %s (%zu errors)", path, pos.line, pos.column, error, count);
	free(text);
}

START_TEST(test_bad_files)
{
	ck_assert_int_ge(for_each_yaml(BAD_DIR, check_bad), 150);
}
END_TEST

/* Patterns that the C library would turn into gigabytes, and ones that only look like it. */
START_TEST(test_patterns)
{
	static const struct {
		const char *pattern;
		bool ok;
	} cases[] = {
		{"a++++++++++++++++++++++++++++++++++++++", false},
		{"((((((((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+", false},
		{"((a{200}){200}){200}", false},
		{"(a|b{32767}){32767}", false},
		{"(((((a{9,}){9,}){9,}){9,}){9,}", false},
		{"[[:alpha:][.-.]]{100}{101}", false},
		{"a{65536}", false},
		{"^[0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ "
		 "[0-9]+$",
		 true},
		{"[]+++++++++++++++++++++++++++++++]", true},
		{"[^]+[:digit:]+++++++++++++++++++++++++++++++]x", true},
		{"\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+", true},
		{"([0-9]{1,3}\\.){3}[0-9]{1,3}/(8|16|24) +dev", true},
		{"(a|(b|c)+)*$", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[1024];

		snprintf(text, sizeof(text), LAN "steps: [{node: h1, run: x}]\nexpect: [{step: step-1, match: '%s'}]\n",
			 cases[i].pattern);
		if (cases[i].ok)
			scenario_free(load(text));
		else
			assert_contains(refuse(text), "expect[0].match: ");
	}
}
END_TEST

/* ---- what no file in the tree can show ---- */

static void refuse_at(const char *data, size_t size, uint32_t line, uint32_t column, const char *part)
{
	struct scenario_pos pos;
	size_t count;
	const char *text = refuse_with(data, size, NULL, &pos, &count);

	assert_contains(text, part);
	ck_assert_msg(pos.line == line && pos.column == column, "%u:%u instead of %u:%u: %s", pos.line, pos.column,
		      line, column, text);
	ck_assert_uint_eq(count, 1);
}

START_TEST(test_raw_bytes)
{
	refuse_at("", 0, 1, 1, "nothing in it");
	refuse_at(" \n\n", 3, 1, 1, "nothing in it");
	refuse_at("a: \0b", 5, 1, 4, "NUL byte");
	refuse_at("a: b\nc\xff: d", 10, 2, 2, "byte 0xff is not UTF-8");
	refuse_at("a: \xc3", 4, 1, 4, "byte 0xc3 is not UTF-8");
	refuse_at("a: \xc0\xaf", 5, 1, 4, "not UTF-8");
	refuse_at("a: \xed\xa0\x80", 6, 1, 4, "not UTF-8");
	refuse_at("a: \xf4\x90\x80\x80", 7, 1, 4, "not UTF-8");
	refuse_at("\xff\xfe"
		  "a\0:\0",
		  6, 1, 1, "not UTF-8");
	refuse_at("a: ä\x1b[0m", 9, 1, 5, "control character U+001B");
	refuse_at("a: \xc2\x85", 5, 1, 4, "control character U+0085");
	refuse_at("a: \xe2\x80\xa8", 6, 1, 4, "line separator U+2028");
	refuse_at("a: \xef\xbb\xbf", 6, 1, 4, "byte order mark");
}
END_TEST

START_TEST(test_too_large)
{
	size_t size = 10 << 20;
	char *data = malloc(size);
	struct scenario_errors errors;
	struct scenario *s;

	memset(data, '\n', size);
	memcpy(data, LAN, strlen(LAN));
	refuse_at(data, size, 1, 1, "the file is too long; at most 1048576 bytes are allowed");
	refuse_at(data, SCENARIO_FILE_SIZE_MAX + 1, 1, 1, "at most 1048576");
	ck_assert_int_eq(scenario_load(data, SCENARIO_FILE_SIZE_MAX, NULL, &s, &errors), 0);
	scenario_free(s);
	free(data);
}
END_TEST

static char *repeat(const char *begin, const char *part, size_t size)
{
	char *data = malloc(size + 1), *to = data;
	size_t len = strlen(part);

	memcpy(to, begin, strlen(begin));
	for (to += strlen(begin); (size_t)(to - data) + len <= size; to += len)
		memcpy(to, part, len);
	*to = '\0';
	return data;
}

START_TEST(test_hostile)
{
	static const struct {
		const char *begin, *part, *error;
	} cases[] = {
		{"", "[", "nested deeper than 16"},
		{"", "{a: ", "nested deeper than 16"},
		{"", "- ", "nested deeper than 16"},
		{"", "? ", "a key must be text"},
		{"a: [&x [y]", ", *x", "anchor"},
		{"a: [", "*x, ", "alias"},
		{"a: [", "x, ", "more than 50000 values"},
		{"", "&x ", "anchor"},
		{"", "k", "a scenario is a map"},
		{"", "%TAG ! x\n", "not YAML"},
		{"", "\"a\" ", "not YAML"},
		{"a: |\n", " x\n", NULL},
		{"a: \"", "\\x41", NULL},
		{"a: 'b", "''", NULL},
		{"ghostbridge: 1\nnodes: {h1: {}}\nexpect: [", "{}, ", NULL},
		{"ghostbridge: 1\nnodes: {h1: {}}\nsteps: [", "{node: h2, run: x}, ", NULL},
		{"ghostbridge: 1\nnodes: {h1: {}}\nseed: 0.", "0", NULL},
	};
	const size_t size = SCENARIO_FILE_SIZE_MAX - 1;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *data = repeat(cases[i].begin, cases[i].part, size);
		const char *text = refuse(data);

		if (cases[i].error)
			assert_contains(text, cases[i].error);
		free(data);
	}
}
END_TEST

/* Aliases of aliases: nine bytes' work to write, a billion values to read, if anybody did. */
START_TEST(test_alias_bomb)
{
	char data[4096] = "ghostbridge: 1\na: &a [x, x, x, x, x, x, x, x, x]\n";

	for (char c = 'b'; c <= 'z'; c++)
		sprintf(data + strlen(data), "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c, c - 1,
			c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
	refuse_at(data, strlen(data), 2, 4, "anchor");
}
END_TEST

START_TEST(test_many_errors)
{
	char data[8192] = NODES;
	struct scenario_errors errors;
	struct scenario *s;

	for (int i = 0; i < 30; i++)
		sprintf(data + strlen(data), "bad%d: 1\n", i);
	strcat(data, "seed: 0\n");
	ck_assert_int_eq(scenario_load(data, strlen(data), NULL, &s, &errors), -EINVAL);
	ck_assert_uint_eq(errors.count, SCENARIO_ERRORS_MAX);
	for (uint32_t i = 0; i < SCENARIO_ERRORS_MAX; i++)
		ck_assert_uint_eq(errors.items[i].pos.line, i + 3);
	scenario_errors_done(&errors);

	/* twenty wrong steps, then a wrong link that stands before them */
	strcpy(data, "ghostbridge: 1\nsteps:\n");
	for (int i = 0; i < 30; i++)
		strcat(data, "  - x\n");
	strcat(data, "links: {l: {kind: x}}\nnodes: {h1: {cpus: x, memory: y}}\n");
	ck_assert_int_eq(scenario_load(data, strlen(data), NULL, &s, &errors), -EINVAL);
	ck_assert_uint_eq(errors.count, SCENARIO_ERRORS_MAX);
	for (uint32_t i = 0; i < SCENARIO_ERRORS_MAX; i++)
		ck_assert_uint_eq(errors.items[i].pos.line, i + 3);
	scenario_errors_done(&errors);

	/* the file's order, not the order in which sections are read */
	strcpy(data, "expect: [{step: x, exit: 0}]\nlinks: {l: {kind: ring}}\nnodes: {h1: {cpus: x}}\nghostbridge: 1\n"
		     "seed: -1\n");
	ck_assert_int_eq(scenario_load(data, strlen(data), NULL, &s, &errors), -EINVAL);
	ck_assert_uint_eq(errors.count, 4);
	assert_contains(errors.items[0].text, "expect[0].step");
	assert_contains(errors.items[1].text, "links.l.kind");
	assert_contains(errors.items[2].text, "nodes.h1.cpus");
	assert_contains(errors.items[3].text, "seed");
	scenario_errors_done(&errors);
}
END_TEST

/* One mistake in a place others refer to is one error. */
START_TEST(test_no_cascade)
{
	size_t count;

	refuse_with("ghostbridge: 1\nnodes: 5\nlinks: {l: {kind: csma, rate: 1Mbps, ends: [h1, h2]}}\n"
		    "steps: [{node: h1, run: x}]\n",
		    strlen("ghostbridge: 1\nnodes: 5\nlinks: {l: {kind: csma, rate: 1Mbps, ends: [h1, h2]}}\n"
			   "steps: [{node: h1, run: x}]\n"),
		    NULL, NULL, &count);
	ck_assert_uint_eq(count, 1);
	refuse_with(
		NODES "links: {l: {kind: csma, rate: 1Mbps, ends: [h1, h9]}}\nsteps: [{name: a, node: h9, run: x}]\n"
		      "expect: [{step: a, exit: 0}]\n",
		strlen(NODES "links: {l: {kind: csma, rate: 1Mbps, ends: [h1, h9]}}\nsteps: [{name: a, node: h9, run: "
			     "x}]\nexpect: [{step: a, exit: 0}]\n"),
		NULL, NULL, &count);
	ck_assert_uint_eq(count, 2); /* h9 where it is used, twice; nothing about step a */
}
END_TEST

static char *read_good(const char *name)
{
	static char text[8192];
	char path[256];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), GOOD_DIR "/%s", name);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	return text;
}

START_TEST(test_switches)
{
	struct scenario *scenario = load(read_good("switches.yaml"));
	const struct scenario_node *s1 = &scenario->nodes[scenario_find_node(scenario, "s1")];
	const struct scenario_switch *sw = s1->sw;

	ck_assert(scenario_node_is_switch(s1) && scenario_node_is_real(s1) && !scenario_node_is_container(s1));
	ck_assert_ptr_null(scenario->nodes[0].sw);
	ck_assert_uint_eq(sw->dpid, 0xa1);
	ck_assert_uint_eq(sw->protocols, 1u << 0 | 1u << 3);
	ck_assert(sw->is_secure && !sw->stp && !sw->rstp);
	ck_assert_uint_eq(sw->addr_count, 1);
	ck_assert_uint_eq(sw->controller_count, 4);
	ck_assert_int_eq(sw->controllers[0].kind, SCENARIO_CONTROLLER_LEARNING);
	ck_assert_str_eq(sw->controllers[1].target, "tcp:10.0.0.9:6653");
	ck_assert_str_eq(sw->controllers[2].target, "ssl:10.0.0.9:7000");
	ck_assert_int_eq(sw->controllers[3].kind, SCENARIO_CONTROLLER_APP);
	ck_assert_str_eq(sw->controllers[3].target, "gate.py");
	ck_assert_uint_eq(sw->meters.count, 1);
	ck_assert_uint_eq(sw->groups.count, 1);
	ck_assert_uint_eq(sw->configure.count, 1);
	/* comments and empty lines say nothing, the others know where they stand */
	ck_assert_uint_eq(sw->flows.count, 2);
	ck_assert_str_eq(sw->flows.items[0].text, "in_port=1,actions=output:2");
	ck_assert_uint_eq(sw->flows.items[0].pos.line, 17);
	ck_assert_str_eq(sw->flows.items[1].text, "in_port=2,actions=output:1");
	ck_assert_uint_eq(sw->flows.items[1].pos.line, 19);
	scenario_free(scenario);
}
END_TEST

START_TEST(test_switch_ports)
{
	static const struct {
		const char *name;
		uint32_t number;
	} expected[] = {{"s1.eth1", 1}, {"s1.eth2", 2}, {"s2.eth1", 2}, {"s3.eth1", 1},
			{"s2.eth2", 1}, {"s3.up", 9},   {"s2.mgmt", 0}};
	struct scenario *scenario = load(read_good("switches.yaml"));
	size_t found = 0;

	for (size_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];

		if (!end->port_of)
			continue;
		ck_assert_uint_lt(found, sizeof(expected) / sizeof(*expected));
		ck_assert_str_eq(end->port_name, expected[found].name);
		ck_assert_uint_eq(end->port_of->number, expected[found].number);
		ck_assert_int_eq(end->promiscuous, !end->port_of->management);
		/* a port has no address, but it counts: h1 is the second end */
		ck_assert_uint_eq(end->addr_count, end->port_of->management);
		found++;
	}
	ck_assert_uint_eq(found, sizeof(expected) / sizeof(*expected));
	ck_assert_uint_eq(scenario->ends[1].addrs[0].bytes[3], 2);
	ck_assert_uint_eq(scenario->ends[2].port_of->tag, 100);
	ck_assert_uint_eq(scenario->ends[3].port_of->trunk_count, 3);
	ck_assert_uint_eq(scenario->ends[3].port_of->trunks[2], 4094);
	scenario_free(scenario);
}
END_TEST

static Suite *scenario_suite(void)
{
	Suite *suite = suite_create("scenario");
	TCase *tcase;

	tcase = tcase_create("defaults");
	tcase_add_test(tcase, test_defaults);
	tcase_add_test(tcase, test_everything);
	tcase_add_test(tcase, test_default_name);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("units");
	tcase_add_loop_test(tcase, test_units, 0, sizeof(units) / sizeof(units[0]));
	tcase_add_loop_test(tcase, test_wrong_units, 0, sizeof(wrong_units) / sizeof(wrong_units[0]));
	tcase_add_test(tcase, test_quantiles);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("ends");
	tcase_add_test(tcase, test_numbers);
	tcase_add_test(tcase, test_hundred_ends);
	tcase_add_test(tcase, test_names_around);
	tcase_add_test(tcase, test_macs);
	tcase_add_test(tcase, test_lookups);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("switches");
	tcase_add_test(tcase, test_switches);
	tcase_add_test(tcase, test_switch_ports);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("islands");
	tcase_add_test(tcase, test_islands);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("set");
	tcase_add_test(tcase, test_set_none);
	tcase_add_test(tcase, test_sets);
	tcase_add_test(tcase, test_set_round_trip);
	tcase_add_test(tcase, test_set_too_large);
	tcase_add_loop_test(tcase, test_wrong_set, 0, sizeof(wrong_sets) / sizeof(wrong_sets[0]));
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("files");
	tcase_add_test(tcase, test_simulated);
	tcase_add_test(tcase, test_good_files);
	tcase_add_test(tcase, test_bad_files);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("hostile");
	tcase_set_timeout(tcase, 60); /* under sanitizers; without them all of it takes about two seconds */
	tcase_add_test(tcase, test_raw_bytes);
	tcase_add_test(tcase, test_too_large);
	tcase_add_test(tcase, test_hostile);
	tcase_add_test(tcase, test_alias_bomb);
	tcase_add_test(tcase, test_patterns);
	tcase_add_test(tcase, test_many_errors);
	tcase_add_test(tcase, test_no_cascade);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(scenario_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
