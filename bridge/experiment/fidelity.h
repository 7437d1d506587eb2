/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fidelity.h - how true to the clock a run was. Pure: counts go in, a verdict comes out.
 *
 * The rule, in one place:
 *
 * - fail: the simulation fell more than FIDELITY_BEHIND_MAX_NS behind the clock, or a ghost or shuttle died, or a wire
 * was closed for an error, or an invariant was broken (tally.h);
 * - degraded: else, when more than 1 - quantile of the frames were late by more than the budget, counted for delivery
 * and for injection each on its own, or as many were handed over later than simulated by more than the budget because
 * the lag is longer than the delay that it is taken off (scenario_lag_excess_ns()), or when a ring was full at least
 * once, or when the kernel dropped a frame because its TAP was not read in time;
 * - pass: else.
 *
 * The same share is taken over every 100 ms of the run, and an interval that exceeds it is listed even if the run as a
 * whole passes: one bad tenth of a second in a long run may be the one that mattered.
 */
#ifndef EXPERIMENT_FIDELITY_H
#define EXPERIMENT_FIDELITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIDELITY_BEHIND_MAX_NS 1000000000ull
#define FIDELITY_INTERVAL_NS   100000000ull
#define FIDELITY_INTERVALS_MAX 1000 /* entries kept after merging; further ones are only counted */

enum fidelity_verdict {
	FIDELITY_PASS,
	FIDELITY_DEGRADED,
	FIDELITY_FAIL,
};

/* What was counted, over a run or over one interval of it. */
struct fidelity_counts {
	uint64_t late_frames; /* delivered */
	uint64_t late_over;   /* ... of them, later than the budget */
	uint64_t lag_over;    /* ... of them, so much later than simulated because of the lag */
	uint64_t ingress_frames;
	uint64_t ingress_over;
	uint64_t stalls;
	uint64_t tap_drops; /* the TAP's queue was full */
};

struct fidelity_facts {
	struct fidelity_counts counts; /* over the whole run */
	double quantile;               /* share of frames that must be within the budget, 0 < quantile <= 1 */
	uint64_t behind_max_ns;
	unsigned int incidents; /* deaths of ghosts and shuttles, errors of wires */
	uint64_t violations;    /* of what must hold of every link: conservation, spacing, order */
};

struct fidelity_interval {
	uint64_t start_ns; /* since the barrier */
	uint64_t end_ns;
};

/* Degraded intervals in order of time, adjacent ones merged. */
struct fidelity_log {
	struct fidelity_interval *items;
	size_t count;
	uint64_t omitted; /* intervals beyond FIDELITY_INTERVALS_MAX, or for which there was no memory */
};

/** fidelity_judge() - The rule above. */
enum fidelity_verdict fidelity_judge(const struct fidelity_facts *facts);

/** fidelity_name() - "pass", "degraded" or "fail". */
const char *fidelity_name(enum fidelity_verdict verdict);

/** fidelity_is_degraded() - Whether these counts alone make a run or an interval degraded. */
bool fidelity_is_degraded(const struct fidelity_counts *counts, double quantile);

/** fidelity_log_add() - Note a degraded interval; it begins no earlier than the previous one. */
void fidelity_log_add(struct fidelity_log *log, uint64_t start_ns, uint64_t end_ns);

/** fidelity_log_done() - Free the intervals. */
void fidelity_log_done(struct fidelity_log *log);

#endif /* EXPERIMENT_FIDELITY_H */
