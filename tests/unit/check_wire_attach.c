/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_wire_attach.c - the other side of the hello, where the daemon is the one who errs; and the control messages.
 */
#include "tests/unit/check_wire.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>

static struct wire_home home;

/*
 * A daemon that does not behave, as wire_attach() sees it. Each row changes one thing of a proper hello to a shuttle
 * with two ports.
 */
enum bad_welcome {
	WELCOME_GOOD,
	WELCOME_EXTRA_FDS, /* closed, no harm */
	WELCOME_SILENCE,
	WELCOME_HANGUP,
	WELCOME_GARBAGE,
	WELCOME_SHORT,
	WELCOME_OTHER_VERSION,
	WELCOME_REFUSED,
	WELCOME_OTHER_TYPE,
	WELCOME_NO_FDS,
	WELCOME_THREE_FDS,
	WELCOME_NO_PORTS,
	WELCOME_MANY_PORTS,
	WELCOME_RING_SMALL,
	WELCOME_RING_ODD,
	WELCOME_RING_LARGE,
	WELCOME_PORT_COUNT, /* one more than the memory has */
	WELCOME_SILENCE_AT_PORT,
	WELCOME_HANGUP_AT_PORT,
	WELCOME_HANGUP_AT_SECOND_PORT,
	WELCOME_PORT_ORDER,
	WELCOME_PORT_TWICE,
	WELCOME_PORT_TYPE,
	WELCOME_PORT_GARBAGE,
	WELCOME_PORT_NO_TAP,
	WELCOME_PORT_FRAME_HUGE,
	WELCOME_PORT_FRAME_WRAPS,
	WELCOME_PORT_FRAME_TINY,
	WELCOME_MEMORY_UNSEALED,
	WELCOME_MEMORY_SHRINKABLE,
	WELCOME_MEMORY_SMALL,
	WELCOME_MEMORY_LARGE,
	WELCOME_MEMORY_BELL,
	WELCOME_MEMORY_STATS,
	WELCOME_HEADER_MAGIC,
	WELCOME_HEADER_VERSION,
	WELCOME_HEADER_PORTS,
	WELCOME_HEADER_RING,
	WELCOME_HEADER_OFFSET,
	WELCOME_HEADER_SIZE,
	WELCOME_RING_INDEX,
	WELCOME_STATS_UNSEALED,
	WELCOME_STATS_SMALL,
	WELCOME_COUNT,
};

/* A memfd of this content's size plus @more, with the given seals. */
static int copy_memfd(int from, off_t more, unsigned int seals)
{
	int fd = memfd_create("check-wire", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat status;
	char *bytes;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(from, &status), 0);
	ck_assert_int_eq(ftruncate(fd, status.st_size + more), 0);
	bytes = malloc((size_t)status.st_size);
	ck_assert_int_eq(pread(from, bytes, (size_t)status.st_size, 0), status.st_size);
	if (more < 0)
		status.st_size += more;
	ck_assert_int_eq(pwrite(fd, bytes, (size_t)status.st_size, 0), status.st_size);
	free(bytes);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static void poke(size_t offset, const void *value, size_t size)
{
	ck_assert_int_eq(pwrite(home.memory_fd, value, size, (off_t)offset), (ssize_t)size);
}

START_TEST(test_attach_to_a_bad_daemon)
{
	enum bad_welcome bad = (enum bad_welcome)_i;
	struct wire_msg welcome = wire_msg_make(WIRE_MSG_WELCOME), port[2];
	int fds[2], sent[8], made = -1, send_count = 4, send_ports = 2, r = -EPROTO, fds_before, pipes[2];
	size_t welcome_size = sizeof(welcome);
	struct diag diag = {.text = ""};
	struct wire wire;
	uint64_t before, junk = 0x1234567;
	bool hangup = false;

	ck_assert_int_eq(wire_home_open(2, WIRE_RING_SIZE_MIN, &home), 0);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	control_pair(fds);
	fds_before = open_fds();
	welcome.arg = 2;
	welcome.size = WIRE_RING_SIZE_MIN;
	for (uint32_t i = 0; i < 2; i++) {
		port[i] = wire_msg_make(WIRE_MSG_PORT);
		port[i].arg = i;
		port[i].size = 1500;
		port[i].value[2] = 1514;
	}
	for (int i = 0; i < 8; i++)
		sent[i] = i < 4 ? (int[]){home.memory_fd, home.bell_fd[0], home.bell_fd[1], home.stats_fd[0]}[i]
				: pipes[0];
	switch (bad) {
	case WELCOME_GOOD:
		r = 0;
		break;
	case WELCOME_EXTRA_FDS:
		send_count = 8;
		r = 0;
		break;
	case WELCOME_SILENCE:
		welcome_size = 0;
		r = -ETIMEDOUT;
		break;
	case WELCOME_HANGUP:
		welcome_size = 0;
		hangup = true;
		r = -ECONNRESET;
		break;
	case WELCOME_GARBAGE:
		random_fill(1, (uint8_t *)&welcome, sizeof(welcome));
		break;
	case WELCOME_SHORT:
		welcome_size = 60;
		break;
	case WELCOME_OTHER_VERSION:
		welcome.version = WIRE_VERSION + 1;
		r = -EPROTONOSUPPORT;
		break;
	case WELCOME_REFUSED:
		welcome.type = WIRE_MSG_REFUSE;
		snprintf(welcome.text, sizeof(welcome.text), "not on a Sunday");
		r = -ECONNREFUSED;
		break;
	case WELCOME_OTHER_TYPE:
		welcome.type = WIRE_MSG_START;
		break;
	case WELCOME_NO_FDS:
		send_count = 0;
		break;
	case WELCOME_THREE_FDS:
		send_count = 3;
		break;
	case WELCOME_NO_PORTS:
		welcome.arg = 0;
		break;
	case WELCOME_MANY_PORTS:
		welcome.arg = WIRE_PORTS_MAX + 1;
		break;
	case WELCOME_RING_SMALL:
		welcome.size = WIRE_RING_SIZE_MIN / 2;
		break;
	case WELCOME_RING_ODD:
		welcome.size = WIRE_RING_SIZE_MIN + 1;
		break;
	case WELCOME_RING_LARGE:
		welcome.size = 2 * WIRE_RING_SIZE_MIN; /* allowed, but not what the memory has */
		break;
	case WELCOME_PORT_COUNT:
		welcome.arg = 1;
		send_ports = 1;
		break;
	case WELCOME_SILENCE_AT_PORT:
		send_ports = 0;
		r = -ETIMEDOUT;
		break;
	case WELCOME_HANGUP_AT_PORT:
		send_ports = 0;
		hangup = true;
		r = -ECONNRESET;
		break;
	case WELCOME_HANGUP_AT_SECOND_PORT:
		send_ports = 1;
		hangup = true;
		r = -ECONNRESET;
		break;
	case WELCOME_PORT_ORDER:
		port[0].arg = 1;
		break;
	case WELCOME_PORT_TWICE:
		port[1].arg = 0;
		break;
	case WELCOME_PORT_TYPE:
		port[1].type = WIRE_MSG_WELCOME;
		break;
	case WELCOME_PORT_GARBAGE:
		random_fill(2, (uint8_t *)&port[1], sizeof(port[1]));
		break;
	case WELCOME_PORT_NO_TAP:
		break;
	case WELCOME_PORT_FRAME_HUGE:
		port[0].value[2] = WIRE_FRAME_MAX - 7;
		break;
	case WELCOME_PORT_FRAME_WRAPS:
		port[0].value[2] = UINT64_MAX - 3;
		break;
	case WELCOME_PORT_FRAME_TINY:
		port[0].value[2] = WIRE_FRAME_MIN - 1;
		break;
	case WELCOME_MEMORY_UNSEALED:
		sent[0] = made = copy_memfd(home.memory_fd, 0, F_SEAL_SEAL);
		break;
	case WELCOME_MEMORY_SHRINKABLE:
		sent[0] = made = copy_memfd(home.memory_fd, 0, F_SEAL_GROW | F_SEAL_SEAL);
		break;
	case WELCOME_MEMORY_SMALL:
		sent[0] = made = copy_memfd(home.memory_fd, -4096, SEALS);
		break;
	case WELCOME_MEMORY_LARGE:
		sent[0] = made = copy_memfd(home.memory_fd, 4096, SEALS);
		break;
	case WELCOME_MEMORY_BELL:
		sent[0] = home.bell_fd[0];
		break;
	case WELCOME_MEMORY_STATS:
		sent[0] = home.stats_fd[0];
		break;
	case WELCOME_HEADER_MAGIC:
		poke(offsetof(struct wire_memory, magic), &junk, 8);
		break;
	case WELCOME_HEADER_VERSION:
		poke(offsetof(struct wire_memory, version), &junk, 4);
		break;
	case WELCOME_HEADER_PORTS:
		poke(offsetof(struct wire_memory, port_count), &junk, 4);
		break;
	case WELCOME_HEADER_RING:
		poke(offsetof(struct wire_memory, ring_size), &junk, 4);
		break;
	case WELCOME_HEADER_OFFSET:
		poke(offsetof(struct wire_memory, rings_offset), &junk, 8);
		break;
	case WELCOME_HEADER_SIZE:
		poke(offsetof(struct wire_memory, total_size), &junk, 8);
		break;
	case WELCOME_RING_INDEX:
		poke(sizeof(struct wire_memory) + 3 * sizeof(struct wire_ring_ctl), &junk, 8);
		break;
	case WELCOME_STATS_UNSEALED:
		sent[3] = made = copy_memfd(home.stats_fd[0], 0, F_SEAL_SEAL);
		break;
	case WELCOME_STATS_SMALL:
		sent[3] = made = copy_memfd(home.stats_fd[0], -8, SEALS);
		break;
	case WELCOME_COUNT:
		break;
	}
	if (welcome_size == sizeof(welcome))
		ck_assert_int_eq(wire_msg_send(fds[0], &welcome, sent, (size_t)send_count), 0);
	else if (welcome_size)
		ck_assert_int_eq(send(fds[0], &welcome, welcome_size, 0), (ssize_t)welcome_size);
	for (int i = 0; welcome_size && i < send_ports; i++)
		ck_assert_int_eq(wire_msg_send(fds[0], &port[i], pipes, bad != WELCOME_PORT_NO_TAP || i == 0), 0);
	if (hangup)
		ck_assert_int_eq(shutdown(fds[0], SHUT_WR), 0);
	before = clock_ns();
	ck_assert_int_eq(wire_attach(fds[1], WIRE_ROLE_SHUTTLE, 50, &wire, &diag), r);
	if (r == 0) {
		wire_detach(&wire);
	} else {
		ck_assert_msg(diag.text[0] != '\0', "no reason was given");
		ck_assert(r != -ECONNREFUSED || strstr(diag.text, "not on a Sunday"));
	}
	if (r == -ETIMEDOUT)
		ck_assert_uint_ge(clock_ns() - before, 49000000);
	ck_assert_uint_lt(clock_ns() - before, 5000000000u);
	if (made >= 0)
		close(made);
	/* The control socket belongs to the wire, also on failure; everything else is as before. */
	ck_assert_int_eq(open_fds(), fds_before - 1);
	close(fds[0]);
	close(pipes[0]);
	close(pipes[1]);
	wire_home_close(&home);
}
END_TEST

START_TEST(test_attach_ghost_gets_no_tap)
{
	struct diag diag = {.text = ""};
	struct wire_msg msg = wire_msg_make(WIRE_MSG_WELCOME);
	struct wire wire;
	int fds[2], fds_before;

	ck_assert_int_eq(wire_home_open(1, WIRE_RING_SIZE_MIN, &home), 0);
	control_pair(fds);
	fds_before = open_fds();
	msg.arg = 1;
	msg.size = WIRE_RING_SIZE_MIN;
	wire_msg_send(fds[0], &msg, (int[]){home.memory_fd, home.bell_fd[0], home.bell_fd[1], home.stats_fd[1]}, 4);
	msg = wire_msg_make(WIRE_MSG_PORT);
	msg.value[2] = 1514;
	wire_msg_send(fds[0], &msg, home.bell_fd, 1);
	ck_assert_int_eq(wire_attach(fds[1], WIRE_ROLE_GHOST, 50, &wire, &diag), -EPROTO);
	ck_assert_int_eq(open_fds(), fds_before - 1);

	/* A daemon that is already gone. */
	control_pair(fds);
	fds_before = open_fds();
	close(fds[0]);
	ck_assert_int_eq(wire_attach(fds[1], WIRE_ROLE_GHOST, 50, &wire, &diag), -EPIPE);
	ck_assert_int_eq(open_fds(), fds_before - 2);
	wire_home_close(&home);
}
END_TEST

START_TEST(test_messages)
{
	struct wire_msg msg = wire_msg_make(WIRE_MSG_PORT), got;
	int fds[2], pipes[2], taken[8], fds_before = open_fds();
	size_t count;

	control_pair(fds);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(wire_msg_send(fds[0], &msg, taken, 9), -EINVAL);
	/* More fds than asked for: the rest is closed. */
	ck_assert_int_eq(wire_msg_send(fds[0], &msg, (int[]){pipes[0], pipes[1], pipes[0]}, 3), 0);
	count = 2;
	ck_assert_int_eq(wire_msg_receive(fds[1], &got, taken, &count), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_mem_eq(&msg, &got, sizeof(msg));
	close(taken[0]);
	close(taken[1]);
	/* Fewer. */
	ck_assert_int_eq(wire_msg_send(fds[0], &msg, pipes, 1), 0);
	count = 8;
	ck_assert_int_eq(wire_msg_receive(fds[1], &got, taken, &count), 0);
	ck_assert_uint_eq(count, 1);
	close(taken[0]);
	/* None wanted. */
	ck_assert_int_eq(wire_msg_send(fds[0], &msg, pipes, 2), 0);
	ck_assert_int_eq(wire_msg_receive(fds[1], &got, NULL, NULL), 0);
	/* Nothing there, and nobody there. */
	ck_assert_int_eq(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(wire_msg_receive(fds[1], &got, NULL, NULL), -EAGAIN);
	close(fds[0]);
	ck_assert_int_eq(wire_msg_receive(fds[1], &got, NULL, NULL), -ECONNRESET);
	ck_assert_int_eq(wire_msg_send(fds[1], &msg, NULL, 0), -EPIPE); /* and no SIGPIPE */
	close(fds[1]);
	close(pipes[0]);
	close(pipes[1]);
	ck_assert_int_eq(open_fds(), fds_before);
}
END_TEST

void wire_add_attach_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, test_attach_to_a_bad_daemon, 0, WELCOME_COUNT);
	tcase_add_test(tcase, test_attach_ghost_gets_no_tap);
	tcase_add_test(tcase, test_messages);
}
