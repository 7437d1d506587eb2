/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_ghost.c - the suite, and a shuttle that does not behave.
 */
#include "tests/unit/check_ghost.h"

#include "tests/unit/misdeed.h"

START_TEST(test_hostile_shuttle)
{
	static uint8_t frame[WIRE_FRAME_MAX];
	/* A wild consumer index is seen when the ring seems full; a third port's ring would be full before. */
	uint32_t count = _i >= WILD_CONS_AHEAD ? 2 : 3, port = (uint32_t)_i % count;
	struct wire_msg msg;
	uint8_t *room;

	start_ghost(count, 1000000000, 0, 1500, 0);
	if (_i & 1)
		misbehave(&shuttle, port, clock_ns(), (enum misdeed)_i); /* already before START */
	start_clock();
	if (!(_i & 1))
		misbehave(&shuttle, port, clock_ns(), (enum misdeed)_i);
	while (_i >= WILD_CONS_AHEAD && !readable(daemon_fd, 0)) {
		random_fill(1, frame, 1500);
		frame[0] = 0xff;
		if (ring_p_reserve(&shuttle.tx[(port + 1) % count], 1500, &room) == 1)
			put((port + 1) % count, frame, 1500, clock_ns() - origin_ns);
	}
	msg = next_msg(daemon_fd, WIRE_MSG_ERROR);
	ck_assert_msg(strstr(msg.text, ports[port].name), "\"%s\" does not name the port", msg.text);
	expect_exit(STATUS_NONSENSE);
	ck_assert_int_eq(wire_msg_receive(daemon_fd, &msg, NULL, NULL), -ECONNRESET); /* said once */
}
END_TEST

START_TEST(test_hostile_noise)
{
	/* Everything the shuttle can write to, written over at random: ends in order, or goes on. */
	uint64_t state = 2000 + (uint64_t)_i, until;
	static uint8_t frame[WIRE_FRAME_MAX];
	bool stopped = false;
	int status;
	uint8_t *room;

	start_ghost(3, 1000000000, 1000, 1500, 0);
	start_clock();
	until = clock_ns() + PATIENCE_MS * 1000000ull;
	for (uint64_t round = 0; waitpid(ghost_pid, &status, WNOHANG) == 0; round++) {
		uint64_t at = random_next(&state) % (shuttle.memory_size / 8);

		ck_assert_msg(clock_ns() < until, "the ghost hangs");
		random_fill(round, frame, 200);
		if (ring_p_reserve(&shuttle.tx[round % 3], 200, &room) == 1)
			put((uint32_t)(round % 3), frame, 200, clock_ns() - origin_ns);
		/* Mostly the part where the control and the used records are. */
		if (random_next(&state) % 2)
			at %= 4096;
		if (round > 100)
			((uint64_t *)(void *)shuttle.memory)[at] = random_next(&state);
		wire_ring_bell(shuttle.peer_bell_fd);
		if (round == 20000) {
			send_msg(daemon_fd, WIRE_MSG_STOP, 0);
			stopped = true;
		}
	}
	ghost_pid = -1;
	ck_assert_msg(WIFEXITED(status), "the ghost died of signal %d", WTERMSIG(status));
	if (!stopped) {
		ck_assert_int_eq(WEXITSTATUS(status), STATUS_NONSENSE);
		ck_assert_ptr_nonnull(strstr(next_msg(daemon_fd, WIRE_MSG_ERROR).text, ".eth0"));
	}
}
END_TEST

/* Not to be recorded is one thing, not to be recorded without anybody knowing another. */
START_TEST(test_useless_journal)
{
	journal_fd = memfd_create("no-journal", MFD_CLOEXEC);
	ck_assert_int_ge(journal_fd, 0);
	start_ghost(2, 1000000000, 0, 1500, 0);
	ck_assert_ptr_nonnull(strstr(next_msg(daemon_fd, WIRE_MSG_ERROR).text, "journal"));
	expect_exit(STATUS_NONSENSE);
	close(journal_fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ghost");
	TCase *tcase;
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, ghost_frames_tests());
	suite_add_tcase(suite, ghost_time_tests());
	tcase = tcase_create("hostile shuttle");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_hostile_shuttle, 0, WILD_COUNT);
	tcase_add_loop_test(tcase, test_hostile_noise, 0, 10);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("journal");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_useless_journal);
	suite_add_tcase(suite, tcase);

	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
