/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_scenario_hostile.c - bytes, sizes and shapes that no author would write; how many errors come of them.
 */
#include "tests/unit/check_scenario.h"

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

TCase *scenario_hostile_tests(void)
{
	TCase *tcase = tcase_create("hostile");

	tcase_set_timeout(tcase, 60); /* under sanitizers; without them all of it takes about two seconds */
	tcase_add_test(tcase, test_raw_bytes);
	tcase_add_test(tcase, test_too_large);
	tcase_add_test(tcase, test_hostile);
	tcase_add_test(tcase, test_alias_bomb);
	tcase_add_test(tcase, test_patterns);
	tcase_add_test(tcase, test_many_errors);
	tcase_add_test(tcase, test_no_cascade);

	return tcase;
}
