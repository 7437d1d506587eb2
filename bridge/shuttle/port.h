/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * port.h - one TAP and its two rings: the only place of the bridge where a frame is dropped, each counted by cause.
 *
 * Up: a read puts a frame straight into the ring toward the ghost, stamped with when it got into the TAP, or if
 * that is not known was read; a super-frame,
 * which the kernel hands over when the TAP has a virtio header, is cut into the frames a wire would carry. Down: a
 * write takes frames straight out of the ring when they are due, consecutive segments of a flow joined again.
 * Single-threaded, never blocks, never allocates.
 */
#ifndef SHUTTLE_PORT_H
#define SHUTTLE_PORT_H

#include "bridge/shuttle/arrivals.h"
#include "bridge/shuttle/coalesce.h"
#include "bridge/shuttle/segment.h"
#include "bridge/wire/wire.h"

struct port {
	struct wire *wire;
	struct stats_port *stats;
	uint32_t index;
	uint32_t frame_max; /* bytes without FCS and without VLAN tags */
	int tap_fd;
	bool blocked;             /* up: the ring is full; the TAP is not read until the inbox says there is room */
	bool gone;                /* the TAP has lost its device */
	uint32_t offload;         /* enum wire_offload bits */
	struct arrivals arrivals; /* up: when frames got into the TAP, where the kernel notes it */
	uint8_t *super;           /* up: SEGMENT_SUPER_MAX bytes for the super-frame being cut; NULL without offload */
	struct segmenter segmenter; /* up: what is left of it */
	bool cutting;               /* up: segmenter is not done: it waits for room in the ring */
	uint64_t cut_ns;            /* up: when that super-frame got into the TAP */
	uint64_t awake_saved_ns;    /* down: what may be spent on waiting awake for its frames ... */
	uint64_t awake_clock_ns;    /* ... and when it was last added to; the loop's */
};

/* What port_up() and port_down() left behind. */
enum port_state {
	PORT_IDLE,    /* nothing waits any more */
	PORT_MORE,    /* the batch is used up, there may be more */
	PORT_BLOCKED, /* up: no room in the ring */
	PORT_LATER,   /* down: the oldest frame is not due yet */
};

/**
 * port_init() - Take up port @index of an attached wire
 * @port:	filled; borrows the wire and its TAP
 *
 * Return: 0 or -ENOMEM
 */
int port_init(struct port *port, struct wire *wire, uint32_t index);

/** port_done() - Free what port_init() allocated. */
void port_done(struct port *port);

/**
 * port_up() - Move frames from the TAP to the ghost
 * @batch:	at most this many
 *
 * Frames moved are published and the ghost is told before this returns.
 *
 * Return: PORT_IDLE, PORT_MORE, PORT_BLOCKED, or -EPROTO when the ghost wrote nonsense
 */
int port_up(struct port *port, unsigned int batch);

/**
 * port_down() - Move frames from the ghost to the TAP
 * @batch:	at most this many
 * @origin_ns:	monotonic time of simulated 0, plus the lag
 * @coalescer:	scratch space of the caller, empty before and after
 * @ret_due_ns:	monotonic time the oldest frame is due, with PORT_LATER
 *
 * Return: PORT_IDLE, PORT_MORE, PORT_LATER, or -EPROTO when the ghost wrote nonsense
 */
int port_down(struct port *port, unsigned int batch, uint64_t origin_ns, struct coalescer *coalescer,
	      uint64_t *ret_due_ns);

/** port_clock_ns() - CLOCK_MONOTONIC in ns. */
uint64_t port_clock_ns(void);

#endif /* SHUTTLE_PORT_H */
