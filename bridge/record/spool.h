/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spool.h - blocks on their way to a file that only grows.
 *
 * Copying into the page cache costs more than all the rest of recording, so what is much goes past it (O_DIRECT). That
 * wants memory, offset and length to be multiples of SPOOL_ALIGN: a block may lie across the end of such a write, and
 * the buffer is kept congruent to the file. The buffer is one huge page, so that a write is one segment to the disk: a
 * virtual disk may take a request of its own for each, and with pages of 4 KiB that costs half a core. What is little
 * goes through the cache, and so does everything where the file system knows nothing else. The file can be read at any
 * moment, up to its last whole block.
 */
#ifndef RECORD_SPOOL_H
#define RECORD_SPOOL_H

#include "bridge/record/pcapng.h"

#define SPOOL_ALIGN      4096u
#define SPOOL_WRITE_SIZE (512u << 10) /* so much goes past the page cache at once */
#define SPOOL_ROOM       (2u << 20)   /* of the buffer, a huge page; it grows if that is not enough */

struct spool {
	struct pcapng_out *out; /* borrowed; its first @skip bytes are in the file already */
	size_t skip;
	int fd;         /* O_APPEND */
	int direct_fd;  /* likewise, and O_DIRECT; -1: none, or it turned out not to work */
	int error;      /* negative errno of the write that failed: since then nothing is written; 0: none */
	uint64_t size;  /* of the file */
	uint64_t whole; /* ... up to its last whole block known */
};

/**
 * spool_open() - Write what is in @out, and give it a buffer for all that follows
 * @fd:		an empty file, opened with O_APPEND; stays the caller's
 * @direct_fd:	the same with O_DIRECT, or -1
 * @out:	borrowed; what is added to it is written by the functions below
 */
void spool_open(struct spool *spool, int fd, int direct_fd, struct pcapng_out *out);

/** spool_flush() - Write all there is, which are whole blocks, through the page cache. Errors are in @spool->error. */
void spool_flush(struct spool *spool);

/**
 * spool_push() - Write most of what there is, past the page cache if that goes
 * @whole:	where in @out a block ends, at or before SPOOL_WRITE_SIZE; @out is longer than that, or as long
 */
void spool_push(struct spool *spool, size_t whole);

#endif /* RECORD_SPOOL_H */
