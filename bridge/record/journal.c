/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * journal.c - making and mapping a journal; what is fast is in journal.h.
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

int journal_make(uint64_t size, uint32_t flags)
{
	struct journal_head *head;
	int fd, r;

	if (size < 4096 || (size & (size - 1)) || size < 2 * journal_entry_size(JOURNAL_PAYLOAD_MAX))
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

int journal_map(int fd, bool is_producer, struct journal *ret)
{
	struct journal journal = {.head = NULL};
	struct stat status;
	uint64_t size;
	uint8_t *map;
	int seals;

	memset(ret, 0, sizeof(*ret));
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &status) < 0 || status.st_size < JOURNAL_HEAD_SIZE)
		return -EPROTO;
	size = (uint64_t)status.st_size - JOURNAL_HEAD_SIZE;
	if (size < 2 * journal_entry_size(JOURNAL_PAYLOAD_MAX) || (size & (size - 1)))
		return -EPROTO;
	/* Room for head, data and data again; then both copies of the data are put into place. */
	map = mmap(NULL, JOURNAL_HEAD_SIZE + 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return -errno;
	if (mmap(map, JOURNAL_HEAD_SIZE + size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    mmap(map + JOURNAL_HEAD_SIZE + size, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 JOURNAL_HEAD_SIZE) == MAP_FAILED) {
		int r = -errno;

		munmap(map, JOURNAL_HEAD_SIZE + 2 * size);
		return r;
	}
	journal.head = (struct journal_head *)map;
	journal.data = map + JOURNAL_HEAD_SIZE;
	journal.size = size;
	/* A successor goes on where its predecessor stopped. */
	journal.own = __atomic_load_n(is_producer ? &journal.head->prod : &journal.head->cons, __ATOMIC_ACQUIRE);
	journal.peer = __atomic_load_n(is_producer ? &journal.head->cons : &journal.head->prod, __ATOMIC_ACQUIRE);
	if (journal.head->magic != JOURNAL_MAGIC || journal.head->size != size ||
	    (is_producer ? journal.own - journal.peer : journal.peer - journal.own) > size) {
		munmap(map, JOURNAL_HEAD_SIZE + 2 * size);
		return -EPROTO;
	}
	/* Page faults now, not with the frames; a kernel that cannot takes them then. */
	if (is_producer && madvise(map, JOURNAL_HEAD_SIZE + 2 * size, MADV_POPULATE_WRITE) < 0)
		errno = 0;
	*ret = journal;
	return 0;
}

void journal_unmap(struct journal *journal)
{
	if (journal->head)
		munmap(journal->head, JOURNAL_HEAD_SIZE + 2 * journal->size);
	memset(journal, 0, sizeof(*journal));
}
