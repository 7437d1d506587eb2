/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * timeline.c - see timeline.h.
 */
#include "bridge/experiment/timeline.h"

static void raise_to(uint64_t *value, uint64_t other)
{
	if (other > *value)
		*value = other;
}

/* Put the later interval to the earlier one. */
static void merge(struct timeline_bin *into, const struct timeline_bin *later)
{
	into->end_ns = later->end_ns;
	raise_to(&into->late_ns, later->late_ns);
	raise_to(&into->late_max_ns, later->late_max_ns);
	raise_to(&into->ingress_ns, later->ingress_ns);
	raise_to(&into->ingress_max_ns, later->ingress_max_ns);
	if (later->steal_pct > into->steal_pct)
		into->steal_pct = later->steal_pct;
	if (later->pressure_pct > into->pressure_pct)
		into->pressure_pct = later->pressure_pct;
	into->is_degraded |= later->is_degraded;
}

void timeline_add(struct timeline *timeline, const struct timeline_bin *interval)
{
	if (timeline->per_bin == 0)
		timeline->per_bin = 1;
	if (timeline->count > 0 && timeline->in_last < timeline->per_bin) {
		merge(&timeline->bins[timeline->count - 1], interval);
		timeline->in_last++;
		return;
	}
	if (timeline->count == TIMELINE_BINS) {
		for (size_t i = 0; i < TIMELINE_BINS / 2; i++) {
			timeline->bins[i] = timeline->bins[2 * i];
			merge(&timeline->bins[i], &timeline->bins[2 * i + 1]);
		}
		timeline->count /= 2;
		timeline->per_bin *= 2;
	}
	timeline->bins[timeline->count++] = *interval;
	timeline->in_last = 1;
}
