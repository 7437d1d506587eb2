/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * timeline.h - what lateness was when, in memory that does not grow. Pure: figures go in, bins come out.
 *
 * A run of any length has at most TIMELINE_BINS bins. When all are used, each pair becomes one that has the worse of
 * both, and bins are twice as long from then on: nothing that was bad gets lost, only when exactly it was.
 */
#ifndef EXPERIMENT_TIMELINE_H
#define EXPERIMENT_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMELINE_BINS 600

struct timeline_bin {
	uint64_t start_ns; /* since the barrier */
	uint64_t end_ns;
	uint64_t late_ns; /* what the scenario's share of the frames delivered was not later than; 0: there was none */
	uint64_t late_max_ns;
	uint64_t ingress_ns; /* the same of frames injected */
	uint64_t ingress_max_ns;
	float steal_pct;    /* of CPU time, kept by the hypervisor */
	float pressure_pct; /* of the time, some process waited for a CPU; negative: the kernel does not say */
	bool is_degraded;
};

struct timeline {
	struct timeline_bin bins[TIMELINE_BINS];
	size_t count;
	size_t per_bin; /* intervals that a bin holds; 0 as 1 */
	size_t in_last; /* ... that the last one holds so far */
};

/** timeline_add() - Add the next interval. */
void timeline_add(struct timeline *timeline, const struct timeline_bin *interval);

#endif /* EXPERIMENT_TIMELINE_H */
