/* SPDX-License-Identifier: GPL-2.0-only */
/* check_record_journal.c - the journal: in order, never waiting, believing nothing, and going on after a death. */
#include "tests/unit/check_record.h"

#include <stdio.h>
#include <unistd.h>

#include "bridge/record/journal.h"

static uint8_t frame[1500];

static struct journal_entry entry(enum journal_kind kind, uint32_t port, uint64_t time_ns, uint32_t size)
{
	return (struct journal_entry){.kind = (uint16_t)kind, .port = port, .time_ns = time_ns, .size = size};
}

START_TEST(test_journal_order_and_wrap)
{
	uint64_t size = JOURNAL_CHUNKS_MIN * JOURNAL_CHUNK_SIZE, put = 0, taken = 0;
	int fd = journal_make(size, JOURNAL_PRODUCE);
	struct journal producer, consumer;
	struct journal_entry got;
	const uint8_t *payload;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(journal_map(fd, true, &producer), 0);
	ck_assert_int_eq(journal_map(fd, false, &consumer), 0);
	close(fd);
	for (int round = 0; round < 2000; round++) {
		for (uint32_t i = 0; i < (uint32_t)(round % 7); i++) {
			struct journal_entry in = entry(JOURNAL_IN, i, put, (uint32_t)(put * 37 % 1500));

			frame[0] = (uint8_t)put++;
			ck_assert(journal_put(&producer, &in, frame));
		}
		while (journal_look(&consumer, &got, &payload) == 1) {
			ck_assert_uint_eq(got.time_ns, taken);
			ck_assert_uint_eq(got.size, taken * 37 % 1500);
			if (got.size)
				ck_assert_uint_eq(payload[0], (uint8_t)taken);
			taken++;
			journal_take(&consumer);
		}
	}
	ck_assert_uint_eq(put, taken);
	ck_assert_uint_gt(producer.own, 3 * size);
	journal_unmap(&producer);
	journal_unmap(&consumer);
}
END_TEST

START_TEST(test_journal_full_never_waits)
{
	int fd = journal_make(JOURNAL_CHUNKS_MIN * JOURNAL_CHUNK_SIZE, JOURNAL_PRODUCE);
	struct journal_entry in = entry(JOURNAL_IN, 0, 0, 1000), got;
	struct journal producer, consumer;
	uint64_t found = 0, lost = 0, tried = 2000;
	const uint8_t *payload;

	ck_assert_int_eq(journal_map(fd, true, &producer), 0);
	ck_assert_int_eq(journal_map(fd, false, &consumer), 0);
	close(fd);
	for (in.time_ns = 0; in.time_ns < tried; in.time_ns++)
		lost += !journal_put(&producer, &in, frame);
	ck_assert_uint_gt(lost, 1000);
	ck_assert_uint_eq(producer.head->lost, lost);
	while (journal_look(&consumer, &got, &payload) == 1) {
		ck_assert_uint_eq(got.time_ns, found++);
		journal_take(&consumer);
	}
	ck_assert_uint_eq(found + lost, tried);
	/* What comes next is preceded by what is missing. */
	ck_assert(journal_put(&producer, &in, frame));
	ck_assert_int_eq(journal_look(&consumer, &got, &payload), 1);
	ck_assert_int_eq(got.kind, JOURNAL_GAP);
	ck_assert_uint_eq(got.value, lost);
	ck_assert_uint_eq(got.time_ns, found);
	journal_take(&consumer);
	ck_assert_int_eq(journal_look(&consumer, &got, &payload), 1);
	ck_assert_int_eq(got.kind, JOURNAL_IN);
	journal_unmap(&producer);
	journal_unmap(&consumer);
}
END_TEST

START_TEST(test_journal_refuses_nonsense)
{
	int fd = journal_make(JOURNAL_CHUNKS_MIN * JOURNAL_CHUNK_SIZE, JOURNAL_PRODUCE), plain = fileno(tmpfile());
	struct journal_entry in = entry(JOURNAL_IN, 0, 0, 60), got;
	struct journal producer, consumer, other;
	struct journal_entry *first;
	const uint8_t *payload;
	uint16_t chunk;
	int r;

	ck_assert_int_eq(journal_map(plain, true, &other), -EPROTO);
	ck_assert_int_eq(journal_make(1000, 0), -EINVAL);
	ck_assert_int_eq(journal_map(fd, true, &producer), 0);
	ck_assert_int_eq(journal_map(fd, false, &consumer), 0);
	ck_assert(journal_put(&producer, &in, frame));
	first = (struct journal_entry *)(producer.data + producer.head->chunk[0] * JOURNAL_CHUNK_SIZE);
	first->size = 70000; /* longer than anything may be */
	ck_assert_int_eq(journal_look(&consumer, &got, &payload), -EPROTO);
	first->size = 1000; /* longer than what was written */
	ck_assert_int_eq(journal_look(&consumer, &got, &payload), -EPROTO);
	first->size = 60;
	first->kind = JOURNAL_SKIP; /* a chunk without anything */
	ck_assert_int_eq(journal_look(&consumer, &got, &payload), -EPROTO);
	first->kind = JOURNAL_IN;
	ck_assert_int_eq(journal_look(&consumer, &got, &payload), 1);
	journal_take(&consumer);
	ck_assert(journal_put(&producer, &in, frame));
	first = (struct journal_entry *)consumer.at;
	first->kind = JOURNAL_SKIP; /* nothing comes after it */
	ck_assert_int_eq(journal_look(&consumer, &got, &payload), -EPROTO);
	first->kind = JOURNAL_IN;
	/* A chunk that there is not. */
	while (producer.own < JOURNAL_CHUNK_SIZE)
		ck_assert(journal_put(&producer, &in, frame));
	chunk = producer.head->chunk[1];
	producer.head->chunk[1] = JOURNAL_CHUNKS_MIN;
	while ((r = journal_look(&consumer, &got, &payload)) == 1)
		journal_take(&consumer);
	ck_assert_int_eq(r, -EPROTO);
	ck_assert_int_eq(journal_map(fd, true, &other), -EPROTO);
	/* The same one twice. */
	producer.head->chunk[1] = producer.head->chunk[0];
	ck_assert_int_eq(journal_map(fd, true, &other), -EPROTO);
	producer.head->chunk[1] = chunk;
	ck_assert_int_eq(journal_look(&consumer, &got, &payload), 1);
	/* A consumer that claims to have read what is not written yet gives no room. */
	while (journal_put(&producer, &in, frame))
		;
	producer.head->cons = 1u << 30;
	ck_assert(!journal_put(&producer, &in, frame));
	producer.head->cons = producer.own + 8;
	ck_assert(!journal_put(&producer, &in, frame));
	ck_assert_int_eq(journal_map(fd, true, &other), -EPROTO);
	close(fd);
	journal_unmap(&producer);
	journal_unmap(&consumer);
}
END_TEST

/* Whoever dies, and wherever: its successor goes on, with what was not taken left in its place. */
START_TEST(test_journal_successors)
{
	int fd = journal_make(4 * JOURNAL_CHUNK_SIZE, JOURNAL_PRODUCE);
	uint64_t put = 0, taken = 0, seed = 1;
	struct journal producer, consumer;
	struct journal_entry got;
	const uint8_t *payload;

	ck_assert_int_eq(journal_map(fd, true, &producer), 0);
	ck_assert_int_eq(journal_map(fd, false, &consumer), 0);
	for (int round = 0; round < 400; round++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		for (uint64_t i = seed >> 55; i > 0; i--) {
			struct journal_entry in = entry(JOURNAL_IN, 0, put, (uint32_t)(put * 37 % 1500));

			frame[0] = (uint8_t)put;
			if (!journal_has_room(&producer, journal_entry_size(in.size)))
				break;
			ck_assert(journal_put(&producer, &in, frame));
			put++;
		}
		for (uint64_t i = seed >> 40 & 511; i > 0 && journal_look(&consumer, &got, &payload) == 1; i--) {
			ck_assert_uint_eq(got.time_ns, taken);
			ck_assert_uint_eq(got.size, taken * 37 % 1500);
			if (got.size)
				ck_assert_uint_eq(payload[0], (uint8_t)taken);
			taken++;
			journal_take(&consumer);
		}
		if (seed >> 20 & 1) {
			journal_unmap(&producer);
			ck_assert_int_eq(journal_map(fd, true, &producer), 0);
		}
		if (seed >> 21 & 1) {
			journal_unmap(&consumer);
			ck_assert_int_eq(journal_map(fd, false, &consumer), 0);
		}
	}
	ck_assert_uint_gt(producer.own, 3 * producer.size);
	ck_assert_uint_le(put - taken, 4 * JOURNAL_CHUNK_SIZE / journal_entry_size(0));
	ck_assert_uint_eq(producer.head->lost, 0);
	close(fd);
	journal_unmap(&producer);
	journal_unmap(&consumer);
}
END_TEST

/* However long it goes on: beside a consumer that keeps up few chunks are ever used. */
START_TEST(test_journal_stays_small)
{
	int fd = journal_make(JOURNAL_SIZE, JOURNAL_PRODUCE);
	struct journal_entry in = entry(JOURNAL_IN, 0, 0, 1400), got;
	bool used[JOURNAL_CHUNKS_MAX] = {false};
	struct journal producer, consumer;
	const uint8_t *payload;
	uint32_t count = 0;

	ck_assert_int_eq(journal_map(fd, true, &producer), 0);
	ck_assert_int_eq(journal_map(fd, false, &consumer), 0);
	close(fd);
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 700; i++) /* a megabyte */
			ck_assert(journal_put(&producer, &in, frame));
		for (uint32_t i = 0; i < JOURNAL_CHUNKS_MAX; i++)
			used[producer.head->chunk[i]] = true;
		while (journal_look(&consumer, &got, &payload) == 1)
			journal_take(&consumer);
	}
	for (uint32_t i = 0; i < JOURNAL_CHUNKS_MAX; i++)
		count += used[i];
	ck_assert_uint_gt(producer.own, 5 * producer.size);
	ck_assert_uint_le(count, 7);
	journal_unmap(&producer);
	journal_unmap(&consumer);
}
END_TEST

TCase *record_journal_tests(void)
{
	TCase *tcase = tcase_create("journal");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_journal_order_and_wrap);
	tcase_add_test(tcase, test_journal_full_never_waits);
	tcase_add_test(tcase, test_journal_refuses_nonsense);
	tcase_add_test(tcase, test_journal_successors);
	tcase_add_test(tcase, test_journal_stays_small);
	return tcase;
}
