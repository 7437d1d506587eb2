/* SPDX-License-Identifier: GPL-2.0-only */
/* stats.c - reading the counters of stats.h; the writers' half is inline there. */
#include "bridge/wire/stats.h"

const char *stats_drop_name(enum stats_drop cause)
{
	switch (cause) {
	case STATS_DROP_RUNT:
		return "runt";
	case STATS_DROP_OVERSIZE:
		return "oversize";
	case STATS_DROP_NO_GHOST:
		return "no-ghost";
	case STATS_DROP_TAP_QUEUE:
		return "tap-queue";
	case STATS_DROP_FOREIGN:
		return "foreign-mac";
	case STATS_DROP_QUEUE:
		return "queue";
	case STATS_DROP_MEDIUM:
		return "medium";
	case STATS_DROP_AQM:
		return "aqm";
	case STATS_DROP_LOSS:
		return "loss";
	case STATS_DROP_LOST:
		return "lost";
	case STATS_DROP_IN_FLIGHT:
		return "in-flight";
	case STATS_DROP_FILTERED:
		return "filtered";
	case STATS_DROP_TAP_DOWN:
		return "tap-down";
	case STATS_DROP_DOWN:
		return "down";
	case STATS_DROP_TAP_ERROR:
		return "tap-error";
	case STATS_DROP_RETRIES:
		return "retries";
	case STATS_DROP_EXPIRED:
		return "expired";
	case STATS_DROP_UNASSOCIATED:
		return "unassociated";
	case STATS_DROP_UNSUPPORTED:
		return "unsupported";
	case STATS_DROP_RADIO:
		return "radio";
	case STATS_DROP_NOT_HEARD:
		return "not-heard";
	case STATS_DROP_COUNT:
		break;
	}
	return "?";
}

uint64_t stats_bucket_upper_ns(unsigned int bucket)
{
	unsigned int octave;

	if (bucket < 16)
		return bucket;
	octave = bucket / 16 + 3;
	return ((16ull + bucket % 16 + 1) << (octave - 4)) - 1;
}

uint64_t stats_hist_quantile(const struct stats_hist *hist, double quantile)
{
	uint64_t count = 0, seen = 0, max = stats_get(&hist->max_ns), wanted, upper;

	for (unsigned int i = 0; i < STATS_HIST_BUCKETS; i++)
		count += stats_get(&hist->buckets[i]);
	if (count == 0)
		return 0;
	/* The smallest rank that covers the share: ceil(quantile * count), at least one sample. */
	wanted = (uint64_t)(quantile * (double)count);
	if ((double)wanted < quantile * (double)count || wanted == 0)
		wanted++;
	for (unsigned int i = 0; i < STATS_HIST_BUCKETS; i++) {
		seen += stats_get(&hist->buckets[i]);
		if (seen >= wanted) {
			upper = stats_bucket_upper_ns(i);
			return i == STATS_HIST_BUCKETS - 1 || upper > max ? max : upper;
		}
	}
	return max;
}

void stats_hist_merge(struct stats_hist *into, const struct stats_hist *from)
{
	stats_add(&into->count, stats_get(&from->count));
	stats_add(&into->sum_ns, stats_get(&from->sum_ns));
	stats_max(&into->max_ns, stats_get(&from->max_ns));
	stats_add(&into->over_budget, stats_get(&from->over_budget));
	for (unsigned int i = 0; i < STATS_HIST_BUCKETS; i++)
		stats_add(&into->buckets[i], stats_get(&from->buckets[i]));
}
