/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sampler.h - looks at all counters ten times a second, for what only shows over time: intervals and pace.
 */
#ifndef EXPERIMENT_SAMPLER_H
#define EXPERIMENT_SAMPLER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/experiment/fidelity.h"
#include "bridge/experiment/timeline.h"
#include "bridge/scenario/scenario.h"
#include "bridge/wire/stats.h"

struct daemon;

/* Why a port made intervals degraded, and in how many. */
struct sampler_port {
	struct fidelity_counts last;
	uint64_t late_intervals;
	uint64_t ingress_intervals;
	uint64_t stall_intervals;
	uint64_t tap_drop_intervals;
	uint64_t lag_intervals;
	struct scenario_hop hop; /* what `lag` is taken off at present */
	uint64_t lag_seen;       /* frames handed over when it was last looked at */
	uint64_t lag_over;       /* of them, later than simulated by more than the budget because of the lag */
	uint64_t lag_frames;     /* handed over later than simulated because it is longer than that ... */
	uint64_t lag_max_ns;     /* ... by so much at most */
};

/* What a live histogram was when it was last looked at. */
struct sampler_hist {
	uint64_t count;
	uint64_t buckets[STATS_HIST_BUCKETS];
};

/* Pace of one ghost over the current one-second window. */
struct sampler_pace {
	uint64_t window_ns; /* when it began; 0: none */
	uint64_t sim_ns;
};

/* The host's other clocks against the one that everything here runs by. */
struct sampler_clocks {
	int64_t realtime_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC: changes when somebody sets the time */
	int64_t boottime_ns; /* CLOCK_BOOTTIME - CLOCK_MONOTONIC: grows while the machine is suspended */
};

struct sampler {
	struct sampler_port *ports; /* per scenario end */
	struct sampler_pace *paces; /* per ghost */
	struct sampler_hist *hists; /* two per scenario end: of its shuttle, of its ghost */
	struct timeline timeline;
	uint64_t cpu_last, steal_last; /* of /proc/stat at the last sample */
	int64_t pressure_last_us;
	struct fidelity_log log;
	uint64_t last_ns; /* since the barrier */
	double factor_min;
	uint64_t steal_start, cpu_start; /* of /proc/stat, ticks */
	int64_t pressure_start_us;       /* of /proc/pressure/cpu, "some"; -1: the kernel does not say */
	struct sampler_clocks clocks_start;
	uint64_t pressure_since_ns;      /* CLOCK_MONOTONIC */
	uint64_t frames_up, frames_down; /* of the whole run so far, for the progress line */
	struct fidelity_counts total;
};

/** sampler_open() - Begin at the barrier. Return: 0 or -ENOMEM. */
int sampler_open(struct sampler *sampler, struct daemon *daemon);
void sampler_close(struct sampler *sampler);

/** sampler_next_ns() - When to call sampler_take() again, since the barrier. */
static inline uint64_t sampler_next_ns(const struct sampler *sampler)
{
	return sampler->last_ns + FIDELITY_INTERVAL_NS;
}

/** sampler_take() - End the current interval. */
void sampler_take(struct sampler *sampler, struct daemon *daemon, uint64_t now_ns);

/** sampler_change() - A change has been made: what was handed over until now was without it. */
void sampler_change(struct sampler *sampler, const struct daemon *daemon, const struct scenario_change *change);

/** sampler_lag_json() - [{port, late_us, frames}], ports whose frames the lag made later than simulated; new reference.
 */
json_t *sampler_lag_json(const struct sampler *sampler, const struct scenario *scenario);

/** sampler_steal_pct() - Share of CPU time the hypervisor took since the barrier, percent. */
double sampler_steal_pct(const struct sampler *sampler);

/**
 * sampler_pressure_pct() - Share of the time since the barrier in which some process waited for a CPU, percent
 *
 * Return: -1 where the kernel has no pressure stall information
 */
double sampler_pressure_pct(const struct sampler *sampler);

/** sampler_clock_steps() - How far the other clocks have moved against CLOCK_MONOTONIC since the barrier. */
struct sampler_clocks sampler_clock_steps(const struct sampler *sampler);

#endif /* EXPERIMENT_SAMPLER_H */
