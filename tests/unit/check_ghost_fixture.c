/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_ghost_fixture.c - one ghost and its peers, begun and ended.
 */
#include "tests/unit/check_ghost.h"

#include "tests/unit/test_dir.h"

struct wire_home home;
struct wire_port ports[PORTS_MAX];
uint32_t port_count;
struct wire shuttle;
int daemon_fd = -1, shuttle_daemon_fd = -1;
pid_t ghost_pid = -1;
char dir[96];
uint64_t origin_ns, rate_bps, delay_ns;
bool promiscuous;
const char *timeline = "";
int capture_fd = -1;
int journal_fd = -1;

void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	make_test_dir(dir, sizeof(dir));
}

void teardown(void)
{
	char socket_path[128];

	if (ghost_pid > 0) {
		kill(ghost_pid, SIGKILL);
		waitpid(ghost_pid, NULL, 0);
	}
	wire_detach(&shuttle);
	wire_home_close(&home);
	snprintf(socket_path, sizeof(socket_path), "%s/wire", dir);
	unlink(socket_path); /* of a ghost that never came */
	rmdir(dir);
}

void run_ghost(const char *socket_path, int scenario_fd)
{
	ghost_pid = fork();
	ck_assert_int_ge(ghost_pid, 0);
	if (ghost_pid == 0) {
		dup2(scenario_fd, STDIN_FILENO);
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* the leak checker needs what the sandbox forbids */
		if (capture_fd >= 0 && dup2(capture_fd, 50) < 0)
			_exit(127);
		execl(GHOST_PROGRAM, GHOST_PROGRAM, "--wire", socket_path, "--ghost", "0", "--workers", "1",
		      "--captures", "50", NULL);
		_exit(127);
	}
}

/* A CSMA segment with @count containers; everything up to the ghost's READY. */
void start_ghost(uint32_t count, uint64_t rate, uint64_t delay, uint32_t mtu, uint64_t lag_ns)
{
	struct wire_terms terms = fixture_terms;
	struct diag diag = {.text = ""};
	char text[1024], socket_path[128];
	int pipes[2], listener;
	size_t size;

	port_count = count;
	rate_bps = rate;
	delay_ns = delay;
	terms.lag_ns = lag_ns;
	make_ports(ports, count, mtu);
	ports[1].promiscuous = promiscuous;
	size = (size_t)snprintf(
		text, sizeof(text),
		"ghostbridge: 1\nnodes: {p0: {}, p1: {}%s%s}\nlinks:\n  lan: {kind: csma, rate: %llubps, "
		"delay: %lluns, mtu: %u, ends: [p0, p1%s%s]}\n%s",
		count > 2 ? ", p2: {}" : "",
		capture_fd >= 0 ? ", cap: {kind: replay, file: x, start: 50ms, speed: 2}" : "",
		(unsigned long long)rate, (unsigned long long)delay, mtu, count > 2 ? ", p2" : "",
		capture_fd >= 0 ? ", cap" : "", timeline);
	ck_assert_int_eq(wire_home_open_ends(count, capture_fd >= 0, WIRE_RING_SIZE_DEFAULT, &home), 0);
	home.journal_fd[0] = journal_fd;
	snprintf(socket_path, sizeof(socket_path), "%s/wire", dir);
	listener = wire_listen(socket_path);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(write(pipes[1], text, size), (ssize_t)size);
	run_ghost(socket_path, pipes[0]);
	close(pipes[0]);
	close(pipes[1]);
	ck_assert_msg(readable(listener, PATIENCE_MS), "the ghost does not connect");
	daemon_fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(daemon_fd, 0);
	close(listener);
	unlink(socket_path);
	ck_assert(readable(daemon_fd, PATIENCE_MS));
	ck_assert_msg(wire_welcome(&home, daemon_fd, WIRE_ROLE_GHOST, getuid(), &terms, ports, &diag) == 0, "%s",
		      diag.text);
	if (journal_fd >= 0)
		return; /* what it says of that is the test's */
	next_msg(daemon_fd, WIRE_MSG_READY);
	for (uint32_t i = 0; i < count; i++)
		ports[i].tap_fd = home.bell_fd[0]; /* any fd will do */
	shuttle_daemon_fd = attach_here(&home, WIRE_ROLE_SHUTTLE, ports, &terms, &shuttle);
	/* Far enough in the past for every stamp of a test, and for the lag. */
	origin_ns = clock_ns() - 10000000000u;
}

void start_clock(void)
{
	send_msg(daemon_fd, WIRE_MSG_START, origin_ns);
}

void expect_exit(int wanted)
{
	expect_child_exit(&ghost_pid, wanted);
}

void stop_ghost(void)
{
	send_msg(daemon_fd, WIRE_MSG_STOP, 0);
	expect_exit(0);
}

const struct stats_port *port_stats(uint32_t port)
{
	return &stats_ports(home.stats[1])[port];
}

void put(uint32_t port, const uint8_t *frame, uint32_t len, uint64_t at_ns)
{
	put_frame(&shuttle, port, frame, len, origin_ns + at_ns);
}

struct wire_record take(uint32_t port, uint8_t *ret_frame)
{
	return take_frame(&shuttle, port, ret_frame);
}

/* What the link costs a lone frame: preamble, at least 60 bytes, FCS, and the way. */
uint64_t transit_ns(uint32_t len)
{
	return 8ull * ((len < 60 ? 60 : len) + 4 + 8) * 1000000000u / rate_bps + delay_ns;
}
