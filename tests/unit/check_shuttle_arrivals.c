/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_shuttle_arrivals.c - when frames got into a TAP: the reader by itself, and what the shuttle makes of it. The
 * test plays the kernel's program; the real one is in check_lab.c.
 */
#include "tests/unit/check_shuttle.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

static struct arrivals_ring *ring;
static int ring_fd = -1;
static struct arrivals arrivals;

static void setup_ring(void)
{
	ring_fd = memfd_create("arrivals", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(ring_fd, sizeof(*ring)), 0);
	ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, 0);
	ck_assert_ptr_ne(ring, MAP_FAILED);
	ring->written = 12345; /* of frames that somebody else has read */
	ck_assert_int_eq(arrivals_map(&arrivals, ring_fd), 0);
}

static void teardown_ring(void)
{
	arrivals_unmap(&arrivals);
	munmap(ring, sizeof(*ring));
	close(ring_fd);
}

static void note(uint64_t time_ns, uint64_t len)
{
	ring->entries[ring->written % ARRIVALS_COUNT] = (struct arrivals_entry){time_ns, len};
	__atomic_store_n(&ring->written, ring->written + 1, __ATOMIC_RELEASE);
}

START_TEST(test_in_order)
{
	static const unsigned int bursts[] = {1, 2, 7, 64, ARRIVALS_COUNT};
	uint64_t number = 0;

	for (size_t burst = 0; burst < sizeof(bursts) / sizeof(*bursts); burst++) {
		for (int round = 0; round < 40; round++) {
			for (unsigned int i = 0; i < bursts[burst]; i++)
				note(1000 + 10 * (number + i), 60 + (number + i) % 7);
			for (unsigned int i = 0; i < bursts[burst]; i++, number++)
				ck_assert_uint_eq(arrivals_take(&arrivals, 60 + number % 7, UINT64_MAX - 1),
						  1000 + 10 * number);
		}
	}
	/* One that nobody noted. */
	ck_assert_uint_eq(arrivals_take(&arrivals, 60, 987654321), 987654321);
}
END_TEST

START_TEST(test_more_than_the_ring_holds)
{
	for (uint64_t i = 0; i < ARRIVALS_COUNT + 10; i++)
		note(1000 + i, 60);
	ck_assert_uint_eq(arrivals_take(&arrivals, 60, 99999), 1010);
}
END_TEST

START_TEST(test_dropped_frames)
{
	/* Of another length: passed over. */
	note(100, 60);
	note(200, 1514);
	note(300, 61);
	ck_assert_uint_eq(arrivals_take(&arrivals, 60, 1000), 100);
	ck_assert_uint_eq(arrivals_take(&arrivals, 61, 1000), 300);
	/* Of the same: wrong until the TAP is empty, and right from there on. */
	note(400, 60);
	note(500, 60);
	arrivals_ask(&arrivals);
	ck_assert_uint_eq(arrivals_take(&arrivals, 60, 1000), 400);
	arrivals_ask(&arrivals);
	arrivals_none(&arrivals);
	note(600, 60);
	arrivals_ask(&arrivals);
	ck_assert_uint_eq(arrivals_take(&arrivals, 60, 1000), 600);
	/* What is noted after the look is not given up. */
	arrivals_ask(&arrivals);
	note(700, 60);
	arrivals_none(&arrivals);
	ck_assert_uint_eq(arrivals_take(&arrivals, 60, 1000), 700);
}
END_TEST

START_TEST(test_times_are_sane)
{
	note(500, 60);
	note(400, 60); /* another processor's */
	note(5000, 60);
	ck_assert_uint_eq(arrivals_take(&arrivals, 60, 1000), 500);
	ck_assert_uint_eq(arrivals_take(&arrivals, 60, 1000), 500);
	ck_assert_uint_eq(arrivals_take(&arrivals, 60, 1000), 1000);
}
END_TEST

/* Without the sandbox and with it. */
START_TEST(test_stamps)
{
	uint8_t frame[WIRE_FRAME_MAX], got[WIRE_FRAME_MAX];
	uint64_t sent_ns;
	int status;

	ports[1].arrivals_fd = ring_fd;
	start_shuttle(_i ? PROGRAM : FORKED, 1000000);
	start_clock();
	/* Older than any read of it can be. */
	sent_ns = origin_ns - 1000000000;
	/* It must not look between a note and its frame: it would take the frame for dropped. */
	ck_assert_int_eq(kill(shuttle_pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(shuttle_pid, &status, WUNTRACED), shuttle_pid);
	for (uint64_t i = 0; i < 20; i++) {
		uint32_t len = make_frame(1, i, 60 + (uint32_t)i % 3, frame);

		note(sent_ns + i, len);
		tap_send(1, frame, len);
	}
	ck_assert_int_eq(kill(shuttle_pid, SIGCONT), 0);
	for (uint64_t i = 0; i < 20; i++)
		ck_assert_uint_eq(ghost_take(1, got).time_ns, sent_ns + i);
	/* Nobody noted this one, and nobody notes those of port 0. */
	for (uint32_t port = 0; port < 2; port++) {
		uint64_t before_ns = clock_ns(), time_ns;

		tap_send(port, frame, make_frame(port, 0, 99, frame));
		time_ns = ghost_take(port, got).time_ns;
		ck_assert_uint_ge(time_ns, before_ns);
		ck_assert_uint_le(time_ns, clock_ns());
	}
	stop_shuttle();
}
END_TEST

TCase *shuttle_arrivals_tests(void)
{
	TCase *tcase = tcase_create("arrivals");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_checked_fixture(tcase, setup_ring, teardown_ring);
	tcase_add_test(tcase, test_in_order);
	tcase_add_test(tcase, test_more_than_the_ring_holds);
	tcase_add_test(tcase, test_dropped_frames);
	tcase_add_test(tcase, test_times_are_sane);
	tcase_add_loop_test(tcase, test_stamps, 0, 2);
	return tcase;
}
