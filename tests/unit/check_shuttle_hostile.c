/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_shuttle_hostile.c - a ghost that does not behave.
 */
#include "tests/unit/check_shuttle.h"

#include "tests/unit/misdeed.h"

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

TCase *shuttle_hostile_tests(void)
{
	TCase *tcase = tcase_create("hostile ghost");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_hostile_ghost, 0, WILD_COUNT);
	tcase_add_test(tcase, test_hostile_bits);
	tcase_add_loop_test(tcase, test_hostile_noise, 0, 20);
	return tcase;
}
