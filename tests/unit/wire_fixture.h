/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_fixture.h - what the tests of wire, shuttle and ghost share: a wire whose other parties the test plays itself.
 *
 * One thread can play daemon and peer at once because the control socket is a queue: the peer's HELLO is put there
 * first, wire_welcome() answers it, and wire_attach() then finds the answers waiting.
 */
#ifndef TESTS_WIRE_FIXTURE_H
#define TESTS_WIRE_FIXTURE_H

#include <check.h>
#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "bridge/wire/wire.h"

/* Nothing here takes this long; a test that waits longer has found a hang. */
#define PATIENCE_MS 10000

static inline uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* xorshift64*: the same numbers in every run. */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

static inline void random_fill(uint64_t seed, uint8_t *data, size_t size)
{
	uint64_t state = seed * 2 + 1, word;

	for (size_t i = 0; i < size; i += sizeof(word)) {
		word = random_next(&state);
		memcpy(data + i, &word, size - i < sizeof(word) ? size - i : sizeof(word));
	}
}

/* How many fds this process holds, the one that counts them not included. */
static inline int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = -3; /* ".", ".." and the directory itself */

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static inline bool readable(int fd, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, timeout_ms) == 1;
}

static inline void control_pair(int fds[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
}

static inline void send_hello(int fd, enum wire_role role)
{
	struct wire_msg msg = wire_msg_make(WIRE_MSG_HELLO);

	msg.arg = role;
	msg.value[0] = role == WIRE_ROLE_GHOST ? WIRE_JOURNAL_FORMAT : 0;
	ck_assert_int_eq(wire_msg_send(fd, &msg, NULL, 0), 0);
}

/* The next message on a control socket, which has to be of this type. */
static inline struct wire_msg next_msg(int fd, enum wire_msg_type type)
{
	struct wire_msg msg;

	ck_assert_msg(readable(fd, PATIENCE_MS), "no message of type %u came", type);
	ck_assert_int_eq(wire_msg_receive(fd, &msg, NULL, NULL), 0);
	ck_assert_msg(msg.type == (uint32_t)type, "message %u instead of %u: %s", msg.type, type, msg.text);
	return msg;
}

static inline void send_msg(int fd, enum wire_msg_type type, uint64_t value)
{
	struct wire_msg msg = wire_msg_make(type);

	msg.value[0] = value;
	ck_assert_int_eq(wire_msg_send(fd, &msg, NULL, 0), 0);
}

/* Ports as a daemon would announce them: p0.eth0, p1.eth0, ... without TAPs. */
static inline void make_ports(struct wire_port *ports, uint32_t count, uint32_t mtu)
{
	memset(ports, 0, count * sizeof(*ports));
	for (uint32_t i = 0; i < count; i++) {
		snprintf(ports[i].name, sizeof(ports[i].name), "p%u.eth0", i);
		snprintf(ports[i].link, sizeof(ports[i].link), "lan-%u", i / 2);
		memcpy(ports[i].mac, (uint8_t[]){0x02, 0x47, 0x42, 0, (uint8_t)(i >> 8), (uint8_t)i}, 6);
		ports[i].mtu = mtu;
		ports[i].frame_max = mtu + 14;
		ports[i].tap_fd = -1;
	}
}

static const struct wire_terms fixture_terms = {
	.experiment = "fixture", .lag_ns = 0, .budget_ns = 1000000, .quantile = 0.99};

/* Attach a peer played by this thread. Return: the daemon's end of its control socket. */
static inline int attach_here(struct wire_home *home, enum wire_role role, const struct wire_port *ports,
			      const struct wire_terms *terms, struct wire *ret)
{
	struct diag diag = {.text = ""};
	int fds[2], r;

	control_pair(fds);
	send_hello(fds[1], role);
	r = wire_welcome(home, fds[0], role, getuid(), terms, ports, &diag);
	ck_assert_msg(r == 0, "welcome: %s", diag.text);
	r = wire_attach(fds[1], role, PATIENCE_MS, ret, &diag);
	ck_assert_msg(r == 0, "attach: %s", diag.text);
	next_msg(fds[0], WIRE_MSG_HELLO); /* wire_attach()'s own */
	return fds[0];
}

/* A frame into a ring of ours, seen at once by the other side. */
static inline void put_frame(struct wire *wire, uint32_t port, const uint8_t *frame, uint32_t len, uint64_t time_ns)
{
	uint8_t *room;

	ck_assert_int_eq(ring_p_reserve(&wire->tx[port], len, &room), 1);
	memcpy(room, frame, len);
	ring_p_commit(&wire->tx[port], len, time_ns);
	wire_flush_tx(wire, port);
}

/* The next frame that the other side sends on a port; sleeps by the protocol. It is released and given back. */
static inline struct wire_record take_frame(struct wire *wire, uint32_t port, uint8_t *ret_frame)
{
	struct wire_record record;
	const uint8_t *frame;
	int r;

	while ((r = ring_c_peek(&wire->rx[port], &record, &frame)) == 0) {
		for (uint32_t word = 0; word < WIRE_WORDS; word++) {
			wire_take_bits(&wire->own_inbox->data[word]);
			wire_take_bits(&wire->own_inbox->space[word]);
		}
		if (ring_c_peek(&wire->rx[port], &record, &frame) != 0)
			continue;
		if (!wire_may_sleep(wire))
			continue;
		ck_assert_msg(readable(wire->own_bell_fd, PATIENCE_MS), "nothing comes on port %u", port);
		wire_awake(wire, true);
	}
	ck_assert_int_eq(r, 1);
	memcpy(ret_frame, frame, record.len);
	ring_c_release(&wire->rx[port]);
	wire_flush_rx(wire, port);
	return record;
}

/* A child leaves with this status, and soon; then @pid is -1. */
static inline void expect_child_exit(pid_t *pid, int wanted)
{
	int status, gone;
	uint64_t until = clock_ns() + PATIENCE_MS * 1000000ull;

	while ((gone = waitpid(*pid, &status, WNOHANG)) == 0) {
		ck_assert_msg(clock_ns() < until, "the process did not end");
		poll(NULL, 0, 1);
	}
	ck_assert_int_eq(gone, *pid);
	*pid = -1;
	ck_assert_msg(WIFEXITED(status), "the process died of signal %d", WTERMSIG(status));
	ck_assert_int_eq(WEXITSTATUS(status), wanted);
}

#endif /* TESTS_WIRE_FIXTURE_H */
