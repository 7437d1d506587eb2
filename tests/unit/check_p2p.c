/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_p2p.c - links of kind p2p in the scenario language: directions, queues, impairments, rate traces.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/scenario.h"

#define HEAD "ghostbridge: 1\nnodes: {h1: {}, h2: {}}\nlinks:\n  l: {kind: p2p, ends: [h1, h2], "

static const char *file_data; /* what read_file() finds under every name */
static size_t file_size;
static int file_errno;

static int read_file(void *context, const char *name, char **ret, size_t *ret_size)
{
	ck_assert_str_eq(context, "context");
	ck_assert_str_eq(name, "some.trace");
	if (file_errno)
		return -file_errno;
	*ret = malloc(file_size + 1);
	memcpy(*ret, file_data, file_size);
	*ret_size = file_size;
	return 0;
}

static const struct scenario_options with_files = {
	.default_name = "test", .read_file = read_file, .read_file_data = (void *)"context"};

/* Load one link that has these keys beside kind and ends. */
static int try_load(const char *keys, const struct scenario_options *options, struct scenario **ret, char *ret_error,
		    size_t size)
{
	struct scenario_errors errors;
	char text[4096];
	int err;

	snprintf(text, sizeof(text), HEAD "%s}\n", keys);
	err = scenario_load(text, strlen(text), options, ret, &errors);
	if (err) {
		snprintf(ret_error, size, "%s", errors.items[0].text);
		scenario_errors_done(&errors);
	}
	return err;
}

static struct scenario *load(const char *keys)
{
	struct scenario *scenario = NULL;
	char error[1024] = "";

	ck_assert_msg(try_load(keys, &with_files, &scenario, error, sizeof(error)) == 0, "%s: %s", keys, error);
	return scenario;
}

static void refuse(const char *keys, const char *part)
{
	struct scenario *scenario = NULL;
	char error[1024] = "";

	ck_assert_int_eq(try_load(keys, &with_files, &scenario, error, sizeof(error)), -EINVAL);
	ck_assert_msg(strstr(error, part) != NULL, "\"%s\" is not in: %s", part, error);
}

START_TEST(test_defaults)
{
	struct scenario *s = load("rate: 10Mbps");
	const struct scenario_link *link = &s->links[0];

	ck_assert_int_eq(link->kind, SCENARIO_LINK_P2P);
	ck_assert_str_eq(scenario_link_kind_name(link->kind), "p2p");
	ck_assert(scenario_link_is_simulated(link));
	ck_assert_uint_eq(link->mtu, 1500);
	ck_assert_uint_eq(link->rate_bps, 10000000);
	for (int i = 0; i < 2; i++) {
		const struct scenario_direction *way = &link->ways[i];

		ck_assert_uint_eq(way->rate_bps, 10000000);
		ck_assert_uint_eq(way->delay_ns, 0);
		ck_assert_int_eq(way->queue.discipline, SCENARIO_DROP_TAIL);
		ck_assert_uint_eq(way->queue.limit_frames, 100);
		ck_assert_uint_eq(way->queue.limit_size, 0);
		ck_assert_int_eq(way->spread, SCENARIO_SPREAD_NONE);
		ck_assert(way->loss == 0 && way->duplicate == 0 && way->corrupt == 0 && way->reorder == 0);
		ck_assert(!way->has_burst_loss && !way->trace_ms);
	}
	scenario_free(s);
}
END_TEST

START_TEST(test_everything)
{
	struct scenario *s = load("rate: 10Mbps, delay: 5ms, loss: 0.1%, duplicate: 0.25%, corrupt: 100%, "
				  "jitter: {spread: 2ms, distribution: pareto, reorder: true}, "
				  "reorder: {probability: 1%, hold: 3ms}, "
				  "forward: {rate: 1Mbps, queue: 64KiB, jitter: 1ms}, "
				  "backward: {delay: 7ms, loss: {gilbert-elliott: {p: 1%, r: 10%, loss-good: 0.5%}}}");
	const struct scenario_direction *forward = &s->links[0].ways[SCENARIO_FORWARD];
	const struct scenario_direction *backward = &s->links[0].ways[SCENARIO_BACKWARD];

	ck_assert_uint_eq(forward->rate_bps, 1000000);
	ck_assert_uint_eq(backward->rate_bps, 10000000);
	ck_assert_uint_eq(scenario_end_rate_bps(s, 0), 1000000);
	ck_assert_uint_eq(scenario_end_rate_bps(s, 1), 10000000);
	ck_assert_uint_eq(forward->delay_ns, 5000000);
	ck_assert_uint_eq(backward->delay_ns, 7000000);
	ck_assert_uint_eq(forward->queue.limit_size, 65536);
	ck_assert_uint_eq(forward->queue.limit_frames, 0);
	ck_assert_uint_eq(backward->queue.limit_frames, 100);
	ck_assert_int_eq(forward->spread, SCENARIO_SPREAD_UNIFORM);
	ck_assert(forward->jitter_ns == 1000000 && !forward->jitter_reorders);
	ck_assert_int_eq(backward->spread, SCENARIO_SPREAD_PARETO);
	ck_assert(backward->jitter_ns == 2000000 && backward->jitter_reorders);
	ck_assert(forward->loss == 0.001 && !forward->has_burst_loss);
	ck_assert(backward->has_burst_loss && backward->burst_loss.p == 0.01 && backward->burst_loss.r == 0.1);
	ck_assert(backward->burst_loss.loss_good == 0.005 && backward->burst_loss.loss_bad == 1);
	ck_assert(forward->duplicate == 0.0025 && forward->corrupt == 1 && forward->reorder == 0.01);
	ck_assert_uint_eq(forward->reorder_hold_ns, 3000000);
	scenario_free(s);
}
END_TEST

/* Each default is ns-3's. */
START_TEST(test_queues)
{
	const struct scenario_queue *queue;
	struct scenario *s;

	s = load("rate: 1Mbps, queue: red");
	queue = &s->links[0].ways[1].queue;
	ck_assert(queue->discipline == SCENARIO_RED && queue->limit_frames == 25 && queue->min_frames == 5);
	ck_assert(queue->max_frames == 15 && queue->max_share == 0.02 && queue->weight == 0.002);
	ck_assert(queue->gentle && !queue->ecn);
	scenario_free(s);
	s = load("rate: 1Mbps, queue: pie");
	queue = &s->links[0].ways[0].queue;
	ck_assert(queue->discipline == SCENARIO_PIE && queue->limit_frames == 25 && queue->target_ns == 15000000);
	ck_assert(queue->interval_ns == 15000000 && queue->burst_ns == 150000000 && !queue->ecn);
	scenario_free(s);
	s = load("rate: 1Mbps, queue: codel");
	queue = &s->links[0].ways[0].queue;
	ck_assert(queue->discipline == SCENARIO_CODEL && queue->limit_frames == 1000 && queue->target_ns == 5000000);
	ck_assert(queue->interval_ns == 100000000 && !queue->ecn);
	scenario_free(s);
	s = load("rate: 1Mbps, queue: {discipline: fq-codel, limit: 77p, target: 6ms, interval: 70ms, flows: 12, "
		 "quantum: 300B, ecn: false}");
	queue = &s->links[0].ways[0].queue;
	ck_assert(queue->discipline == SCENARIO_FQ_CODEL && queue->limit_frames == 77 && queue->target_ns == 6000000);
	ck_assert(queue->interval_ns == 70000000 && queue->flows == 12 && queue->quantum == 300 && !queue->ecn);
	scenario_free(s);
	s = load("rate: 1Mbps, queue: {discipline: red, limit: 60p, min: 10p, max: 30p, max-probability: 10%, "
		 "weight: 0.01, gentle: false, ecn: true}");
	queue = &s->links[0].ways[0].queue;
	ck_assert(queue->limit_frames == 60 && queue->min_frames == 10 && queue->max_frames == 30);
	ck_assert(queue->max_share == 0.1 && queue->weight == 0.01 && !queue->gentle && queue->ecn);
	scenario_free(s);
	s = load("rate: 1Mbps, queue: {limit: 3000B}");
	queue = &s->links[0].ways[0].queue;
	ck_assert(queue->discipline == SCENARIO_DROP_TAIL && queue->limit_size == 3000 && !queue->limit_frames);
	scenario_free(s);
	refuse("rate: 1Mbps, queue: [1p]", "is a list");
	refuse("rate: 1Mbps, queue: 0p", "out of range");
	refuse("rate: 1Mbps, queue: 100B", "out of range");
	refuse("rate: 1Mbps, queue: {discipline: red, weight: 0}", "above 0 and up to 1");
	refuse("rate: 1Mbps, queue: {discipline: fq-codel, flows: 0}", "whole number from 1");
}
END_TEST

/* A trace is in the scenario's text afterwards, and whoever has only that sees the same. */
START_TEST(test_trace)
{
	struct scenario *s, *again;
	struct scenario_errors errors;
	const struct scenario_direction *way;

	file_data = "0\n1\n1\n1\n7\r\n10";
	file_size = strlen(file_data);
	s = load("rate: 1Mbps, forward: {trace: some.trace}");
	ck_assert_ptr_nonnull(strstr(s->text, "steps: \"0 1 0 0 6 3\""));
	ck_assert_ptr_nonnull(strstr(s->text, "file: some.trace"));
	ck_assert_int_eq(scenario_load(s->text, strlen(s->text), NULL, &again, &errors), 0);
	ck_assert_str_eq(again->text, s->text);
	for (int i = 0; i < 2; i++) {
		const uint32_t want[] = {0, 1, 1, 1, 7, 10};

		way = &(i ? again : s)->links[0].ways[SCENARIO_FORWARD];
		ck_assert_uint_eq(way->rate_bps, 0);
		ck_assert_uint_eq(way->trace_count, 6);
		ck_assert(!memcmp(way->trace_ms, want, sizeof(want)));
		/* 6 packets of 1500 bytes in 10 ms */
		ck_assert_uint_eq(scenario_end_rate_bps(i ? again : s, 0), 7200000);
		ck_assert_ptr_null((i ? again : s)->links[0].ways[SCENARIO_BACKWARD].trace_ms);
	}
	scenario_free(s);
	scenario_free(again);
	/* A rate in one direction takes the place of a trace of both. */
	s = load("trace: some.trace, backward: {rate: 2Mbps}");
	ck_assert_uint_eq(s->links[0].ways[SCENARIO_FORWARD].trace_count, 6);
	ck_assert_ptr_null(s->links[0].ways[SCENARIO_BACKWARD].trace_ms);
	ck_assert_uint_eq(s->links[0].ways[SCENARIO_BACKWARD].rate_bps, 2000000);
	scenario_free(s);
}
END_TEST

static const struct {
	const char *data;
	const char *part;
} wrong_traces[] = {
	{"", "is empty"},
	{"0\n0\n", "takes no time"},
	{"1\n\n2\n", "line 2 of some.trace is not a time in ms"},
	{"1\n2 3\n", "line 2 of"},
	{"1\n-2\n", "line 2 of"},
	{"1\n2.5\n", "line 2 of"},
	{"x", "line 1 of"},
	{"3\n5\n4\n", "line 3 of some.trace goes back from 5 to 4 ms"},
	{"99999999999\n", "line 1 of"},
	{"604800001\n", "line 1 of"},
};

START_TEST(test_wrong_trace)
{
	file_data = wrong_traces[_i].data;
	file_size = strlen(file_data);
	refuse("trace: some.trace", wrong_traces[_i].part);
}
END_TEST

START_TEST(test_no_trace)
{
	file_errno = ENOENT;
	refuse("trace: some.trace", "cannot read some.trace: No such file or directory");
	file_errno = EFBIG;
	refuse("trace: some.trace", "too large for a trace");
	file_errno = 0;
	refuse("trace: {file: x}", "lacks \"steps\"");
	refuse("trace: {steps: \"1  2\"}", "number 2");
	refuse("trace: {steps: \"1 2 \"}", "number 2");
	refuse("trace: {steps: \"604800000 1\"}", "number 2");
}
END_TEST

/* More than a scenario may have is refused when it is taken in, not by the ghost. */
START_TEST(test_large_trace)
{
	char *data = malloc(8 << 20), *at = data;

	for (unsigned int i = 0; i < 700000; i++)
		at += sprintf(at, "%u\n", i);
	file_data = data;
	file_size = (size_t)(at - data);
	refuse("trace: some.trace", "at most 1048576 are allowed");
	free(data);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("p2p");
	TCase *tcase = tcase_create("p2p");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, test_defaults);
	tcase_add_test(tcase, test_everything);
	tcase_add_test(tcase, test_queues);
	tcase_add_test(tcase, test_trace);
	tcase_add_loop_test(tcase, test_wrong_trace, 0, sizeof(wrong_traces) / sizeof(wrong_traces[0]));
	tcase_add_test(tcase, test_no_trace);
	tcase_add_test(tcase, test_large_trace);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
