/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_ghost_time.c - when frames leave a ghost, links that change, and the end.
 */
#include "tests/unit/check_ghost.h"

/* ---- time ----------------------------------------------------------------------------------------------------- */

START_TEST(test_equal_stamps)
{
	/* Two frames stamped alike, published in the other order: the lower port gets the medium. */
	static uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];

	start_ghost(3, 100000000, 0, 1500, 0);
	for (uint32_t i = 0; i < 20; i++) {
		for (int port = 1; port >= 0; port--) {
			random_fill(i, frame, 1000);
			frame[0] = 0xff;
			frame[20] = (uint8_t)port;
			put((uint32_t)port, frame, 1000, 1000000 * (i + 1));
		}
	}
	start_clock();
	for (uint32_t i = 0; i < 20; i++) {
		ck_assert_uint_eq(take(2, got).time_ns, 1000000 * (i + 1) + transit_ns(1000));
		ck_assert_uint_eq(got[20], 0);
		take(2, got);
		ck_assert_uint_eq(got[20], 1);
	}
	stop_ghost();
}
END_TEST

START_TEST(test_late_frame)
{
	/* A frame from before what was already simulated enters then, and the difference is counted. */
	static uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];
	struct wire_record record;

	start_ghost(2, 100000000, 0, 1500, 0);
	random_fill(1, frame, 100);
	frame[0] = 0xff;
	put(0, frame, 100, 5000000);
	start_clock();
	record = take(1, got);
	ck_assert_uint_eq(record.time_ns, 5000000 + transit_ns(100));
	put(0, frame, 100, 1000000); /* stamped earlier than the one that has already left */
	record = take(1, got);
	ck_assert_uint_ge(record.time_ns, 5000000 + 2 * (transit_ns(100) - 640));
	ck_assert_uint_eq(port_stats(0)->late.count, 2);
	ck_assert_uint_ge(port_stats(0)->late.max_ns, 4000000);
	ck_assert_uint_eq(port_stats(0)->late.over_budget, 1);
	/* Stamped before the origin: time 0, late as well. */
	random_fill(2, frame, 100);
	frame[0] = 0xff;
	put(0, frame, 100, (uint64_t)0 - 1000000);
	take(1, got);
	ck_assert_mem_eq(got, frame, 100);
	stop_ghost();
}
END_TEST

START_TEST(test_lag)
{
	/* With a lag the simulation runs half of it behind the clock; simulated times do not change by it. */
	static const uint64_t lag_ns = 20000000;
	static uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];

	start_ghost(2, 100000000, 6560, 1500, lag_ns);
	start_clock();
	for (uint32_t i = 0; i < 20; i++) {
		uint64_t at = clock_ns() - origin_ns;
		struct wire_record record;

		random_fill(i, frame, 100);
		frame[0] = 0xff;
		put(0, frame, 100, at);
		record = take(1, got);
		ck_assert_uint_eq(record.time_ns, at + transit_ns(100));
		ck_assert_uint_ge(clock_ns(), origin_ns + record.time_ns + lag_ns / 2);
	}
	ck_assert_uint_eq(port_stats(0)->late.max_ns, 0);
	stop_ghost();
}
END_TEST

/* ---- links that change ---------------------------------------------------------------------------------------- */

static void put_at(uint64_t at_ns)
{
	uint8_t frame[60] = {0};

	memcpy(frame, ports[1].mac, 6);
	memcpy(frame + 6, ports[0].mac, 6);
	frame[12] = 8; /* IPv4 */
	put(0, frame, sizeof(frame), at_ns);
}

static void expect_departure(uint64_t at_ns, uint64_t rate, uint64_t delay)
{
	uint8_t got[WIRE_FRAME_MAX];
	struct wire_record record = take(1, got);

	rate_bps = rate;
	delay_ns = delay;
	ck_assert_msg(record.time_ns == at_ns + transit_ns(60), "a frame of %llu ns took %lld ns instead of %llu",
		      (unsigned long long)at_ns, (long long)(record.time_ns - at_ns),
		      (unsigned long long)transit_ns(60));
}

/* The scenario's own changes are made at their times, to the ns, and before a frame with the same stamp. */
START_TEST(test_timeline)
{
	timeline = "timeline:\n"
		   "  - {at: 5ms, link: lan, key: delay, value: 1ms}\n"
		   "  - {at: 10ms, link: lan, key: rate, value: 10Mbps}\n"
		   "  - {at: 20ms, link: lan.p0, key: state, value: down}\n"
		   "  - {at: 25ms, link: lan, key: state, value: up}\n"
		   "  - {at: 25ms, link: lan, key: delay, value: 2us}\n"
		   "  - {at: 30ms, link: lan.p1, key: state, value: down}\n"
		   "  - {at: 35ms, link: lan, key: state, value: up}\n"
		   "  - {at: 40ms, link: lan, key: rate, value: 1Gbps}\n"
		   "  - {at: 60min, link: lan, key: state, value: down}\n";
	start_ghost(2, 100000000, 1000, 1500, 0);
	put_at(4000000);
	put_at(4999999); /* its last bit leaves after the change */
	put_at(5010000);
	put_at(9999999); /* finished as it began, at the old rate */
	put_at(10030000);
	put_at(20000000); /* down */
	put_at(24999999); /* down */
	put_at(25000000);
	put_at(30000000); /* arrives at an end that is down */
	put_at(35000000);
	put_at(40000000);
	start_clock();
	expect_departure(4000000, 100000000, 1000);
	expect_departure(4999999, 100000000, 1000000);
	expect_departure(5010000, 100000000, 1000000);
	expect_departure(9999999, 100000000, 1000000);
	expect_departure(10030000, 10000000, 1000000);
	expect_departure(25000000, 10000000, 2000);
	expect_departure(35000000, 10000000, 2000);
	expect_departure(40000000, 1000000000, 2000);
	send_msg(daemon_fd, WIRE_MSG_QUIESCE, 0);
	ck_assert_uint_eq(next_msg(daemon_fd, WIRE_MSG_QUIESCED).value[0], 0);
	ck_assert_uint_eq(port_stats(0)->up.frames, 11);
	ck_assert_uint_eq(port_stats(0)->up.drops[STATS_DROP_DOWN], 2);
	ck_assert_uint_eq(port_stats(0)->transmitted, 9);
	ck_assert_uint_eq(port_stats(1)->down.drops[STATS_DROP_DOWN], 1);
	ck_assert_uint_eq(port_stats(1)->down.frames, 8);
	ck_assert_uint_eq(home.stats[1]->changes, 8);
	stop_ghost();
}
END_TEST

/* What waits at the medium of an end that goes down is dropped, and the end can send again afterwards. */
START_TEST(test_down_clears_queue)
{
	timeline = "timeline:\n"
		   "  - {at: 2ms, link: lan.p0, key: state, value: down}\n"
		   "  - {at: 3ms, link: lan.p0, key: state, value: up}\n"
		   "  - {at: 4ms, link: lan, key: queue, value: 2p}\n";
	start_ghost(2, 1000000, 1000, 1500, 0); /* a frame takes 576 us, and 160 us of gap */
	for (int i = 0; i < 5; i++)
		put_at(1000000 + (uint64_t)i);
	for (int i = 0; i < 5; i++)
		put_at(5000000 + (uint64_t)i);
	start_clock();
	expect_departure(1000000, 1000000, 1000);
	expect_departure(1000000 + 672000, 1000000, 1000);
	for (uint64_t i = 0; i < 3; i++) /* one is being sent, two wait, two find no room */
		expect_departure(5000000 + i * 672000, 1000000, 1000);
	send_msg(daemon_fd, WIRE_MSG_QUIESCE, 0);
	ck_assert_uint_eq(next_msg(daemon_fd, WIRE_MSG_QUIESCED).value[0], 0);
	ck_assert_uint_eq(port_stats(0)->up.drops[STATS_DROP_DOWN], 3);
	ck_assert_uint_eq(port_stats(0)->up.drops[STATS_DROP_QUEUE], 2);
	ck_assert_uint_eq(port_stats(0)->transmitted, 5);
	stop_ghost();
}
END_TEST

static void send_change(uint64_t stamp_ns, uint64_t number, const char *text)
{
	struct wire_msg msg = wire_msg_make(WIRE_MSG_CHANGE);

	msg.value[0] = stamp_ns;
	msg.value[1] = number;
	snprintf(msg.text, sizeof(msg.text), "%s", text);
	ck_assert_int_eq(wire_msg_send(daemon_fd, &msg, NULL, 0), 0);
}

static struct wire_msg expect_changed(uint64_t number, uint64_t at_ns)
{
	struct wire_msg msg = next_msg(daemon_fd, WIRE_MSG_CHANGED);

	ck_assert_uint_eq(msg.arg, 0);
	ck_assert_uint_eq(msg.value[1], number);
	if (at_ns)
		ck_assert_uint_eq(msg.value[0], at_ns);
	return msg;
}

/* Live changes stand in the same order as frames, by their stamps, however they were sent. */
START_TEST(test_live_change)
{
	timeline = "";
	start_ghost(2, 100000000, 1000, 1500, 0);
	send_change(origin_ns + 4000000, 7, "lan delay=3us");
	send_change(origin_ns + 2000000, 8, "lan delay=2us");
	send_change(origin_ns + 6000000, 9, "lan.p0 state=down");
	send_change(origin_ns + 8000000, 10, "lan.p0.eth0 state=up");
	for (uint64_t at = 1000000; at <= 9000000; at += 2000000)
		put_at(at);
	start_clock();
	expect_departure(1000000, 100000000, 1000);
	expect_departure(3000000, 100000000, 2000);
	expect_departure(5000000, 100000000, 3000);
	expect_departure(9000000, 100000000, 3000);
	ck_assert_str_eq(expect_changed(8, 2000000).text, "");
	ck_assert_str_eq(expect_changed(7, 4000000).text, "");
	ck_assert_str_eq(expect_changed(9, 6000000).text, "");
	ck_assert_str_eq(expect_changed(10, 8000000).text, "");
	ck_assert_uint_eq(port_stats(0)->up.drops[STATS_DROP_DOWN], 1);
	stop_ghost();
}
END_TEST

/* Two changes at once: the second is heard on the way to sleep, when the ghost has already looked what is due next. */
START_TEST(test_two_changes_at_once)
{
	timeline = "";
	start_ghost(2, 100000000, 1000, 1500, 0);
	put_at(1000000);
	start_clock();
	expect_departure(1000000, 100000000, 1000);
	for (uint64_t i = 0; i < 10; i++) {
		/* Both are there before it goes on, and it has not asked the daemon for longer than it may. */
		ck_assert_int_eq(kill(ghost_pid, SIGSTOP), 0);
		ck_assert_int_eq(waitpid(ghost_pid, NULL, WUNTRACED), ghost_pid);
		send_change(0, 2 * i, "lan delay=2us");
		send_change(0, 2 * i + 1, "lan delay=3us");
		poll(NULL, 0, 3);
		ck_assert_int_eq(kill(ghost_pid, SIGCONT), 0);
		ck_assert_str_eq(expect_changed(2 * i, 0).text, "");
		ck_assert_str_eq(expect_changed(2 * i + 1, 0).text, "");
	}
	stop_ghost();
}
END_TEST

/* The daemon checks changes; a ghost that is told nonsense all the same says so and goes on. */
START_TEST(test_wild_change)
{
	static const char *const wild[] = {"",
					   " ",
					   "lan",
					   "lan delay",
					   "lan delay=",
					   "lan =5ms",
					   "lan delay=5",
					   "net delay=5ms",
					   "lan mtu=1000",
					   "lan.p2 state=up",
					   "lan. state=up",
					   "lan state=sideways",
					   "\xff\xfe \x80=\x01",
					   "lan delay=99999999999999999999999999999999999999999999s",
					   "lan rate=0bps",
					   "lan queue=-1p",
					   "lan delay=5ms\nlan delay=6ms"};
	char longest[WIRE_TEXT_SIZE];

	timeline = "";
	start_ghost(2, 100000000, 1000, 1500, 0);
	put_at(1000000);
	start_clock();
	expect_departure(1000000, 100000000, 1000);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	longest[100] = ' ';
	longest[110] = '=';
	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		send_change(i % 2 ? 0 : clock_ns(), i, wild[i]);
		ck_assert_msg(expect_changed(i, 0).text[0] != '\0', "\"%s\" was taken", wild[i]);
	}
	send_change(origin_ns, 100, longest);
	ck_assert_str_ne(expect_changed(100, 0).text, "");
	put_at(clock_ns() - origin_ns);
	take(1, (uint8_t[WIRE_FRAME_MAX]){0});
	stop_ghost();
}
END_TEST

START_TEST(test_quiesce)
{
	/* QUIESCED comes when the last frame is out, not before: this cable is 300 ms long. */
	static uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];

	start_ghost(2, 100000000, 300000000, 1500, 0);
	start_clock();
	random_fill(1, frame, 100);
	frame[0] = 0xff;
	put(0, frame, 100, clock_ns() - origin_ns);
	while (stats_get(&port_stats(0)->up.frames) == 0)
		poll(NULL, 0, 1);
	send_msg(daemon_fd, WIRE_MSG_QUIESCE, 0);
	ck_assert_uint_eq(next_msg(daemon_fd, WIRE_MSG_QUIESCED).value[0], 0);
	ck_assert_uint_eq(stats_get(&port_stats(1)->down.frames), 1);
	take(1, got);
	stop_ghost();
}
END_TEST

START_TEST(test_slow_shuttle)
{
	/* The ring toward the shuttle is full: the ghost waits, loses nothing and still listens to the daemon. */
	static uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];
	const uint32_t count = 160, len = 1500;

	start_ghost(3, 1000000000, 0, 1500, 0);
	for (uint32_t port = 0; port < 2; port++) {
		for (uint32_t i = 0; i < count; i++) {
			random_fill(i, frame, len);
			frame[0] = 0xff;
			frame[20] = (uint8_t)port;
			put(port, frame, len, 1000000 + i * 100000 + port * 50000);
		}
	}
	start_clock();
	while (stats_get(&port_stats(2)->stalls) == 0)
		poll(NULL, 0, 1);
	if (_i) {
		/* It is told to go while it waits, by a shuttle that keeps it awake for nothing. */
		send_msg(daemon_fd, WIRE_MSG_STOP, 0);
		for (int status; waitpid(ghost_pid, &status, WNOHANG) == 0;) {
			static uint64_t until;

			until = until ? until : clock_ns() + PATIENCE_MS * 1000000ull;
			ck_assert_msg(clock_ns() < until, "the ghost hangs");
			__atomic_store_n(&shuttle.peer_inbox->data[0], 1, __ATOMIC_SEQ_CST);
			__atomic_store_n(&shuttle.peer_inbox->space[0], 1, __ATOMIC_SEQ_CST);
		}
		ghost_pid = -1;
		return;
	}
	for (uint32_t i = 0; i < 2 * count; i++) {
		ck_assert_uint_eq(take(2, got).len, len);
		ck_assert_uint_eq(got[20], i % 2);
		random_fill(i / 2, frame, len);
		ck_assert_mem_eq(got + 21, frame + 21, len - 21);
	}
	stop_ghost();
}
END_TEST

START_TEST(test_daemon_gone)
{
	start_ghost(2, 100000000, 0, 1500, 0);
	if (_i)
		start_clock();
	close(daemon_fd);
	expect_exit(1);
}
END_TEST

START_TEST(test_no_daemon)
{
	char path[128];
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), pipes[2];
	static const char text[] = "ghostbridge: 1\nnodes: {a: {}, b: {}}\n"
				   "links: {lan: {kind: csma, rate: 1Mbps, delay: 0s, ends: [a, b]}}\n";

	snprintf(path, sizeof(path), "%s/none", dir);
	run_ghost(path, null); /* no scenario either */
	expect_exit(1);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(write(pipes[1], text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	close(pipes[1]);
	run_ghost(path, pipes[0]);
	expect_exit(1);
}
END_TEST

TCase *ghost_time_tests(void)
{
	TCase *tcase = tcase_create("time");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_equal_stamps);
	tcase_add_test(tcase, test_late_frame);
	tcase_add_test(tcase, test_lag);
	tcase_add_test(tcase, test_timeline);
	tcase_add_test(tcase, test_down_clears_queue);
	tcase_add_test(tcase, test_live_change);
	tcase_add_test(tcase, test_two_changes_at_once);
	tcase_add_test(tcase, test_wild_change);
	tcase_add_test(tcase, test_quiesce);
	tcase_add_loop_test(tcase, test_slow_shuttle, 0, 2);
	tcase_add_loop_test(tcase, test_daemon_gone, 0, 2);
	tcase_add_test(tcase, test_no_daemon);
	return tcase;
}
