/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_wire.c - rings, inboxes, the hello and the counters, with a peer that behaves and with one that does not.
 */
#include "tests/unit/wire_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define RING_SIZE ((uint64_t)WIRE_RING_SIZE_MIN)

/* Under a sanitizer every ck_assert costs many times more: try a part of what the plain build tries in full. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEP 13
#else
#define STEP 1
#endif

/* ---- rings ---------------------------------------------------------------------------------------------------- */

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

/* ---- inboxes -------------------------------------------------------------------------------------------------- */

#define MANY_PORTS 130u

static struct wire_home home;
static struct wire_port ports[WIRE_PORTS_MAX];
static struct wire shuttle, ghost;
static int shuttle_daemon_fd, ghost_daemon_fd;

static void setup_wire(void)
{
	make_ports(ports, MANY_PORTS, 1500);
	ck_assert_int_eq(wire_home_open(MANY_PORTS, WIRE_RING_SIZE_MIN, &home), 0);
	for (uint32_t i = 0; i < MANY_PORTS; i++)
		ports[i].tap_fd = home.bell_fd[0]; /* any fd will do */
	shuttle_daemon_fd = attach_here(&home, WIRE_ROLE_SHUTTLE, ports, &fixture_terms, &shuttle);
	ghost_daemon_fd = attach_here(&home, WIRE_ROLE_GHOST, ports, &fixture_terms, &ghost);
}

static void teardown_wire(void)
{
	wire_detach(&shuttle);
	wire_detach(&ghost);
	close(shuttle_daemon_fd);
	close(ghost_daemon_fd);
	wire_home_close(&home);
}

static void take_all_bits(struct wire *wire)
{
	for (uint32_t word = 0; word < WIRE_WORDS; word++) {
		wire_take_bits(&wire->own_inbox->data[word]);
		wire_take_bits(&wire->own_inbox->space[word]);
	}
}

static void wire_put(struct wire *wire, uint32_t port, uint32_t len)
{
	uint8_t *payload;

	ck_assert_int_eq(ring_p_reserve(&wire->tx[port], len, &payload), 1);
	memset(payload, (int)port, len);
	ring_p_commit(&wire->tx[port], len, 0);
}

START_TEST(test_inbox_first_look)
{
	/* Whatever a predecessor slept through: a fresh peer looks at every port once. */
	for (uint32_t word = 0; word < wire_words(&ghost); word++) {
		ck_assert_uint_eq(wire_take_bits(&ghost.own_inbox->data[word]), UINT64_MAX);
		ck_assert_uint_eq(wire_take_bits(&ghost.own_inbox->space[word]), UINT64_MAX);
		ck_assert_uint_eq(wire_take_bits(&ghost.own_inbox->data[word]), 0);
	}
	ck_assert_uint_eq(wire_words(&ghost), 3);
}
END_TEST

START_TEST(test_inbox_data)
{
	static const uint32_t some[] = {0, 1, 63, 64, 127, 128, MANY_PORTS - 1};

	take_all_bits(&ghost);
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		uint32_t port = some[i];
		struct wire_record record;
		const uint8_t *payload;

		wire_flush_tx(&shuttle, port); /* nothing committed, nothing said */
		ck_assert_uint_eq(ghost.own_inbox->data[port / 64], 0);
		wire_put(&shuttle, port, 60);
		ck_assert_uint_eq(ghost.own_inbox->data[port / 64], 0);
		wire_flush_tx(&shuttle, port);
		ck_assert_uint_eq(wire_take_bits(&ghost.own_inbox->data[port / 64]), 1ull << (port % 64));
		ck_assert_int_eq(ring_c_peek(&ghost.rx[port], &record, &payload), 1);
		ck_assert_uint_eq(payload[0], port);
	}
	for (uint32_t word = 0; word < WIRE_WORDS; word++)
		ck_assert_uint_eq(ghost.own_inbox->data[word], 0);
}
END_TEST

START_TEST(test_inbox_sleep)
{
	take_all_bits(&ghost);
	wire_put(&shuttle, 3, 60);
	wire_flush_tx(&shuttle, 3);
	ck_assert(!readable(ghost.own_bell_fd, 0)); /* it does not sleep: no system call, no bell */
	ck_assert(!wire_may_sleep(&ghost));         /* something to do */
	ck_assert_uint_eq(ghost.own_inbox->sleeping, 0);
	take_all_bits(&ghost);

	ck_assert(wire_may_sleep(&ghost));
	ck_assert_uint_eq(ghost.own_inbox->sleeping, 1);
	wire_put(&shuttle, 129, 60);
	wire_flush_tx(&shuttle, 129);
	ck_assert(readable(ghost.own_bell_fd, 0));
	ck_assert_uint_eq(ghost.own_inbox->sleeping, 0); /* taken by the one who rang */
	wire_awake(&ghost, true);
	ck_assert(!readable(ghost.own_bell_fd, 0));
	wire_awake(&ghost, true); /* an empty bell does not block */
	wire_put(&shuttle, 129, 60);
	wire_flush_tx(&shuttle, 129);
	ck_assert(!readable(ghost.own_bell_fd, 0));
	take_all_bits(&ghost);

	ck_assert(wire_may_sleep(&ghost));
	wire_awake(&ghost, false); /* woke up for another reason */
	wire_put(&shuttle, 0, 60);
	wire_flush_tx(&shuttle, 0);
	ck_assert(!readable(ghost.own_bell_fd, 0));
}
END_TEST

START_TEST(test_inbox_space)
{
	uint8_t *payload;
	struct wire_record record;
	const uint8_t *frame;
	bool told = false;

	take_all_bits(&ghost);
	take_all_bits(&shuttle);
	while (ring_p_reserve(&shuttle.tx[70], 1500, &payload) == 1)
		ring_p_commit(&shuttle.tx[70], 1500, 0);
	wire_flush_tx(&shuttle, 70);
	ck_assert(!ring_p_want_space(&shuttle.tx[70], 1500));
	ck_assert(wire_may_sleep(&shuttle));
	while (ring_c_peek(&ghost.rx[70], &record, &frame) == 1) {
		ring_c_release(&ghost.rx[70]);
		wire_flush_rx(&ghost, 70);
		if (!told && shuttle.own_inbox->space[1]) {
			told = true;
			ck_assert(readable(shuttle.own_bell_fd, 0));
			wire_awake(&shuttle, true);
			ck_assert_uint_eq(wire_take_bits(&shuttle.own_inbox->space[1]), 1ull << 6);
			ck_assert_int_eq(ring_p_reserve(&shuttle.tx[70], 1500, &payload), 1);
		}
	}
	ck_assert(told);
	ck_assert(!readable(shuttle.own_bell_fd, 0)); /* told once */
}
END_TEST

/* ---- home ----------------------------------------------------------------------------------------------------- */

START_TEST(test_home_geometry)
{
	static const struct {
		uint32_t port_count, ring_size;
		int r;
	} rows[] = {
		{0, WIRE_RING_SIZE_MIN, -EINVAL},
		{1, WIRE_RING_SIZE_MIN, 0},
		{WIRE_PORTS_MAX, WIRE_RING_SIZE_MIN, 0},
		{WIRE_PORTS_MAX + 1, WIRE_RING_SIZE_MIN, -EINVAL},
		{UINT32_MAX, WIRE_RING_SIZE_MIN, -EINVAL},
		{1, 0, -EINVAL},
		{1, 4096, -EINVAL},
		{1, WIRE_RING_SIZE_MIN / 2, -EINVAL},
		{1, WIRE_RING_SIZE_MIN + 32, -EINVAL},
		{1, 3 * WIRE_RING_SIZE_MIN, -EINVAL},
		{1, WIRE_RING_SIZE_MAX, 0},
		{1, 2 * WIRE_RING_SIZE_MAX, -EINVAL},
		{1, 1u << 31, -EINVAL},
		{1, UINT32_MAX, -EINVAL},
	};
	int fds = open_fds();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wire_home made = {.memory_fd = -7};

		ck_assert_int_eq(wire_home_open(rows[i].port_count, rows[i].ring_size, &made), rows[i].r);
		if (rows[i].r == 0) {
			ck_assert_int_eq(open_fds(), fds + 5);
			wire_home_close(&made);
			wire_home_close(&made); /* closing twice is nothing */
		} else {
			ck_assert_int_eq(made.memory_fd, -7); /* untouched on failure */
		}
		ck_assert_int_eq(open_fds(), fds);
	}
	wire_home_close(NULL);
}
END_TEST

START_TEST(test_home_sealed)
{
	int memfds[3];
	struct stat status;

	ck_assert_int_eq(wire_home_open(3, WIRE_RING_SIZE_DEFAULT, &home), 0);
	memfds[0] = home.memory_fd;
	memfds[1] = home.stats_fd[0];
	memfds[2] = home.stats_fd[1];
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(fstat(memfds[i], &status), 0);
		ck_assert_int_eq(ftruncate(memfds[i], 0), -1);
		ck_assert_int_eq(errno, EPERM);
		ck_assert_int_eq(ftruncate(memfds[i], status.st_size + 4096), -1);
		ck_assert_int_eq(errno, EPERM);
		ck_assert_int_eq(fcntl(memfds[i], F_ADD_SEALS, F_SEAL_WRITE), -1);
		ck_assert(fcntl(memfds[i], F_GETFD) & FD_CLOEXEC);
	}
	ck_assert_uint_eq(home.stats[0]->port_count, 3);
	ck_assert_uint_eq(home.stats[1]->port_count, 3);
	wire_home_close(&home);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which take SIGSEGV for themselves */
START_TEST(test_home_stats_read_only)
{
	ck_assert_int_eq(wire_home_open(1, WIRE_RING_SIZE_MIN, &home), 0);
	home.stats[0]->sim_ns = 1; /* SIGSEGV */
}
END_TEST
#endif

/* ---- hello ---------------------------------------------------------------------------------------------------- */

struct attacher {
	const char *path;
	enum wire_role role;
	struct wire wire;
	struct diag diag;
	int r;
};

static void *attach_thread(void *arg)
{
	struct attacher *attacher = arg;
	int fd = wire_connect(attacher->path);

	attacher->r = fd < 0 ? fd : wire_attach(fd, attacher->role, PATIENCE_MS, &attacher->wire, &attacher->diag);
	return NULL;
}

START_TEST(test_hello_over_a_listener)
{
	static const enum wire_role roles[] = {WIRE_ROLE_SHUTTLE, WIRE_ROLE_GHOST};
	struct wire_terms terms = {.experiment = "csma-pair", .lag_ns = 5000000, .budget_ns = 777, .quantile = 0.999};
	char path[] = "/tmp/check-wire-XXXXXX", socket_path[64];
	int fds_before = open_fds(), listener, pipes[2];
	struct stat one, other;

	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(socket_path, sizeof(socket_path), "%s/wire", path);
	listener = wire_listen(socket_path);
	ck_assert_int_ge(listener, 0);
	close(listener);
	listener = wire_listen(socket_path); /* what a dead daemon left is replaced */
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	make_ports(ports, 3, 9000);
	ports[0].tap_fd = ports[1].tap_fd = ports[2].tap_fd = pipes[0];
	ports[1].promiscuous = true;
	ck_assert_int_eq(wire_home_open(3, WIRE_RING_SIZE_MIN, &home), 0);

	for (unsigned int i = 0; i < 4; i++) {
		struct attacher attacher = {.path = socket_path, .role = roles[i % 2], .diag = {.text = ""}};
		struct diag diag = {.text = ""};
		pthread_t thread;
		int fd;

		ck_assert_int_eq(pthread_create(&thread, NULL, attach_thread, &attacher), 0);
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		ck_assert(readable(fd, PATIENCE_MS));
		ck_assert_int_eq(wire_welcome(&home, fd, roles[i % 2], getuid(), &terms, ports, &diag), 0);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		ck_assert_msg(attacher.r == 0, "%s", attacher.diag.text);

		ck_assert_uint_eq(attacher.wire.role, roles[i % 2]);
		ck_assert_uint_eq(attacher.wire.port_count, 3);
		ck_assert_uint_eq(attacher.wire.lag_ns, 5000000);
		ck_assert_uint_eq(attacher.wire.budget_ns, 777);
		ck_assert_double_eq_tol(attacher.wire.quantile, 0.999, 1e-8);
		ck_assert_uint_eq(attacher.wire.epoch, i + 1);
		ck_assert_str_eq(attacher.wire.experiment, "csma-pair");
		for (uint32_t port = 0; port < 3; port++) {
			const struct wire_port *got = &attacher.wire.ports[port];

			ck_assert_str_eq(got->name, ports[port].name);
			ck_assert_str_eq(got->link, ports[port].link);
			ck_assert_mem_eq(got->mac, ports[port].mac, 6);
			ck_assert_uint_eq(got->promiscuous, port == 1);
			ck_assert_uint_eq(got->mtu, 9000);
			ck_assert_uint_eq(got->frame_max, 9014);
			if (roles[i % 2] == WIRE_ROLE_GHOST) {
				ck_assert_int_eq(got->tap_fd, -1);
				continue;
			}
			ck_assert_int_eq(fstat(pipes[0], &one), 0);
			ck_assert_int_eq(fstat(got->tap_fd, &other), 0);
			ck_assert_uint_eq(one.st_ino, other.st_ino);
			ck_assert(fcntl(got->tap_fd, F_GETFD) & FD_CLOEXEC);
		}
		/* The bells and the counters are the right way round. */
		wire_ring_bell(attacher.wire.own_bell_fd);
		ck_assert(readable(home.bell_fd[i % 2], 0));
		wire_awake(&attacher.wire, true);
		ck_assert(!readable(home.bell_fd[i % 2], 0));
		stats_add(&attacher.wire.stats->wakeups, 1);
		ck_assert_uint_eq(stats_get(&home.stats[i % 2]->wakeups), 1 + i / 2);

		ck_assert_int_eq(wire_say(&attacher.wire, WIRE_MSG_READY, 42), 0);
		ck_assert_uint_eq(next_msg(fd, WIRE_MSG_READY).value[0], 42);
		wire_say_error(&attacher.wire, "all is lost");
		ck_assert_str_eq(next_msg(fd, WIRE_MSG_ERROR).text, "all is lost");
		wire_detach(&attacher.wire);
		wire_detach(&attacher.wire);
		close(fd);
	}
	close(pipes[0]);
	close(pipes[1]);
	close(listener);
	wire_home_close(&home);
	ck_assert_int_eq(open_fds(), fds_before);
	ck_assert_int_lt(wire_connect(socket_path), 0);
	unlink(socket_path);
	ck_assert_int_eq(wire_connect(socket_path), -ENOENT);
	rmdir(path);
	ck_assert_int_eq(
		wire_connect("/a/path/longer/than/the/107/characters/that/an/address/of/a/Unix/socket/may/have/"
			     "and/so/it/cannot/be/connected/to"),
		-ENAMETOOLONG);
	ck_assert_int_eq(open_fds(), fds_before);
	wire_detach(NULL);
}
END_TEST

START_TEST(test_hello_many_ports)
{
	struct attacher attacher = {.role = WIRE_ROLE_GHOST};
	struct diag diag = {.text = ""};
	int fds[2];
	uint64_t before;

	/* The PORT messages do not fit into the socket's buffer: a peer that reads gets them all ... */
	make_ports(ports, WIRE_PORTS_MAX, 1500);
	ck_assert_int_eq(wire_home_open(WIRE_PORTS_MAX, WIRE_RING_SIZE_MIN, &home), 0);
	control_pair(fds);
	switch (fork()) {
	case -1:
		ck_abort();
		break;
	case 0:
		close(fds[0]);
		attacher.r = wire_attach(fds[1], WIRE_ROLE_GHOST, PATIENCE_MS, &attacher.wire, &diag);
		_exit(attacher.r == 0 && !strcmp(attacher.wire.ports[1023].name, "p1023.eth0") ? 0 : 1);
	}
	close(fds[1]);
	ck_assert(readable(fds[0], PATIENCE_MS));
	ck_assert_int_eq(wire_welcome(&home, fds[0], WIRE_ROLE_GHOST, getuid(), &fixture_terms, ports, &diag), 0);
	wait(&attacher.r);
	ck_assert_int_eq(attacher.r, 0);
	close(fds[0]);

	/* ... and one that does not read cannot hold the daemon up. */
	control_pair(fds);
	send_hello(fds[1], WIRE_ROLE_GHOST);
	before = clock_ns();
	ck_assert_int_eq(wire_welcome(&home, fds[0], WIRE_ROLE_GHOST, getuid(), &fixture_terms, ports, &diag),
			 -ETIMEDOUT);
	ck_assert_uint_lt(clock_ns() - before, 5000000000u);
	close(fds[0]);
	close(fds[1]);
	/* Nor one that connects and says nothing. */
	control_pair(fds);
	ck_assert_int_eq(wire_welcome(&home, fds[0], WIRE_ROLE_GHOST, getuid(), &fixture_terms, ports, &diag),
			 -ETIMEDOUT);
	ck_assert_uint_lt(clock_ns() - before, 5000000000u);
	close(fds[0]);
	close(fds[1]);
	wire_home_close(&home);
}
END_TEST

/* What a peer says instead of a proper HELLO, and what it is told. */
enum bad_hello {
	HELLO_GARBAGE,
	HELLO_SHORT,
	HELLO_LONG,
	HELLO_OTHER_VERSION,
	HELLO_OTHER_VERSION_SHORT,
	HELLO_OTHER_MAGIC,
	HELLO_OTHER_ROLE,
	HELLO_OTHER_TYPE,
	HELLO_NO_NUL,
	HELLO_NOTHING,
	HELLO_WRONG_USER,
	HELLO_COUNT,
};

START_TEST(test_hello_refused)
{
	struct wire_msg msg = wire_msg_make(WIRE_MSG_HELLO);
	uint8_t bytes[2 * sizeof(msg)];
	struct diag diag = {.text = ""};
	const char *reason = "HELLO";
	int fds[2], pipes[2], fds_before, r = -EPROTO;
	size_t size = sizeof(msg);
	uid_t uid = getuid();

	make_ports(ports, 2, 1500);
	ck_assert_int_eq(wire_home_open(2, WIRE_RING_SIZE_MIN, &home), 0);
	fds_before = open_fds();
	control_pair(fds);
	msg.arg = WIRE_ROLE_GHOST;
	random_fill(3, bytes, sizeof(bytes));
	switch ((enum bad_hello)_i) {
	case HELLO_GARBAGE:
		memcpy(&msg, bytes, sizeof(msg));
		break;
	case HELLO_SHORT:
		size = 100;
		break;
	case HELLO_LONG:
		size = sizeof(msg) + 1;
		break;
	case HELLO_OTHER_VERSION_SHORT: /* a version to come may have another size */
		size = 32;
		/* fall through */
	case HELLO_OTHER_VERSION:
		msg.version++;
		r = -EPROTONOSUPPORT;
		reason = "version";
		break;
	case HELLO_OTHER_MAGIC:
		msg.magic ^= 1;
		break;
	case HELLO_OTHER_ROLE:
		msg.arg = WIRE_ROLE_SHUTTLE;
		break;
	case HELLO_OTHER_TYPE:
		msg.type = WIRE_MSG_READY;
		break;
	case HELLO_NO_NUL:
		memset(msg.text, 'x', sizeof(msg.text));
		break;
	case HELLO_NOTHING:
		size = 0;
		break;
	case HELLO_WRONG_USER:
		uid++;
		r = -EPERM;
		reason = "user";
		break;
	case HELLO_COUNT:
		break;
	}
	memcpy(bytes, &msg, sizeof(msg));
	if (size)
		ck_assert_int_eq(send(fds[1], bytes, size, 0), (ssize_t)size);
	else
		ck_assert_int_eq(shutdown(fds[1], SHUT_WR), 0);
	ck_assert_int_eq(wire_welcome(&home, fds[0], WIRE_ROLE_GHOST, uid, &fixture_terms, ports, &diag), r);
	ck_assert_ptr_nonnull(strstr(diag.text, reason));
	ck_assert_uint_eq(home.epoch, 0);
	close(fds[0]);
	/* The reason reaches the peer although the daemon has closed the socket. */
	ck_assert_ptr_nonnull(strstr(next_msg(fds[1], WIRE_MSG_REFUSE).text, reason));
	close(fds[1]);

	/* The same with fds that nobody asked for. */
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	control_pair(fds);
	r = wire_msg_send(fds[1], &msg, (int[]){pipes[0], pipes[0], pipes[0], pipes[0], pipes[0], pipes[0]}, 6);
	ck_assert_int_eq(r, 0);
	wire_welcome(&home, fds[0], WIRE_ROLE_GHOST, uid, &fixture_terms, ports, &diag);
	close(fds[0]);
	close(fds[1]);
	close(pipes[0]);
	close(pipes[1]);
	ck_assert_int_eq(open_fds(), fds_before);
	wire_home_close(&home);
}
END_TEST

START_TEST(test_hello_peer_gone)
{
	struct diag diag = {.text = ""};
	int fds[2], fds_before;

	make_ports(ports, 2, 1500);
	ck_assert_int_eq(wire_home_open(2, WIRE_RING_SIZE_MIN, &home), 0);
	fds_before = open_fds();
	control_pair(fds);
	send_hello(fds[1], WIRE_ROLE_GHOST);
	close(fds[1]);
	ck_assert_int_eq(wire_welcome(&home, fds[0], WIRE_ROLE_GHOST, getuid(), &fixture_terms, ports, &diag), -EPIPE);
	ck_assert_ptr_nonnull(strstr(diag.text, "left"));
	close(fds[0]);
	ck_assert_int_eq(open_fds(), fds_before);
	wire_home_close(&home);
}
END_TEST

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

/* ---- counters ------------------------------------------------------------------------------------------------- */

START_TEST(test_stats_buckets)
{
	unsigned int last = 0;

	for (uint64_t ns = 0; ns < 1u << 16; ns++) {
		unsigned int bucket = stats_hist_bucket(ns);

		ck_assert(bucket == last || bucket == last + 1); /* monotone, and none left out */
		last = bucket;
	}
	for (unsigned int bit = 4; bit < 64; bit++) {
		uint64_t ns = 1ull << bit;

		ck_assert_uint_ge(stats_hist_bucket(ns), stats_hist_bucket(ns - 1));
		ck_assert_uint_ge(stats_hist_bucket(ns + 1), stats_hist_bucket(ns));
		ck_assert_uint_lt(stats_hist_bucket(ns), STATS_HIST_BUCKETS);
	}
	ck_assert_uint_eq(stats_hist_bucket(UINT64_MAX), STATS_HIST_BUCKETS - 1);
	ck_assert_uint_eq(stats_hist_bucket((1ull << 42) - 1), STATS_HIST_BUCKETS - 1);
	ck_assert_uint_lt(stats_hist_bucket((1ull << 42) - (1ull << 37) - 1), STATS_HIST_BUCKETS - 1);
}
END_TEST

static int compare_u64(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return one < other ? -1 : one > other;
}

START_TEST(test_stats_quantile)
{
	static const double quantiles[] = {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0};
	static uint64_t samples[5000];
	static struct stats_hist hist, halves[2];
	uint64_t state = 5, over = 0, sum = 0;

	ck_assert_uint_eq(stats_hist_quantile(&hist, 0.5), 0);
	for (size_t i = 0; i < 5000; i++) {
		uint64_t ns = random_next(&state) >> (24 + random_next(&state) % 36); /* up to 18 minutes */

		samples[i] = ns;
		over += ns > 1000;
		sum += ns;
		stats_hist_add(&hist, ns, 1000);
		stats_hist_add(&halves[i % 3 == 0], ns, 1000);
	}
	qsort(samples, 5000, sizeof(*samples), compare_u64);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++) {
		double rank = quantiles[i] * 5000;
		uint64_t exact = samples[(size_t)rank + ((double)(size_t)rank < rank) - 1];
		uint64_t said = stats_hist_quantile(&hist, quantiles[i]);

		ck_assert_uint_ge(said, exact); /* never flattering */
		ck_assert_uint_le(said - exact, exact / 16);
	}
	ck_assert_uint_eq(stats_hist_quantile(&hist, 1.0), samples[4999]);
	ck_assert_uint_eq(hist.count, 5000);
	ck_assert_uint_eq(hist.sum_ns, sum);
	ck_assert_uint_eq(hist.over_budget, over);
	ck_assert_uint_eq(hist.max_ns, samples[4999]);
	stats_hist_merge(&halves[0], &halves[1]);
	ck_assert_mem_eq(&halves[0], &hist, sizeof(hist));
}
END_TEST

START_TEST(test_stats_single_sample)
{
	static const uint64_t values[] = {0, 1, 15, 16, 17, 1000, 999999, 1ull << 40, 1ull << 50, UINT64_MAX};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct stats_hist hist = {0};

		stats_hist_add(&hist, values[i], UINT64_MAX);
		ck_assert_uint_eq(stats_hist_quantile(&hist, 0.5), values[i]);
		ck_assert_uint_eq(stats_hist_quantile(&hist, 1.0), values[i]);
		ck_assert_uint_eq(hist.over_budget, 0);
	}
}
END_TEST

START_TEST(test_stats_drop_names)
{
	for (int i = 0; i < STATS_DROP_COUNT; i++) {
		const char *name = stats_drop_name((enum stats_drop)i);

		ck_assert_str_ne(name, "?");
		for (int other = 0; other < i; other++)
			ck_assert_str_ne(name, stats_drop_name((enum stats_drop)other));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *tcase;
	SRunner *runner;
	int failed;

	tcase = tcase_create("ring");
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
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("inbox");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup_wire, teardown_wire);
	tcase_add_test(tcase, test_inbox_first_look);
	tcase_add_test(tcase, test_inbox_data);
	tcase_add_test(tcase, test_inbox_sleep);
	tcase_add_test(tcase, test_inbox_space);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("home");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_home_geometry);
	tcase_add_test(tcase, test_home_sealed);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	tcase_add_test_raise_signal(tcase, test_home_stats_read_only, SIGSEGV);
#endif
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("hello");
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, test_hello_over_a_listener);
	tcase_add_test(tcase, test_hello_many_ports);
	tcase_add_loop_test(tcase, test_hello_refused, 0, HELLO_COUNT);
	tcase_add_test(tcase, test_hello_peer_gone);
	tcase_add_loop_test(tcase, test_attach_to_a_bad_daemon, 0, WELCOME_COUNT);
	tcase_add_test(tcase, test_attach_ghost_gets_no_tap);
	tcase_add_test(tcase, test_messages);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("stats");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_stats_buckets);
	tcase_add_test(tcase, test_stats_quantile);
	tcase_add_test(tcase, test_stats_single_sample);
	tcase_add_test(tcase, test_stats_drop_names);
	suite_add_tcase(suite, tcase);

	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
