/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_scenario_values.c - single values: units, quantiles, numbers; names and addresses of ends.
 */
#include "tests/unit/check_scenario.h"

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

TCase *scenario_units_tests(void)
{
	TCase *tcase = tcase_create("units");

	tcase_add_loop_test(tcase, test_units, 0, sizeof(units) / sizeof(units[0]));
	tcase_add_loop_test(tcase, test_wrong_units, 0, sizeof(wrong_units) / sizeof(wrong_units[0]));
	tcase_add_test(tcase, test_quantiles);

	return tcase;
}

TCase *scenario_ends_tests(void)
{
	TCase *tcase = tcase_create("ends");

	tcase_add_test(tcase, test_numbers);
	tcase_add_test(tcase, test_hundred_ends);
	tcase_add_test(tcase, test_names_around);
	tcase_add_test(tcase, test_macs);
	tcase_add_test(tcase, test_lookups);

	return tcase;
}
