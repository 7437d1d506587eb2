/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_experiment_expect.c - what is expected of a run: paths into JSON, and expectations on exit status, output and
 * report.
 */
#include "tests/unit/check_experiment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/experiment/expect.h"
#include "bridge/experiment/jsonpath.h"

/* ---- paths ---- */

START_TEST(paths_find_values)
{
	static const struct {
		const char *path;
		const char *found; /* compact JSON */
	} cases[] = {
		{".", "{\"a\":{\"b\":[10,{\"x y\":true}],\"in-flight\":2},\"q\\\"\":3}"},
		{".a.b[0]", "10"},
		{".a.b[1].\"x y\"", "true"},
		{".a.b.[0]", "10"},
		{".a.b[-1]", "{\"x y\":true}"},
		{".a.in-flight", "2"},
		{".\"q\\\"\"", "3"},
	};
	json_t *root = json_loads("{\"a\":{\"b\":[10,{\"x y\":true}],\"in-flight\":2},\"q\\\"\":3}", 0, NULL);

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct diag diag = {""};
		json_t *value = NULL;
		char *text;

		ck_assert_msg(jsonpath_find(root, cases[i].path, &value, &diag) == 0, "%s: %s", cases[i].path,
			      diag.text);
		text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		ck_assert_str_eq(text, cases[i].found);
		free(text);
	}
	json_decref(root);
}
END_TEST

START_TEST(paths_say_what_is_wrong)
{
	static const struct {
		const char *path;
		int err;
	} cases[] = {
		{"", -EINVAL},       {"a", -EINVAL},       {".a..b", -EINVAL},
		{".a.", -EINVAL},    {".a[", -EINVAL},     {".a[x]", -EINVAL},
		{".a[0", -EINVAL},   {".\"a", -EINVAL},    {".a b", -EINVAL},
		{".b", -ENOENT},     {".a.b", -ENOENT},    {".a[1]", -ENOENT},
		{".a[-2]", -ENOENT}, {".a[0].c", -ENOENT}, {".a[99999999999999999999]", -EINVAL},
	};
	json_t *root = json_loads("{\"a\":[1]}", 0, NULL);

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct diag diag = {""};
		json_t *value = NULL;

		ck_assert_msg(jsonpath_find(root, cases[i].path, &value, &diag) == cases[i].err, "'%s': %s",
			      cases[i].path, diag.text);
		ck_assert_ptr_null(value);
		ck_assert_str_ne(diag.text, "");
	}
	json_decref(root);
}
END_TEST

/* ---- expectations ---- */

static bool holds(const struct scenario_expect *expect, const char *output, json_t *report)
{
	struct expect_input input = {.has_ended = true,
				     .exit = 3,
				     .output = output,
				     .output_size = output ? strlen(output) : 0,
				     .report = report};
	struct expect_result result;
	bool ok;

	expect_check(expect, &input, &result);
	ok = result.ok;
	ck_assert_ptr_nonnull(result.value);
	ck_assert_str_ne(result.found, "");
	expect_done(&result);
	return ok;
}

START_TEST(expectations_on_exit)
{
	struct scenario_expect expect = {.kind = SCENARIO_EXPECT_EXIT, .exit = 3};
	struct expect_input killed = {.has_ended = false, .exit = 3};
	struct expect_result result;

	ck_assert(holds(&expect, NULL, NULL));
	expect.exit = 0;
	ck_assert(!holds(&expect, NULL, NULL));
	expect.exit = 3;
	expect_check(&expect, &killed, &result);
	ck_assert(!result.ok);
	expect_done(&result);
}
END_TEST

START_TEST(expectations_on_output)
{
	static const char output[] = "5 packets\n 0% packet loss\n";
	static const struct {
		const char *pattern;
		bool found;
	} cases[] = {
		{" 0% packet loss", true}, {"^ 0%", true},    {"packets$", true},
		{"^5 .*loss", false},      {"[0-9]+%", true}, {"(", false},
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct scenario_expect expect = {.kind = SCENARIO_EXPECT_MATCH, .pattern = (char *)cases[i].pattern};

		ck_assert_msg(holds(&expect, output, NULL) == cases[i].found, "%s", cases[i].pattern);
		expect.kind = SCENARIO_EXPECT_NO_MATCH;
		if (strcmp(cases[i].pattern, "(") != 0)
			ck_assert_msg(holds(&expect, output, NULL) != cases[i].found, "%s", cases[i].pattern);
		else
			ck_assert(!holds(&expect, output, NULL)); /* nonsense never holds */
		ck_assert(!holds(&expect, NULL, NULL));
	}
}
END_TEST

START_TEST(expectations_look_behind_nul_bytes)
{
	static const char output[] = "a\0b marker";
	struct scenario_expect expect = {.kind = SCENARIO_EXPECT_MATCH, .pattern = (char *)"marker"};
	struct expect_input input = {.output = output, .output_size = sizeof(output) - 1};
	struct expect_result result;

	expect_check(&expect, &input, &result);
	ck_assert(result.ok);
	expect_done(&result);
}
END_TEST

START_TEST(expectations_on_values)
{
	static const char output[] = "{\"n\": 5, \"s\": \"up\", \"b\": true, \"z\": null}";
	struct scenario_expect expect = {.kind = SCENARIO_EXPECT_JSON, .path = (char *)".n"};
	json_t *report = json_loads(output, 0, NULL);

	ck_assert(holds(&expect, output, NULL));
	expect.has_min = expect.has_max = true;
	expect.min = 5;
	expect.max = 5;
	ck_assert(holds(&expect, output, NULL));
	expect.min = 5.5;
	ck_assert(!holds(&expect, output, NULL));
	expect.has_min = false;
	expect.max = 4;
	ck_assert(!holds(&expect, output, NULL));
	expect.has_max = false;
	expect.equals = (char *)"5.0";
	ck_assert(holds(&expect, output, NULL));
	expect.path = (char *)".s";
	ck_assert(!holds(&expect, output, NULL));
	expect.equals = (char *)"up";
	ck_assert(holds(&expect, output, NULL));
	expect.path = (char *)".b";
	expect.equals = (char *)"true";
	ck_assert(holds(&expect, output, NULL));
	expect.path = (char *)".z";
	expect.equals = (char *)"null";
	ck_assert(holds(&expect, output, NULL));
	expect.path = (char *)".nothing";
	ck_assert(!holds(&expect, output, NULL));
	expect.path = (char *)".n";
	expect.equals = NULL;
	ck_assert(!holds(&expect, "not JSON", NULL));
	ck_assert(!holds(&expect, "", NULL));
	expect.kind = SCENARIO_EXPECT_REPORT;
	ck_assert(holds(&expect, NULL, report));
	/* A number is wanted, a text is found. */
	expect.path = (char *)".s";
	expect.has_max = true;
	ck_assert(!holds(&expect, NULL, report));
	json_decref(report);
}
END_TEST

TCase *experiment_path_tests(void)
{
	TCase *tcase = tcase_create("paths");

	tcase_add_test(tcase, paths_find_values);
	tcase_add_test(tcase, paths_say_what_is_wrong);
	return tcase;
}

TCase *experiment_expect_tests(void)
{
	TCase *tcase = tcase_create("expect");

	tcase_add_test(tcase, expectations_on_exit);
	tcase_add_test(tcase, expectations_on_output);
	tcase_add_test(tcase, expectations_look_behind_nul_bytes);
	tcase_add_test(tcase, expectations_on_values);
	return tcase;
}
