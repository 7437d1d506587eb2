/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_watch.c - bridge/lab/ovs-watch.c against a switch that is the test itself, in every version of OpenFlow.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/lab/ovs-watch.h"

#define MINORS 6

static struct ovs_watch watch;
static int peer = -1;

static void begin(unsigned int minor)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	peer = fds[0];
	ck_assert_int_eq(ovs_watch_begin(&watch, fds[1], minor), 0);
}

static void end(void)
{
	ovs_watch_close(&watch);
	if (peer >= 0)
		close(peer);
	peer = -1;
}

static uint32_t number(const uint8_t *bytes, size_t size)
{
	uint32_t value = 0;

	while (size--)
		value = value << 8 | *bytes++;
	return value;
}

/* Takes the next message that came from the watch. Return: its length; 0: there is none. */
static size_t next(uint8_t bytes[256])
{
	ssize_t got = recv(peer, bytes, 8, MSG_DONTWAIT);
	size_t len;

	if (got < 0)
		return 0;
	ck_assert_int_eq(got, 8);
	len = number(bytes + 2, 2);
	ck_assert_uint_ge(len, 8);
	ck_assert_uint_le(len, 256);
	if (len > 8)
		ck_assert_int_eq(recv(peer, bytes + 8, len - 8, MSG_DONTWAIT), (ssize_t)(len - 8));
	ck_assert_uint_eq(len % 8, 0);
	return len;
}

static void drain(void)
{
	uint8_t bytes[256];

	while (next(bytes))
		;
}

/* One multipart answer; @step: bytes a time. Return: what the watch made of it. */
static int answer(uint32_t xid, unsigned int flags, const char *body, size_t step)
{
	uint8_t bytes[256] = {watch.version, watch.version == 1 ? 17 : 19};
	size_t head = watch.version == 1 ? 12 : 16, len = head + strlen(body);
	int changed = 0;

	bytes[3] = (uint8_t)len;
	bytes[7] = (uint8_t)xid;
	bytes[11] = (uint8_t)flags;
	memcpy(bytes + head, body, strlen(body));
	for (size_t at = 0; at < len; at += step) {
		size_t size = len - at < step ? len - at : step;
		int got;

		ck_assert_int_eq(send(peer, bytes + at, size, 0), (ssize_t)size);
		got = ovs_watch_read(&watch);
		ck_assert_int_ge(got, 0);
		changed |= got;
	}
	return changed;
}

START_TEST(says_hello_and_asks_for_news)
{
	static const size_t monitor_len[MINORS] = {40, 40, 40, 48, 40, 40};
	uint8_t bytes[256];
	unsigned int type = _i ? 18 : 16;

	begin((unsigned int)_i);
	ck_assert_uint_eq(next(bytes), 8);
	ck_assert_uint_eq(bytes[0], _i + 1);
	ck_assert_uint_eq(bytes[1], 0);
	ck_assert_uint_eq(next(bytes), monitor_len[_i]);
	ck_assert_uint_eq(bytes[0], _i + 1);
	ck_assert_uint_eq(bytes[1], type);
	ck_assert_uint_eq(number(bytes + 8, 2), _i >= 4 ? 16 : 0xffff);
	ck_assert_uint_eq(next(bytes), 0);

	ck_assert_int_eq(ovs_watch_ask(&watch), 0);
	ck_assert_uint_eq(next(bytes), _i == 0 ? 32 : _i == 5 ? 24 : 16);
	ck_assert_uint_eq(bytes[1], type);
	ck_assert_uint_eq(number(bytes + 8, 2), _i ? 7 : 0xffff);
	ck_assert_uint_eq(number(bytes + 4, 4), 2);
	if (_i >= 3) {
		ck_assert_uint_eq(next(bytes), 24);
		ck_assert_uint_eq(number(bytes + 8, 2), 10);
		ck_assert_uint_eq(number(bytes + 4, 4), 3);
	}
	ck_assert_uint_eq(next(bytes), 0);
	end();
}
END_TEST

START_TEST(tells_changes_from_repetitions)
{
	static const size_t steps[] = {1, 3, 11, 256};

	begin((unsigned int)_i);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		size_t step = steps[i];

		ck_assert_int_eq(answer(2, 0, i ? "groups" : "", step), 1);
		ck_assert_int_eq(answer(2, 0, i ? "groups" : "", step), 0);
		ck_assert_int_eq(answer(3, 0, i ? "meters" : "", step), i < 2);
		ck_assert_int_eq(answer(2, 0, "grouqs", step), 1);
		ck_assert_int_eq(answer(3, 0, i ? "meters" : "", step), 0);
		/* in parts: only the last one completes it */
		ck_assert_int_eq(answer(2, 1, "gro", step), 0);
		ck_assert_int_eq(answer(2, 0, "uqs", step), 0);
		ck_assert_int_eq(answer(2, 1, "gro", step), 0);
		ck_assert_int_eq(answer(2, 0, "uq", step), 1);
		/* the answer to the monitor's request is no news, what it tells later is */
		ck_assert_int_eq(answer(1, 0, "", step), 0);
		ck_assert_int_eq(answer(0, 0, "a flow", step), 1);
		/* and of nobody's question nothing is made */
		ck_assert_int_eq(answer(9, 0, "what", step), 0);
	}
	end();
}
END_TEST

START_TEST(answers_an_echo)
{
	const uint8_t echo[] = {4, 2, 0, 8, 1, 2, 3, 4};
	uint8_t bytes[256];

	begin(3);
	drain();
	ck_assert_int_eq(send(peer, echo, sizeof(echo), 0), sizeof(echo));
	ck_assert_int_eq(ovs_watch_read(&watch), 0);
	ck_assert_uint_eq(next(bytes), 8);
	ck_assert_uint_eq(bytes[1], 3);
	ck_assert_uint_eq(number(bytes + 4, 4), 0x01020304);
	end();
}
END_TEST

START_TEST(is_blind_after_a_refusal)
{
	const uint8_t error[] = {4, 1, 0, 12, 0, 0, 0, 1, 0, 1, 0, 2};
	const uint8_t paused[] = {4, 4, 0, 16, 0, 0, 0, 0, 0x4f, 0x4e, 0x46, 0, 0, 0, 7, 0x4f};

	begin(3);
	ck_assert_int_eq(ovs_watch_ask(&watch), 0);
	ck_assert_int_eq(send(peer, paused, sizeof(paused), 0), sizeof(paused));
	ck_assert_int_eq(ovs_watch_read(&watch), 1);
	ck_assert_int_eq(ovs_watch_ask(&watch), 0);
	ck_assert_int_eq(send(peer, error, sizeof(error), 0), sizeof(error));
	ck_assert_int_eq(ovs_watch_read(&watch), 1);
	ck_assert_int_eq(ovs_watch_ask(&watch), 1);
	end();
}
END_TEST

START_TEST(ends_with_nonsense_and_with_its_peer)
{
	const uint8_t nonsense[] = {4, 19, 0, 7, 0, 0, 0, 0};

	begin(3);
	ck_assert_int_eq(ovs_watch_read(&watch), 0);
	ck_assert_int_eq(send(peer, nonsense, sizeof(nonsense), 0), sizeof(nonsense));
	ck_assert_int_eq(ovs_watch_read(&watch), -EPROTO);
	end();
	begin(3);
	drain();
	close(peer);
	peer = -1;
	ck_assert_int_eq(ovs_watch_read(&watch), -EPIPE);
	ck_assert_int_eq(ovs_watch_ask(&watch), -EPIPE);
	end();
	ck_assert_int_eq(ovs_watch_open(&watch, "/nonexistent/s1.mgmt", 3), -ENOENT);
	ck_assert_int_eq(watch.fd, -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("watch");
	TCase *tcase = tcase_create("switch");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, says_hello_and_asks_for_news, 0, MINORS);
	tcase_add_loop_test(tcase, tells_changes_from_repetitions, 0, MINORS);
	tcase_add_test(tcase, answers_an_echo);
	tcase_add_test(tcase, is_blind_after_a_refusal);
	tcase_add_test(tcase, ends_with_nonsense_and_with_its_peer);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
