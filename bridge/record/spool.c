/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spool.c - see spool.h.
 */
#include "bridge/record/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void fail(struct spool *spool, int error)
{
	spool->error = error;
	if (ftruncate(spool->fd, (off_t)spool->whole) < 0)
		return; /* then the reader will find half a block at the end */
	spool->size = spool->whole;
}

/* The buffer up to @end. Return: 0 or a negative errno. */
static int append(struct spool *spool, int fd, size_t end)
{
	ssize_t n;

	while (spool->skip < end) {
		n = write(fd, spool->out->data + spool->skip, end - spool->skip);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		spool->skip += (size_t)n;
		spool->size += (uint64_t)n;
	}
	return 0;
}

void spool_open(struct spool *spool, int fd, int direct_fd, struct pcapng_out *out)
{
	uint8_t *room;

	*spool = (struct spool){.out = out, .fd = fd, .direct_fd = direct_fd};
	spool_flush(spool);
	room = aligned_alloc(SPOOL_ROOM, SPOOL_ROOM);
	if (!room) {
		spool->direct_fd = -1;
		return;
	}
	/* A kernel that has no huge page for us takes small ones. */
	if (madvise(room, SPOOL_ROOM, MADV_HUGEPAGE) < 0)
		errno = 0;
	free(out->data);
	out->data = room;
	out->capacity = SPOOL_ROOM;
}

void spool_flush(struct spool *spool)
{
	struct pcapng_out *out = spool->out;
	int r = out->no_memory ? -ENOMEM : 0;

	if (!spool->error) {
		if (r == 0)
			r = append(spool, spool->fd, out->size);
		if (r < 0)
			fail(spool, r);
		else
			spool->whole = spool->size;
	}
	spool->skip = spool->size % SPOOL_ALIGN;
	out->size = spool->skip;
}

void spool_push(struct spool *spool, size_t whole)
{
	uint64_t whole_at = spool->size - spool->skip + whole;
	struct pcapng_out *out = spool->out;
	int r = 0;

	if (spool->direct_fd >= 0 && !spool->error && !out->no_memory) {
		if (spool->skip)
			r = append(spool, spool->fd, SPOOL_ALIGN);
		if (r == 0)
			r = append(spool, spool->direct_fd, SPOOL_WRITE_SIZE);
		if (r == 0) {
			spool->whole = whole_at;
			spool->skip = 0;
			out->size -= SPOOL_WRITE_SIZE;
			memmove(out->data, out->data + SPOOL_WRITE_SIZE, out->size);
			return;
		}
		/* This file system does not do it, or not after a write that ended early. */
		spool->direct_fd = -1;
		if (r != -EINVAL)
			fail(spool, r);
	}
	spool_flush(spool);
}
