/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gbpump.c - feeds a real ns3-ghost through the wire without any TAP: what ring, engine and ns-3 carry by themselves.
 *
 *	gbpump NS3-GHOST FRAME-BYTES SECONDS [ack|record]
 *
 * Plays daemon and shuttle of a two-port CSMA segment of 10 Gb/s: keeps port 0's ring full, empties port 1's, and
 * prints frames/s. With "ack" every second frame that arrives is answered by one of 64 bytes; with "record" the ghost
 * journals what it does, for a child that throws it away. Sizes count header and FCS.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "bridge/record/journal.h"
#include "bridge/wire/wire.h"

static const char scenario[] = "ghostbridge: 1\n"
			       "nodes: {h1: {}, h2: {}}\n"
			       "links: {lan: {kind: csma, rate: 10Gbps, ends: [h1, h2]}}\n";

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

__attribute__((noreturn)) static void fail(const char *what, const char *why)
{
	fprintf(stderr, "gbpump: %s: %s\n", what, why);
	exit(1);
}

static pid_t start_ghost(const char *program, const char *path)
{
	int input = memfd_create("scenario", 0);
	pid_t pid;

	if (input < 0 || write(input, scenario, sizeof(scenario) - 1) < 0)
		fail("scenario", strerror(errno));
	lseek(input, 0, SEEK_SET);
	pid = fork();
	if (pid == 0) {
		dup2(input, STDIN_FILENO);
		execl(program, "ns3-ghost", "--wire", path, "--ghost", "0", "--workers", "1", (char *)NULL);
		_exit(127);
	}
	close(input);
	return pid;
}

/* Return: a journal that a child empties, as the recorder would if writing took no time. */
static int open_journal(pid_t *ret_pid)
{
	const struct timespec turn = {.tv_nsec = 10000000};
	int fd = journal_make(JOURNAL_SIZE, JOURNAL_PRODUCE);
	static uint8_t sink[JOURNAL_PAYLOAD_MAX];
	struct journal_entry entry;
	struct journal journal;
	const uint8_t *payload;

	if (fd < 0 || (*ret_pid = fork()) < 0)
		fail("journal", strerror(errno));
	if (*ret_pid > 0)
		return fd;
	if (journal_map(fd, false, &journal) < 0)
		_exit(1);
	for (;;) {
		while (journal_look(&journal, &entry, &payload) == 1) {
			memcpy(sink, payload, entry.size);
			journal_take(&journal);
		}
		nanosleep(&turn, NULL);
	}
}

/* Daemon and ghost's control socket; returns the shuttle's attached wire. */
static struct wire open_wire(const char *program, struct wire_home *home, int journal_fd, int *ret_control,
			     pid_t *ret_pid)
{
	struct wire_terms terms = {.experiment = "pump", .budget_ns = 1000000, .quantile = 0.99};
	struct wire_port ports[2] = {
		{.name = "h1.eth0", .mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500, .frame_max = 1514, .tap_fd = -1},
		{.name = "h2.eth0", .mac = {2, 0, 0, 0, 0, 2}, .mtu = 1500, .frame_max = 1514, .tap_fd = -1},
	};
	char directory[] = "/tmp/gbpump-XXXXXX", path[64];
	struct diag diag = {.text = ""};
	struct wire_msg msg;
	struct wire wire;
	int pair[2], listener, null_fd = memfd_create("no-tap", 0);
	pid_t child;

	ports[0].tap_fd = ports[1].tap_fd = null_fd;
	if (!mkdtemp(directory) || wire_home_open(2, wire_ring_size(2), home) < 0)
		fail("wire", strerror(errno));
	home->journal_fd[0] = journal_fd;
	snprintf(path, sizeof(path), "%s/wire", directory);
	listener = wire_listen(path);
	*ret_pid = start_ghost(program, path);
	*ret_control = accept(listener, NULL, NULL);
	unlink(path);
	rmdir(directory);
	if (wire_welcome(home, *ret_control, WIRE_ROLE_GHOST, getuid(), &terms, ports, &diag) < 0)
		fail("ghost", diag.text);
	if (wire_msg_receive(*ret_control, &msg, NULL, NULL) < 0 || msg.type != WIRE_MSG_READY)
		fail("ghost", "not ready");
	/* The shuttle's half of the hello wants a daemon that answers meanwhile. */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		fail("socketpair", strerror(errno));
	child = fork();
	if (child == 0)
		_exit(wire_welcome(home, pair[0], WIRE_ROLE_SHUTTLE, getuid(), &terms, ports, &diag) < 0);
	if (wire_attach(pair[1], WIRE_ROLE_SHUTTLE, 2000, &wire, &diag) < 0)
		fail("shuttle", diag.text);
	waitpid(child, NULL, 0);
	close(listener);
	return wire;
}

static void put(struct wire *wire, uint32_t port, uint32_t len)
{
	static const uint8_t macs[2][12] = {{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}};
	uint8_t *frame;

	if (ring_p_reserve(&wire->tx[port], len, &frame) != 1)
		return;
	memcpy(frame, macs[port], 12);
	frame[12] = 0x88;
	frame[13] = 0xb6;
	memset(frame + 14, 0x55, len - 14);
	ring_p_commit(&wire->tx[port], len, clock_ns());
}

/* Take everything that port's ring holds; returns how many frames. */
static uint64_t take(struct wire *wire, uint32_t port)
{
	static uint8_t sink[WIRE_FRAME_MAX];
	struct wire_record record;
	const uint8_t *frame;
	uint64_t count = 0;

	while (count < 64 && ring_c_peek(&wire->rx[port], &record, &frame) == 1) {
		memcpy(sink, frame, record.len);
		ring_c_release(&wire->rx[port]);
		count++;
	}
	wire_flush_rx(wire, port);
	return count;
}

int main(int argc, char **argv)
{
	struct wire_msg msg = wire_msg_make(WIRE_MSG_START);
	struct wire_home home;
	struct wire wire;
	uint64_t received = 0, answers = 0, start, end, now;
	uint32_t len;
	int control, journal_fd = -1;
	pid_t ghost, reader = 0;
	bool ack;

	if (argc < 4)
		fail("usage", "gbpump NS3-GHOST FRAME-BYTES SECONDS [ack|record]");
	len = (uint32_t)atoi(argv[2]) - 4;
	ack = argc > 4 && strcmp(argv[4], "ack") == 0;
	if (argc > 4 && strcmp(argv[4], "record") == 0)
		journal_fd = open_journal(&reader);
	wire = open_wire(argv[1], &home, journal_fd, &control, &ghost);
	start = clock_ns();
	end = start + (uint64_t)(atof(argv[3]) * 1e9);
	msg.value[0] = start;
	wire_msg_send(control, &msg, NULL, 0);
	while ((now = clock_ns()) < end) {
		uint64_t took;

		for (int i = 0; i < 32; i++)
			put(&wire, 0, len);
		wire_flush_tx(&wire, 0);
		took = take(&wire, 1);
		received += took;
		take(&wire, 0);
		for (; ack && answers < received / 2; answers++)
			put(&wire, 1, 60);
		wire_flush_tx(&wire, 1);
		if (took == 0)
			__asm__ volatile("" ::: "memory");
	}
	printf("{\"frames_per_s\": %.0f, \"behind_max_us\": %.0f, \"wakeups\": %llu}\n",
	       (double)received * 1e9 / (double)(now - start), (double)home.stats[1]->behind_max_ns / 1e3,
	       (unsigned long long)home.stats[1]->wakeups);
	msg = wire_msg_make(WIRE_MSG_STOP);
	wire_msg_send(control, &msg, NULL, 0);
	waitpid(ghost, NULL, 0);
	if (reader > 0) {
		kill(reader, SIGKILL);
		waitpid(reader, NULL, 0);
	}
	wire_detach(&wire);
	wire_home_close(&home);
	return 0;
}
