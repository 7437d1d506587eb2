/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_experiment.c - the parts of the daemon that only think: verdict, figures, order of steps, whom to blame.
 */
#include "tests/unit/check_experiment.h"
#include "tests/unit/test_dir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/experiment/blame.h"
#include "bridge/experiment/changes.h"
#include "bridge/experiment/console.h"
#include "bridge/experiment/daemon.h"
#include "bridge/experiment/experiment.h"
#include "bridge/experiment/fidelity.h"
#include "bridge/experiment/figure.h"
#include "bridge/experiment/picture.h"
#include "bridge/experiment/report.h"
#include "bridge/experiment/rundir.h"
#include "bridge/experiment/steps.h"

/* ---- fidelity ---- */

START_TEST(verdict_follows_the_rule)
{
	static const struct {
		struct fidelity_facts facts;
		enum fidelity_verdict verdict;
	} cases[] = {
		{{.quantile = 0.99}, FIDELITY_PASS},
		{{.quantile = 0.99, .counts = {.late_frames = 100, .late_over = 1}}, FIDELITY_PASS},
		{{.quantile = 0.99, .counts = {.late_frames = 100, .late_over = 2}}, FIDELITY_DEGRADED},
		{{.quantile = 0.99, .counts = {.late_frames = 99, .late_over = 1}}, FIDELITY_DEGRADED},
		{{.quantile = 0.99, .counts = {.ingress_frames = 10, .ingress_over = 1}}, FIDELITY_DEGRADED},
		{{.quantile = 0.99, .counts = {.late_frames = 100, .lag_over = 1}}, FIDELITY_PASS},
		{{.quantile = 0.99, .counts = {.late_frames = 100, .lag_over = 2}}, FIDELITY_DEGRADED},
		/* Many good deliveries do not excuse bad injections. */
		{{.quantile = 0.9, .counts = {.late_frames = 1000, .ingress_frames = 10, .ingress_over = 2}},
		 FIDELITY_DEGRADED},
		{{.quantile = 1.0, .counts = {.late_frames = 1000000, .late_over = 1}}, FIDELITY_DEGRADED},
		{{.quantile = 0.5, .counts = {.late_frames = 4, .late_over = 2}}, FIDELITY_PASS},
		{{.quantile = 0.99, .counts = {.stalls = 1}}, FIDELITY_DEGRADED},
		{{.quantile = 0.99, .behind_max_ns = FIDELITY_BEHIND_MAX_NS}, FIDELITY_PASS},
		{{.quantile = 0.99, .behind_max_ns = FIDELITY_BEHIND_MAX_NS + 1}, FIDELITY_FAIL},
		{{.quantile = 0.99, .incidents = 1}, FIDELITY_FAIL},
		{{.quantile = 0.99, .violations = 1}, FIDELITY_FAIL},
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
		ck_assert_msg(fidelity_judge(&cases[i].facts) == cases[i].verdict, "case %zu", i);
}
END_TEST

START_TEST(timeline_keeps_the_worst)
{
	struct timeline *timeline = calloc(1, sizeof(*timeline));
	const uint64_t second = 1000000000;
	uint64_t at = 0, worst = 0;
	size_t degraded = 0;

	/* An hour of tenths of seconds, one of which was bad, and the last. */
	for (uint64_t i = 0; i < 36000; i++) {
		struct timeline_bin interval = {.start_ns = i * second / 10,
						.end_ns = (i + 1) * second / 10,
						.late_ns = i == 12345 ? 7777 : 1000,
						.ingress_max_ns = i == 35999 ? 5555 : 1,
						.pressure_pct = -1,
						.is_degraded = i == 12345};

		timeline_add(timeline, &interval);
		ck_assert_uint_le(timeline->count, TIMELINE_BINS);
	}
	ck_assert_uint_gt(timeline->count, TIMELINE_BINS / 2 - 1);
	for (size_t i = 0; i < timeline->count; i++) {
		const struct timeline_bin *bin = &timeline->bins[i];

		ck_assert_uint_eq(bin->start_ns, at);
		at = bin->end_ns;
		degraded += bin->is_degraded;
		if (bin->late_ns > worst)
			worst = bin->late_ns;
		ck_assert(bin->is_degraded == (bin->start_ns <= 1234500000000 && 1234500000000 < bin->end_ns));
		ck_assert(bin->pressure_pct < 0);
	}
	ck_assert_uint_eq(at, 3600 * second);
	ck_assert_uint_eq(worst, 7777);
	ck_assert_uint_eq(degraded, 1);
	ck_assert_uint_eq(timeline->bins[timeline->count - 1].ingress_max_ns, 5555);
	free(timeline);
}
END_TEST

/* Names are text, whatever they contain. */
START_TEST(figure_escapes_and_draws)
{
	struct timeline *timeline = calloc(1, sizeof(*timeline));
	json_t *report = json_pack("{s:s,s:{s:s,s:f,s:f},s:[{s:f,s:s,s:s,s:s}]}", "name", "<b>&\"x", "fidelity",
				   "verdict", "pass", "budget_us", 1000.0, "quantile", 0.99, "changes", "at_s", 0.05,
				   "link", "<l>", "key", "rate", "value", "1Mbps");
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	figure_draw(timeline, report, stream);
	fclose(stream);
	ck_assert_ptr_nonnull(strstr(text, "&lt;b&gt;&amp;&quot;x"));
	ck_assert_ptr_nonnull(strstr(text, "before anything was measured"));
	ck_assert_ptr_null(strstr(text, "<path"));
	free(text);
	timeline_add(timeline, &(struct timeline_bin){.end_ns = 100000000, .late_ns = 5000, .is_degraded = true});
	stream = open_memstream(&text, &size);
	figure_draw(timeline, report, stream);
	fclose(stream);
	ck_assert_ptr_nonnull(strstr(text, "class=\"bad\""));
	ck_assert_ptr_nonnull(strstr(text, "class=\"out\" d=\"M70.0"));
	ck_assert_ptr_nonnull(strstr(text, "&lt;l&gt; rate: 1Mbps"));
	ck_assert_str_eq(text + size - 7, "</svg>\n");
	free(text);
	free(timeline);
	json_decref(report);
}
END_TEST

START_TEST(adjacent_intervals_merge)
{
	struct fidelity_log log = {0};

	fidelity_log_add(&log, 0, 100);
	fidelity_log_add(&log, 100, 200);
	fidelity_log_add(&log, 300, 400);
	ck_assert_uint_eq(log.count, 2);
	ck_assert_uint_eq(log.items[0].start_ns, 0);
	ck_assert_uint_eq(log.items[0].end_ns, 200);
	ck_assert_uint_eq(log.items[1].start_ns, 300);
	for (uint64_t i = 2; i < 2 * FIDELITY_INTERVALS_MAX; i++)
		fidelity_log_add(&log, 200 * i + 50, 200 * i + 100);
	ck_assert_uint_eq(log.count, FIDELITY_INTERVALS_MAX);
	ck_assert_uint_eq(log.omitted, FIDELITY_INTERVALS_MAX);
	fidelity_log_done(&log);
}
END_TEST

START_TEST(exit_status_follows_result_and_verdict)
{
	ck_assert_int_eq(report_exit(false, false, FIDELITY_PASS, true), EXIT_DONE);
	ck_assert_int_eq(report_exit(false, false, FIDELITY_DEGRADED, false), EXIT_DONE);
	ck_assert_int_eq(report_exit(false, false, FIDELITY_DEGRADED, true), EXIT_FIDELITY);
	ck_assert_int_eq(report_exit(false, false, FIDELITY_FAIL, false), EXIT_FIDELITY);
	ck_assert_int_eq(report_exit(false, true, FIDELITY_FAIL, true), EXIT_FAILED);
	ck_assert_int_eq(report_exit(true, true, FIDELITY_FAIL, true), EXIT_INTERRUPTED);
}
END_TEST

/* ---- changes ---- */

/* Three links, of a ghost each and of nobody, with a change of each that is live and one that is the scenario's. */
START_TEST(other_clocks_are_mentioned)
{
	static const struct {
		double moved_us, suspended_us;
		const char *said;
	} cases[] = {
		{4000, 0, ""}, /* NTP, in ten seconds */
		{-3600e6, 0, "The host's wall clock was set by -3600.000 s during the run."},
		{7000, 0, "The host's wall clock was set by +0.007 s during the run."},
		{1e6, 2.5e6,
		 "The host's wall clock was set by +1.000 s during the run. The host was suspended for 2.500 s."},
		{0, 2.5e6, "The host was suspended for 2.500 s."},
	};
	char said[160];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *report =
			json_pack("{s:f,s:{s:{s:f,s:f}}}", "duration_s", 10.0, "fidelity", "clock", "realtime_moved_us",
				  cases[i].moved_us, "suspended_us", cases[i].suspended_us);

		report_clocks(report, said, sizeof(said));
		ck_assert_str_eq(said, cases[i].said);
		json_decref(report);
	}
}
END_TEST

START_TEST(ghosts_answer_for_their_own_changes)
{
	struct scenario_link links[] = {{.kind = SCENARIO_LINK_CSMA, .ghost = 0},
					{.kind = SCENARIO_LINK_CSMA, .ghost = 1},
					{.kind = SCENARIO_LINK_WIRE, .ghost = 1}};
	struct scenario_change listed[] = {{.link = 0}, {.link = 1}, {.link = 2}};
	struct scenario scenario = {
		.links = links, .link_count = 3, .changes = listed, .change_count = 3, .ghost_count = 2};
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	struct peers peers = {.daemon = daemon, .ghost = 1};
	struct live_change live[3];

	daemon->scenario = &scenario;
	ck_assert_int_eq(changes_open(&daemon->changes, &scenario), 0);
	for (uint32_t i = 0; i < 3; i++) {
		daemon->changes.planned[i].failed = true; /* known already: nobody is told again */
		live[i] = (struct live_change){.change = listed[i], .at_ns = UINT64_MAX};
	}
	daemon->changes.live = live;
	daemon->changes.live_count = 3;
	for (uint32_t of_scenario = 0; of_scenario < 2; of_scenario++) {
		for (uint64_t number = 0; number < 5; number++) {
			struct wire_msg msg = wire_msg_make(WIRE_MSG_CHANGED);

			msg.arg = of_scenario;
			msg.value[0] = 1000;
			msg.value[1] = number == 4 ? UINT64_MAX : number;
			ck_assert_int_eq(changes_answered(&peers, &msg), number == 1 ? 0 : -EPROTO);
			msg.value[0] = UINT64_MAX; /* that is: not known yet */
			ck_assert_int_eq(changes_answered(&peers, &msg), -EPROTO);
		}
	}
	ck_assert_uint_eq(live[0].at_ns, UINT64_MAX);
	ck_assert_uint_eq(live[1].at_ns, 1000);
	ck_assert_uint_eq(live[2].at_ns, UINT64_MAX);
	daemon->changes.live = NULL;
	changes_close(&daemon->changes);
	free(daemon);
}
END_TEST

/* ---- steps ---- */

static const struct {
	uint64_t at_ns;
	bool background;
} plan[] = {{300, false}, {0, true}, {100, false}, {100, true}, {500, true}};

static struct scenario_step planned[ARRAY_COUNT(plan)];
static struct scenario planned_scenario = {.steps = planned, .step_count = ARRAY_COUNT(plan)};

static void make_plan(struct steps *steps)
{
	for (size_t i = 0; i < ARRAY_COUNT(plan); i++)
		planned[i] = (struct scenario_step){.at_ns = plan[i].at_ns, .background = plan[i].background};
	ck_assert_int_eq(steps_open(steps, &planned_scenario), 0);
}

START_TEST(steps_start_in_order_of_time)
{
	static const size_t order[] = {1, 2, 3, 0, 4};
	struct steps steps;

	make_plan(&steps);
	for (size_t i = 0; i < ARRAY_COUNT(order); i++) {
		ck_assert_uint_eq(steps_next_ns(&steps), plan[order[i]].at_ns);
		ck_assert_uint_eq(steps_mark_started(&steps, plan[order[i]].at_ns), order[i]);
	}
	ck_assert_uint_eq(steps_next_ns(&steps), UINT64_MAX);
	steps_close(&steps);
}
END_TEST

START_TEST(run_ends_with_its_last_awaited_step)
{
	struct steps steps;

	make_plan(&steps);
	for (int i = 0; i < 4; i++)
		steps_mark_started(&steps, 300);
	for (pid_t i = 0; i < 4; i++)
		steps.items[i].pid = 100 + i;
	ck_assert(steps_reaped(&steps, 102, 0, 200));
	ck_assert(!steps_reaped(&steps, 102, 0, 200));
	ck_assert(!steps_are_over(&steps));
	ck_assert(steps_reaped(&steps, 100, 3 << 8, 400));
	ck_assert_int_eq(steps.items[0].exit, 3);
	/* Both foreground steps are over, but one more is to come; it is what the run is about then. */
	ck_assert(!steps_are_over(&steps));
	ck_assert_uint_eq(steps_mark_started(&steps, 500), 4);
	ck_assert(steps.items[4].awaited);
	ck_assert(!steps.items[1].awaited);
	ck_assert(!steps_are_over(&steps));
	steps.items[4].pid = 104;
	ck_assert(steps_reaped(&steps, 104, 9, 600));
	ck_assert_int_eq(steps.items[4].exit, 128 + 9);
	ck_assert(steps_are_over(&steps));
	ck_assert(!steps_are_gone(&steps)); /* background steps 1 and 3 */
	steps_close(&steps);
}
END_TEST

START_TEST(no_steps_is_over_at_once)
{
	struct scenario none = {.step_count = 0};
	struct steps steps;

	ck_assert_int_eq(steps_open(&steps, &none), 0);
	ck_assert(steps_are_over(&steps));
	ck_assert(steps_are_gone(&steps));
	ck_assert_uint_eq(steps_next_ns(&steps), UINT64_MAX);
	steps_close(&steps);
}
END_TEST

/* ---- run directory ---- */

START_TEST(run_directory_is_made_and_discarded)
{
	char base[128], path[256], tail[64], *text;
	struct rundir dir, second;
	struct diag diag = {""};
	struct stat status;

	make_test_dir(base, sizeof(base));
	snprintf(path, sizeof(path), "%s/a/b", base);
	ck_assert_int_eq(rundir_make(path, "x", &dir, &diag), 0);
	ck_assert_int_eq(rundir_make(path, "x", &second, &diag), -EEXIST);
	rundir_discard(&dir);
	ck_assert_int_eq(stat(path, &status), -1);
	snprintf(path, sizeof(path), "%s/a", base);
	ck_assert_int_eq(stat(path, &status), -1);
	ck_assert_int_eq(stat(base, &status), 0);

	ck_assert_int_eq(rundir_make(base, "x", &dir, &diag), 0);
	ck_assert_int_eq(rundir_write(&dir, "file", "one\ntwo\n\n", 9), 0);
	ck_assert_int_eq(rundir_read(&dir, "file", 3, &text), 3);
	ck_assert_str_eq(text, "one");
	free(text);
	rundir_tail(&dir, "file", tail, sizeof(tail));
	ck_assert_str_eq(tail, "two");
	rundir_tail(&dir, "nothing", tail, sizeof(tail));
	ck_assert_str_eq(tail, "");
	unlinkat(dir.fd, "file", 0);
	rundir_discard(&dir);
	rmdir(base);
}
END_TEST

START_TEST(figures_are_readable)
{
	char text[64];

	picture_rate(100000000, text, sizeof(text));
	ck_assert_str_eq(text, "100 Mbit/s");
	picture_rate(64000, text, sizeof(text));
	ck_assert_str_eq(text, "64 kbit/s");
	picture_time(6560, text, sizeof(text));
	ck_assert_str_eq(text, "6.56 us");
	picture_time(0, text, sizeof(text));
	ck_assert_str_eq(text, "0 ns");
}
END_TEST

/* An experiment of one ghost program with two ports, or of ns3-ghost. */
static struct scenario *blamed(bool is_program)
{
	static const char program[] = "ghostbridge: 1\nghost: ./sim\nnodes: {h1: {}, h2: {}}\n"
				      "links:\n  air: {kind: ghost, ends: [h1, h2]}\n";
	static const char ours[] = "ghostbridge: 1\n\nnodes: {h1: {}, h2: {}}\n"
				   "links:\n  air: {kind: csma, rate: 1Mbps, ends: [h1, h2]}\n";
	const char *text = is_program ? program : ours;
	struct scenario_errors errors = {.count = 0};
	struct scenario *scenario = NULL;

	ck_assert_int_eq(scenario_load(text, strlen(text), NULL, &scenario, &errors), 0);
	return scenario;
}

START_TEST(last_words_get_their_place)
{
	static const struct {
		bool is_program;
		enum peer_state was;
		int status;
		const char *tail, *expected;
		int exit;
	} cases[] = {
		{false, PEER_WELCOMED, 70, "scenario:5:3: link air: ns-3: msg=\"no\"",
		 "dir/x.yaml:5:3: link air: ns-3: msg=\"no\"", EXIT_USAGE},
		{false, PEER_WELCOMED, 1, "no memory", "ghost 0 left with status 1: no memory", EXIT_HOST},
		{false, PEER_WELCOMED, 1, "", "ghost 0 left with status 1", EXIT_HOST},
		{false, PEER_RUNNING, 70, "port h2.eth0: at 1.5 s in node 1: signal SIGSEGV",
		 "dir/x.yaml:5:45: port h2.eth0: at 1.5 s in node 1: signal SIGSEGV", EXIT_USAGE},
		{false, PEER_RUNNING, 70, "at 1.5 s: signal SIGSEGV", "dir/x.yaml:5:3: at 1.5 s: signal SIGSEGV",
		 EXIT_USAGE},
		{true, PEER_WELCOMED, 70, "ns-3: msg=\"no\"", "dir/x.yaml:2:8: ghost: ./sim: ns-3: msg=\"no\"",
		 EXIT_FAILED},
		{true, PEER_WELCOMED, 1, "port h1.eth0: two", "dir/x.yaml:5:29: port h1.eth0: two", EXIT_FAILED},
		{true, PEER_WELCOMED, 1, "port h3.eth0: two", "dir/x.yaml:2:8: ghost: ./sim: port h3.eth0: two",
		 EXIT_FAILED},
		{true, PEER_RUNNING, 0, "10 packets",
		 "dir/x.yaml:2:8: ghost: ./sim: the program ended by itself while the run went on; let "
		 "Simulator::Stop () come later, or leave it out: the end of the run ends Simulator::Run ()",
		 EXIT_FAILED},
		{true, PEER_READY, 9, "", "dir/x.yaml:2:8: ghost: ./sim: the program left with status 9", EXIT_FAILED},
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct scenario *scenario = blamed(cases[i].is_program);
		struct experiment experiment = {.scenario = scenario, .source = "dir/x.yaml"};
		char text[768];

		blame_text(&experiment, 0, cases[i].was, cases[i].status, cases[i].tail, text, sizeof(text));
		ck_assert_str_eq(text, cases[i].expected);
		ck_assert_int_eq(blame_exit(&experiment, cases[i].is_program, text), cases[i].exit);
		scenario_free(scenario);
	}
}
END_TEST

START_TEST(last_words_of_any_length_fit)
{
	struct scenario *scenario = blamed(true);
	struct experiment experiment = {.scenario = scenario, .source = "dir/x.yaml"};
	char tail[2000], text[64];

	memset(tail, 'x', sizeof(tail) - 1);
	tail[sizeof(tail) - 1] = '\0';
	blame_text(&experiment, 0, PEER_RUNNING, 70, tail, text, sizeof(text));
	ck_assert_uint_eq(strlen(text), sizeof(text) - 1);
	scenario_free(scenario);
}
END_TEST

START_TEST(text_of_others_is_made_printable)
{
	static const char *const pairs[][2] = {
		{"plain, two\tcolumns\nand a line", "plain, two\tcolumns\nand a line"},
		{"\u00a0\u00fc\u20ac\U0001f600", "\u00a0\u00fc\u20ac\U0001f600"},
		{"\033[31m\007\177\r", "?[31m???"},
		{"\xc2\x9b"
		 "1m",
		 "??1m"},                                             /* a control sequence in one character */
		{"\xff \x80 \xc0\x8a \xe0\x80\x8a", "? ? ?? ???"},    /* no lead; alone; overlong */
		{"\xed\xa0\x80 \xf4\x90\x80\x80 \xf8", "??? ???? ?"}, /* surrogate; too large */
		{"cut \xe2\x82", "cut ??"},
		{"", ""},
	};

	for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
		char text[64];
		json_t *value;

		snprintf(text, sizeof(text), "%s", pairs[i][0]);
		console_make_printable(text);
		ck_assert_str_eq(text, pairs[i][1]);
		value = json_string(text);
		ck_assert_ptr_nonnull(value);
		json_decref(value);
	}
}
END_TEST

int main(void)
{
	const struct {
		const char *name;
		const TTest *tests[8];
	} cases[] = {
		{"fidelity",
		 {verdict_follows_the_rule, timeline_keeps_the_worst, figure_escapes_and_draws,
		  adjacent_intervals_merge, exit_status_follows_result_and_verdict, other_clocks_are_mentioned}},
		{"blame", {last_words_get_their_place, last_words_of_any_length_fit}},
		{"changes", {ghosts_answer_for_their_own_changes}},
		{"steps",
		 {steps_start_in_order_of_time, run_ends_with_its_last_awaited_step, no_steps_is_over_at_once}},
		{"directory", {run_directory_is_made_and_discarded, figures_are_readable}},
		{"console", {text_of_others_is_made_printable}},
	};
	Suite *suite = suite_create("experiment");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		TCase *tcase = tcase_create(cases[i].name);

		for (size_t j = 0; j < 8 && cases[i].tests[j]; j++)
			tcase_add_test(tcase, cases[i].tests[j]);
		suite_add_tcase(suite, tcase);
	}
	suite_add_tcase(suite, experiment_path_tests());
	suite_add_tcase(suite, experiment_expect_tests());
	suite_add_tcase(suite, experiment_book_tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
