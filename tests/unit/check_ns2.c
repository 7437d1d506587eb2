/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_ns2.c - movement traces of ns-2: where a node is at which time, and what is no such trace.
 */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/scenario.h"

#define HEAD                                                                                                           \
	"ghostbridge: 1\nnodes: {h1: {}, h2: {}, h3: {}}\nlinks:\n  air: {kind: wifi, mode: adhoc, "                   \
	"standard: 802.11a, mobility: {model: ns2, trace: walk.tcl}, ends: ["
#define STILL      "$node_(0) set X_ 0\n$node_(0) set Y_ 0\n"
#define NEAR(a, b) ck_assert_msg(fabs((a) - (b)) < 1e-6, "%.9g is not %.9g", (double)(a), (double)(b))

static int read_file(void *context, const char *name, char **ret, size_t *ret_size)
{
	const char *text = context;

	if (strcmp(name, "walk.tcl") != 0)
		return -ENOENT;
	*ret = strdup(text);
	*ret_size = strlen(text);
	return 0;
}

static int try_load(const char *trace, const char *ends, struct scenario **ret, struct scenario_errors *ret_errors)
{
	struct scenario_options options = {
		.default_name = "test", .read_file = read_file, .read_file_data = (void *)trace};
	char text[1024];

	snprintf(text, sizeof(text), HEAD "%s]}\n", ends);
	return scenario_load(text, strlen(text), &options, ret, ret_errors);
}

static struct scenario *load(const char *trace, const char *ends)
{
	struct scenario_errors errors;
	struct scenario *scenario;

	if (try_load(trace, ends, &scenario, &errors))
		ck_abort_msg("%s", errors.items[0].text);
	return scenario;
}

/* Where an end is at a time, as ns-3's WaypointMobilityModel has it. */
static struct scenario_vector at(const struct scenario *scenario, uint32_t end, double seconds)
{
	const struct scenario_place *place = scenario->ends[end].place;
	struct scenario_waypoint last = {0, place->position};

	for (size_t i = 0; i < place->waypoint_count; i++) {
		const struct scenario_waypoint *next = &place->waypoints[i];
		double t = seconds * 1e9, share;

		ck_assert_msg(!i || next->at_ns > last.at_ns, "waypoint %zu is not after the one before", i);
		if (t < (double)next->at_ns) {
			share = (t - (double)last.at_ns) / (double)(next->at_ns - last.at_ns);
			return (struct scenario_vector){last.position.x + share * (next->position.x - last.position.x),
							last.position.y + share * (next->position.y - last.position.y),
							last.position.z + share * (next->position.z - last.position.z)};
		}
		last = *next;
	}
	return last.position;
}

static void expect_at(const struct scenario *scenario, uint32_t end, double seconds, double x, double y)
{
	struct scenario_vector position = at(scenario, end, seconds);

	NEAR(position.x, x);
	NEAR(position.y, y);
}

START_TEST(test_way)
{
	/* Out of order, as one node after the other is written; with all that such files have besides. */
	struct scenario *again, *scenario = load("#\n# nodes: 3, pause: 2.00, max speed: 10.00\n#\n"
						 "$node_(0) set X_ 10.0\r\n\t$node_(0)  set Y_ 2e1 \n"
						 "$node_(0) set Z_ 1.500000000000\n"
						 "$god_ set-dist 0 1 16777215\n"
						 "$ns_ at 5.0 \"$node_(0) setdest 10.0 20.0 100\"\n"
						 "$ns_ at 1.0 \"$node_(0) setdest 110.0 20.0 10.0\"\n"
						 "$ns_ at 2.5 \"$god_ set-dist 0 1 1\"\n"
						 "$ns_ at 8 \"$node_(0) setdest 50.0 20.0 0.0\"\n"
						 "$node_(7) set X_ -5\n$node_(7) set Y_ +.5\n",
						 "h1, {node: h2, mobility: {model: ns2, node: 7}}, "
						 "{node: h3, position: [1m, 2m, 3m]}");
	struct scenario_errors errors;

	for (int i = 0; i < 2; i++) {
		expect_at(scenario, 0, 0, 10, 20);
		expect_at(scenario, 0, 1, 10, 20);
		expect_at(scenario, 0, 3, 30, 20); /* 10 m/s since 1 s */
		expect_at(scenario, 0, 5, 50, 20); /* turned round on the way */
		expect_at(scenario, 0, 5.2, 30, 20);
		expect_at(scenario, 0, 6, 10, 20);
		expect_at(scenario, 0, 100, 10, 20); /* a speed of 0 is to stay */
		NEAR(at(scenario, 0, 3).z, 1.5);
		expect_at(scenario, 1, 0, -5, 0.5);
		ck_assert_int_eq(scenario->ends[1].place->mobility, SCENARIO_MOBILITY_FIXED);
		expect_at(scenario, 2, 9, 1, 2);
		if (i)
			break;
		/* The text has the file in it. */
		ck_assert_int_eq(scenario_load(scenario->text, strlen(scenario->text), NULL, &again, &errors), 0);
		scenario_free(scenario);
		scenario = again;
	}
	scenario_free(scenario);
}
END_TEST

START_TEST(test_jumps)
{
	struct scenario *scenario = load(STILL "$ns_ at 2.0 \"$node_(0) set X_ 100\"\n"
					       "$ns_ at 2.0 \"$node_(0) set Y_ 7\"\n"
					       "$ns_ at 2.0 \"$node_(0) setdest 100.0 17.0 10.0\"\n"
					       "$ns_ at 2.5 \"$node_(0) set X_ 0\"\n"
					       "$ns_ at 3.0 \"$node_(0) setdest 1e6 12.0 1e-9\"\n"
					       "$node_(1) setdest 3.0 4.0 5.0\n$node_(1) set X_ 0\n"
					       "$node_(1) set Y_ 0\n",
					 "h1, h2");

	expect_at(scenario, 0, 1.999999, 0, 0);
	expect_at(scenario, 0, 2.00000001, 100, 7.0000001);
	expect_at(scenario, 0, 2.25, 100, 9.5);
	expect_at(scenario, 0, 2.6, 0, 12); /* put elsewhere on the way it stays there */
	expect_at(scenario, 0, 1000, 1e-6, 12);
	expect_at(scenario, 1, 0.5, 1.5, 2);
	expect_at(scenario, 1, 1, 3, 4);
	scenario_free(scenario);
}
END_TEST

static const struct {
	const char *trace;
	const char *part;
} wrong[] = {
	{"", "there is no node 0 in walk.tcl"},
	{STILL "set nn 2\n", "walk.tcl:3: \"set nn 2\" is not understood"},
	{STILL "\n$node_(x) set X_ 1\n", "walk.tcl:4: \"$node_(x)"},
	{STILL "$node_(1) set X_ 1m\n", "walk.tcl:3: \"1m\" is not understood"},
	{STILL "$node_(1) set X_ 1 2\n", "walk.tcl:3: \"2\" is not understood"},
	{STILL "$node_(1) set X_\n", "walk.tcl:3: \"X_\" is not understood"},
	{STILL "$node_(1) set X_ 1e7\n", "the coordinate 1e7 is out of range"},
	{STILL "$node_(1) set X_ 1e999\n", "walk.tcl:3: the coordinate 1e999 is out of range"},
	{STILL "$node_(9999999999999999999999) set X_ 1\n", "walk.tcl:3: nodes have numbers"},
	{STILL "$ns_ at -1 \"$node_(0) setdest 1 2 3\"\n", "walk.tcl:3: the time -1 is out of range"},
	{STILL "$ns_ at 1 \"$node_(0) setdest 1 2\"\n", "walk.tcl:3: \"\"\" is not understood"},
	{STILL "$ns_ at 1 \"$node_(0) setdest 1 2 3\n", "walk.tcl:3: the line ends too early"},
	{STILL "$ns_ at 1 \"$node_(0) start\"\n", "walk.tcl:3: \"start\"\" is not understood"},
	{STILL "$ns_ at 1 \"$node_(1) setdest 1 2 3\"\n", "walk.tcl:3: node 1 is nowhere yet"},
	{STILL "$node_(1) set Y_ 1\n", "walk.tcl:3: node 1 is nowhere yet"},
};

START_TEST(test_wrong)
{
	struct scenario_errors errors;
	struct scenario *scenario;

	ck_assert_int_eq(try_load(wrong[_i].trace, "h1, h2", &scenario, &errors), -EINVAL);
	ck_assert_msg(strstr(errors.items[0].text, wrong[_i].part), "\"%s\" is not in: %s", wrong[_i].part,
		      errors.items[0].text);
	ck_assert_uint_eq(errors.items[0].pos.line, 4);
	scenario_errors_done(&errors);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ns2");
	TCase *tcase = tcase_create("traces");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, test_way);
	tcase_add_test(tcase, test_jumps);
	tcase_add_loop_test(tcase, test_wrong, 0, sizeof(wrong) / sizeof(*wrong));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
