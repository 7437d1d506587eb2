/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tally.h - the books of one simulated link: every frame that went in comes out or has a cause. Pure.
 *
 * The shuttle counts at the TAP, the ghost at the simulated device, and nobody else between the two:
 *
 *	up	read from TAP + duplicated by the link
 *			      = runt + oversize + no-ghost		(shuttle)
 *			      + queue + aqm + medium + loss + radio + down + lost	(ghost)
 *			      + transmitted by the device + in-flight
 *	medium	copies = what each *other* end's device transmitted; a device got `received` of them. In an LTE cell
 *		each packet has one copy, for whoever it is addressed to
 *	down	copies = filtered + down (ghost) + tap-down + tap-error (shuttle) + written to TAP + in-flight
 *
 * An end of a simulated node has no TAP: its frames begin and end at the node's stack, which the ghost counts.
 *
 * Besides, the ghost checks csma and p2p links frame by frame (ghost-invariants.h): spacing, that no two frames leave a
 * transmitter or a shared medium closer than size / rate; order, that what entered first comes out first, where the
 * scenario does not want it otherwise. Order also on the air, within a traffic identifier from one end to another where
 * there is one way, and in an LTE cell.
 *
 * "in-flight" is what is left when the sum is taken, so the equations always hold; the books are in order when nothing
 * is negative, and nothing is left although every process said that it had no frame under way.
 */
#ifndef EXPERIMENT_TALLY_H
#define EXPERIMENT_TALLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/scenario/scenario.h"
#include "bridge/wire/stats.h"

/* Who gets what one end transmits. */
enum tally_medium {
	TALLY_SHARED,  /* every other end */
	TALLY_UNICAST, /* one of them, or the sender: an answer that the bridge gives in another's place */
	TALLY_OPAQUE,  /* nobody knows, it is in a user's program: what a device received is taken as its copies */
};

struct tally_dir {
	uint64_t frames; /* up: read from the TAP; down: written to it */
	uint64_t bytes;
	uint64_t drops[STATS_DROP_COUNT];
};

struct tally_port {
	/* in: totals of both sides since the start */
	struct stats_port shuttle;
	struct stats_port ghost;
	bool is_inner; /* an end of a simulated node */
	/* out */
	struct tally_dir up;
	struct tally_dir down;
	bool conserved;
};

struct tally_link {
	uint64_t frames_in;
	uint64_t duplicated; /* frames the link itself added */
	uint64_t transmitted;
	uint64_t copies; /* transmitted times those who get it */
	uint64_t received;
	int64_t propagating; /* copies no device has got yet */
	uint64_t frames_out;
	uint64_t inner_in;                /* of frames_in: sent by simulated nodes */
	uint64_t inner_out;               /* of frames_out: taken by simulated nodes */
	uint64_t drops[STATS_DROP_COUNT]; /* both directions, all ports */
	struct stats_check spacing;       /* of all its ends */
	struct stats_check order;
	bool conserved;
};

/**
 * tally_take_inner() - Make an end of a simulated node like a port
 * @port:	with ghost filled. There is no shuttle: what its stack sends and takes is counted by the ghost alone.
 */
void tally_take_inner(struct tally_port *port);

/**
 * tally_close() - Balance the books of one link
 * @ports:	the link's ports with shuttle and ghost filled; the rest is filled here
 * @medium:	of the link's kind
 * @settled:	every process said QUIESCED with nothing under way
 * @broken:	a process of this link died: what is left is "lost", not "in-flight"
 */
void tally_close(struct tally_port *ports, size_t port_count, enum tally_medium medium, bool settled, bool broken,
		 struct tally_link *ret);

/**
 * tally_invariants() - What was checked of one link, for report and replay; new reference
 * @kind:	links of kinds that nobody checks have an empty object, those on the air no "spacing"
 *
 * {"spacing": {"checked": 10, "broken": 0}, "order": {"checked": 12, "broken": 1, "first_s": 0.5}}
 */
json_t *tally_invariants(enum scenario_link_kind kind, const struct stats_check *spacing,
			 const struct stats_check *order);

/** tally_add() - Add the counters of an earlier or parallel wire; histograms merge, the digest is dropped. */
void tally_add(struct stats_port *into, const struct stats_port *from);

/** tally_copy() - A private copy of counters that their writer goes on changing. */
void tally_copy(struct stats_port *into, const struct stats_port *live);

#endif /* EXPERIMENT_TALLY_H */
