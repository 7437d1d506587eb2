/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_wire.c - inboxes, the memory of a wire and the counters; rings and hello are in files of their own.
 */
#include "tests/unit/check_wire.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- inboxes -------------------------------------------------------------------------------------------------- */

#define MANY_PORTS 130u

static struct wire_home home;
static struct wire_port ports[WIRE_PORTS_MAX];
static struct wire shuttle, ghost;
static int shuttle_daemon_fd, ghost_daemon_fd;

static void setup_wire(void)
{
	make_ports(ports, MANY_PORTS, 1500);
	ck_assert_int_eq(wire_home_open(MANY_PORTS, WIRE_RING_SIZE_MIN, &home), 0);
	for (uint32_t i = 0; i < MANY_PORTS; i++)
		ports[i].tap_fd = home.bell_fd[0]; /* any fd will do */
	shuttle_daemon_fd = attach_here(&home, WIRE_ROLE_SHUTTLE, ports, &fixture_terms, &shuttle);
	ghost_daemon_fd = attach_here(&home, WIRE_ROLE_GHOST, ports, &fixture_terms, &ghost);
}

static void teardown_wire(void)
{
	wire_detach(&shuttle);
	wire_detach(&ghost);
	close(shuttle_daemon_fd);
	close(ghost_daemon_fd);
	wire_home_close(&home);
}

static void take_all_bits(struct wire *wire)
{
	for (uint32_t word = 0; word < WIRE_WORDS; word++) {
		wire_take_bits(&wire->own_inbox->data[word]);
		wire_take_bits(&wire->own_inbox->space[word]);
	}
}

static void wire_put(struct wire *wire, uint32_t port, uint32_t len)
{
	uint8_t *payload;

	ck_assert_int_eq(ring_p_reserve(&wire->tx[port], len, &payload), 1);
	memset(payload, (int)port, len);
	ring_p_commit(&wire->tx[port], len, 0);
}

START_TEST(test_inbox_first_look)
{
	/* Whatever a predecessor slept through: a fresh peer looks at every port once. */
	for (uint32_t word = 0; word < wire_words(&ghost); word++) {
		ck_assert_uint_eq(wire_take_bits(&ghost.own_inbox->data[word]), UINT64_MAX);
		ck_assert_uint_eq(wire_take_bits(&ghost.own_inbox->space[word]), UINT64_MAX);
		ck_assert_uint_eq(wire_take_bits(&ghost.own_inbox->data[word]), 0);
	}
	ck_assert_uint_eq(wire_words(&ghost), 3);
}
END_TEST

START_TEST(test_inbox_data)
{
	static const uint32_t some[] = {0, 1, 63, 64, 127, 128, MANY_PORTS - 1};

	take_all_bits(&ghost);
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		uint32_t port = some[i];
		struct wire_record record;
		const uint8_t *payload;

		wire_flush_tx(&shuttle, port); /* nothing committed, nothing said */
		ck_assert_uint_eq(ghost.own_inbox->data[port / 64], 0);
		wire_put(&shuttle, port, 60);
		ck_assert_uint_eq(ghost.own_inbox->data[port / 64], 0);
		wire_flush_tx(&shuttle, port);
		ck_assert_uint_eq(wire_take_bits(&ghost.own_inbox->data[port / 64]), 1ull << (port % 64));
		ck_assert_int_eq(ring_c_peek(&ghost.rx[port], &record, &payload), 1);
		ck_assert_uint_eq(payload[0], port);
	}
	for (uint32_t word = 0; word < WIRE_WORDS; word++)
		ck_assert_uint_eq(ghost.own_inbox->data[word], 0);
}
END_TEST

START_TEST(test_inbox_sleep)
{
	take_all_bits(&ghost);
	wire_put(&shuttle, 3, 60);
	wire_flush_tx(&shuttle, 3);
	ck_assert(!readable(ghost.own_bell_fd, 0)); /* it does not sleep: no system call, no bell */
	ck_assert(!wire_may_sleep(&ghost));         /* something to do */
	ck_assert_uint_eq(ghost.own_inbox->sleeping, 0);
	take_all_bits(&ghost);

	ck_assert(wire_may_sleep(&ghost));
	ck_assert_uint_eq(ghost.own_inbox->sleeping, 1);
	wire_put(&shuttle, 129, 60);
	wire_flush_tx(&shuttle, 129);
	ck_assert(readable(ghost.own_bell_fd, 0));
	ck_assert_uint_eq(ghost.own_inbox->sleeping, 0); /* taken by the one who rang */
	wire_awake(&ghost, true);
	ck_assert(!readable(ghost.own_bell_fd, 0));
	wire_awake(&ghost, true); /* an empty bell does not block */
	wire_put(&shuttle, 129, 60);
	wire_flush_tx(&shuttle, 129);
	ck_assert(!readable(ghost.own_bell_fd, 0));
	take_all_bits(&ghost);

	ck_assert(wire_may_sleep(&ghost));
	wire_awake(&ghost, false); /* woke up for another reason */
	wire_put(&shuttle, 0, 60);
	wire_flush_tx(&shuttle, 0);
	ck_assert(!readable(ghost.own_bell_fd, 0));
}
END_TEST

START_TEST(test_inbox_space)
{
	uint8_t *payload;
	struct wire_record record;
	const uint8_t *frame;
	bool told = false;

	take_all_bits(&ghost);
	take_all_bits(&shuttle);
	while (ring_p_reserve(&shuttle.tx[70], 1500, &payload) == 1)
		ring_p_commit(&shuttle.tx[70], 1500, 0);
	wire_flush_tx(&shuttle, 70);
	ck_assert(!ring_p_want_space(&shuttle.tx[70], 1500));
	ck_assert(wire_may_sleep(&shuttle));
	while (ring_c_peek(&ghost.rx[70], &record, &frame) == 1) {
		ring_c_release(&ghost.rx[70]);
		wire_flush_rx(&ghost, 70);
		if (!told && shuttle.own_inbox->space[1]) {
			told = true;
			ck_assert(readable(shuttle.own_bell_fd, 0));
			wire_awake(&shuttle, true);
			ck_assert_uint_eq(wire_take_bits(&shuttle.own_inbox->space[1]), 1ull << 6);
			ck_assert_int_eq(ring_p_reserve(&shuttle.tx[70], 1500, &payload), 1);
		}
	}
	ck_assert(told);
	ck_assert(!readable(shuttle.own_bell_fd, 0)); /* told once */
}
END_TEST

/* ---- home ----------------------------------------------------------------------------------------------------- */

START_TEST(test_home_geometry)
{
	static const struct {
		uint32_t port_count, ring_size;
		int r;
	} rows[] = {
		{0, WIRE_RING_SIZE_MIN, -EINVAL},
		{1, WIRE_RING_SIZE_MIN, 0},
		{WIRE_PORTS_MAX, WIRE_RING_SIZE_MIN, 0},
		{WIRE_PORTS_MAX + 1, WIRE_RING_SIZE_MIN, -EINVAL},
		{UINT32_MAX, WIRE_RING_SIZE_MIN, -EINVAL},
		{1, 0, -EINVAL},
		{1, 4096, -EINVAL},
		{1, WIRE_RING_SIZE_MIN / 2, -EINVAL},
		{1, WIRE_RING_SIZE_MIN + 32, -EINVAL},
		{1, 3 * WIRE_RING_SIZE_MIN, -EINVAL},
		{1, WIRE_RING_SIZE_MAX, 0},
		{1, 2 * WIRE_RING_SIZE_MAX, -EINVAL},
		{1, 1u << 31, -EINVAL},
		{1, UINT32_MAX, -EINVAL},
	};
	int fds = open_fds();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wire_home made = {.memory_fd = -7};

		ck_assert_int_eq(wire_home_open(rows[i].port_count, rows[i].ring_size, &made), rows[i].r);
		if (rows[i].r == 0) {
			ck_assert_int_eq(open_fds(), fds + 5);
			wire_home_close(&made);
			wire_home_close(&made); /* closing twice is nothing */
		} else {
			ck_assert_int_eq(made.memory_fd, -7); /* untouched on failure */
		}
		ck_assert_int_eq(open_fds(), fds);
	}
	wire_home_close(NULL);
}
END_TEST

START_TEST(test_home_sealed)
{
	int memfds[3];
	struct stat status;

	ck_assert_int_eq(wire_home_open(3, WIRE_RING_SIZE_DEFAULT, &home), 0);
	memfds[0] = home.memory_fd;
	memfds[1] = home.stats_fd[0];
	memfds[2] = home.stats_fd[1];
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(fstat(memfds[i], &status), 0);
		ck_assert_int_eq(ftruncate(memfds[i], 0), -1);
		ck_assert_int_eq(errno, EPERM);
		ck_assert_int_eq(ftruncate(memfds[i], status.st_size + 4096), -1);
		ck_assert_int_eq(errno, EPERM);
		ck_assert_int_eq(fcntl(memfds[i], F_ADD_SEALS, F_SEAL_WRITE), -1);
		ck_assert(fcntl(memfds[i], F_GETFD) & FD_CLOEXEC);
	}
	ck_assert_uint_eq(home.stats[0]->port_count, 3);
	ck_assert_uint_eq(home.stats[1]->port_count, 3);
	wire_home_close(&home);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which take SIGSEGV for themselves */
START_TEST(test_home_stats_read_only)
{
	ck_assert_int_eq(wire_home_open(1, WIRE_RING_SIZE_MIN, &home), 0);
	home.stats[0]->sim_ns = 1; /* SIGSEGV */
}
END_TEST
#endif

/* ---- counters ------------------------------------------------------------------------------------------------- */

START_TEST(test_stats_buckets)
{
	unsigned int last = 0;

	for (uint64_t ns = 0; ns < 1u << 16; ns++) {
		unsigned int bucket = stats_hist_bucket(ns);

		ck_assert(bucket == last || bucket == last + 1); /* monotone, and none left out */
		last = bucket;
	}
	for (unsigned int bit = 4; bit < 64; bit++) {
		uint64_t ns = 1ull << bit;

		ck_assert_uint_ge(stats_hist_bucket(ns), stats_hist_bucket(ns - 1));
		ck_assert_uint_ge(stats_hist_bucket(ns + 1), stats_hist_bucket(ns));
		ck_assert_uint_lt(stats_hist_bucket(ns), STATS_HIST_BUCKETS);
	}
	ck_assert_uint_eq(stats_hist_bucket(UINT64_MAX), STATS_HIST_BUCKETS - 1);
	ck_assert_uint_eq(stats_hist_bucket((1ull << 42) - 1), STATS_HIST_BUCKETS - 1);
	ck_assert_uint_lt(stats_hist_bucket((1ull << 42) - (1ull << 37) - 1), STATS_HIST_BUCKETS - 1);
}
END_TEST

static int compare_u64(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return one < other ? -1 : one > other;
}

START_TEST(test_stats_quantile)
{
	static const double quantiles[] = {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0};
	static uint64_t samples[5000];
	static struct stats_hist hist, halves[2];
	uint64_t state = 5, over = 0, sum = 0;

	ck_assert_uint_eq(stats_hist_quantile(&hist, 0.5), 0);
	for (size_t i = 0; i < 5000; i++) {
		uint64_t ns = random_next(&state) >> (24 + random_next(&state) % 36); /* up to 18 minutes */

		samples[i] = ns;
		over += ns > 1000;
		sum += ns;
		stats_hist_add(&hist, ns, 1000);
		stats_hist_add(&halves[i % 3 == 0], ns, 1000);
	}
	qsort(samples, 5000, sizeof(*samples), compare_u64);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++) {
		double rank = quantiles[i] * 5000;
		uint64_t exact = samples[(size_t)rank + ((double)(size_t)rank < rank) - 1];
		uint64_t said = stats_hist_quantile(&hist, quantiles[i]);

		ck_assert_uint_ge(said, exact); /* never flattering */
		ck_assert_uint_le(said - exact, exact / 16);
	}
	ck_assert_uint_eq(stats_hist_quantile(&hist, 1.0), samples[4999]);
	ck_assert_uint_eq(hist.count, 5000);
	ck_assert_uint_eq(hist.sum_ns, sum);
	ck_assert_uint_eq(hist.over_budget, over);
	ck_assert_uint_eq(hist.max_ns, samples[4999]);
	stats_hist_merge(&halves[0], &halves[1]);
	ck_assert_mem_eq(&halves[0], &hist, sizeof(hist));
}
END_TEST

START_TEST(test_stats_single_sample)
{
	static const uint64_t values[] = {0, 1, 15, 16, 17, 1000, 999999, 1ull << 40, 1ull << 50, UINT64_MAX};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct stats_hist hist = {0};

		stats_hist_add(&hist, values[i], UINT64_MAX);
		ck_assert_uint_eq(stats_hist_quantile(&hist, 0.5), values[i]);
		ck_assert_uint_eq(stats_hist_quantile(&hist, 1.0), values[i]);
		ck_assert_uint_eq(hist.over_budget, 0);
	}
}
END_TEST

START_TEST(test_stats_drop_names)
{
	for (int i = 0; i < STATS_DROP_COUNT; i++) {
		const char *name = stats_drop_name((enum stats_drop)i);

		ck_assert_str_ne(name, "?");
		for (int other = 0; other < i; other++)
			ck_assert_str_ne(name, stats_drop_name((enum stats_drop)other));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *tcase;
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, wire_ring_tests());
	tcase = tcase_create("inbox");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup_wire, teardown_wire);
	tcase_add_test(tcase, test_inbox_first_look);
	tcase_add_test(tcase, test_inbox_data);
	tcase_add_test(tcase, test_inbox_sleep);
	tcase_add_test(tcase, test_inbox_space);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("home");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_home_geometry);
	tcase_add_test(tcase, test_home_sealed);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	tcase_add_test_raise_signal(tcase, test_home_stats_read_only, SIGSEGV);
#endif
	suite_add_tcase(suite, tcase);

	suite_add_tcase(suite, wire_hello_tests());

	tcase = tcase_create("stats");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_stats_buckets);
	tcase_add_test(tcase, test_stats_quantile);
	tcase_add_test(tcase, test_stats_single_sample);
	tcase_add_test(tcase, test_stats_drop_names);
	suite_add_tcase(suite, tcase);

	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
