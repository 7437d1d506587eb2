/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * journal_stress.c - both sides of a journal at full speed, as threads that share one mapping: ThreadSanitizer sees
 * both.
 *
 *     journal_stress [SECONDS]
 *
 * The producer puts entries of random lengths, of which some find no room; the consumer checks every byte of them,
 * their order, and that gaps say how many are missing. Now and then either naps, so that the journal is full and empty
 * by turns.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bridge/record/journal.h"

#define COUNT 3u /* of chunks */

static struct journal producer, consumer;
static uint64_t until_ns;

__attribute__((noreturn)) static void give_up(const char *why, uint64_t number)
{
	fprintf(stderr, "journal_stress: %s, entry %llu\n", why, (unsigned long long)number);
	_exit(1);
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* splitmix64: what an entry is follows from its number. */
static uint64_t noise(uint64_t number)
{
	uint64_t x = number * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static uint32_t size_of(uint64_t number)
{
	uint64_t random = noise(number);

	return (uint32_t)(random % 64 == 0 ? random >> 8 & 0xffff : random >> 8 & 0x3ff);
}

static void nap(uint64_t number)
{
	const struct timespec time = {.tv_nsec = 200000};

	if (noise(~number) % 4096 == 0)
		nanosleep(&time, NULL);
}

static void *produce(void *unused)
{
	static uint8_t payload[JOURNAL_PAYLOAD_MAX];
	struct journal_entry entry = {.kind = JOURNAL_IN};
	uint64_t number;

	for (number = 0; number % 256 || clock_ns() < until_ns; number++) {
		entry.size = size_of(number);
		entry.time_ns = number;
		memset(payload, (int)number, entry.size);
		journal_put(&producer, &entry, payload);
		nap(number);
	}
	entry = (struct journal_entry){.kind = JOURNAL_END, .time_ns = number};
	while (!journal_has_room(&producer, 2 * journal_entry_size(0)))
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	journal_put(&producer, &entry, NULL);
	return unused;
}

static void *consume(void *unused)
{
	uint64_t expected = 0, gaps = 0, taken = 0;
	struct journal_entry entry;
	const uint8_t *payload;
	int r;

	for (;;) {
		r = journal_look(&consumer, &entry, &payload);
		if (r < 0)
			give_up("nonsense", expected);
		if (r == 0) {
			nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
			continue;
		}
		if (entry.time_ns != expected)
			give_up("out of order", expected);
		if (entry.kind == JOURNAL_END)
			break;
		if (entry.kind == JOURNAL_GAP) {
			expected += entry.value;
			gaps += entry.value;
		} else {
			if (entry.kind != JOURNAL_IN || entry.size != size_of(expected))
				give_up("another entry", expected);
			for (uint32_t i = 0; i < entry.size; i++) {
				if (payload[i] != (uint8_t)expected)
					give_up("another byte", expected);
			}
			expected++;
			taken++;
		}
		journal_take(&consumer);
		nap(expected + 1);
	}
	if (gaps != __atomic_load_n(&consumer.head->lost, __ATOMIC_RELAXED))
		give_up("another number of lost entries", expected);
	if (taken == 0 || consumer.own < 4 * consumer.size)
		give_up("too little happened", expected);
	printf("%llu entries, %llu more found no room\n", (unsigned long long)taken, (unsigned long long)gaps);
	return unused;
}

int main(int argc, char **argv)
{
	int fd = journal_make(COUNT * JOURNAL_CHUNK_SIZE, JOURNAL_PRODUCE);
	pthread_t threads[2];

	until_ns = clock_ns() + (uint64_t)((argc > 1 ? atof(argv[1]) : 1) * 1e9);
	if (journal_map(fd, true, &producer) < 0)
		give_up("no journal", 0);
	/* Not mapped again: memory at two addresses would look like two memories. */
	consumer = (struct journal){.head = producer.head,
				    .data = producer.data,
				    .size = producer.size,
				    .chunk_count = producer.chunk_count};
	if (pthread_create(&threads[0], NULL, produce, NULL) || pthread_create(&threads[1], NULL, consume, NULL))
		give_up("no threads", 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	journal_unmap(&producer);
	close(fd);
	return 0;
}
