/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_wire_ring.c - rings, with a peer that behaves and with one that does not.
 */
#include "tests/unit/check_wire.h"

#include <sys/mman.h>

/* One ring with both its ends here; the memory around it is forbidden, so a step outside is a crash. */
static struct wire_ring_ctl ctl;
static uint8_t *guarded, *data;
static struct ring producer, consumer;
static uint8_t pattern[WIRE_FRAME_MAX];

static void ring_at(uint64_t index)
{
	memset(&ctl, 0, sizeof(ctl));
	ctl.prod = ctl.cons = index;
	ck_assert_int_eq(ring_init_producer(&producer, &ctl, data, RING_SIZE), 0);
	ck_assert_int_eq(ring_init_consumer(&consumer, &ctl, data, RING_SIZE), 0);
}

static void setup_ring(void)
{
	guarded = mmap(NULL, RING_SIZE + 2 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(guarded, MAP_FAILED);
	data = guarded + 4096;
	ck_assert_int_eq(mprotect(data, RING_SIZE, PROT_READ | PROT_WRITE), 0);
	random_fill(7, pattern, sizeof(pattern));
	ring_at(0);
}

static void teardown_ring(void)
{
	munmap(guarded, RING_SIZE + 2 * 4096);
}

static int put(uint32_t len, uint64_t time_ns)
{
	uint8_t *payload;
	int r = ring_p_reserve(&producer, len, &payload);

	if (r != 1)
		return r;
	memcpy(payload, pattern, len);
	ring_p_commit(&producer, len, time_ns);
	return 1;
}

/* Take one record and compare it; it stays unreleased. */
static void expect_record(uint32_t len, uint64_t time_ns)
{
	struct wire_record record;
	const uint8_t *payload;

	ck_assert_int_eq(ring_c_peek(&consumer, &record, &payload), 1);
	ck_assert_uint_eq(record.len, len);
	ck_assert_uint_eq(record.time_ns, time_ns);
	ck_assert_uint_eq(record.type, WIRE_RECORD_FRAME);
	ck_assert_uint_eq(record.flags, 0);
	ck_assert(payload >= data && payload + len <= data + RING_SIZE);
	ck_assert(memcmp(payload, pattern, len) == 0);
}

static int peek(void)
{
	struct wire_record record;
	const uint8_t *payload;

	return ring_c_peek(&consumer, &record, &payload);
}

START_TEST(test_ring_every_length_everywhere)
{
	for (uint32_t len = WIRE_FRAME_MIN; len <= WIRE_FRAME_MAX; len += STEP) {
		uint64_t size = ring_record_size(len);
		/* A start, a middle, an exact fit at the end, too short by one step, by all but one step. */
		uint64_t positions[] = {0,
					RING_SIZE / 2,
					RING_SIZE - size,
					RING_SIZE - size - WIRE_RECORD_ALIGN,
					RING_SIZE - size + WIRE_RECORD_ALIGN,
					RING_SIZE - WIRE_RECORD_ALIGN};

		for (size_t i = 0; i < sizeof(positions) / sizeof(*positions); i++) {
			uint64_t position = positions[i] % RING_SIZE, pad;

			ring_at(5 * RING_SIZE + position);
			pad = size > RING_SIZE - position ? RING_SIZE - position : 0;
			ck_assert_int_eq(put(len, len), 1);
			ck_assert_int_eq(peek(), 0); /* not published yet */
			ck_assert(ring_p_publish(&producer));
			ck_assert_uint_eq(ctl.prod, 5 * RING_SIZE + position + pad + size);
			expect_record(len, len);
			ring_c_release(&consumer);
			ck_assert_uint_eq(ctl.cons, 5 * RING_SIZE + position); /* nor given back */
			ck_assert(!ring_c_publish(&consumer));
			ck_assert_uint_eq(ctl.cons, ctl.prod);
			ck_assert_int_eq(peek(), 0);
		}
	}
}
END_TEST

START_TEST(test_ring_stream)
{
	uint64_t state = 11, sent = 0, taken = 0;
	uint32_t lens[4096];

	while (taken < 50000 / STEP) {
		for (uint64_t i = random_next(&state) % 20; i > 0; i--) {
			uint32_t len = WIRE_FRAME_MIN + (uint32_t)(random_next(&state) % (i % 5 ? 200 : 9000));

			if (sent - taken == 4096 || put(len, sent) == 0)
				break;
			lens[sent++ % 4096] = len;
		}
		ring_p_publish(&producer);
		for (uint64_t i = random_next(&state) % 20; i > 0 && taken < sent; i--) {
			struct wire_record record;
			const uint8_t *payload;

			ck_assert_int_eq(ring_c_peek(&consumer, &record, &payload), 1);
			ck_assert_uint_eq(record.seq, taken);
			expect_record(lens[taken % 4096], taken);
			taken++;
			ring_c_release(&consumer);
		}
		ring_c_publish(&consumer);
	}
	ck_assert_uint_gt(ctl.prod, 100 / STEP * RING_SIZE);
}
END_TEST

START_TEST(test_ring_shorter_than_reserved)
{
	uint8_t *payload;

	ring_at(RING_SIZE - 64); /* the reservation does not fit there, so a PAD goes before even a short record */
	ck_assert_int_eq(ring_p_reserve(&producer, 1500, &payload), 1);
	ck_assert_ptr_eq(payload, data + sizeof(struct wire_record));
	memcpy(payload, pattern, 60);
	ring_p_commit(&producer, 60, 1);
	ck_assert_int_eq(ring_p_reserve(&producer, 1500, &payload), 1); /* reserved and never committed */
	ck_assert(ring_p_publish(&producer));
	ck_assert(!ring_p_publish(&producer));
	ck_assert_uint_eq(ctl.prod, RING_SIZE + ring_record_size(60));
	expect_record(60, 1);
	ring_c_release(&consumer);
	ring_c_publish(&consumer);
	ck_assert_uint_eq(ctl.cons, ctl.prod);
}
END_TEST

START_TEST(test_ring_full)
{
	uint64_t count = 0;

	while (put(1000, count) == 1)
		count++;
	ck_assert_uint_eq(count, RING_SIZE / ring_record_size(1000));
	ck_assert_int_eq(put(1000, count), 0); /* and stays full */
	ring_p_publish(&producer);
	expect_record(1000, 0);
	ring_c_release(&consumer);
	ck_assert_int_eq(put(1000, count), 0); /* released but not given back */
	ring_c_publish(&consumer);
	ck_assert_int_eq(put(1000, count), 1);
	ring_p_publish(&producer);
	for (uint64_t i = 1; i <= count; i++) {
		expect_record(1000, i);
		ring_c_release(&consumer);
	}
	ck_assert_int_eq(peek(), 0);
}
END_TEST

START_TEST(test_ring_full_exactly)
{
	for (uint64_t i = 0; i < RING_SIZE / ring_record_size(1000); i++)
		ck_assert_int_eq(put(1000, 0), 1);
	ring_at(3 * RING_SIZE);
	/* 64 records of 1 KiB fill 64 KiB to the last byte: prod - cons is the ring's size and not nonsense. */
	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(put(1024 - sizeof(struct wire_record), (uint64_t)i), 1);
	ck_assert_int_eq(put(WIRE_FRAME_MIN, 0), 0);
	ring_p_publish(&producer);
	for (int i = 0; i < 64; i++) {
		expect_record(1024 - sizeof(struct wire_record), (uint64_t)i);
		ring_c_release(&consumer);
	}
	ck_assert_int_eq(peek(), 0);
}
END_TEST

START_TEST(test_ring_want_space)
{
	uint64_t count = 0, used;
	int told = 0;

	ck_assert(ring_p_want_space(&producer, 1000)); /* there is room: the wish is taken back */
	ck_assert_uint_eq(ctl.want_space, 0);
	while (put(1000, count) == 1)
		count++;
	ring_p_publish(&producer);
	ck_assert(!ring_p_want_space(&producer, 1000));
	ck_assert_uint_eq(ctl.want_space, 1);
	for (uint64_t i = 0; i < count; i++) {
		expect_record(1000, i);
		ring_c_release(&consumer);
		if (ring_c_publish(&consumer)) {
			told++;
			used = ctl.prod - ctl.cons;
			ck_assert_uint_le(used, RING_SIZE / 2);
			ck_assert_uint_gt(used + ring_record_size(1000), RING_SIZE / 2);
			ck_assert_uint_eq(ctl.want_space, 0);
		}
	}
	ck_assert_int_eq(told, 1);
	ck_assert(!ring_c_publish(&consumer)); /* nothing new to give back */
}
END_TEST

START_TEST(test_ring_want_space_no_lost_wish)
{
	/* Whatever largest record did not fit at whatever fill level, emptying the ring brings the producer back. */
	for (uint64_t start = 0; start < RING_SIZE; start += STEP * WIRE_RECORD_ALIGN) {
		bool told = false;

		ring_at(start);
		while (put(WIRE_FRAME_MAX, 0) == 1)
			;
		ring_p_publish(&producer);
		ck_assert(!ring_p_want_space(&producer, WIRE_FRAME_MAX));
		while (peek() == 1) {
			ring_c_release(&consumer);
			told |= ring_c_publish(&consumer);
		}
		ck_assert_msg(told, "a ring filled from position %llu told nobody", (unsigned long long)start);
	}
}
END_TEST

START_TEST(test_ring_discard)
{
	ck_assert_int_eq(put(100, 1), 1);
	ck_assert_int_eq(put(100, 2), 1);
	ring_p_publish(&producer);
	expect_record(100, 1);
	ring_c_discard(&consumer);
	ring_c_publish(&consumer);
	ck_assert_uint_eq(ctl.cons, ctl.prod);
	ck_assert_int_eq(peek(), 0);
	ck_assert_int_eq(put(100, 3), 1);
	ring_p_publish(&producer);
	expect_record(100, 3);
	ring_c_release(&consumer);
	ctl.prod += RING_SIZE + WIRE_RECORD_ALIGN; /* nonsense is not believed here either */
	ring_c_discard(&consumer);
	ck_assert_int_eq(peek(), -EPROTO);
}
END_TEST

START_TEST(test_ring_restart)
{
	ck_assert_int_eq(put(100, 1), 1);
	ck_assert_int_eq(put(101, 2), 1);
	ring_p_publish(&producer);
	ck_assert_int_eq(put(102, 3), 1); /* never published: lost with the producer */
	expect_record(100, 1);
	ring_c_release(&consumer);
	ring_c_publish(&consumer);
	expect_record(101, 2);
	ring_c_release(&consumer); /* never given back: seen again */

	ck_assert_int_eq(ring_init_producer(&producer, &ctl, data, RING_SIZE), 0);
	ck_assert_int_eq(ring_init_consumer(&consumer, &ctl, data, RING_SIZE), 0);
	ck_assert_int_eq(put(103, 4), 1);
	ring_p_publish(&producer);
	expect_record(101, 2);
	ring_c_release(&consumer);
	expect_record(103, 4);
	ring_c_release(&consumer);
	ck_assert_int_eq(peek(), 0);
}
END_TEST

/* What a hostile producer writes into its index, relative to the consumer's. */
static const uint64_t wild_prods[] = {
	RING_SIZE + WIRE_RECORD_ALIGN,
	(uint64_t)0 - WIRE_RECORD_ALIGN,
	(uint64_t)0 - RING_SIZE,
	1,
	8,
	WIRE_RECORD_ALIGN + 16,
	RING_SIZE - 1,
	1ull << 32,
	1ull << 63,
	UINT64_MAX,
	UINT64_MAX / 2,
};

START_TEST(test_hostile_prod)
{
	ring_at(7 * RING_SIZE + 320);
	ctl.prod += wild_prods[_i];
	ck_assert_int_eq(peek(), -EPROTO);
	ck_assert_int_eq(peek(), -EPROTO); /* it stays refused */
	ring_c_publish(&consumer);
	ck_assert_uint_eq(ctl.cons, 7 * RING_SIZE + 320);
}
END_TEST

START_TEST(test_hostile_prod_at_start)
{
	/* A consumer that starts on such a ring refuses at once, or at the first record when the index is possible. */
	ring_at(7 * RING_SIZE + 320);
	ctl.prod += wild_prods[_i];
	if (ring_init_consumer(&consumer, &ctl, data, RING_SIZE) == 0)
		ck_assert_int_eq(peek(), -EPROTO);
}
END_TEST

struct wild_record {
	const char *what;
	uint64_t position; /* of the record in the ring */
	uint64_t published;
	struct wire_record record;
};

static const struct wild_record wild_records[] = {
	{"shorter than a header", 0, 4096, {.len = 13, .type = WIRE_RECORD_FRAME}},
	{"empty", 0, 4096, {.len = 0, .type = WIRE_RECORD_FRAME}},
	{"longer than any frame", 0, 32768, {.len = WIRE_FRAME_MAX + 1, .type = WIRE_RECORD_FRAME}},
	{"longer than what was published", 0, 64, {.len = 41, .type = WIRE_RECORD_FRAME}},
	{"longer than the ring", 0, RING_SIZE, {.len = RING_SIZE, .type = WIRE_RECORD_FRAME}},
	{"4 GiB", 0, RING_SIZE, {.len = UINT32_MAX, .type = WIRE_RECORD_FRAME}},
	{"4 GiB less a header", 0, RING_SIZE, {.len = UINT32_MAX - 23, .type = WIRE_RECORD_FRAME}},
	{"2 GiB", 0, RING_SIZE, {.len = 1u << 31, .type = WIRE_RECORD_FRAME}},
	{"across the ring's end", RING_SIZE - 64, 4096, {.len = 100, .type = WIRE_RECORD_FRAME}},
	{"of no type", 0, 4096, {.len = 100, .type = 0}},
	{"of a type to come", 0, 4096, {.len = 100, .type = 3}},
	{"of the last type", 0, 4096, {.len = 100, .type = UINT16_MAX}},
	{"with a flag to come", 0, 4096, {.len = 100, .type = WIRE_RECORD_FRAME, .flags = 1}},
	{"with all flags", 0, 4096, {.len = 100, .type = WIRE_RECORD_FRAME, .flags = UINT16_MAX}},
	{"PAD in the middle", 0, 4096, {.len = 100, .type = WIRE_RECORD_PAD}},
	{"PAD short of the end", RING_SIZE - 128, 4096, {.len = 72, .type = WIRE_RECORD_PAD}},
	{"PAD past the end", RING_SIZE - 128, 4096, {.len = 136, .type = WIRE_RECORD_PAD}},
	{"PAD of a whole ring", 0, RING_SIZE, {.len = RING_SIZE - 24, .type = WIRE_RECORD_PAD}},
	{"PAD of nothing", RING_SIZE - 64, 4096, {.len = 0, .type = WIRE_RECORD_PAD}},
	{"PAD with a flag", RING_SIZE - 128, 128, {.len = 104, .type = WIRE_RECORD_PAD, .flags = 1}},
};

START_TEST(test_hostile_record)
{
	const struct wild_record *wild = &wild_records[_i];

	memset(data, 0, RING_SIZE);
	ring_at(3 * RING_SIZE + wild->position);
	memcpy(data + wild->position, &wild->record, sizeof(wild->record));
	ctl.prod += wild->published;
	ck_assert_msg(peek() == -EPROTO, "a record %s was taken", wild->what);
	ck_assert_int_eq(peek(), -EPROTO);
}
END_TEST

START_TEST(test_hostile_noise)
{
	/* Any bytes at all: what is handed out lies inside the ring and has a possible length. */
	uint64_t state = 99;

	for (int round = 0; round < 20000 / STEP; round++) {
		struct wire_record record;
		const uint8_t *payload;
		uint64_t position = random_next(&state) % (RING_SIZE / WIRE_RECORD_ALIGN) * WIRE_RECORD_ALIGN;

		ring_at(position);
		for (uint64_t at = 0; at < RING_SIZE; at += 1024) {
			uint64_t noise = random_next(&state);

			record = (struct wire_record){.len = (uint32_t)(noise >> (noise & 31)),
						      .type = (uint16_t)(noise >> 40 & 3),
						      .flags = (uint16_t)(noise >> 50 & 1)};
			memcpy(data + (position + at) % RING_SIZE, &record, sizeof(record));
		}
		ctl.prod = position + random_next(&state) % (RING_SIZE / 32 + 2) * 32;
		while (ring_c_peek(&consumer, &record, &payload) == 1) {
			ck_assert_uint_ge(record.len, WIRE_FRAME_MIN);
			ck_assert_uint_le(record.len, WIRE_FRAME_MAX);
			ck_assert(payload >= data && payload + record.len <= data + RING_SIZE);
			ring_c_release(&consumer);
		}
		ck_assert_uint_le(consumer.own, ctl.prod);
	}
}
END_TEST

START_TEST(test_hostile_cons)
{
	static const uint64_t wild[] = {32, 1, RING_SIZE, 1ull << 63, UINT64_MAX / 2, (uint64_t)0 - 5};
	uint64_t prod;

	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		ring_at(9 * RING_SIZE);
		while (put(WIRE_FRAME_MAX, 0) == 1)
			;
		ring_p_publish(&producer);
		prod = ctl.prod;
		ctl.cons = prod + wild[i]; /* released more than it was given, or part of a record */
		ck_assert_int_eq(put(WIRE_FRAME_MAX, 0), -EPROTO);
		ck_assert(ring_p_want_space(&producer, WIRE_FRAME_MAX)); /* does not sleep on nonsense */
		ck_assert_int_eq(put(WIRE_FRAME_MAX, 0), -EPROTO);
		ctl.cons = prod - RING_SIZE - 32; /* took back what it had released */
		ck_assert_int_eq(put(WIRE_FRAME_MAX, 0), -EPROTO);
		ck_assert_int_eq(ring_init_producer(&producer, &ctl, data, RING_SIZE), -EPROTO);
	}
}
END_TEST

START_TEST(test_hostile_start)
{
	struct ring ring;

	memset(&ctl, 0, sizeof(ctl));
	ctl.prod = 8; /* a predecessor of ours was hostile, or its memory was written over */
	ck_assert_int_eq(ring_init_producer(&ring, &ctl, data, RING_SIZE), -EPROTO);
	ctl.prod = RING_SIZE + 32;
	ck_assert_int_eq(ring_init_producer(&ring, &ctl, data, RING_SIZE), -EPROTO);
	ck_assert_int_eq(ring_init_consumer(&ring, &ctl, data, RING_SIZE), -EPROTO);
	ctl.prod = 64;
	ctl.cons = 1;
	ck_assert_int_eq(ring_init_consumer(&ring, &ctl, data, RING_SIZE), -EPROTO);
	ctl.cons = 96;
	ck_assert_int_eq(ring_init_consumer(&ring, &ctl, data, RING_SIZE), -EPROTO);
}
END_TEST

TCase *wire_ring_tests(void)
{
	TCase *tcase = tcase_create("ring");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup_ring, teardown_ring);
	tcase_add_test(tcase, test_ring_every_length_everywhere);
	tcase_add_test(tcase, test_ring_stream);
	tcase_add_test(tcase, test_ring_shorter_than_reserved);
	tcase_add_test(tcase, test_ring_full);
	tcase_add_test(tcase, test_ring_full_exactly);
	tcase_add_test(tcase, test_ring_want_space);
	tcase_add_test(tcase, test_ring_want_space_no_lost_wish);
	tcase_add_test(tcase, test_ring_discard);
	tcase_add_test(tcase, test_ring_restart);
	tcase_add_loop_test(tcase, test_hostile_prod, 0, sizeof(wild_prods) / sizeof(*wild_prods));
	tcase_add_loop_test(tcase, test_hostile_prod_at_start, 0, sizeof(wild_prods) / sizeof(*wild_prods));
	tcase_add_loop_test(tcase, test_hostile_record, 0, sizeof(wild_records) / sizeof(*wild_records));
	tcase_add_test(tcase, test_hostile_noise);
	tcase_add_test(tcase, test_hostile_cons);
	tcase_add_test(tcase, test_hostile_start);

	return tcase;
}
