/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * p2p.c - what is peculiar to a link of kind p2p: two directions with a rate, a delay, a queue and impairments each.
 *
 * Keys at the link hold for both directions; those in `forward` and `backward` replace them for one.
 */
#include <string.h>

#include "bridge/scenario/internal.h"

const char *const scn_p2p_keys[] = {"kind", "rate",      "trace",   "delay",   "jitter",  "queue",
				    "loss", "duplicate", "corrupt", "reorder", "forward", "backward",
				    "mtu",  "subnet",    "ends",    NULL};
static const char *const way_keys[] = {"rate", "trace",     "delay",   "jitter",  "queue",
				       "loss", "duplicate", "corrupt", "reorder", NULL};
static const char *const jitter_keys[] = {"spread", "distribution", "reorder", NULL};
static const char *const loss_keys[] = {"gilbert-elliott", NULL};
static const char *const gilbert_keys[] = {"p", "r", "loss-good", "loss-bad", NULL};
static const char *const reorder_keys[] = {"probability", "hold", NULL};
static const char *const distributions[] = {"uniform", "normal", "pareto", NULL};

static void read_rate(struct scn_load *load, const struct scn_value *map, struct scenario_direction *way)
{
	struct scn_value *trace = scn_get(map, "trace");

	if (trace && scn_get(map, "rate")) {
		scn_error(load, trace, "a trace is a rate that changes; write either \"rate\" or \"trace\"");
		return;
	}
	if (trace) {
		if (scn_read_trace(load, trace, &way->trace_ms, &way->trace_count))
			way->rate_bps = 0;
	} else if (scn_read_unit(load, map, "rate", NULL, SCN_RATE, 1, SCN_RATE_BPS_MAX, &way->rate_bps)) {
		way->trace_ms = NULL;
		way->trace_count = 0;
	}
}

static void read_jitter(struct scn_load *load, const struct scn_value *map, struct scenario_direction *way)
{
	const struct scn_value *value = scn_get(map, "jitter");
	unsigned int distribution = 0;
	uint64_t spread = 0;

	if (!value)
		return;
	way->jitter_reorders = false;
	if (value->kind == SCN_MAP) {
		scn_read_map(load, value, jitter_keys);
		scn_read_unit(load, value, "spread", "2ms", SCN_TIME, 0, SCN_DELAY_NS_MAX, &spread);
		scn_read_word(load, value, "distribution", NULL, distributions, &distribution);
		scn_read_bool(load, value, "reorder", &way->jitter_reorders);
	} else {
		scn_read_unit(load, map, "jitter", NULL, SCN_TIME, 0, SCN_DELAY_NS_MAX, &spread);
	}
	way->jitter_ns = spread;
	way->spread = spread ? (enum scenario_spread)(SCENARIO_SPREAD_UNIFORM + distribution) : SCENARIO_SPREAD_NONE;
}

static void read_needed(struct scn_load *load, const struct scn_value *map, const char *key, const char *example,
			double *ret)
{
	if (scn_get(map, key))
		scn_read_ratio(load, map, key, ret);
	else
		scn_need(load, map, key, example);
}

static void read_loss(struct scn_load *load, const struct scn_value *map, struct scenario_direction *way)
{
	const struct scn_value *value = scn_get(map, "loss"), *gilbert;

	if (!value)
		return;
	way->has_burst_loss = false;
	way->loss = 0;
	if (value->kind != SCN_MAP) {
		scn_read_ratio(load, map, "loss", &way->loss);
		return;
	}
	scn_read_map(load, value, loss_keys);
	gilbert = scn_get(value, "gilbert-elliott");
	if (!gilbert) {
		scn_need(load, value, "gilbert-elliott", "{p: 1%, r: 10%}");
		return;
	}
	way->has_burst_loss = true;
	/* Gilbert's own model: nothing is lost in the good state. As netem, everything is in the bad one. */
	way->burst_loss = (struct scenario_burst_loss){.loss_bad = 1};
	if (!scn_read_map(load, gilbert, gilbert_keys))
		return;
	read_needed(load, gilbert, "p", "1%", &way->burst_loss.p);
	read_needed(load, gilbert, "r", "10%", &way->burst_loss.r);
	scn_read_ratio(load, gilbert, "loss-good", &way->burst_loss.loss_good);
	scn_read_ratio(load, gilbert, "loss-bad", &way->burst_loss.loss_bad);
}

static void read_reorder(struct scn_load *load, const struct scn_value *map, struct scenario_direction *way)
{
	const struct scn_value *value = scn_get(map, "reorder");

	if (!value)
		return;
	if (value->kind != SCN_MAP) {
		scn_error(load, value, "is a map; write {probability: 1%%, hold: 5ms}");
		return;
	}
	scn_read_map(load, value, reorder_keys);
	read_needed(load, value, "probability", "1%", &way->reorder);
	scn_read_unit(load, value, "hold", "5ms", SCN_TIME, 1, SCN_DELAY_NS_MAX, &way->reorder_hold_ns);
}

static void read_way(struct scn_load *load, const struct scn_value *map, struct scenario_direction *way)
{
	const struct scn_value *queue = scn_get(map, "queue");

	read_rate(load, map, way);
	scn_read_unit(load, map, "delay", NULL, SCN_TIME, 0, SCN_DELAY_NS_MAX, &way->delay_ns);
	if (queue)
		scn_read_queue(load, queue, &way->queue);
	read_jitter(load, map, way);
	read_loss(load, map, way);
	scn_read_ratio(load, map, "duplicate", &way->duplicate);
	scn_read_ratio(load, map, "corrupt", &way->corrupt);
	read_reorder(load, map, way);
}

/* What only both levels together can have wrong. */
static void check_way(struct scn_load *load, const struct scn_value *map, const char *name,
		      const struct scenario_direction *way)
{
	const struct scn_value *own = scn_get(map, name), *jitter = NULL;

	if (!way->rate_bps && !way->trace_ms) {
		if (!scn_get(map, "rate") && !scn_get(map, "trace") && !(own && scn_get(own, "rate")) &&
		    !(own && scn_get(own, "trace")))
			scn_need(load, map, "rate", "100Mbps");
		return;
	}
	if (own)
		jitter = scn_get(own, "jitter");
	if (!jitter)
		jitter = scn_get(map, "jitter");
	if (way->spread == SCENARIO_SPREAD_UNIFORM && way->jitter_ns > way->delay_ns && jitter)
		scn_error(load, jitter,
			  "differs by more than the delay itself, and no frame arrives before it is sent; "
			  "it is at most the delay");
}

void scn_load_p2p(struct scn_load *load, const struct scn_value *map, struct scenario_link *link)
{
	static const char *const names[] = {[SCENARIO_FORWARD] = "forward", [SCENARIO_BACKWARD] = "backward"};
	struct scenario_direction *ways = scn_new(load, 2, sizeof(*ways));
	size_t reported;

	if (!ways)
		return;
	link->ways = ways;
	ways[SCENARIO_FORWARD].queue = scn_default_queue(SCENARIO_DROP_TAIL);
	read_way(load, map, &ways[SCENARIO_FORWARD]);
	ways[SCENARIO_BACKWARD] = ways[SCENARIO_FORWARD];
	reported = load->reported;
	for (int i = SCENARIO_FORWARD; i <= SCENARIO_BACKWARD; i++) {
		const struct scn_value *own = scn_get(map, names[i]);

		if (own && scn_read_map(load, own, way_keys))
			read_way(load, own, &ways[i]);
	}
	for (int i = SCENARIO_FORWARD; i <= SCENARIO_BACKWARD && load->reported == reported; i++)
		check_way(load, map, names[i], &ways[i]);
	link->rate_bps = scenario_direction_rate_bps(&ways[SCENARIO_FORWARD]);
	link->delay_ns = ways[SCENARIO_FORWARD].delay_ns;
	link->queue_frames = ways[SCENARIO_FORWARD].queue.limit_frames;
}
