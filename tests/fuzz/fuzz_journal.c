/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_journal.c - any bytes as a journal's head and memory, through both ends of journal.h.
 *
 * The first bytes say where the indices stand, which chunks are said to be in use, and what the other side writes into
 * its index between two calls; the rest is memory from the consumer's position on. Whatever it is: nothing is read or
 * written outside of the chunks, none is in use twice, and the consumer comes to an end.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bridge/record/journal.h"

#define COUNT 3u
#define SIZE  ((uint64_t)COUNT * JOURNAL_CHUNK_SIZE)

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

struct start {
	uint64_t cons;
	uint64_t ahead; /* of the producer's index, bytes */
	uint64_t later; /* what the peer adds to its index after some calls */
	uint32_t after; /* that many; bit 6: the peer is the consumer */
	uint16_t chunk[COUNT];
	uint16_t sizes[3];
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void consume(const struct start *start, struct journal *journal)
{
	uint64_t first = journal->own;
	struct journal_entry entry;
	const uint8_t *payload;
	uint32_t count = 0;
	int r;

	while ((r = journal_look(journal, &entry, &payload)) == 1) {
		require(entry.size <= JOURNAL_PAYLOAD_MAX && entry.kind != JOURNAL_SKIP);
		require(payload >= journal->data && payload + entry.size <= journal->data + SIZE);
		require((uint64_t)(payload - journal->data) % JOURNAL_CHUNK_SIZE + entry.size <= JOURNAL_CHUNK_SIZE);
		journal_take(journal);
		require(journal->head->cons == journal->own);
		if (++count == start->after % 64)
			journal->head->prod += start->later;
		if (journal->own - first > 2 * SIZE)
			break;
	}
	if (r < 0) /* What was refused stays refused. */
		require(journal_look(journal, &entry, &payload) < 0);
}

static void produce(const struct start *start, struct journal *journal)
{
	static const uint8_t payload[JOURNAL_PAYLOAD_MAX];

	for (uint32_t i = 0; i < 64; i++) {
		struct journal_entry entry = {.kind = JOURNAL_IN, .size = start->sizes[i % 3], .time_ns = i};
		uint64_t own = journal->own, lost = journal->head->lost;
		uint32_t seen = 0;
		bool ok;

		if (i == start->after % 64)
			journal->head->cons += start->later;
		ok = journal_put(journal, &entry, payload);
		require(ok ? journal->head->prod == journal->own && journal->own - own <= 2 * JOURNAL_CHUNK_SIZE
			   : journal->own == own && journal->head->lost == lost + 1);
		require(journal->spare_count <= COUNT);
		for (uint32_t j = 0; j < journal->spare_count; j++) {
			require(journal->spare[j] < COUNT && !(seen & 1u << journal->spare[j]));
			seen |= 1u << journal->spare[j];
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static struct journal_head *head;
	static int fd = -1;
	bool is_producer;
	struct journal journal;
	struct start start;
	uint64_t at, room;

	if (size < sizeof(start))
		return -1;
	memcpy(&start, input, sizeof(start));
	input += sizeof(start);
	size -= sizeof(start);
	if (fd < 0) {
		fd = journal_make(SIZE, JOURNAL_PRODUCE);
		require(fd >= 0);
		head = mmap(NULL, JOURNAL_HEAD_SIZE + SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		require(head != MAP_FAILED);
	}
	head->cons = start.cons;
	head->prod = start.cons + start.ahead % (SIZE + 64);
	head->lost = 0;
	memcpy(head->chunk, start.chunk, sizeof(start.chunk));
	/* To where the consumer will look. */
	at = (uint64_t)head->chunk[start.cons / JOURNAL_CHUNK_SIZE % COUNT] % COUNT * JOURNAL_CHUNK_SIZE +
	     start.cons % JOURNAL_CHUNK_SIZE;
	room = SIZE - at;
	memset((uint8_t *)head + JOURNAL_HEAD_SIZE, 0, SIZE);
	memcpy((uint8_t *)head + JOURNAL_HEAD_SIZE + at, input, size < room ? size : room);
	is_producer = start.after & 64;
	if (journal_map(fd, is_producer, &journal) == 0) {
		if (is_producer)
			produce(&start, &journal);
		else
			consume(&start, &journal);
	}
	journal_unmap(&journal);
	return 0;
}
