/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_shuttle.c - what a link carries, and a shuttle whose ghost behaves.
 */
#include "tests/unit/check_shuttle.h"

/* ---- what a link carries -------------------------------------------------------------------------------------- */

static const struct {
	uint32_t frame_max, len;
	unsigned int tags;
	uint16_t tpid, inner;
	bool allowed;
} sizes[] = {
	{1514, 14, 0, 0, 0x0800, true},
	{1514, 1514, 0, 0, 0x0800, true},
	{1514, 1515, 0, 0, 0x0800, false},
	{1514, 1518, 0, 0, 0x0800, false},
	{1514, 1518, 1, 0x8100, 0x0800, true},
	{1514, 1519, 1, 0x8100, 0x0800, false},
	{1514, 1518, 1, 0x88a8, 0x0800, true},
	{1514, 1522, 1, 0x8100, 0x0800, false},
	{1514, 1522, 2, 0x8100, 0x0800, true},
	{1514, 1522, 2, 0x88a8, 0x86dd, true},
	{1514, 1523, 2, 0x8100, 0x0800, false},
	{1514, 1526, 3, 0x8100, 0x0800, false}, /* a third tag is payload */
	{1514, 1522, 3, 0x8100, 0x0800, true},
	{1514, 1518, 1, 0x9100, 0x0800, false}, /* no standard's TPID */
	{1514, 1514, 0, 0, 1500, true},         /* 802.3 length */
	{1514, 1515, 0, 0, 1501, false},
	{1514, 1518, 1, 0x8100, 1500, true},
	{1514, 60, 0, 0, 38, true},
	{9014, 9014, 0, 0, 0x0800, true},
	{9014, 9015, 0, 0, 0x0800, false},
	{9014, 9018, 1, 0x8100, 0x0800, true},
	{9014, 9022, 2, 0x88a8, 0x0800, true},
	{9014, 9023, 2, 0x88a8, 0x0800, false},
	{16376, 16384, 2, 0x8100, 0x0800, true},
	/* Links so small that the tag itself is at the end: the type is not read past the frame. */
	{14, 14, 0, 0, 0x8100, true},
	{14, 15, 0, 0, 0x8100, false},
	{14, 17, 0, 0, 0x8100, false},
	{14, 18, 1, 0x8100, 0x0800, true},
	{14, 22, 2, 0x8100, 0x0800, true},
	{14, 22, 1, 0x8100, 0x0800, false},
};

START_TEST(test_frame_allowed)
{
	/* Exactly as long as the frame, so that AddressSanitizer sees a read past it. */
	uint8_t *frame = calloc(1, sizes[_i].len);
	uint32_t at = 12;

	for (unsigned int tag = 0; tag < sizes[_i].tags; tag++, at += 4) {
		frame[at] = (uint8_t)(sizes[_i].tpid >> 8);
		frame[at + 1] = (uint8_t)sizes[_i].tpid;
	}
	if (at + 2 <= sizes[_i].len) {
		frame[at] = (uint8_t)(sizes[_i].inner >> 8);
		frame[at + 1] = (uint8_t)sizes[_i].inner;
	}
	ck_assert_msg(wire_frame_allowed(frame, sizes[_i].len, sizes[_i].frame_max) == sizes[_i].allowed,
		      "%u bytes with %u tags on a link of %u", sizes[_i].len, sizes[_i].tags, sizes[_i].frame_max);
	free(frame);
}
END_TEST

/* ---- a ghost that behaves ------------------------------------------------------------------------------------- */

START_TEST(test_up)
{
	uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];
	uint64_t bytes[PORTS] = {0}, last_ns = 0;

	start_shuttle(_i ? PROGRAM : FORKED, 0);
	start_clock();
	for (uint64_t seq = 0; seq < 600; seq++) {
		uint32_t port = (uint32_t)(seq % PORTS), len = 14 + (uint32_t)(seq * 37 % 1501);
		uint64_t before = clock_ns();
		struct wire_record record;

		make_frame(port, seq, len, frame);
		tap_send(port, frame, len);
		record = ghost_take(port, got);
		ck_assert_uint_eq(record.len, len);
		ck_assert_mem_eq(got, frame, len);
		ck_assert_uint_eq(record.seq, seq / PORTS);
		ck_assert_uint_ge(record.time_ns, before);
		ck_assert_uint_le(record.time_ns, clock_ns());
		ck_assert_uint_gt(record.time_ns, last_ns);
		last_ns = record.time_ns;
		bytes[port] += len;
	}
	for (uint32_t port = 0; port < PORTS; port++) {
		wait_for(&port_stats(port)->up.frames, 200);
		ck_assert_uint_eq(port_stats(port)->up.bytes, bytes[port]);
	}
	/* A burst keeps its order and its stamps rise. */
	for (uint64_t seq = 1000; seq < 1030; seq++)
		tap_send(0, frame, make_frame(0, seq, 100, frame));
	for (uint64_t seq = 1000; seq < 1030; seq++) {
		struct wire_record record = ghost_take(0, got);

		make_frame(0, seq, 100, frame);
		ck_assert_mem_eq(got, frame, 100);
		ck_assert_uint_ge(record.time_ns, last_ns);
		last_ns = record.time_ns;
	}
	stop_shuttle();
}
END_TEST

START_TEST(test_not_before_start)
{
	uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];

	start_shuttle(FORKED, 0);
	tap_send(0, frame, make_frame(0, 1, 100, frame));
	ghost_put(1, frame, 100, 0);
	start_clock();
	/* It stayed in the TAP until START: the stamp tells. */
	ck_assert_uint_ge(ghost_take(0, got).time_ns, origin_ns);
	ck_assert_uint_eq(tap_receive(1, got), 100);
	stop_shuttle();
}
END_TEST

START_TEST(test_down)
{
	uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];

	start_shuttle(_i ? PROGRAM : FORKED, 0);
	start_clock();
	for (uint64_t seq = 0; seq < 600; seq++) {
		uint32_t port = (uint32_t)(seq % PORTS), len = 14 + (uint32_t)(seq * 37 % 1509);

		make_frame(port, seq, len, frame);
		ghost_put(port, frame, len, clock_ns() - origin_ns);
		ck_assert_uint_eq(tap_receive(port, got), len);
		ck_assert_mem_eq(got, frame, len);
	}
	for (uint32_t port = 0; port < PORTS; port++) {
		wait_for(&port_stats(port)->down.frames, 200);
		wait_for(&port_stats(port)->late.count, 200);
	}
	stop_shuttle();
}
END_TEST

START_TEST(test_lag)
{
	static const uint64_t lag_ns = 30000000;
	uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];
	uint64_t base;

	start_shuttle(FORKED, lag_ns);
	start_clock();
	base = clock_ns() - origin_ns;
	/* Departures 1 ms apart on one port, and later ones on another port announced first. */
	for (uint64_t i = 0; i < 20; i++)
		ghost_put(1, frame, make_frame(1, i, 60, frame), base + 40000000 + i * 1000000);
	for (uint64_t i = 0; i < 20; i++)
		ghost_put(0, frame, make_frame(0, i, 60, frame), base + i * 1000000);
	for (uint32_t port = 0; port < 2; port++) {
		for (uint64_t i = 0; i < 20; i++) {
			uint64_t due = origin_ns + lag_ns + base + (port ? 40000000 : 0) + i * 1000000;

			ck_assert_uint_eq(tap_receive(port, got), 60);
			ck_assert_msg(clock_ns() >= due, "frame %d came %lld ns early", (int)i,
				      (long long)(due - clock_ns()));
			make_frame(port, i, 60, frame);
			ck_assert_mem_eq(got, frame, 60);
		}
		wait_for(&port_stats(port)->late.count, 20);
	}
	/* A later frame that is announced while an earlier is held does not delay it, nor the other way round. */
	base = clock_ns() - origin_ns;
	ghost_put(0, frame, 60, base + 500000000);
	ghost_put(2, frame, 60, base);
	ck_assert_uint_eq(tap_receive(2, got), 60);
	ck_assert_uint_lt(clock_ns(), origin_ns + base + 500000000);
	ck_assert(!readable(tap[0], 0));
	stop_shuttle();
}
END_TEST

START_TEST(test_full_ring)
{
	uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];
	uint64_t sent = 0, taken;

	start_shuttle(FORKED, 0);
	start_clock();
	for (int round = 0; round < 3; round++) {
		uint64_t first = sent;

		/* Nobody takes anything: the ring fills, then the socket's queue, then the sender is told. */
		for (;;) {
			make_frame(0, sent, 1000, frame);
			if (send(tap[0], frame, 1000, 0) == 1000) {
				sent++;
			} else {
				ck_assert_int_eq(errno, EAGAIN);
				/* Only once the shuttle has stopped reading is it the sender's turn to wait. */
				if (stats_get(&port_stats(0)->stalls) > (uint64_t)round)
					break;
				poll(NULL, 0, 1);
			}
		}
		ck_assert_uint_gt(sent - first, WIRE_RING_SIZE_MIN / ring_record_size(1000));
		/* Other ports do not feel it. */
		for (uint32_t port = 1; port < PORTS; port++) {
			uint8_t other[100];

			make_frame(port, 5, sizeof(other), other);
			tap_send(port, other, sizeof(other));
			ck_assert_uint_eq(ghost_take(port, got).len, sizeof(other));
			ghost_put(port, other, sizeof(other), 0);
			ck_assert_uint_eq(tap_receive(port, got), sizeof(other));
		}
		for (taken = first; taken < sent; taken++) {
			ck_assert_uint_eq(ghost_take(0, got).len, 1000);
			make_frame(0, taken, 1000, frame);
			ck_assert_mem_eq(got, frame, 1000);
		}
	}
	ck_assert_uint_eq(port_stats(0)->up.frames, sent);
	for (int cause = 0; cause < STATS_DROP_COUNT; cause++)
		ck_assert_uint_eq(port_stats(0)->up.drops[cause], 0);
	ck_assert_uint_lt(stats_get(&home.stats[0]->wakeups), 40 * sent); /* and it did not spin while it was full */
	stop_shuttle();
}
END_TEST

START_TEST(test_runt_and_oversize)
{
	uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];

	start_shuttle(FORKED, 0);
	start_clock();
	make_frame(0, 1, 4000, frame);
	tap_send(0, frame, 1);
	tap_send(0, frame, 13);
	tap_send(0, frame, 1515);
	tap_send(0, frame, 1523);
	tap_send(0, frame, 4000);
	frame[12] = 0x81;
	tap_send(0, frame, 1519);
	tap_send(0, frame, 1518);
	ck_assert_uint_eq(ghost_take(0, got).len, 1518);
	tap_send(0, frame, 14);
	ck_assert_uint_eq(ghost_take(0, got).len, 14);
	frame[16] = 0x81;
	frame[17] = 0;
	tap_send(0, frame, 1522);
	ck_assert_uint_eq(ghost_take(0, got).len, 1522);
	ck_assert_mem_eq(got, frame, 1522);
	ck_assert_uint_eq(port_stats(0)->up.drops[STATS_DROP_RUNT], 2);
	ck_assert_uint_eq(port_stats(0)->up.drops[STATS_DROP_OVERSIZE], 4);
	ck_assert_uint_eq(port_stats(0)->up.frames, 9);
	stop_shuttle();
}
END_TEST

START_TEST(test_tap_errors)
{
	uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];
	uint64_t wakeups;
	int master, slave;

	/* Port 1 is a terminal that was hung up: write says EIO, as a TAP that is down does. */
	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	ck_assert_int_eq(fcntl(slave, F_SETFL, O_NONBLOCK), 0);
	close(master);
	ports[1].tap_fd = slave;
	start_shuttle(FORKED, 0);
	start_clock();
	close(tap[0]); /* port 0: EPIPE */
	make_frame(2, 1, 100, frame);
	for (int i = 0; i < 10; i++) {
		for (uint32_t port = 0; port < PORTS; port++)
			ghost_put(port, frame, 100, 0);
		ck_assert_uint_eq(tap_receive(2, got), 100);
	}
	wait_for(&port_stats(0)->down.drops[STATS_DROP_TAP_ERROR], 10);
	wait_for(&port_stats(1)->down.drops[STATS_DROP_TAP_DOWN], 10);
	ck_assert_uint_eq(port_stats(0)->down.frames, 0);
	ck_assert_uint_eq(port_stats(1)->down.frames, 0);
	wait_for(&port_stats(2)->down.frames, 10);
	/* Nothing to read there ever again: it sleeps instead of being told so for ever. */
	wakeups = stats_get(&home.stats[0]->wakeups);
	for (int i = 0; i < 20; i++) {
		tap_send(2, frame, 100);
		ghost_take(2, got);
		ghost_put(2, frame, 100, 0);
		tap_receive(2, got);
	}
	ck_assert_uint_le(stats_get(&home.stats[0]->wakeups) - wakeups, 20 * 4 + 10);
	stop_shuttle();
}
END_TEST

START_TEST(test_quiesce)
{
	uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];

	start_shuttle(_i ? PROGRAM : FORKED, 0);
	start_clock();
	expect_traffic(1);
	make_frame(0, 9, 100, frame);
	ghost_put(0, frame, 100, clock_ns() - origin_ns + 50000000); /* held for 50 ms */
	send_msg(daemon_fd, WIRE_MSG_QUIESCE, 0);
	next_msg(daemon_fd, WIRE_MSG_QUIESCED);
	ck_assert_msg(readable(tap[0], 0), "QUIESCED while a frame was held");
	tap_receive(0, got);
	/* No new frames, but those that come down are still written. */
	tap_send(1, frame, 100);
	ghost_put(1, frame, 100, 0);
	ck_assert_uint_eq(tap_receive(1, got), 100);
	ck_assert_uint_eq(stats_get(&port_stats(1)->up.frames), 1);
	stop_shuttle();
}
END_TEST

START_TEST(test_quiesce_idle)
{
	start_shuttle(FORKED, 0);
	start_clock();
	send_msg(daemon_fd, WIRE_MSG_QUIESCE, 0);
	next_msg(daemon_fd, WIRE_MSG_QUIESCED);
	stop_shuttle();
}
END_TEST

START_TEST(test_stop_with_frames_held)
{
	uint8_t frame[100];

	start_shuttle(FORKED, 0);
	start_clock();
	make_frame(0, 9, 100, frame);
	ghost_put(0, frame, 100, clock_ns() - origin_ns + 900000000);
	stop_shuttle();
}
END_TEST

START_TEST(test_daemon_gone)
{
	start_shuttle(_i & 1 ? PROGRAM : FORKED, 0);
	if (_i & 2) {
		start_clock();
		expect_traffic(1);
	}
	close(daemon_fd);
	expect_exit(1);
}
END_TEST

START_TEST(test_daemon_talks_nonsense)
{
	start_shuttle(FORKED, 0);
	start_clock();
	send_msg(daemon_fd, WIRE_MSG_WELCOME, 0);
	ck_assert_ptr_nonnull(strstr(next_msg(daemon_fd, WIRE_MSG_ERROR).text, "not for a shuttle"));
	expect_exit(65);
}
END_TEST

START_TEST(test_ghost_comes_and_goes)
{
	uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];

	start_shuttle(FORKED, 0);
	start_clock();
	for (uint64_t i = 0; i < 20; i++) {
		expect_traffic(i);
		/* It leaves with a frame unread and one unpublished; its successor finds the first. */
		tap_send(0, frame, make_frame(0, i, 77, frame));
		wait_for(&port_stats(0)->up.frames, 2 * i + 2);
		wire_detach(&ghost);
		close(ghost_daemon_fd);
		ghost_daemon_fd = attach_here(&home, WIRE_ROLE_GHOST, ports, &terms, &ghost);
		ck_assert_uint_eq(ghost_take(0, got).len, 77);
		ck_assert_mem_eq(got, frame, 77);
	}
	stop_shuttle();
}
END_TEST

START_TEST(test_super_frame_meets_full_ring)
{
	/* Two super-frames fill the ring in the middle of the second; what is left must not wait for a third. */
	enum { HEADERS = 14 + 20 + 20, SEGMENT = 1000, SEGMENTS = 50 };
	struct virtio_net_hdr header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
					.hdr_len = HEADERS,
					.gso_size = SEGMENT,
					.csum_start = 34,
					.csum_offset = 16};
	static uint8_t super[sizeof(header) + HEADERS + SEGMENTS * SEGMENT], got[WIRE_FRAME_MAX];
	uint8_t *frame = super + sizeof(header);
	const uint32_t size = HEADERS + SEGMENTS * SEGMENT;

	ports[0].offload = WIRE_OFFLOAD_VNET;
	start_shuttle(_i ? PROGRAM : FORKED, 0);
	start_clock();
	random_fill(1, frame, size);
	memcpy(super, &header, sizeof(header));
	memcpy(frame + 12, (uint8_t[]){0x08, 0, 0x45, 0, (size - 14) >> 8, (size - 14) & 0xff, 0, 1, 0x40, 0, 64, 6},
	       12);
	memset(frame + 34 + 4, 0, 8);
	frame[34 + 12] = 5 << 4;
	frame[34 + 13] = 0x10;
	for (int i = 0; i < 2; i++)
		tap_send(0, super, sizeof(super));
	wait_for(&port_stats(0)->stalls, 1);
	for (uint32_t i = 0; i < 2 * SEGMENTS; i++) {
		ck_assert_uint_eq(ghost_take(0, got).len, HEADERS + SEGMENT);
		ck_assert_mem_eq(got + HEADERS, frame + HEADERS + i % SEGMENTS * SEGMENT, SEGMENT);
	}
	stop_shuttle();
}
END_TEST

START_TEST(test_program_usage)
{
	static const char *const wrong[] = {NULL, "", "x", "-1", "3x", "99"};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(2);
		execl(SHUTTLE_PROGRAM, SHUTTLE_PROGRAM, wrong[_i], NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), _i == 5 ? 1 : 64); /* EX_USAGE, or no such fd */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shuttle");
	TCase *tcase;
	SRunner *runner;
	int failed;

	tcase = tcase_create("port");
	tcase_add_loop_test(tcase, test_frame_allowed, 0, sizeof(sizes) / sizeof(*sizes));
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("shuttle");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_up, 0, 2);
	tcase_add_test(tcase, test_not_before_start);
	tcase_add_loop_test(tcase, test_down, 0, 2);
	tcase_add_test(tcase, test_lag);
	tcase_add_test(tcase, test_full_ring);
	tcase_add_test(tcase, test_runt_and_oversize);
	tcase_add_test(tcase, test_tap_errors);
	tcase_add_loop_test(tcase, test_quiesce, 0, 2);
	tcase_add_test(tcase, test_quiesce_idle);
	tcase_add_test(tcase, test_stop_with_frames_held);
	tcase_add_loop_test(tcase, test_daemon_gone, 0, 4);
	tcase_add_test(tcase, test_daemon_talks_nonsense);
	tcase_add_test(tcase, test_ghost_comes_and_goes);
	tcase_add_loop_test(tcase, test_super_frame_meets_full_ring, 0, 2);
	tcase_add_loop_test(tcase, test_program_usage, 0, 6);
	suite_add_tcase(suite, tcase);

	suite_add_tcase(suite, shuttle_arrivals_tests());
	suite_add_tcase(suite, shuttle_hostile_tests());

	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
