/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fidelity.c - see fidelity.h, where the rule is.
 */
#include "bridge/experiment/fidelity.h"

#include <stdlib.h>

static bool too_many(uint64_t over, uint64_t frames, double quantile)
{
	/* The small term keeps 1 of 100 at 99 % a pass although 1 - 0.99 is a hair below 0.01 in binary. */
	return (double)over > (1.0 - quantile) * (double)frames + 1e-6;
}

bool fidelity_is_degraded(const struct fidelity_counts *counts, double quantile)
{
	return too_many(counts->late_over, counts->late_frames, quantile) ||
	       too_many(counts->lag_over, counts->late_frames, quantile) ||
	       too_many(counts->ingress_over, counts->ingress_frames, quantile) || counts->stalls > 0 ||
	       counts->tap_drops > 0;
}

enum fidelity_verdict fidelity_judge(const struct fidelity_facts *facts)
{
	if (facts->behind_max_ns > FIDELITY_BEHIND_MAX_NS || facts->incidents > 0 || facts->violations > 0)
		return FIDELITY_FAIL;
	return fidelity_is_degraded(&facts->counts, facts->quantile) ? FIDELITY_DEGRADED : FIDELITY_PASS;
}

const char *fidelity_name(enum fidelity_verdict verdict)
{
	switch (verdict) {
	case FIDELITY_PASS:
		return "pass";
	case FIDELITY_DEGRADED:
		return "degraded";
	case FIDELITY_FAIL:
		return "fail";
	}
	return "?";
}

void fidelity_log_add(struct fidelity_log *log, uint64_t start_ns, uint64_t end_ns)
{
	struct fidelity_interval *grown;

	if (log->count > 0 && log->items[log->count - 1].end_ns >= start_ns && log->omitted == 0) {
		log->items[log->count - 1].end_ns = end_ns;
		return;
	}
	grown = log->count < FIDELITY_INTERVALS_MAX ? realloc(log->items, (log->count + 1) * sizeof(*log->items))
						    : NULL;
	if (!grown) {
		log->omitted++;
		return;
	}
	log->items = grown;
	log->items[log->count++] = (struct fidelity_interval){.start_ns = start_ns, .end_ns = end_ns};
}

void fidelity_log_done(struct fidelity_log *log)
{
	free(log->items);
	log->items = NULL;
	log->count = 0;
}
