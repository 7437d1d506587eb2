/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * journal.c - making and mapping a journal, and what happens once a chunk; the rest is in journal.h.
 */
#include "bridge/record/journal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

_Static_assert(sizeof(struct journal_entry) == 32, "journal entry");
_Static_assert(sizeof(struct journal_head) <= JOURNAL_HEAD_SIZE, "journal head");

static bool is_size(uint64_t size)
{
	return size % JOURNAL_CHUNK_SIZE == 0 && size / JOURNAL_CHUNK_SIZE >= JOURNAL_CHUNKS_MIN &&
	       size / JOURNAL_CHUNK_SIZE <= JOURNAL_CHUNKS_MAX;
}

int journal_make(uint64_t size, uint32_t flags)
{
	struct journal_head *head;
	int fd, r;

	if (!is_size(size))
		return -EINVAL;
	fd = memfd_create("ghostbridge-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)(JOURNAL_HEAD_SIZE + size)) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		goto fail;
	head = mmap(NULL, JOURNAL_HEAD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (head == MAP_FAILED)
		goto fail;
	head->magic = JOURNAL_MAGIC;
	head->size = size;
	head->flags = flags;
	munmap(head, JOURNAL_HEAD_SIZE);
	return fd;
fail:
	r = -errno;
	close(fd);
	return r;
}

/* Which chunk of the stream byte @index is in. */
static uint64_t number_of(uint64_t index)
{
	return index / JOURNAL_CHUNK_SIZE;
}

static uint16_t *slot(const struct journal *journal, uint16_t *list, uint64_t number)
{
	return &list[number % journal->chunk_count];
}

static void stand_in(struct journal *journal, uint32_t chunk)
{
	uint64_t offset = journal->own % JOURNAL_CHUNK_SIZE;

	journal->at = journal->data + (uint64_t)chunk * JOURNAL_CHUNK_SIZE + offset;
	journal->end = journal->own - offset + JOURNAL_CHUNK_SIZE;
}

/* A successor goes on where its predecessor stopped, with the chunks that hold what is not taken yet. */
static int produce_on(struct journal *journal)
{
	uint64_t last = number_of(journal->own + JOURNAL_CHUNK_SIZE - 1);
	bool taken[JOURNAL_CHUNKS_MAX] = {false};

	if (last - number_of(journal->peer) > journal->chunk_count)
		return -EPROTO;
	for (uint64_t number = number_of(journal->peer); number < last; number++) {
		uint16_t chunk = *slot(journal, journal->head->chunk, number);

		if (chunk >= journal->chunk_count || taken[chunk])
			return -EPROTO;
		taken[chunk] = true;
		*slot(journal, journal->used, number) = chunk;
	}
	for (uint32_t chunk = journal->chunk_count; chunk-- > 0;) {
		if (!taken[chunk])
			journal->spare[journal->spare_count++] = (uint16_t)chunk;
	}
	if (journal->own % JOURNAL_CHUNK_SIZE)
		stand_in(journal, *slot(journal, journal->used, last - 1));
	journal->peer -= journal->peer % JOURNAL_CHUNK_SIZE;
	return 0;
}

static int consume_on(struct journal *journal)
{
	return journal->own % JOURNAL_CHUNK_SIZE ? journal_enter_chunk(journal) : 0;
}

int journal_map(int fd, bool is_producer, struct journal *ret)
{
	struct journal journal = {.head = NULL};
	struct stat status;
	uint64_t size;
	int seals, r;
	void *map;

	memset(ret, 0, sizeof(*ret));
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &status) < 0 || status.st_size < JOURNAL_HEAD_SIZE)
		return -EPROTO;
	size = (uint64_t)status.st_size - JOURNAL_HEAD_SIZE;
	if (!is_size(size))
		return -EPROTO;
	map = mmap(NULL, JOURNAL_HEAD_SIZE + size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	journal.head = map;
	journal.data = (uint8_t *)map + JOURNAL_HEAD_SIZE;
	journal.size = size;
	journal.chunk_count = (uint32_t)(size / JOURNAL_CHUNK_SIZE);
	journal.own = __atomic_load_n(is_producer ? &journal.head->prod : &journal.head->cons, __ATOMIC_ACQUIRE);
	journal.peer = __atomic_load_n(is_producer ? &journal.head->cons : &journal.head->prod, __ATOMIC_ACQUIRE);
	journal.end = journal.own;
	r = journal.head->magic != JOURNAL_MAGIC || journal.head->size != size ||
			    (is_producer ? journal.own - journal.peer : journal.peer - journal.own) > size
		    ? -EPROTO
		    : 0;
	if (r == 0)
		r = is_producer ? produce_on(&journal) : consume_on(&journal);
	if (r < 0) {
		munmap(map, JOURNAL_HEAD_SIZE + size);
		return r;
	}
	/* Page faults now, not with the frames; a kernel that cannot takes them then. */
	if (is_producer && madvise(map, JOURNAL_HEAD_SIZE + size, MADV_POPULATE_WRITE) < 0)
		errno = 0;
	*ret = journal;
	return 0;
}

void journal_unmap(struct journal *journal)
{
	if (journal->head)
		munmap(journal->head, JOURNAL_HEAD_SIZE + journal->size);
	memset(journal, 0, sizeof(*journal));
}

bool journal_find_chunk(struct journal *journal)
{
	uint64_t cons = __atomic_load_n(&journal->head->cons, __ATOMIC_ACQUIRE); /* D */

	/* A consumer that takes more than there is, or takes back: nothing more from it, for ever. */
	if (cons - journal->peer <= journal->own - journal->peer) {
		for (; cons - journal->peer >= JOURNAL_CHUNK_SIZE; journal->peer += JOURNAL_CHUNK_SIZE)
			journal->spare[journal->spare_count++] =
				*slot(journal, journal->used, number_of(journal->peer));
	}
	return journal->spare_count > 0;
}

void journal_next_chunk(struct journal *journal)
{
	const struct journal_entry skip = {.kind = JOURNAL_SKIP};
	uint16_t chunk = journal->spare[--journal->spare_count];

	if (journal->end - journal->own >= sizeof(skip))
		memcpy(journal->at, &skip, sizeof(skip));
	journal->own = journal->end;
	*slot(journal, journal->used, number_of(journal->own)) = chunk;
	__atomic_store_n(slot(journal, journal->head->chunk, number_of(journal->own)), chunk, __ATOMIC_RELAXED);
	stand_in(journal, chunk);
}

int journal_enter_chunk(struct journal *journal)
{
	uint16_t chunk =
		__atomic_load_n(slot(journal, journal->head->chunk, number_of(journal->own)), __ATOMIC_RELAXED);

	if (chunk >= journal->chunk_count)
		return -EPROTO;
	stand_in(journal, chunk);
	return 0;
}
