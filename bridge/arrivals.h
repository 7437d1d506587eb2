/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arrivals.h - when frames got into a TAP: what a BPF program on it (lab/tap-arrivals.c) tells the shuttle
 *
 * A frame that is read from a TAP does not say when it got there. The program writes time and length into a ring before
 * the kernel queues the frame. Entries and frames have the same order, with two exceptions: the kernel may drop a frame
 * whose entry is written, and two processors may write and queue in different orders.
 */
#ifndef BRIDGE_ARRIVALS_H
#define BRIDGE_ARRIVALS_H

#include <stdint.h>

#define ARRIVALS_COUNT 1024u /* a power of two; a TAP's queue holds 1000 frames */

struct arrivals_entry {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint64_t len;     /* bytes as they will be read, without a virtio header */
};

/* The only value of the program's map; written by the kernel. */
struct arrivals_ring {
	uint64_t written; /* entries, for ever; the position is the number modulo ARRIVALS_COUNT */
	uint64_t pad[7];
	struct arrivals_entry entries[ARRIVALS_COUNT];
};

#endif /* BRIDGE_ARRIVALS_H */
