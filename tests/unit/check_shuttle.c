/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_shuttle.c - the shuttle as a whole, with sequenced-packet sockets for TAPs; the test plays daemon and ghost.
 *
 * The shuttle runs in a child process: most tests fork it, some start the real program with its sandbox.
 */
#include "tests/unit/wire_fixture.h"

#include <fcntl.h>
#include <linux/virtio_net.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>

#include "bridge/shuttle/shuttle.h"

#include "tests/unit/misdeed.h"

#define PORTS 3u
#define MTU   1500u

static struct wire_home home;
static struct wire_port ports[PORTS];
static struct wire_terms terms;
static struct wire ghost;
static int daemon_fd = -1, ghost_daemon_fd = -1;
static int tap[PORTS]; /* our end */
static pid_t shuttle_pid = -1;
static uint64_t origin_ns;

enum how { FORKED, PROGRAM };

/* What main.c does, less the sandbox: libcheck's and the sanitizers' own threads need more than it allows. */
__attribute__((noreturn)) static void be_shuttle(int control_fd)
{
	struct diag diag = {.text = ""};
	struct shuttle *shuttle;
	struct wire wire;
	int r;

	signal(SIGPIPE, SIG_IGN); /* of the sockets that stand in for TAPs */
	r = wire_attach(control_fd, WIRE_ROLE_SHUTTLE, PATIENCE_MS, &wire, &diag);
	if (r == 0)
		r = shuttle_new(&wire, &shuttle);
	if (r == 0) {
		r = shuttle_run(shuttle, &diag);
		if (r < 0)
			wire_say_error(&wire, diag.text);
		shuttle_free(shuttle);
		wire_detach(&wire);
	}
	_exit(r == 0 ? 0 : r == -EPROTO ? 65 : 1);
}

/* Everything up to the shuttle's READY. */
static void start_shuttle(enum how how, uint64_t lag_ns)
{
	struct diag diag = {.text = ""};
	char number[16];
	int fds[2], pair[2];

	terms = fixture_terms;
	terms.lag_ns = lag_ns;
	for (uint32_t i = 0; i < PORTS; i++) {
		if (ports[i].tap_fd >= 0)
			continue; /* the test brings its own */
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
		tap[i] = pair[0];
		ports[i].tap_fd = pair[1];
	}
	control_pair(fds);
	shuttle_pid = fork();
	ck_assert_int_ge(shuttle_pid, 0);
	if (shuttle_pid == 0) {
		/* What a test must be able to close has to be closed here, too. */
		close(fds[0]);
		for (uint32_t i = 0; i < PORTS; i++) {
			close(tap[i]);
			close(ports[i].tap_fd);
		}
#ifdef __SANITIZE_THREAD__
		how = FORKED; /* its run-time library needs more than the sandbox allows */
#endif
		if (how == FORKED)
			be_shuttle(fds[1]);
		fcntl(fds[1], F_SETFD, 0);
		snprintf(number, sizeof(number), "%d", fds[1]);
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* the leak checker needs what the sandbox forbids */
		execl(SHUTTLE_PROGRAM, SHUTTLE_PROGRAM, number, NULL);
		_exit(127);
	}
	close(fds[1]);
	daemon_fd = fds[0];
	ck_assert(readable(daemon_fd, PATIENCE_MS));
	ck_assert_msg(wire_welcome(&home, daemon_fd, WIRE_ROLE_SHUTTLE, getuid(), &terms, ports, &diag) == 0, "%s",
		      diag.text);
	for (uint32_t i = 0; i < PORTS; i++) {
		close(ports[i].tap_fd);
		ports[i].tap_fd = -1;
	}
	next_msg(daemon_fd, WIRE_MSG_READY);
	ghost_daemon_fd = attach_here(&home, WIRE_ROLE_GHOST, ports, &terms, &ghost);
}

static void start_clock(void)
{
	origin_ns = clock_ns();
	send_msg(daemon_fd, WIRE_MSG_START, origin_ns);
}

/* The shuttle leaves with this status, and soon. */
static void expect_exit(int wanted)
{
	int status, pid;
	uint64_t until = clock_ns() + PATIENCE_MS * 1000000ull;

	while ((pid = waitpid(shuttle_pid, &status, WNOHANG)) == 0) {
		ck_assert_msg(clock_ns() < until, "the shuttle did not end");
		poll(NULL, 0, 1);
	}
	shuttle_pid = -1;
	ck_assert_msg(WIFEXITED(status), "the shuttle died of signal %d", WTERMSIG(status));
	ck_assert_int_eq(WEXITSTATUS(status), wanted);
}

static void stop_shuttle(void)
{
	send_msg(daemon_fd, WIRE_MSG_STOP, 0);
	expect_exit(0);
}

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	make_ports(ports, PORTS, MTU);
	for (uint32_t i = 0; i < PORTS; i++)
		tap[i] = -1;
	ck_assert_int_eq(wire_home_open(PORTS, WIRE_RING_SIZE_MIN, &home), 0);
}

static void teardown(void)
{
	if (shuttle_pid > 0) {
		kill(shuttle_pid, SIGKILL);
		waitpid(shuttle_pid, NULL, 0);
	}
	wire_detach(&ghost);
	wire_home_close(&home);
}

static const struct stats_port *port_stats(uint32_t port)
{
	return &stats_ports(home.stats[0])[port];
}

/* Wait until a counter has reached a value. */
static void wait_for(const uint64_t *counter, uint64_t value)
{
	uint64_t until = clock_ns() + PATIENCE_MS * 1000000ull;

	while (stats_get(counter) < value) {
		ck_assert_msg(clock_ns() < until, "a counter stays at %llu instead of %llu",
			      (unsigned long long)stats_get(counter), (unsigned long long)value);
		poll(NULL, 0, 1);
	}
}

/* Frame number @seq of a port: a valid Ethernet header, then noise. */
static uint32_t make_frame(uint32_t port, uint64_t seq, uint32_t len, uint8_t *frame)
{
	random_fill((uint64_t)port << 32 | seq, frame, len);
	frame[12] = 0x08;
	frame[13] = 0x00;
	return len;
}

static void tap_send(uint32_t port, const uint8_t *frame, uint32_t len)
{
	struct pollfd poll_fd = {.fd = tap[port], .events = POLLOUT};

	ck_assert_int_eq(poll(&poll_fd, 1, PATIENCE_MS), 1);
	ck_assert_int_eq(send(tap[port], frame, len, 0), (ssize_t)len);
}

/* The next frame the ghost sees on a port; sleeps by the protocol. It is released and given back. */
static struct wire_record ghost_take(uint32_t port, uint8_t *ret_frame)
{
	struct wire_record record;
	const uint8_t *frame;
	int r;

	while ((r = ring_c_peek(&ghost.rx[port], &record, &frame)) == 0) {
		for (uint32_t word = 0; word < WIRE_WORDS; word++) {
			wire_take_bits(&ghost.own_inbox->data[word]);
			wire_take_bits(&ghost.own_inbox->space[word]);
		}
		if (ring_c_peek(&ghost.rx[port], &record, &frame) != 0)
			continue;
		if (!wire_may_sleep(&ghost))
			continue;
		ck_assert_msg(readable(ghost.own_bell_fd, PATIENCE_MS), "the ghost's bell stays silent");
		wire_awake(&ghost, true);
	}
	ck_assert_int_eq(r, 1);
	memcpy(ret_frame, frame, record.len);
	ring_c_release(&ghost.rx[port]);
	wire_flush_rx(&ghost, port);
	return record;
}

static void ghost_put(uint32_t port, const uint8_t *frame, uint32_t len, uint64_t departure_ns)
{
	uint8_t *room;

	ck_assert_int_eq(ring_p_reserve(&ghost.tx[port], len, &room), 1);
	memcpy(room, frame, len);
	ring_p_commit(&ghost.tx[port], len, departure_ns);
	wire_flush_tx(&ghost, port);
}

static uint32_t tap_receive(uint32_t port, uint8_t *frame)
{
	ssize_t n;

	ck_assert_msg(readable(tap[port], PATIENCE_MS), "nothing came out of TAP %u", port);
	n = recv(tap[port], frame, WIRE_FRAME_MAX, 0);
	ck_assert_int_gt(n, 0);
	return (uint32_t)n;
}

/* Both ways on every port once: everything still works. */
static void expect_traffic(uint64_t seq)
{
	uint8_t sent[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];

	for (uint32_t port = 0; port < PORTS; port++) {
		uint32_t len = make_frame(port, seq, 60 + (uint32_t)(seq % 1400), sent);

		tap_send(port, sent, len);
		ck_assert_uint_eq(ghost_take(port, got).len, len);
		ck_assert_mem_eq(got, sent, len);
		ghost_put(port, sent, len, 0);
		ck_assert_uint_eq(tap_receive(port, got), len);
		ck_assert_mem_eq(got, sent, len);
	}
}

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

/* ---- a ghost that does not ------------------------------------------------------------------------------------ */

START_TEST(test_hostile_ghost)
{
	uint32_t port = (uint32_t)_i % PORTS;
	uint8_t frame[1000];
	struct wire_msg msg;

	start_shuttle(_i % 4 == 3 ? PROGRAM : FORKED, 0);
	if (_i & 1)
		misbehave(&ghost, port, 0, (enum misdeed)_i); /* already before START */
	start_clock();
	if (!(_i & 1)) {
		expect_traffic(1);
		misbehave(&ghost, port, 0, (enum misdeed)_i);
	}
	/* A wild consumer index is seen when the ring seems full. */
	make_frame(port, 1, sizeof(frame), frame);
	while (_i >= WILD_CONS_AHEAD && !readable(daemon_fd, 0)) {
		struct pollfd poll_fds[2] = {{.fd = daemon_fd, .events = POLLIN}, {.fd = tap[port], .events = POLLOUT}};

		ck_assert_int_gt(poll(poll_fds, 2, PATIENCE_MS), 0);
		if (poll_fds[1].revents && send(tap[port], frame, sizeof(frame), 0) < 0)
			break;
	}
	msg = next_msg(daemon_fd, WIRE_MSG_ERROR);
	ck_assert_msg(strstr(msg.text, ports[port].name), "\"%s\" does not name the port", msg.text);
	expect_exit(65);
}
END_TEST

START_TEST(test_hostile_bits)
{
	/* Attention for ports that do not exist, and for those that have nothing: a waste of its own time only. */
	start_shuttle(FORKED, 0);
	start_clock();
	for (uint64_t round = 0; round < 200; round++) {
		for (uint32_t word = 0; word < WIRE_WORDS; word++) {
			__atomic_store_n(&ghost.peer_inbox->data[word], UINT64_MAX, __ATOMIC_SEQ_CST);
			__atomic_store_n(&ghost.peer_inbox->space[word], UINT64_MAX, __ATOMIC_SEQ_CST);
		}
		__atomic_store_n(&ghost.peer_inbox->sleeping, (uint32_t)round, __ATOMIC_SEQ_CST);
		wire_ring_bell(ghost.peer_bell_fd);
		/* Scribbling into what the shuttle wrote harms nobody but the ghost. */
		ghost.memory->magic = round;
		ghost.memory->ring_size = 1;
		ghost.memory->port_count = UINT32_MAX;
		if (round % 10 == 0)
			expect_traffic(round);
	}
	stop_shuttle();
}
END_TEST

START_TEST(test_hostile_noise)
{
	/* Everything the ghost can write to, written over at random while frames move: ends in order, or goes on. */
	uint64_t state = 1000 + (uint64_t)_i, until;
	uint8_t frame[1000];
	struct wire_msg msg;
	bool stopped = false;
	int status;
	pid_t pid;

	start_shuttle(FORKED, 0);
	start_clock();
	until = clock_ns() + PATIENCE_MS * 1000000ull;
	for (uint64_t round = 0; (pid = waitpid(shuttle_pid, &status, WNOHANG)) == 0; round++) {
		struct wire_ring_ctl *ctl = (struct wire_ring_ctl *)(ghost.memory + 1);
		uint64_t at = random_next(&state) % (ghost.memory_size / 8);

		ck_assert_msg(clock_ns() < until, "the shuttle hangs");
		((uint64_t *)(void *)ghost.memory)[at] = random_next(&state);
		if (round % 50 == 49)
			ctl[random_next(&state) % (2 * PORTS)].prod += random_next(&state) % 4096 * 32;
		ghost.peer_inbox->data[0] = UINT64_MAX;
		wire_ring_bell(ghost.peer_bell_fd);
		make_frame(0, round, sizeof(frame), frame);
		send(tap[round % PORTS], frame, sizeof(frame), MSG_DONTWAIT);
		if (round == 20000) {
			send_msg(daemon_fd, WIRE_MSG_STOP, 0);
			stopped = true;
		}
	}
	shuttle_pid = -1;
	ck_assert_msg(WIFEXITED(status), "the shuttle died of signal %d", WTERMSIG(status));
	if (!stopped) {
		ck_assert_int_eq(WEXITSTATUS(status), 65);
		msg = next_msg(daemon_fd, WIRE_MSG_ERROR);
		ck_assert_ptr_nonnull(strstr(msg.text, ".eth0"));
	}
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

	tcase = tcase_create("hostile ghost");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_hostile_ghost, 0, WILD_COUNT);
	tcase_add_test(tcase, test_hostile_bits);
	tcase_add_loop_test(tcase, test_hostile_noise, 0, 20);
	suite_add_tcase(suite, tcase);

	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
