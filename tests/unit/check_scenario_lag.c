/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_scenario_lag.c - where a lag makes frames later than the file says, and what is said of it.
 */
#include "tests/unit/check_scenario.h"

#define MS UINT64_C(1000000)

#define LAGGING(links)                                                                                                 \
	"ghostbridge: 1\nlag: 4ms\nnodes: {h1: {}, h2: {}, r: {kind: simulated, role: router}}\nlinks:\n" links

/* The only warning, in a buffer that the next call overwrites; "" for none. */
static const char *warning(struct scenario *scenario, struct scenario_pos *ret_pos)
{
	struct scenario_errors warnings;
	size_t count = scenario_warnings(scenario, &warnings);
	static char text[1024];

	ck_assert_uint_le(count, 1);
	ck_assert_uint_eq(warnings.count, count);
	snprintf(text, sizeof(text), "%s", count ? warnings.items[0].text : "");
	if (ret_pos)
		*ret_pos = count ? warnings.items[0].pos : (struct scenario_pos){0};
	scenario_errors_done(&warnings);
	scenario_free(scenario);
	return text;
}

static const char *warn(const char *text, struct scenario_pos *ret_pos)
{
	return warning(load(text), ret_pos);
}

START_TEST(test_short_delay)
{
	struct scenario_pos pos;

	ck_assert_str_eq(warn(LAGGING("  a: {kind: p2p, rate: 1Mbps, delay: 1500us, ends: [r, h1]}\n"), &pos),
			 "links.a: lag is 4ms and a's delay is only 1500us: frames reach h1.eth0 2500us later than the "
			 "file says; write a lag of 1500us or less, or a longer delay");
	ck_assert_uint_eq(pos.line, 5);
	ck_assert_uint_eq(pos.column, 3);
	assert_contains(warn(LAGGING("  a: {kind: csma, rate: 1Mbps, ends: [r, h1]}\n"), NULL),
			"a's delay is only 0s: frames reach its ends 4ms later");
	/* Only one way is too short: that towards h1. */
	assert_contains(warn(LAGGING("  a: {kind: p2p, rate: 1Mbps, delay: 4ms, backward: {delay: 1ms}, "
				     "ends: [h1, h2]}\n"),
			     NULL),
			"frames reach h1.eth0 3ms");
	assert_contains(warn(LAGGING("  a: {kind: p2p, rate: 1Mbps, delay: 5ms, jitter: 3ms, ends: [r, h1]}\n"), NULL),
			"less its jitter of 3ms is only 2ms: some frames reach h1.eth0 up to 2ms later");
	assert_contains(warn(LAGGING("  a: {kind: wifi, mode: adhoc, standard: 802.11g, ends: [h1, h2]}\n"), NULL),
			"a wifi link has no delay that the lag of 4ms could be taken off: frames reach its ends 4ms");
}
END_TEST

START_TEST(test_long_delay)
{
	const char *const none[] = {
		LAGGING("  a: {kind: p2p, rate: 1Mbps, delay: 4ms, ends: [h1, h2]}\n"),
		LAGGING("  a: {kind: csma, rate: 1Mbps, delay: 4ms, ends: [h1, h2]}\n"),
		LAGGING("  a: {kind: p2p, rate: 1Mbps, delay: 7ms, jitter: 3ms, ends: [h1, h2]}\n"),
		/* What a simulated node is handed has no lag. */
		LAGGING("  a: {kind: p2p, rate: 1Mbps, delay: 4ms, forward: {delay: 1ms}, ends: [h1, r]}\n"),
		LAGGING("  a: {kind: wire, ends: [h1, h2]}\n"),
		LAN,
	};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_str_eq(warn(none[i], NULL), "");
}
END_TEST

START_TEST(test_change)
{
	static const char lan[] =
		LAGGING("  a: {kind: p2p, rate: 1Mbps, delay: 4ms, ends: [h1, h2]}\n") "steps:\n  - {at: 2s, link: a, "
										       "set: {delay: 1ms}}\n";
	struct scenario *scenario = load(lan);
	struct scenario_change change;
	struct scenario_hop hop;
	struct scenario_pos pos;
	char error[256];

	scenario_hop_init(scenario, 0, &hop);
	ck_assert_uint_eq(scenario_lag_excess_ns(scenario, 0, &hop, false), 0);
	/* a.h1 is what h1 sends; h1 is handed what h2 sends. */
	ck_assert_int_eq(scenario_change_parse(scenario, "a.h1 delay=1ms", &change, error, sizeof(error)), 0);
	ck_assert(!scenario_hop_change(scenario, 0, &change, &hop));
	ck_assert_int_eq(scenario_change_parse(scenario, "a.h2 delay=1ms", &change, error, sizeof(error)), 0);
	ck_assert(scenario_hop_change(scenario, 0, &change, &hop));
	ck_assert_uint_eq(scenario_lag_excess_ns(scenario, 0, &hop, false), 3 * MS);
	/* Jitter makes some frames later still, but not those in the middle. */
	ck_assert_int_eq(scenario_change_parse(scenario, "a jitter=500us", &change, error, sizeof(error)), 0);
	ck_assert(scenario_hop_change(scenario, 0, &change, &hop));
	ck_assert_uint_eq(scenario_lag_excess_ns(scenario, 0, &hop, false), 3 * MS);
	ck_assert_uint_eq(scenario_lag_excess_ns(scenario, 0, &hop, true), 3 * MS + MS / 2);
	ck_assert_int_eq(scenario_change_parse(scenario, "a loss=1%", &change, error, sizeof(error)), 0);
	ck_assert(!scenario_hop_change(scenario, 0, &change, &hop));

	assert_contains(warning(scenario, &pos), "a's delay from 2s on is only 1ms: frames reach h1.eth0 3ms later");
	ck_assert_uint_eq(pos.line, 7);
}
END_TEST

START_TEST(test_many)
{
	char text[8192] = "ghostbridge: 1\nlag: 1ms\nnodes: {h1: {}, h2: {}}\nlinks:\n";
	struct scenario_errors warnings;
	struct scenario *scenario;

	for (int i = 0; i < SCENARIO_ERRORS_MAX + 3; i++)
		sprintf(text + strlen(text), "  l%d: {kind: p2p, rate: 1Mbps, ends: [h1, h2]}\n", i);
	scenario = load(text);
	ck_assert_uint_eq(scenario_warnings(scenario, &warnings), SCENARIO_ERRORS_MAX + 3);
	ck_assert_uint_eq(warnings.count, SCENARIO_ERRORS_MAX);
	scenario_errors_done(&warnings);
	scenario_free(scenario);
}
END_TEST

TCase *scenario_lag_tests(void)
{
	TCase *tcase = tcase_create("lag");

	tcase_add_test(tcase, test_short_delay);
	tcase_add_test(tcase, test_long_delay);
	tcase_add_test(tcase, test_change);
	tcase_add_test(tcase, test_many);
	return tcase;
}
