/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arrivals.h - reader of the times at which frames got into a TAP (bridge/arrivals.h)
 *
 * Whoever reads a frame takes its entry. Entries of another length are passed over, and an empty TAP says where to go
 * on, so that drops and changed orders do not spread. A frame whose entry is not found counts as arrived when it is
 * read.
 */
#ifndef SHUTTLE_ARRIVALS_H
#define SHUTTLE_ARRIVALS_H

#include "bridge/arrivals.h"

struct arrivals {
	const struct arrivals_ring *ring; /* NULL: there is none */
	uint64_t next;                    /* entry of the next frame */
	uint64_t seen;                    /* entries written before the TAP was last asked */
	uint64_t last_ns;                 /* times never go back */
};

/** arrivals_map() - Map the ring of @map_fd, which stays the caller's; begins with what is still to come. Return: 0 or
 * a negative errno.
 */
int arrivals_map(struct arrivals *arrivals, int map_fd);
void arrivals_unmap(struct arrivals *arrivals);

/** arrivals_ask() - To be called before every read of the TAP. */
static inline void arrivals_ask(struct arrivals *arrivals)
{
	if (arrivals->ring)
		arrivals->seen = __atomic_load_n(&arrivals->ring->written, __ATOMIC_ACQUIRE);
}

/** arrivals_none() - The TAP was empty: what was written before belongs to frames that are read or lost. */
static inline void arrivals_none(struct arrivals *arrivals)
{
	if (arrivals->next < arrivals->seen)
		arrivals->next = arrivals->seen;
}

/**
 * arrivals_take() - When the frame just read got into the TAP
 * @len:	its bytes
 * @now_ns:	CLOCK_MONOTONIC, ns: the answer where nothing better is known
 */
uint64_t arrivals_take(struct arrivals *arrivals, uint64_t len, uint64_t now_ns);

#endif /* SHUTTLE_ARRIVALS_H */
