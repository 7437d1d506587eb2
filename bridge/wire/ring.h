/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ring.h - one bounded single-producer single-consumer ring of variable-length records in shared memory.
 *
 * The producer reserves room, writes the frame straight into it, commits, and publishes a batch; the consumer peeks,
 * uses the bytes in place, releases, and publishes a batch. Both run in different processes that do not trust each
 * other: the ring never believes an index or a length beyond what it checked.
 *
 * Theory of operation
 * -------------------
 * `prod` and `cons` count bytes and never wrap in practice (2^64). Records do not wrap around the ring's end: when the
 * room there is too small, a PAD record fills it. Each side keeps a private copy of its own index (the truth) and of
 * the peer's (a lower bound of what it may use), and reads the peer's cache line only when the copy says "nothing".
 *
 *	producer				consumer
 *	--------				--------
 *	room: load cons (D, acquire)		look: load prod (B, acquire)
 *	write header and payload		read header (once) and payload
 *	publish: store prod (A, release)	publish: store cons (C, release)
 *
 *	A pairs with B: a consumer that sees the index sees the bytes before it.
 *	C pairs with D: a producer that sees the room knows that the consumer has finished reading it.
 *
 * A producer that meets a full ring sets want_space and looks once more; a consumer that publishes takes want_space
 * and, if it was set, tells the producer's inbox (wire.h):
 *
 *	producer				consumer
 *	--------				--------
 *	store want_space = 1 (E, seq_cst)	store cons (C), then full fence (G)
 *	load cons (F, seq_cst)			load want_space (H)
 *
 *	E before F and C before H in one total order: either the producer sees the room or the consumer sees the wish.
 *	So no wake-up is lost; at worst there is one too many.
 *
 * Nothing here blocks, allocates or logs.
 */
#ifndef WIRE_RING_H
#define WIRE_RING_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "bridge/wire/wire_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One side's handle of a ring; lives in private memory. A side uses either the ring_p_ or the ring_c_ functions. */
struct ring {
	struct wire_ring_ctl *ctl;
	uint8_t *data;
	uint64_t size;    /* bytes, a power of two; from the checked geometry, never re-read from shared memory */
	uint64_t own;     /* my index, including what is not published yet */
	uint64_t shown;   /* my index as the peer sees it */
	uint64_t peer;    /* the peer's index as last read */
	uint64_t pending; /* producer: PAD bytes before the reserved record; consumer: size of the peeked record */
	uint64_t seq;     /* next sequence number */
};

/* Bytes that a record with @len bytes of payload takes in the ring. */
static inline uint64_t ring_record_size(uint64_t len)
{
	return (sizeof(struct wire_record) + len + WIRE_RECORD_ALIGN - 1) & ~(uint64_t)(WIRE_RECORD_ALIGN - 1);
}

/**
 * ring_init_producer() / ring_init_consumer() - Take up a ring where its indices stand
 *
 * A fresh ring is all zeroes. A restarted process goes on where its predecessor stopped: what that one had not
 * published never happened.
 *
 * Return: 0, or -EPROTO when the indices make no sense
 */
static inline int ring_init_producer(struct ring *ring, struct wire_ring_ctl *ctl, uint8_t *data, uint64_t size)
{
	memset(ring, 0, sizeof(*ring));
	ring->ctl = ctl;
	ring->data = data;
	ring->size = size;
	ring->own = ring->shown = __atomic_load_n(&ctl->prod, __ATOMIC_RELAXED);
	ring->peer = __atomic_load_n(&ctl->cons, __ATOMIC_ACQUIRE); /* D */
	return ring->own - ring->peer > size || ring->own % WIRE_RECORD_ALIGN ? -EPROTO : 0;
}

static inline int ring_init_consumer(struct ring *ring, struct wire_ring_ctl *ctl, uint8_t *data, uint64_t size)
{
	memset(ring, 0, sizeof(*ring));
	ring->ctl = ctl;
	ring->data = data;
	ring->size = size;
	ring->own = ring->shown = __atomic_load_n(&ctl->cons, __ATOMIC_RELAXED);
	ring->peer = __atomic_load_n(&ctl->prod, __ATOMIC_ACQUIRE); /* B */
	return ring->peer - ring->own > size || ring->own % WIRE_RECORD_ALIGN ? -EPROTO : 0;
}

/**
 * ring_p_reserve() - Room for one record
 * @max_len:	payload bytes wanted, at most; ring_p_commit() may use fewer
 * @ret:	where to write the payload, valid until commit or the next reserve
 *
 * Return: 1 with @ret set, 0 when the ring is full, -EPROTO when the consumer's index makes no sense
 */
static inline int ring_p_reserve(struct ring *ring, uint32_t max_len, uint8_t **ret)
{
	uint64_t need = ring_record_size(max_len);
	uint64_t position = ring->own & (ring->size - 1);
	uint64_t tail = ring->size - position, cons;

	ring->pending = need > tail ? tail : 0;
	if (ring->own + ring->pending + need - ring->peer > ring->size) {
		cons = __atomic_load_n(&ring->ctl->cons, __ATOMIC_ACQUIRE); /* D */
		/* The consumer can neither pass us nor fall back by more than the ring. */
		if (ring->own - cons > ring->size || cons % WIRE_RECORD_ALIGN)
			return -EPROTO;
		ring->peer = cons; /* only now: what was refused once must not be believed the next time */
		if (ring->own + ring->pending + need - ring->peer > ring->size)
			return 0;
	}
	position = (ring->own + ring->pending) & (ring->size - 1);
	*ret = ring->data + position + sizeof(struct wire_record);
	return 1;
}

/**
 * ring_p_commit() - Make the reserved room a frame; the peer sees it after ring_p_publish()
 * @len:	payload bytes really written, at most what was reserved
 * @time_ns:	see struct wire_record
 */
static inline void ring_p_commit(struct ring *ring, uint32_t len, uint64_t time_ns)
{
	struct wire_record *record;

	if (ring->pending) {
		record = (struct wire_record *)(ring->data + (ring->own & (ring->size - 1)));
		record->len = (uint32_t)(ring->pending - sizeof(*record));
		record->type = WIRE_RECORD_PAD;
		record->flags = 0;
		record->time_ns = 0;
		record->seq = 0;
		ring->own += ring->pending;
		ring->pending = 0;
	}
	record = (struct wire_record *)(ring->data + (ring->own & (ring->size - 1)));
	record->len = len;
	record->type = WIRE_RECORD_FRAME;
	record->flags = 0;
	record->time_ns = time_ns;
	record->seq = ring->seq++;
	ring->own += ring_record_size(len);
}

/** ring_p_publish() - Show the peer everything committed. Return: whether there was anything to show. */
static inline bool ring_p_publish(struct ring *ring)
{
	if (ring->shown == ring->own)
		return false;
	ring->shown = ring->own;
	__atomic_store_n(&ring->ctl->prod, ring->own, __ATOMIC_RELEASE); /* A */
	return true;
}

/**
 * ring_p_want_space() - Ask to be told when there is room
 * @max_len:	payload bytes that did not fit
 *
 * Return: true when there is room after all and the wish was taken back, false when the inbox will tell
 */
static inline bool ring_p_want_space(struct ring *ring, uint32_t max_len)
{
	uint8_t *unused;
	uint64_t cons;

	__atomic_store_n(&ring->ctl->want_space, 1, __ATOMIC_SEQ_CST); /* E */
	cons = __atomic_load_n(&ring->ctl->cons, __ATOMIC_SEQ_CST);    /* F */
	if (ring->own - cons > ring->size || cons % WIRE_RECORD_ALIGN)
		return true; /* nonsense: the next reserve says so */
	ring->peer = cons;
	if (ring_p_reserve(ring, max_len, &unused) == 0)
		return false;
	__atomic_store_n(&ring->ctl->want_space, 0, __ATOMIC_RELAXED);
	return true;
}

/**
 * ring_c_peek() - The oldest record not yet released
 * @ret_record:	private copy of the header, checked: type FRAME, no flags, length within the ring and what was published
 * @ret_payload: the bytes, still in shared memory: the peer may scribble on them, so copy before deciding on them
 *
 * Return: 1, 0 when the ring is empty, or -EPROTO when the producer wrote nonsense
 */
static inline int ring_c_peek(struct ring *ring, struct wire_record *ret_record, const uint8_t **ret_payload)
{
	struct wire_record record;
	uint64_t available, position, need, prod;

	for (;;) {
		available = ring->peer - ring->own;
		if (available == 0) {
			prod = __atomic_load_n(&ring->ctl->prod, __ATOMIC_ACQUIRE); /* B */
			available = prod - ring->own;
			if (available == 0)
				return 0;
			if (available > ring->size || available % WIRE_RECORD_ALIGN)
				return -EPROTO;
			ring->peer = prod;
		}
		position = ring->own & (ring->size - 1);
		memcpy(&record, ring->data + position, sizeof(record));
		__asm__ volatile("" ::: "memory"); /* read once: the peer could change it between check and use */
		need = ring_record_size(record.len);
		if (need > available || need > ring->size - position || record.flags != 0)
			return -EPROTO;
		if (record.type == WIRE_RECORD_FRAME)
			break;
		/* Nobody needs a PAD at the start, and whole rings of it, published in a race with us, would never end.
		 */
		if (record.type != WIRE_RECORD_PAD || position + need != ring->size || position == 0)
			return -EPROTO;
		ring->own += need;
	}
	if (record.len < WIRE_FRAME_MIN || record.len > WIRE_FRAME_MAX)
		return -EPROTO;
	ring->pending = need;
	*ret_record = record;
	*ret_payload = ring->data + position + sizeof(record);
	return 1;
}

/** ring_c_release() - Done with the peeked record; the producer may reuse it after ring_c_publish(). */
static inline void ring_c_release(struct ring *ring)
{
	ring->own += ring->pending;
	ring->pending = 0;
}

/**
 * ring_c_publish() - Give everything released back
 *
 * Return: true when the producer waits for room: tell its inbox
 */
static inline bool ring_c_publish(struct ring *ring)
{
	if (ring->shown == ring->own)
		return false;
	ring->shown = ring->own;
	/* One full barrier instead of a release store and a fence: C and G. */
	__atomic_exchange_n(&ring->ctl->cons, ring->own, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&ring->ctl->want_space, __ATOMIC_SEQ_CST)) /* H */
		return false;
	/* Half a ring of room first, so that a slow consumer is not asked to wake the producer for every frame. */
	if (ring->peer - ring->own > ring->size / 2)
		return false;
	return __atomic_exchange_n(&ring->ctl->want_space, 0, __ATOMIC_SEQ_CST) != 0;
}

/** ring_c_discard() - Release everything that is published now, unseen. */
static inline void ring_c_discard(struct ring *ring)
{
	uint64_t prod = __atomic_load_n(&ring->ctl->prod, __ATOMIC_ACQUIRE); /* B */

	if (prod - ring->own <= ring->size && prod % WIRE_RECORD_ALIGN == 0)
		ring->own = ring->peer = prod;
	ring->pending = 0;
}

#ifdef __cplusplus
}
#endif

#endif /* WIRE_RING_H */
