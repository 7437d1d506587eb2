/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_changes.c - what of a link can change, as text, in steps, in a timeline and in a CSV file.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/scenario.h"

#define TEXT                                                                                                           \
	"ghostbridge: 1\nnodes: {h1: {}, h2: {}, h3: {}}\nlinks:\n"                                                    \
	"  lan: {kind: csma, rate: 100Mbps, ends: [h1, {node: h2, name: up0}, h3]}\n"                                  \
	"  loop: {kind: csma, rate: 1Mbps, ends: [h1, h1]}\n"                                                          \
	"  cable: {kind: wire, ends: [h2, h3]}\n"

static struct scenario *load_with(const char *text, const struct scenario_options *options)
{
	struct scenario *scenario = NULL;
	struct scenario_errors errors;
	int err = scenario_load(text, strlen(text), options, &scenario, &errors);

	if (err)
		ck_abort_msg("refused: %s", errors.count ? errors.items[0].text : strerror(-err));
	return scenario;
}

/* ---- as text ---- */

static const struct {
	const char *text;
	const char *same; /* as scenario_change_print() says it; NULL: the same */
	enum scenario_value_type type;
	uint64_t number;
} right[] = {
	{"lan delay=50ms", NULL, SCENARIO_VALUE_TIME, 50000000},
	{"lan delay=0ns", NULL, SCENARIO_VALUE_TIME, 0},
	{"lan delay=10s", NULL, SCENARIO_VALUE_TIME, 10000000000},
	{"lan rate=1.5Mbps", NULL, SCENARIO_VALUE_RATE, 1500000},
	{"lan queue=1p", NULL, SCENARIO_VALUE_PACKETS, 1},
	{"lan queue=7packets", NULL, SCENARIO_VALUE_PACKETS, 7},
	{"lan state=down", NULL, SCENARIO_VALUE_WORD, 0},
	{"lan.h1 state=up", "lan.h1.eth0 state=up", SCENARIO_VALUE_WORD, 0},
	{"lan.h2 state=up", "lan.h2.up0 state=up", SCENARIO_VALUE_WORD, 0},
	{"lan.h2.up0 state=down", NULL, SCENARIO_VALUE_WORD, 0},
	{"loop.h1.eth1 state=down", NULL, SCENARIO_VALUE_WORD, 0},
};

START_TEST(test_right)
{
	struct scenario *scenario = load_with(TEXT, NULL);
	struct scenario_change change;
	char error[512] = "", text[SCENARIO_CHANGE_TEXT_SIZE];
	const char *same = right[_i].same ? right[_i].same : right[_i].text;

	ck_assert_msg(scenario_change_parse(scenario, right[_i].text, &change, error, sizeof(error)) == 0, "%s: %s",
		      right[_i].text, error);
	ck_assert_int_eq(change.type, right[_i].type);
	ck_assert_uint_eq(change.number, right[_i].number);
	ck_assert_uint_eq(change.step, SCENARIO_NONE);
	if (change.type == SCENARIO_VALUE_WORD)
		ck_assert_str_eq(change.word, strchr(same, '=') + 1);
	scenario_change_print(scenario, &change, text, sizeof(text));
	ck_assert_str_eq(text, same);
	/* What is printed says the same again. */
	ck_assert_int_eq(scenario_change_parse(scenario, text, &change, error, sizeof(error)), 0);
	scenario_free(scenario);
}
END_TEST

static const struct {
	const char *text;
	const char *part; /* of the message */
} wrong[] = {
	{"", "is not a change; write LINK KEY=VALUE"},
	{" ", "is not a change"},
	{"lan", "is not a change"},
	{"lan delay", "is not a change"},
	{"lan =5ms", "is not a change"},
	{" delay=5ms", "is not a change"},
	{"lan\tdelay=5ms", "is not a change"},
	{"lan delay=5ms\nlan delay=6ms", "is not a change"},
	{"lan delay=", "lan.delay: has no value"},
	{"lan delay=5", "lan.delay: \"5\" has no unit; write 5ms, 5us"},
	{"lan delay=5MS", "write 5ms"},
	{"lan delay=-1ms", "is not a time"},
	{"lan delay=11s", "out of range; it is from 0ns to 10s"},
	{"lan delay=0.5ns", "not a whole number of ns"},
	{"lan delay=1ms rate=1Mbps", "is not a time"},
	{"lan rate=0bps", "out of range"},
	{"lan queue=0p", "out of range"},
	{"lan state=off", "\"off\" is not known; write up or down"},
	{"lan dealy=5ms", "did you mean \"delay\"?"},
	{"lan mtu=1400", "\"mtu\" of lan cannot change while it runs; what can: rate, delay, queue, state"},
	{"lan.h1 rate=1Mbps",
	 "\"rate\" of one end cannot change while it runs; did you mean \"state\"? what can: state"},
	{"lan.h4 state=up", "\"h4\" is not an end of lan; its ends are h1, h2, h3"},
	{"lan. state=up", "is not an end of lan"},
	{"lan.h2.eth0 state=up", "is not an end of lan"},
	{"lan.h1.eth0.x state=up", "is not an end of lan"},
	{"loop.h1 state=up", "h1 has more than one end on loop; write h1.eth1 or h1.eth2"},
	{"lna delay=5ms", "there is no link \"lna\"; did you mean \"lan\"?"},
	{"h1 state=up", "there is no link \"h1\""},
	{"cable delay=5ms", "\"delay\" of cable cannot change while it runs; what can: state"},
	{"lan delay=\xff\x01", "is not a time"},
};

START_TEST(test_wrong)
{
	struct scenario *scenario = load_with(TEXT, NULL);
	struct scenario_change change = {.number = 77};
	char error[512] = "";

	ck_assert_msg(scenario_change_parse(scenario, wrong[_i].text, &change, error, sizeof(error)) == -EINVAL,
		      "\"%s\" was taken", wrong[_i].text);
	ck_assert_msg(strstr(error, wrong[_i].part), "\"%s\" is not in: %s", wrong[_i].part, error);
	ck_assert_uint_eq(change.number, 77); /* untouched */
	scenario_free(scenario);
}
END_TEST

/* What the file may say, a change may, and no more. */
START_TEST(test_power)
{
	static const char air[] = "ghostbridge: 1\nnodes: {h1: {}, h2: {}}\nlinks:\n"
				  "  air: {kind: wifi, mode: adhoc, standard: 802.11a, ends: [h1, h2]}\n";
	struct scenario *scenario = load_with(air, NULL);
	struct scenario_change change;
	char error[512] = "";

	ck_assert_int_eq(scenario_change_parse(scenario, "air tx-power=-50dBm", &change, error, sizeof(error)), 0);
	ck_assert_double_eq(change.real, -50);
	ck_assert_int_eq(scenario_change_parse(scenario, "air tx-power=60dBm", &change, error, sizeof(error)), 0);
	ck_assert_int_eq(scenario_change_parse(scenario, "air tx-power=-50.1dBm", &change, error, sizeof(error)),
			 -EINVAL);
	ck_assert_msg(strstr(error, "it is from -50dBm to 60dBm"), "%s", error);
	ck_assert_int_eq(scenario_change_parse(scenario, "air tx-power=61dBm", &change, error, sizeof(error)), -EINVAL);
	scenario_free(scenario);
}
END_TEST

/* Any length, and a buffer of any size. */
START_TEST(test_long)
{
	struct scenario *scenario = load_with(TEXT, NULL);
	struct scenario_change change;
	char text[1000], error[16];

	for (size_t len = 1; len < sizeof(text) - 20; len += 7) {
		memset(text, 'x', len);
		text[len] = '\0';
		ck_assert_int_eq(scenario_change_parse(scenario, text, &change, error, sizeof(error)), -EINVAL);
		snprintf(text + len, 20, " delay=5ms");
		ck_assert_int_eq(scenario_change_parse(scenario, text, &change, error, sizeof(error)), -EINVAL);
		memcpy(text, "lan delay=", 10);
		ck_assert_int_eq(scenario_change_parse(scenario, text, &change, error, sizeof(error)), -EINVAL);
		ck_assert_uint_lt(strlen(error), sizeof(error));
	}
	scenario_free(scenario);
}
END_TEST

/* ---- in a file ---- */

static void expect_changes(const struct scenario *scenario, const char *const *texts, size_t count)
{
	char text[SCENARIO_CHANGE_TEXT_SIZE], line[256];

	ck_assert_uint_eq(scenario->change_count, count);
	for (size_t i = 0; i < count; i++) {
		const struct scenario_change *change = &scenario->changes[i];

		scenario_change_print(scenario, change, text, sizeof(text));
		snprintf(line, sizeof(line), "%llu %s %s", (unsigned long long)change->at_ns,
			 change->step == SCENARIO_NONE ? "timeline" : scenario->steps[change->step].name, text);
		ck_assert_str_eq(line, texts[i]);
	}
}

static const char *const ordered[] = {
	"0 timeline lan delay=9ms",
	"1000000000 early lan rate=1Mbps",
	"1000000000 early lan queue=9p",
	"1000000000 early lan.h1.eth0 state=down",
	"1000000000 early lan.h2.up0 state=down",
	"1000000000 timeline lan delay=1ms",
	"2000000000 step-1 loop state=up",
	"3000000000 timeline lan delay=3ms",
	"3000000000 timeline lan delay=4ms",
};

START_TEST(test_order)
{
	struct scenario *scenario =
		load_with(TEXT "steps:\n"
			       "  - {at: 2s, link: loop, up: all}\n"
			       "  - {name: early, at: 1s, link: lan, set: {rate: 1Mbps, queue: 9p}, "
			       "down: [h1, h2.up0]}\n"
			       "  - {node: h1, run: date}\n"
			       "timeline:\n"
			       "  - {at: 3s, link: lan, key: delay, value: 3ms}\n"
			       "  - {at: 1s, link: lan, key: delay, value: 1ms}\n"
			       "  - {at: 3s, link: lan, key: delay, value: 4ms}\n"
			       "  - {at: 0s, link: lan, key: delay, value: 9ms}\n",
			  NULL);

	expect_changes(scenario, ordered, sizeof(ordered) / sizeof(*ordered));
	ck_assert_uint_eq(scenario->steps[0].link, 1);
	ck_assert_uint_eq(scenario->steps[0].node, SCENARIO_NONE);
	ck_assert_ptr_null(scenario->steps[0].run);
	ck_assert_uint_eq(scenario->steps[2].link, SCENARIO_NONE);
	scenario_free(scenario);
}
END_TEST

/* A file in the reverse order must not cost its rows squared, and comes out sorted. */
START_TEST(test_reverse)
{
	const unsigned int rows = 20000;
	size_t size = 1 << 20, used;
	char *text = malloc(size);
	struct scenario *scenario;

	used = (size_t)snprintf(text, size, TEXT "timeline: {file: f, text: \"time,link,key,value\\n");
	for (unsigned int i = rows; i > 0; i--)
		used += (size_t)snprintf(text + used, size - used, "%ums,lan,delay,%ums\\n", i / 2, i % 1000);
	ck_assert_uint_lt(used + 10, size);
	snprintf(text + used, size - used, "\"}\n");
	scenario = load_with(text, NULL);
	ck_assert_uint_eq(scenario->change_count, rows);
	for (unsigned int i = 1; i < rows; i++) {
		ck_assert_uint_le(scenario->changes[i - 1].at_ns, scenario->changes[i].at_ns);
		/* Rows of one time stay in the file's order, which counted down. */
		if (scenario->changes[i - 1].at_ns == scenario->changes[i].at_ns)
			ck_assert_uint_eq((scenario->changes[i - 1].number / 1000000 + 999) % 1000,
					  scenario->changes[i].number / 1000000);
	}
	scenario_free(scenario);
	free(text);
}
END_TEST

/* ---- in a file beside the file ---- */

struct file {
	const char *name;
	const char *text;
	size_t size;
	int reads;
};

static int read_file(void *data, const char *name, char **ret_data, size_t *ret_size)
{
	struct file *file = data;

	file->reads++;
	if (strcmp(name, file->name) != 0)
		return -ENOENT;
	*ret_data = malloc(file->size + 1);
	memcpy(*ret_data, file->text, file->size);
	*ret_size = file->size;
	return 0;
}

START_TEST(test_csv)
{
	static const char *const rows[] = {"1500000000 timeline lan delay=20ms",
					   "2000000000 timeline lan.h2.up0 state=down"};
	struct file file = {.name = "x.csv",
			    .text = "\n# what happens\r\ntime, link[.end] ,key,value\r\n"
				    "2s,lan.h2,state,down\r\n\n  1500ms ,\tlan, delay , 20ms  "};
	struct scenario_options options = {.read_file = read_file, .read_file_data = &file};
	struct scenario *scenario, *again;

	file.size = strlen(file.text);
	scenario = load_with(TEXT "timeline: x.csv\n", &options);
	ck_assert_int_eq(file.reads, 1);
	expect_changes(scenario, rows, 2);
	/* The text holds the file, so that whoever loads it next needs none. */
	again = load_with(scenario->text, NULL);
	expect_changes(again, rows, 2);
	ck_assert_str_eq(again->text, scenario->text);
	scenario_free(again);
	scenario_free(scenario);
}
END_TEST

static const struct {
	const char *name;
	const char *text;
	size_t size; /* 0: that of the text */
	const char *part;
} bad_files[] = {
	{"y.csv", "", 0, "cannot read \"x.csv\": No such file"},
	{"x.csv", "", 0, "x.csv: is empty; begin with the header time,link[.end],key,value"},
	{"x.csv", "1s,lan,delay,5ms\n", 0, "x.csv:1: the first line is not the header"},
	{"x.csv", "time,link,key,value\n1s,lan,delay\n", 0, "x.csv:2: 3 fields"},
	{"x.csv", "time,link,key,value\n\n1s,lan,delay,5\n", 0, "x.csv:3: value: \"5\" has no unit"},
	{"x.csv", "time,link,key,value\n1s,,delay,5ms\n", 0, "x.csv:2: link: has no value"},
	{"x.csv", "time,link,key,value\n8000d,lan,delay,5ms\n", 0, "x.csv:2: time: \"8000d\" is not a time"},
	{"x.csv", "time,link,key,value\n1s,lan,delay,5ms,\n", 0, "x.csv:2: value: \"5ms,\" is not a time"},
	{"x.csv", "time\0", 5, "\"x.csv\" is not a text file"},
};

START_TEST(test_bad_csv)
{
	struct file file = {.name = bad_files[_i].name, .text = bad_files[_i].text, .size = bad_files[_i].size};
	struct scenario_options options = {.read_file = read_file, .read_file_data = &file};
	const char *text = TEXT "timeline: x.csv\n";
	struct scenario_errors errors;
	struct scenario *scenario;

	if (!file.size)
		file.size = strlen(file.text);
	ck_assert_int_eq(scenario_load(text, strlen(text), &options, &scenario, &errors), -EINVAL);
	ck_assert_msg(strstr(errors.items[0].text, bad_files[_i].part), "\"%s\" is not in: %s", bad_files[_i].part,
		      errors.items[0].text);
	ck_assert_uint_eq(errors.items[0].pos.line, 7);
	scenario_errors_done(&errors);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("changes");
	TCase *tcase = tcase_create("text");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, test_right, 0, sizeof(right) / sizeof(*right));
	tcase_add_loop_test(tcase, test_wrong, 0, sizeof(wrong) / sizeof(*wrong));
	tcase_add_test(tcase, test_long);
	tcase_add_test(tcase, test_power);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("file");
	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, test_order);
	tcase_add_test(tcase, test_reverse);
	tcase_add_test(tcase, test_csv);
	tcase_add_loop_test(tcase, test_bad_csv, 0, sizeof(bad_files) / sizeof(*bad_files));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
