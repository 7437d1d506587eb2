/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_shuttle_fixture.c - one shuttle and its peers, begun and ended; frames in and out.
 */
#include "tests/unit/check_shuttle.h"

struct wire_home home;
struct wire_port ports[PORTS];
struct wire_terms terms;
struct wire ghost;
int daemon_fd = -1, ghost_daemon_fd = -1;
int tap[PORTS];
pid_t shuttle_pid = -1;
uint64_t origin_ns;

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
void start_shuttle(enum how how, uint64_t lag_ns)
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

void start_clock(void)
{
	origin_ns = clock_ns();
	send_msg(daemon_fd, WIRE_MSG_START, origin_ns);
}

/* The shuttle leaves with this status, and soon. */
void expect_exit(int wanted)
{
	expect_child_exit(&shuttle_pid, wanted);
}

void stop_shuttle(void)
{
	send_msg(daemon_fd, WIRE_MSG_STOP, 0);
	expect_exit(0);
}

void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	make_ports(ports, PORTS, MTU);
	for (uint32_t i = 0; i < PORTS; i++)
		tap[i] = -1;
	ck_assert_int_eq(wire_home_open(PORTS, WIRE_RING_SIZE_MIN, &home), 0);
}

void teardown(void)
{
	if (shuttle_pid > 0) {
		kill(shuttle_pid, SIGKILL);
		waitpid(shuttle_pid, NULL, 0);
	}
	wire_detach(&ghost);
	wire_home_close(&home);
}

const struct stats_port *port_stats(uint32_t port)
{
	return &stats_ports(home.stats[0])[port];
}

/* Wait until a counter has reached a value. */
void wait_for(const uint64_t *counter, uint64_t value)
{
	uint64_t until = clock_ns() + PATIENCE_MS * 1000000ull;

	while (stats_get(counter) < value) {
		ck_assert_msg(clock_ns() < until, "a counter stays at %llu instead of %llu",
			      (unsigned long long)stats_get(counter), (unsigned long long)value);
		poll(NULL, 0, 1);
	}
}

/* Frame number @seq of a port: a valid Ethernet header, then noise. */
uint32_t make_frame(uint32_t port, uint64_t seq, uint32_t len, uint8_t *frame)
{
	random_fill((uint64_t)port << 32 | seq, frame, len);
	frame[12] = 0x08;
	frame[13] = 0x00;
	return len;
}

void tap_send(uint32_t port, const uint8_t *frame, uint32_t len)
{
	struct pollfd poll_fd = {.fd = tap[port], .events = POLLOUT};

	ck_assert_int_eq(poll(&poll_fd, 1, PATIENCE_MS), 1);
	ck_assert_int_eq(send(tap[port], frame, len, 0), (ssize_t)len);
}

/* The next frame the ghost sees on a port; sleeps by the protocol. It is released and given back. */
struct wire_record ghost_take(uint32_t port, uint8_t *ret_frame)
{
	return take_frame(&ghost, port, ret_frame);
}

void ghost_put(uint32_t port, const uint8_t *frame, uint32_t len, uint64_t departure_ns)
{
	put_frame(&ghost, port, frame, len, departure_ns);
}

uint32_t tap_receive(uint32_t port, uint8_t *frame)
{
	ssize_t n;

	ck_assert_msg(readable(tap[port], PATIENCE_MS), "nothing came out of TAP %u", port);
	n = recv(tap[port], frame, WIRE_FRAME_MAX, 0);
	ck_assert_int_gt(n, 0);
	return (uint32_t)n;
}

/* Both ways on every port once: everything still works. */
void expect_traffic(uint64_t seq)
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
