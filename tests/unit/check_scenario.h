/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_scenario.h - what the parts of the suite `scenario` share: texts that must load, and texts that must not.
 */
#ifndef TESTS_CHECK_SCENARIO_H
#define TESTS_CHECK_SCENARIO_H

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/scenario.h"

#define BAD_DIR  "../bad-scenarios"
#define GOOD_DIR "scenario"

#define NODES "ghostbridge: 1\nnodes: {h1: {}, h2: {}, h3: {}, h4: {}}\n"
#define LAN   NODES "links:\n  lan: {kind: csma, rate: 100Mbps, subnet: 10.0.0.0/24, ends: [h1, h2]}\n"

#define assert_str_same(a, b) ck_assert_int_eq(strcmp((a) ? (a) : "(none)", (b) ? (b) : "(none)"), 0)

/* check_scenario_fixture.c */
struct scenario *load_with(const char *text, const struct scenario_options *options);
struct scenario *load(const char *text);
struct scenario *load_set(const char *text, size_t count, const char *const *sets);
const char *refuse_with(const char *text, size_t size, const struct scenario_options *options,
			struct scenario_pos *ret_pos, size_t *ret_count);
const char *refuse(const char *text);
void assert_contains(const char *text, const char *part);
const char *addr_text(const struct scenario_addr *addr);
char *read_file(const char *path, size_t *ret_size);
void assert_same(const struct scenario *a, const struct scenario *b);

/* check_scenario_values.c */
TCase *scenario_units_tests(void);
TCase *scenario_ends_tests(void);

/* check_scenario_set.c */
TCase *scenario_set_tests(void);

/* check_scenario_lag.c */
TCase *scenario_lag_tests(void);

/* check_scenario_hostile.c */
TCase *scenario_hostile_tests(void);

#endif /* TESTS_CHECK_SCENARIO_H */
