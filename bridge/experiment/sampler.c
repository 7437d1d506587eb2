/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sampler.c - see sampler.h.
 */
#include "bridge/experiment/sampler.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge/experiment/daemon.h"

#define PACE_WINDOW_NS NS_PER_S
#define PACE_BEHIND_NS NS_PER_MS /* a ghost less far behind than this keeps up; an idle one's time stands still */

/* Ticks of /proc/stat's first line: all, and those the hypervisor kept. */
static void read_cpu(uint64_t *ret_all, uint64_t *ret_steal)
{
	uint64_t ticks[8] = {0}, all = 0;
	FILE *file = fopen("/proc/stat", "re");

	if (file) {
		if (fscanf(file,
			   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			   " %" SCNu64,
			   &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]) < 8)
			ticks[7] = 0;
		fclose(file);
	}
	for (int i = 0; i < 8; i++)
		all += ticks[i];
	*ret_all = all;
	*ret_steal = ticks[7];
}

/* Microseconds since boot in which some process waited for a CPU, or -1. */
static int64_t read_pressure(void)
{
	FILE *file = fopen("/proc/pressure/cpu", "re");
	int64_t total = -1;

	if (!file)
		return -1;
	if (fscanf(file, "some avg10=%*f avg60=%*f avg300=%*f total=%" SCNd64, &total) != 1)
		total = -1;
	fclose(file);
	return total;
}

static int64_t clock_of(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct sampler_clocks read_clocks(void)
{
	int64_t monotonic = clock_of(CLOCK_MONOTONIC);

	return (struct sampler_clocks){.realtime_ns = clock_of(CLOCK_REALTIME) - monotonic,
				       .boottime_ns = clock_of(CLOCK_BOOTTIME) - monotonic};
}

double sampler_pressure_pct(const struct sampler *sampler)
{
	int64_t now = read_pressure();
	uint64_t passed_us = (clock_ns() - sampler->pressure_since_ns) / 1000;

	if (now < 0 || sampler->pressure_start_us < 0 || passed_us == 0)
		return -1;
	return 100.0 * (double)(now - sampler->pressure_start_us) / (double)passed_us;
}

struct sampler_clocks sampler_clock_steps(const struct sampler *sampler)
{
	struct sampler_clocks now = read_clocks();

	now.realtime_ns -= sampler->clocks_start.realtime_ns;
	now.boottime_ns -= sampler->clocks_start.boottime_ns;
	return now;
}

int sampler_open(struct sampler *sampler, struct daemon *daemon)
{
	*sampler = (struct sampler){.factor_min = 1.0};
	sampler->ports = calloc(daemon->scenario->end_count + 1, sizeof(*sampler->ports));
	sampler->paces = calloc(daemon->peers_count + 1, sizeof(*sampler->paces));
	sampler->hists = calloc(2 * daemon->scenario->end_count + 1, sizeof(*sampler->hists));
	if (!sampler->ports || !sampler->paces || !sampler->hists) {
		sampler_close(sampler);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < daemon->scenario->end_count; i++)
		scenario_hop_init(daemon->scenario, i, &sampler->ports[i].hop);
	read_cpu(&sampler->cpu_start, &sampler->steal_start);
	sampler->pressure_start_us = read_pressure();
	sampler->pressure_since_ns = clock_ns();
	sampler->cpu_last = sampler->cpu_start;
	sampler->steal_last = sampler->steal_start;
	sampler->pressure_last_us = sampler->pressure_start_us;
	sampler->clocks_start = read_clocks();
	return 0;
}

void sampler_close(struct sampler *sampler)
{
	free(sampler->ports);
	free(sampler->paces);
	free(sampler->hists);
	sampler->hists = NULL;
	fidelity_log_done(&sampler->log);
	sampler->ports = NULL;
	sampler->paces = NULL;
}

double sampler_steal_pct(const struct sampler *sampler)
{
	uint64_t all, steal;

	read_cpu(&all, &steal);
	if (all <= sampler->cpu_start || steal < sampler->steal_start)
		return 0;
	return 100.0 * (double)(steal - sampler->steal_start) / (double)(all - sampler->cpu_start);
}

/* Counted on this port so far; a renewed wire goes on from its predecessor's sums. */
static struct fidelity_counts port_counts(const struct peers *peers, uint32_t port)
{
	const struct stats_port *shuttle = &stats_ports(peers->home.stats[PEERS_SHUTTLE])[port];
	const struct stats_port *ghost = &stats_ports(peers->home.stats[PEERS_GHOST])[port];
	const struct stats_port *shuttle_base = &peers->base[PEERS_SHUTTLE][port];
	const struct stats_port *ghost_base = &peers->base[PEERS_GHOST][port];

	return (struct fidelity_counts){
		.late_frames = stats_get(&shuttle->late.count) + shuttle_base->late.count,
		.late_over = stats_get(&shuttle->late.over_budget) + shuttle_base->late.over_budget,
		.ingress_frames = stats_get(&ghost->late.count) + ghost_base->late.count,
		.ingress_over = stats_get(&ghost->late.over_budget) + ghost_base->late.over_budget,
		.stalls = stats_get(&shuttle->stalls) + shuttle_base->stalls + stats_get(&ghost->stalls) +
			  ghost_base->stalls,
	};
}

static struct fidelity_counts counts_since(const struct fidelity_counts *now, const struct fidelity_counts *then)
{
	return (struct fidelity_counts){
		.late_frames = now->late_frames - then->late_frames,
		.late_over = now->late_over - then->late_over,
		.lag_over = now->lag_over - then->lag_over,
		.ingress_frames = now->ingress_frames - then->ingress_frames,
		.ingress_over = now->ingress_over - then->ingress_over,
		.stalls = now->stalls - then->stalls,
		.tap_drops = now->tap_drops - then->tap_drops,
	};
}

static void counts_add(struct fidelity_counts *into, const struct fidelity_counts *more)
{
	into->late_frames += more->late_frames;
	into->late_over += more->late_over;
	into->lag_over += more->lag_over;
	into->ingress_frames += more->ingress_frames;
	into->ingress_over += more->ingress_over;
	into->stalls += more->stalls;
	into->tap_drops += more->tap_drops;
}

/* Add what a live histogram has got since the last look to that of the interval. */
static void hist_since(const struct stats_hist *live, struct sampler_hist *last, struct stats_hist *interval)
{
	uint64_t count = stats_get(&live->count);
	unsigned int top;

	if (count == last->count)
		return;
	if (count < last->count) /* of a successor: it begins at nothing */
		memset(last, 0, sizeof(*last));
	last->count = count;
	top = stats_hist_bucket(stats_get(&live->max_ns));
	for (unsigned int i = 0; i <= top; i++) {
		uint64_t bucket = stats_get(&live->buckets[i]), since = bucket - last->buckets[i];

		last->buckets[i] = bucket;
		if (since == 0)
			continue;
		interval->buckets[i] += since;
		interval->count += since;
		if (i == top)
			stats_max(&interval->max_ns, stats_get(&live->max_ns));
		else
			stats_max(&interval->max_ns, stats_bucket_upper_ns(i));
	}
}

/* 0 means that there was no frame; a frame that was on time is late by no more than a nanosecond. */
static uint64_t drawn_ns(const struct stats_hist *interval, uint64_t ns)
{
	return interval->count > 0 && ns == 0 ? 1 : ns;
}

static void draw(struct sampler *sampler, const struct stats_hist hists[2], double quantile, bool degraded,
		 uint64_t now_ns)
{
	uint64_t cpu, steal, late[2], latest[2];
	int64_t pressure_us = read_pressure();
	struct timeline_bin bin = {.start_ns = sampler->last_ns, .end_ns = now_ns, .is_degraded = degraded};

	for (int i = 0; i < 2; i++) {
		late[i] = drawn_ns(&hists[i], stats_hist_quantile(&hists[i], quantile));
		latest[i] = drawn_ns(&hists[i], hists[i].max_ns);
	}
	bin.late_ns = late[0];
	bin.late_max_ns = latest[0];
	bin.ingress_ns = late[1];
	bin.ingress_max_ns = latest[1];
	read_cpu(&cpu, &steal);
	if (cpu > sampler->cpu_last && steal >= sampler->steal_last)
		bin.steal_pct = 100.0f * (float)(steal - sampler->steal_last) / (float)(cpu - sampler->cpu_last);
	bin.pressure_pct = -1;
	if (pressure_us >= 0 && now_ns > sampler->last_ns)
		bin.pressure_pct =
			1e5f * (float)(pressure_us - sampler->pressure_last_us) / (float)(now_ns - sampler->last_ns);
	sampler->cpu_last = cpu;
	sampler->steal_last = steal;
	sampler->pressure_last_us = pressure_us;
	timeline_add(&sampler->timeline, &bin);
}

/* A window counts only while the ghost is behind all the time: then its own speed is all that limits it. */
static void take_pace(struct sampler *sampler, struct sampler_pace *pace, const struct stats *ghost, uint64_t now_ns)
{
	uint64_t sim_ns = stats_get(&ghost->sim_ns);
	double factor;

	if (stats_get(&ghost->behind_ns) <= PACE_BEHIND_NS) {
		pace->window_ns = 0;
		return;
	}
	if (pace->window_ns == 0 || sim_ns < pace->sim_ns) {
		pace->window_ns = now_ns;
		pace->sim_ns = sim_ns;
		return;
	}
	if (now_ns - pace->window_ns < PACE_WINDOW_NS)
		return;
	factor = (double)(sim_ns - pace->sim_ns) / (double)(now_ns - pace->window_ns);
	if (factor < sampler->factor_min)
		sampler->factor_min = factor;
	pace->window_ns = now_ns;
	pace->sim_ns = sim_ns;
}

/*
 * What the lag made of the frames since the last look. The shuttle's lateness does not have it: they were written when
 * they were due. Frames without jitter decide.
 */
static void take_lag(const struct scenario *scenario, uint32_t end, struct sampler_port *port, uint64_t late_frames)
{
	uint64_t excess_ns = scenario_lag_excess_ns(scenario, end, &port->hop, false);
	uint64_t frames = late_frames - port->lag_seen;

	port->lag_seen = late_frames;
	if (frames == 0 || excess_ns == 0)
		return;
	port->lag_frames += frames;
	if (excess_ns > port->lag_max_ns)
		port->lag_max_ns = excess_ns;
	if (excess_ns > scenario->budget_ns)
		port->lag_over += frames;
}

void sampler_change(struct sampler *sampler, const struct daemon *daemon, const struct scenario_change *change)
{
	const struct scenario *scenario = daemon->scenario;
	const struct scenario_link *link = &scenario->links[change->link];

	if (!sampler->ports || !scenario_link_is_simulated(link))
		return;
	for (uint32_t i = link->first_end; i < link->first_end + link->end_count; i++) {
		struct sampler_port *port = &sampler->ports[i];
		uint32_t index = scenario->ends[i].port;

		if (index != SCENARIO_NONE)
			take_lag(scenario, i, port, port_counts(&daemon->peers[link->ghost], index).late_frames);
		scenario_hop_change(scenario, i, change, &port->hop);
	}
}

json_t *sampler_lag_json(const struct sampler *sampler, const struct scenario *scenario)
{
	json_t *list = json_array();

	for (size_t i = 0; sampler->ports && i < scenario->end_count; i++) {
		const struct sampler_port *port = &sampler->ports[i];

		if (port->lag_frames)
			json_array_append_new(list, json_pack("{s:s,s:f,s:I}", "port", scenario->ends[i].port_name,
							      "late_us", (double)port->lag_max_ns / 1e3, "frames",
							      (json_int_t)port->lag_frames));
	}
	return list;
}

void sampler_take(struct sampler *sampler, struct daemon *daemon, uint64_t now_ns)
{
	const struct scenario *scenario = daemon->scenario;
	struct fidelity_counts interval = {0};
	struct stats_hist hists[2] = {{.count = 0}};
	bool degraded;

	sampler->frames_up = sampler->frames_down = 0;
	for (size_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];
		struct sampler_port *port = &sampler->ports[i];
		struct fidelity_counts now, since;
		const struct peers *peers;

		if (end->port == SCENARIO_NONE)
			continue;
		peers = &daemon->peers[scenario->links[end->link].ghost];
		now = port_counts(peers, end->port);
		take_lag(scenario, (uint32_t)i, port, now.late_frames);
		now.lag_over = port->lag_over;
		/* Asking costs a system call, and a TAP whose queue is full is one that sends. */
		now.tap_drops = port->last.tap_drops;
		if (now.ingress_frames != port->last.ingress_frames)
			lab_tap_dropped(daemon->lab, (uint32_t)i, &now.tap_drops);
		since = counts_since(&now, &port->last);
		port->last = now;
		counts_add(&interval, &since);
		hist_since(&stats_ports(peers->home.stats[PEERS_SHUTTLE])[end->port].late, &sampler->hists[2 * i],
			   &hists[0]);
		hist_since(&stats_ports(peers->home.stats[PEERS_GHOST])[end->port].late, &sampler->hists[2 * i + 1],
			   &hists[1]);
		sampler->frames_up += now.ingress_frames;
		sampler->frames_down += now.late_frames;
		port->lag_intervals += since.lag_over > 0;
		port->stall_intervals += since.stalls > 0;
		port->tap_drop_intervals += since.tap_drops > 0;
		since.stalls = since.tap_drops = 0;
		port->late_intervals += fidelity_is_degraded(
			&(struct fidelity_counts){.late_frames = since.late_frames, .late_over = since.late_over},
			scenario->quantile);
		since.late_frames = since.late_over = since.lag_over = 0;
		port->ingress_intervals += fidelity_is_degraded(&since, scenario->quantile);
	}
	counts_add(&sampler->total, &interval);
	degraded = fidelity_is_degraded(&interval, scenario->quantile);
	if (degraded)
		fidelity_log_add(&sampler->log, sampler->last_ns, now_ns);
	draw(sampler, hists, scenario->quantile, degraded, now_ns);
	for (size_t i = 0; i < daemon->peers_count; i++)
		take_pace(sampler, &sampler->paces[i], daemon->peers[i].home.stats[PEERS_GHOST], now_ns);
	sampler->last_ns = now_ns;
}
