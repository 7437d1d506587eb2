/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * journal.h - one bounded stream of entries in shared memory: what crossed the boundary of a simulation, in order.
 *
 * Live, a ghost puts entries in and the recorder takes them out; in a replay the other way round, too. One producer and
 * one consumer, in different processes. Neither side is ever woken: the consumer comes by every few milliseconds, and a
 * producer that meets a full journal goes on without writing and counts what it lost. The path of a frame does not wait
 * for a disk.
 *
 * The stream's bytes lie in chunks, an entry in one of them. Where the n-th chunk of the stream is in memory, the
 * producer says in chunk[n % chunk_count] before it shows a byte of it. What the consumer has passed can be used again,
 * and what was given back last is used first: beside a consumer that keeps up both go round in a few chunks that stay
 * in the caches, and the rest of the memory is for one that doesn't. With a plain ring every byte went to memory and
 * back.
 *
 *	producer					consumer
 *	--------					--------
 *	chunk given back?: load cons (D, acquire)	look: load prod (B, acquire)
 *	write chunk[], header and payload		read chunk[] (once), header (once) and payload
 *	store prod (A, release)				store cons (C, release)
 *
 *	A pairs with B, C pairs with D, as in wire/ring.h.
 *
 * Neither side believes a length, an index or the number of a chunk beyond what it checked; where the chunks in use
 * are, the producer has in memory of its own. Compiles as C11 and C++17.
 */
#ifndef RECORD_JOURNAL_H
#define RECORD_JOURNAL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bridge/cache.h"

#ifdef __cplusplus
extern "C" {
#endif

#define JOURNAL_MAGIC        0x324c4e524a424700ull /* bytes 00 'G' 'B' 'J' 'R' 'N' 'L' '2' */
#define JOURNAL_SIZE         (32u << 20)           /* 0.2 s of 1 Gbit/s and more */
#define JOURNAL_HEAD_SIZE    4096u
#define JOURNAL_PAYLOAD_MAX  65536u
#define JOURNAL_CHUNK_SIZE   (256u << 10)
#define JOURNAL_CHUNKS_MIN   2u
#define JOURNAL_CHUNKS_MAX   1024u
#define JOURNAL_PRODUCE      1u /* role of who gets the memory */
#define JOURNAL_CONSUME      2u
#define JOURNAL_SNIFF        4u  /* also what devices see is wanted */
#define JOURNAL_CHANGED      16u /* the scenario is not the recorded one: its own changes count */
#define JOURNAL_UNTIL_EVENTS 8u  /* end after end_events events, not at end_ns */

enum journal_kind {
	JOURNAL_BEGIN = 1, /* a ghost took up its work; value: events run before */
	JOURNAL_IN = 2,    /* a frame was injected: port, time; value: how late, ns; payload: the frame */
	/* a frame left: port, time; extra: its length; value: XXH3 of its bytes; payload: in a replay its first bytes
	 */
	JOURNAL_OUT = 3,
	JOURNAL_CONTROL = 4, /* a change was made: time; payload: its text; extra: enum journal_change */
	JOURNAL_GAP = 5,     /* so many entries (value) are missing here, the first at time */
	JOURNAL_END = 6,     /* the simulation ended: time; value: events run; extra: 1 when in the middle of one */
	/* a simulated device that is listened to: port: its number; extra: link type; payload: name, newline, type */
	JOURNAL_DEVICE = 7,
	JOURNAL_SNIFFED = 8, /* ... a frame there: port: its number; time; extra: enum journal_direction; payload */
};

#define JOURNAL_OUT_SIZE 128u /* payload of an OUT at most: headers, for whoever is told of a difference */

#define JOURNAL_SKIP 0xffffu /* a kind that nobody but journal_look() sees: the next entry is in the next chunk */

struct journal_entry {
	uint32_t size; /* payload bytes that follow the header */
	uint16_t kind; /* enum journal_kind */
	uint16_t reserved;
	uint32_t port;
	uint32_t extra;
	uint64_t time_ns; /* simulated */
	uint64_t value;
};

/* Who made a change. */
enum journal_change {
	JOURNAL_CHANGE_LIVE,    /* a user */
	JOURNAL_CHANGE_PLANNED, /* the scenario, whose next one it is */
	JOURNAL_CHANGE_CLOSE,   /* the end of the run: simulated nodes fall silent */
};

/* Which way a frame passed a device. */
enum journal_direction {
	JOURNAL_EITHER_WAY, /* the device doesn't say */
	JOURNAL_RECEIVED,
	JOURNAL_SENT,
};

/* First page of the memfd; the chunks follow. */
struct journal_head {
	uint64_t magic;
	uint64_t size;  /* of all chunks */
	uint32_t flags; /* JOURNAL_PRODUCE etc., for who is handed it */
	uint32_t reserved;
	uint64_t end_ns;     /* JOURNAL_CONSUME: where the simulation ends */
	uint64_t end_events; /* ... or after how many events */
	uint8_t pad0[64 - 40];
	uint64_t prod; /* bytes ever written, skipped ones included */
	uint64_t lost; /* entries that found no room */
	uint8_t pad1[64 - 16];
	uint64_t cons; /* bytes ever taken */
	uint8_t pad2[64 - 8];
	uint16_t chunk[JOURNAL_CHUNKS_MAX]; /* where in memory each chunk of the stream is, by its number % chunk_count
					     */
};

/* One side's handle; private memory. */
struct journal {
	struct journal_head *head;
	uint8_t *data;
	uint8_t *at;      /* where my index is in memory */
	uint64_t size;    /* of all chunks */
	uint64_t own;     /* my index */
	uint64_t end;     /* of the chunk that @at is in; equal to @own: that is yet to be found */
	uint64_t peer;    /* consumer: the peer's index as last read; producer: the end of the last chunk given back */
	uint64_t pending; /* consumer: size of the entry last looked at */
	uint64_t gap;     /* producer: entries lost since the last one that found room */
	uint64_t gap_ns;  /* ... time of the first */
	uint32_t chunk_count;
	uint32_t spare_count;
	uint16_t spare[JOURNAL_CHUNKS_MAX]; /* producer: chunks not in use, the one given back last at the end */
	uint16_t used[JOURNAL_CHUNKS_MAX];  /* ... what it has put into head->chunk[] */
};

/**
 * journal_make() - Make a journal's memory, sealed
 * @size:	a multiple of JOURNAL_CHUNK_SIZE, JOURNAL_CHUNKS_MIN to JOURNAL_CHUNKS_MAX of it
 *
 * Return: its fd, the caller's, or a negative errno
 */
int journal_make(uint64_t size, uint32_t flags);

/**
 * journal_map() - Map a journal that somebody handed over
 * @fd:		stays the caller's
 * @ret:	empty (all zeroes) unless 0 is returned; journal_unmap() frees it
 *
 * Return: 0, -EPROTO when it is no journal, or another negative errno
 */
int journal_map(int fd, bool is_producer, struct journal *ret);
void journal_unmap(struct journal *journal);

/** journal_find_chunk() - Producer: take note of what was given back. Return: whether a chunk is free. */
bool journal_find_chunk(struct journal *journal);

/** journal_next_chunk() - Producer: what comes next goes into another chunk; one is free. */
void journal_next_chunk(struct journal *journal);

/** journal_enter_chunk() - Consumer: find the chunk its index stands before. Return: 0 or -EPROTO. */
int journal_enter_chunk(struct journal *journal);

/* Bytes of an entry with @size bytes of payload. */
static inline uint64_t journal_entry_size(uint64_t size)
{
	return (sizeof(struct journal_entry) + size + 7) & ~(uint64_t)7;
}

/** journal_has_room() - Whether entries with @need bytes, JOURNAL_CHUNK_SIZE at most, find room. */
static inline bool journal_has_room(struct journal *journal, uint64_t need)
{
	return need <= journal->end - journal->own || journal_find_chunk(journal);
}

static inline void journal_write(struct journal *journal, const struct journal_entry *entry, const void *payload)
{
	uint64_t size = journal_entry_size(entry->size), rest;

	if (size > journal->end - journal->own)
		journal_next_chunk(journal);
	memcpy(journal->at, entry, sizeof(*entry));
	if (entry->size && payload)
		memcpy(journal->at + sizeof(*entry), payload, entry->size);
	journal->at += size;
	journal->own += size;
	/* The next one will be as long, and the consumer was the last to have the memory. */
	if (entry->size) {
		rest = journal->end - journal->own;
		cache_fetch_own(journal->at, size < rest ? size : rest);
	}
}

/**
 * journal_put() - Append one entry; never waits
 * @payload:	@entry->size bytes, at most JOURNAL_PAYLOAD_MAX
 *
 * Return: false when there was no room; what is lost is counted and a GAP is put where there is room again
 */
static inline bool journal_put(struct journal *journal, const struct journal_entry *entry, const void *payload)
{
	uint64_t need = journal_entry_size(entry->size);

	if (journal->gap) {
		struct journal_entry gap = {0, JOURNAL_GAP, 0, 0, 0, journal->gap_ns, journal->gap};

		if (journal_has_room(journal, need + journal_entry_size(0))) {
			journal_write(journal, &gap, "");
			journal->gap = 0;
		}
	}
	if (journal->gap || !journal_has_room(journal, need)) {
		if (!journal->gap)
			journal->gap_ns = entry->time_ns;
		journal->gap++;
		__atomic_store_n(&journal->head->lost, journal->head->lost + 1, __ATOMIC_RELAXED);
		return false;
	}
	journal_write(journal, entry, payload);
	__atomic_store_n(&journal->head->prod, journal->own, __ATOMIC_RELEASE); /* A */
	return true;
}

/**
 * journal_look() - The oldest entry not yet taken
 * @ret:	private copy of its header, length checked
 * @ret_payload: in shared memory, valid until journal_take()
 *
 * Return: 1, 0 when there is none, -EPROTO when the producer wrote nonsense
 */
static inline int journal_look(struct journal *journal, struct journal_entry *ret, const uint8_t **ret_payload)
{
	uint64_t available = journal->peer - journal->own, prod, rest;
	int r;

	if (available == 0) {
		prod = __atomic_load_n(&journal->head->prod, __ATOMIC_ACQUIRE); /* B */
		available = prod - journal->own;
		if (available == 0)
			return 0;
		if (available > journal->size)
			return -EPROTO;
		journal->peer = prod;
	}
	for (;;) {
		if (journal->own == journal->end) {
			r = journal_enter_chunk(journal);
			if (r < 0)
				return r;
		}
		rest = journal->end - journal->own;
		if (rest >= sizeof(*ret)) {
			if (available < sizeof(*ret))
				return -EPROTO;
			memcpy(ret, journal->at, sizeof(*ret));
			/* Read once: the peer could change it between check and use. */
			__asm__ volatile("" ::: "memory");
			if (ret->kind != JOURNAL_SKIP)
				break;
		}
		/* Never a whole chunk, and never the last thing that was written. */
		if (rest == JOURNAL_CHUNK_SIZE || available <= rest)
			return -EPROTO;
		journal->own = journal->end;
		available -= rest;
	}
	if (ret->size > JOURNAL_PAYLOAD_MAX || journal_entry_size(ret->size) > (available < rest ? available : rest))
		return -EPROTO;
	journal->pending = journal_entry_size(ret->size);
	*ret_payload = journal->at + sizeof(*ret);
	return 1;
}

/** journal_take() - Done with the entry looked at: give its room back. */
static inline void journal_take(struct journal *journal)
{
	journal->own += journal->pending;
	journal->at += journal->pending;
	journal->pending = 0;
	__atomic_store_n(&journal->head->cons, journal->own, __ATOMIC_RELEASE); /* C */
}

#ifdef __cplusplus
}
#endif

#endif /* RECORD_JOURNAL_H */
