/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.c - report.json. Keys are a contract: add, do not change.
 */
#include "bridge/experiment/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/experiment/daemon.h"
#include "bridge/experiment/tally.h"

static json_t *us(uint64_t ns)
{
	return json_real((double)ns / 1000.0);
}

static json_t *seconds(uint64_t ns)
{
	return json_real((double)(ns / 1000) / 1e6);
}

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *quantiles(const struct stats_hist *hist)
{
	return json_pack("{s:o,s:o,s:o,s:o}", "p50", us(stats_hist_quantile(hist, 0.5)), "p99",
			 us(stats_hist_quantile(hist, 0.99)), "p999", us(stats_hist_quantile(hist, 0.999)), "max",
			 us(stats_get(&hist->max_ns)));
}

/* How late frames were, against the clock and against the budget. */
static void add_lateness(json_t *object, const struct stats_hist *late, const struct stats_hist *ingress)
{
	json_object_set_new(object, "late_us", quantiles(late));
	json_object_set_new(object, "ingress_late_us", quantiles(ingress));
	json_object_set_new(object, "over_budget",
			    json_pack("{s:o,s:o}", "delivery", integer(late->over_budget), "injection",
				      integer(ingress->over_budget)));
}

static json_t *drops_json(const uint64_t drops[STATS_DROP_COUNT])
{
	json_t *object = json_object();

	for (int cause = 0; cause < STATS_DROP_COUNT; cause++) {
		if (drops[cause])
			json_object_set_new(object, stats_drop_name((enum stats_drop)cause), integer(drops[cause]));
	}
	return object;
}

static json_t *dir_json(const struct tally_dir *dir)
{
	return json_pack("{s:o,s:o,s:o}", "frames", integer(dir->frames), "bytes", integer(dir->bytes), "drops",
			 drops_json(dir->drops));
}

struct figures {
	json_t *ports;
	json_t *simulated;
	json_t *links;
	json_t *digests;
	struct stats_hist late;
	struct stats_hist ingress;
	struct fidelity_counts counts;
	uint64_t violations;
};

static void add_port(struct figures *figures, const struct scenario *scenario, const struct scenario_end *end,
		     const struct tally_port *port, bool is_broken)
{
	json_t *digest = json_pack("{s:o}", "frames", integer(port->ghost.down.frames)), *entry;
	char hash[17];

	stats_hist_merge(&figures->late, &port->shuttle.late);
	stats_hist_merge(&figures->ingress, &port->ghost.late);
	figures->counts.stalls += port->shuttle.stalls + port->ghost.stalls;
	entry = json_pack("{s:s,s:s,s:o,s:o,s:o}", "port", end->port_name, "link", scenario->links[end->link].name,
			  "up", dir_json(&port->up), "down", dir_json(&port->down), "stalls",
			  integer(port->shuttle.stalls + port->ghost.stalls));
	add_lateness(entry, &port->shuttle.late, &port->ghost.late);
	json_array_append_new(figures->ports, entry);
	/* After a death the hash covers only what its last writer saw: no hash rather than a wrong one. */
	if (!is_broken) {
		snprintf(hash, sizeof(hash), "%016" PRIx64, port->ghost.digest);
		json_object_set_new(digest, "hash", json_string(hash));
	}
	json_object_set_new(figures->digests, end->port_name, digest);
}

/* An end of a simulated node: nothing to be late with. */
static void add_inner(struct figures *figures, const struct scenario *scenario, const struct scenario_end *end,
		      const struct tally_port *port)
{
	json_array_append_new(figures->simulated, json_pack("{s:s,s:s,s:o,s:o}", "end", end->port_name, "link",
							    scenario->links[end->link].name, "up", dir_json(&port->up),
							    "down", dir_json(&port->down)));
}

static enum tally_medium medium_of(enum scenario_link_kind kind)
{
	switch (kind) {
	case SCENARIO_LINK_LTE:
		return TALLY_UNICAST;
	case SCENARIO_LINK_GHOST:
		return TALLY_OPAQUE;
	case SCENARIO_LINK_CSMA:
	case SCENARIO_LINK_WIRE:
	case SCENARIO_LINK_P2P:
	case SCENARIO_LINK_WIFI:
		break;
	}
	return TALLY_SHARED;
}

static void add_link(struct figures *figures, struct daemon *daemon, const struct scenario_link *link)
{
	const struct scenario *scenario = daemon->scenario;
	struct tally_port *ports;
	struct tally_link tally;
	struct stats_hist late = {0}, ingress = {0};
	struct peers *peers;
	json_t *entry;

	if (link->ghost == SCENARIO_NONE) {
		json_array_append_new(figures->links, json_pack("{s:s,s:s}", "link", link->name, "kind",
								scenario_link_kind_name(link->kind)));
		return;
	}
	peers = &daemon->peers[link->ghost];
	ports = calloc(link->end_count, sizeof(*ports));
	if (!ports)
		return;
	for (uint32_t i = 0; i < link->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[link->first_end + i];
		uint64_t tap_drops = 0;

		peers_snapshot(peers, PEERS_GHOST, end->stats, &ports[i].ghost);
		if (end->port == SCENARIO_NONE) {
			tally_take_inner(&ports[i]);
			continue;
		}
		peers_snapshot(peers, PEERS_SHUTTLE, end->stats, &ports[i].shuttle);
		/* What the kernel dropped before the shuttle could read it has entered the link all the same. */
		if (lab_tap_dropped(daemon->lab, link->first_end + i, &tap_drops) == 0) {
			ports[i].shuttle.up.frames += tap_drops;
			ports[i].shuttle.up.drops[STATS_DROP_TAP_QUEUE] += tap_drops;
			figures->counts.tap_drops += tap_drops;
		}
	}
	tally_close(ports, link->end_count, medium_of(link->kind), daemon->is_settled, peers_is_broken(peers), &tally);
	for (uint32_t i = 0; i < link->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[link->first_end + i];

		if (end->port == SCENARIO_NONE) {
			add_inner(figures, scenario, end, &ports[i]);
			continue;
		}
		add_port(figures, scenario, end, &ports[i], peers_is_broken(peers));
		stats_hist_merge(&late, &ports[i].shuttle.late);
		stats_hist_merge(&ingress, &ports[i].ghost.late);
	}
	entry = json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:I,s:o,s:o,s:o,s:o,s:b,s:o}", "link", link->name, "kind",
			  scenario_link_kind_name(link->kind), "frames_in", integer(tally.frames_in), "duplicated",
			  integer(tally.duplicated), "transmitted", integer(tally.transmitted), "copies",
			  integer(tally.copies), "received", integer(tally.received), "propagating",
			  (json_int_t)tally.propagating, "frames_out", integer(tally.frames_out), "simulated_in",
			  integer(tally.inner_in), "simulated_out", integer(tally.inner_out), "drops",
			  drops_json(tally.drops), "conserved", tally.conserved, "invariants",
			  tally_invariants(link->kind, &tally.spacing, &tally.order));
	add_lateness(entry, &late, &ingress);
	json_array_append_new(figures->links, entry);
	/* While it moves the books are only nearly even. */
	figures->violations += tally.spacing.broken + tally.order.broken + (daemon->is_settled && !tally.conserved);
	free(ports);
}

static json_t *where_json(const struct daemon *daemon)
{
	const struct scenario *scenario = daemon->scenario;
	json_t *where = json_array();

	for (size_t i = 0; daemon->sampler.ports && i < scenario->end_count; i++) {
		const struct sampler_port *port = &daemon->sampler.ports[i];
		const struct {
			const char *reason;
			uint64_t intervals, count;
		} reasons[] = {
			{"late", port->late_intervals, port->last.late_over},
			{"lag", port->lag_intervals, port->last.lag_over},
			{"ingress-late", port->ingress_intervals, port->last.ingress_over},
			{"stall", port->stall_intervals, port->last.stalls},
			{"tap-queue", port->tap_drop_intervals, port->last.tap_drops},
		};

		for (size_t j = 0; j < sizeof(reasons) / sizeof(reasons[0]); j++) {
			if (reasons[j].intervals == 0)
				continue;
			json_array_append_new(where, json_pack("{s:s,s:s,s:o,s:o}", "port", scenario->ends[i].port_name,
							       "reason", reasons[j].reason, "intervals",
							       integer(reasons[j].intervals), "count",
							       integer(reasons[j].count)));
		}
	}
	return where;
}

static json_t *intervals_json(const struct fidelity_log *log)
{
	json_t *list = json_array();

	for (size_t i = 0; i < log->count; i++)
		json_array_append_new(
			list, json_pack("[o,o]", seconds(log->items[i].start_ns), seconds(log->items[i].end_ns)));
	return list;
}

/* What the host did meanwhile that explains lateness, or makes times of other logs disagree with ours. */
static void add_host(json_t *fidelity, const struct sampler *sampler)
{
	double pressure = sampler_pressure_pct(sampler);
	struct sampler_clocks clocks = sampler_clock_steps(sampler);

	json_object_set_new(fidelity, "cpu_pressure_pct", pressure < 0 ? json_null() : json_real(pressure));
	/* Everything here runs by CLOCK_MONOTONIC, so that neither harms; NTP's usual corrections stay below 500 ppm.
	 */
	json_object_set_new(fidelity, "clock",
			    json_pack("{s:f,s:f}", "realtime_moved_us", (double)clocks.realtime_ns / 1e3,
				      "suspended_us", (double)clocks.boottime_ns / 1e3));
}

/* Whether every frame had the time it got into its TAP, not that of being read. */
static bool arrivals_are_noted(const struct daemon *daemon)
{
	bool any = false;

	for (uint32_t i = 0; i < daemon->scenario->end_count; i++) {
		if (lab_tap_fd(daemon->lab, i) < 0)
			continue;
		if (!lab_tap_arrivals_fd(daemon->lab, i))
			return false;
		any = true;
	}
	return any;
}

static json_t *fidelity_json(struct daemon *daemon, struct figures *figures)
{
	const struct scenario *scenario = daemon->scenario;
	struct fidelity_facts facts = {.quantile = scenario->quantile};
	uint64_t events = 0, wakeups = 0, behind;
	json_t *fidelity;

	figures->counts.late_frames = figures->late.count;
	figures->counts.late_over = figures->late.over_budget;
	figures->counts.lag_over = daemon->sampler.total.lag_over;
	figures->counts.ingress_frames = figures->ingress.count;
	figures->counts.ingress_over = figures->ingress.over_budget;
	facts.counts = figures->counts;
	facts.incidents = daemon->switching_incidents;
	facts.violations = figures->violations;
	for (size_t i = 0; i < daemon->peers_count; i++) {
		const struct stats *ghost = daemon->peers[i].home.stats[PEERS_GHOST];

		behind = peers_behind_max_ns(&daemon->peers[i]);
		if (behind > facts.behind_max_ns)
			facts.behind_max_ns = behind;
		facts.incidents += daemon->peers[i].incidents;
		events += ghost ? stats_get(&ghost->events) : 0;
		wakeups += ghost ? stats_get(&ghost->wakeups) : 0;
	}
	fidelity = json_pack("{s:s,s:o,s:f,s:o,s:o,s:o,s:o,s:f,s:f}", "verdict", fidelity_name(fidelity_judge(&facts)),
			     "budget_us", us(scenario->budget_ns), "quantile", scenario->quantile, "late_us",
			     quantiles(&figures->late), "ingress_late_us", quantiles(&figures->ingress),
			     "degraded_intervals", intervals_json(&daemon->sampler.log), "where", where_json(daemon),
			     "cpu_steal_pct", daemon->sampler.ports ? sampler_steal_pct(&daemon->sampler) : 0.0,
			     "realtime_factor_min", daemon->sampler.ports ? daemon->sampler.factor_min : 1.0);
	if (daemon->sampler.ports)
		add_host(fidelity, &daemon->sampler);
	json_object_set_new(fidelity, "lag", sampler_lag_json(&daemon->sampler, scenario));
	json_object_set_new(fidelity, "arrivals", json_string(arrivals_are_noted(daemon) ? "kernel" : "read"));
	json_object_set_new(fidelity, "violations", integer(facts.violations));
	json_object_set_new(fidelity, "behind_max_us", us(facts.behind_max_ns));
	json_object_set_new(fidelity, "stalls", integer(figures->counts.stalls));
	json_object_set_new(fidelity, "frames_over_budget", integer(figures->late.over_budget));
	if (daemon->sampler.log.omitted)
		json_object_set_new(fidelity, "degraded_intervals_omitted", integer(daemon->sampler.log.omitted));
	/* What the bridge itself adds to a frame's way, on average: from TAP to injection, from departure to TAP. */
	json_object_set_new(fidelity, "overhead",
			    json_pack("{s:o,s:o,s:o,s:o}", "ingress_mean_us",
				      us(figures->ingress.count ? figures->ingress.sum_ns / figures->ingress.count : 0),
				      "delivery_mean_us",
				      us(figures->late.count ? figures->late.sum_ns / figures->late.count : 0),
				      "simulator_events", integer(events), "simulator_wakeups", integer(wakeups)));
	return fidelity;
}

json_t *report_figures(struct daemon *daemon)
{
	struct figures *figures = calloc(1, sizeof(*figures));
	char inputs[17];
	json_t *all;

	if (!figures)
		return NULL;
	figures->ports = json_array();
	figures->links = json_array();
	figures->simulated = json_array();
	figures->digests = json_object();
	for (size_t i = 0; i < daemon->scenario->link_count; i++)
		add_link(figures, daemon, &daemon->scenario->links[i]);
	record_inputs(&daemon->record, inputs);
	all = json_pack("{s:o,s:o,s:o,s:o,s:o,s:{s:s,s:o}}", "ports", figures->ports, "simulated", figures->simulated,
			"applications", record_daemon_apps_json(daemon), "links", figures->links, "fidelity",
			fidelity_json(daemon, figures), "digest", "inputs", inputs, "ports", figures->digests);
	free(figures);
	return all;
}

static json_t *steps_json(const struct daemon *daemon, bool *ret_failed)
{
	const struct scenario *scenario = daemon->scenario;
	json_t *list = json_array();

	for (size_t i = 0; daemon->experiment->steps && i < scenario->step_count; i++) {
		const struct step *step = &daemon->steps.items[i];
		const struct scenario_step *plan = &scenario->steps[i];
		/* Keys that every step has, whether or not it came to that. */
		json_t *entry =
			json_pack("{s:s,s:n,s:n,s:n,s:n}", "name", plan->name, "node", "started_s", "ended_s", "exit");
		bool ok, cut;

		if (plan->run) {
			json_object_set_new(entry, "node", json_string(scenario->nodes[plan->node].name));
			json_object_set_new(entry, "run", json_string(plan->run));
		} else {
			json_object_set_new(entry, "changes", json_string(scenario->links[plan->link].name));
		}
		if (step->state != STEP_WAITING && step->state != STEP_SKIPPED)
			json_object_set_new(entry, "started_s", seconds(step->started_ns));
		if (step->state > STEP_RUNNING && step->state != STEP_SKIPPED) {
			json_object_set_new(entry, "ended_s", seconds(step->ended_ns));
			json_object_set_new(entry, "exit", json_integer(step->exit));
		}
		/* The end of the run is what a background step waits for; a foreground one was cut short. */
		cut = step->state == STEP_KILLED && daemon->told_to_end && step->awaited;
		if (step->state != STEP_ENDED)
			json_object_set_new(entry, "ended",
					    json_string(cut ? "interrupted" : steps_state_name(step->state)));
		json_object_set_new(entry, "background", json_boolean(scenario->steps[i].background));
		ok = (step->state == STEP_KILLED && !cut) ||
		     (step->state == STEP_ENDED && (step->exit == 0 || expect_explains_exit(scenario, i)));
		json_object_set_new(entry, "ok", json_boolean(ok));
		if (!ok)
			*ret_failed = true;
		json_array_append_new(list, entry);
	}
	return list;
}

/* A step's stdout; the caller frees it. */
static ssize_t read_output(const struct daemon *daemon, uint32_t step, char **ret)
{
	char file[256];

	snprintf(file, sizeof(file), "steps/%s.out", daemon->scenario->steps[step].name);
	return rundir_read(&daemon->experiment->rundir, file, EXPECT_OUTPUT_SIZE_MAX, ret);
}

static json_t *expects_json(struct daemon *daemon, json_t *report, bool *ret_failed)
{
	const struct scenario *scenario = daemon->scenario;
	json_t *list = json_array();

	for (size_t i = 0; daemon->experiment->steps && i < scenario->expect_count; i++) {
		const struct scenario_expect *expect = &scenario->expects[i];
		struct expect_input input = {.report = report};
		struct expect_result *result = &daemon->expects[i];
		char *output = NULL;
		ssize_t size;

		if (expect->step != SCENARIO_NONE) {
			const struct step *step = &daemon->steps.items[expect->step];

			input.has_ended = step->state == STEP_ENDED;
			input.exit = step->exit;
			size = expect->kind == SCENARIO_EXPECT_EXIT ? -1 : read_output(daemon, expect->step, &output);
			input.output = size < 0 ? NULL : output;
			input.output_size = size < 0 ? 0 : (size_t)size;
		}
		expect_check(expect, &input, result);
		free(output);
		if (!result->ok)
			*ret_failed = true;
		json_array_append_new(list, json_pack("{s:s,s:b,s:O,s:s}", "text", expect->text, "ok", result->ok,
						      "value", result->value, "found", result->found));
	}
	return list;
}

json_t *report_incidents(const struct daemon *daemon)
{
	json_t *list = json_array();

	for (size_t i = 0; i < daemon->incident_count; i++) {
		const struct incident *incident = &daemon->incidents[i];
		/* Before the barrier there is no time yet. */
		double at = daemon->origin_ns ? ((double)incident->at_ns - (double)daemon->origin_ns) / 1e9 : 0.0;

		json_array_append_new(list, json_pack("{s:f,s:s,s:b}", "at_s", at, "what", incident->what, "restarted",
						      incident->restarted));
	}
	return list;
}

json_t *report_limits(const struct daemon *daemon)
{
	struct lab_limit limit;
	json_t *list = NULL;

	for (size_t i = 0; daemon->lab && lab_switching_limit(daemon->lab, i, &limit); i++) {
		list = list ? list : json_array();
		json_array_append_new(list, json_pack("{s:s,s:I,s:s,s:s}", "port", limit.port, "rate_bps",
						      (json_int_t)limit.bps, "by", limit.by, "why", limit.why));
	}
	return list;
}

int report_exit(bool interrupted, bool failed, enum fidelity_verdict verdict, bool require_pass)
{
	if (interrupted)
		return EXIT_INTERRUPTED;
	if (failed)
		return EXIT_FAILED;
	if (verdict == FIDELITY_FAIL || (verdict == FIDELITY_DEGRADED && require_pass))
		return EXIT_FIDELITY;
	return EXIT_DONE;
}

static enum fidelity_verdict verdict_of(json_t *report)
{
	const char *name = json_string_value(json_object_get(json_object_get(report, "fidelity"), "verdict"));

	for (int verdict = FIDELITY_PASS; name && verdict <= FIDELITY_FAIL; verdict++) {
		if (strcmp(name, fidelity_name((enum fidelity_verdict)verdict)) == 0)
			return (enum fidelity_verdict)verdict;
	}
	return FIDELITY_FAIL;
}

json_t *report_make(struct daemon *daemon, int *ret_exit)
{
	uint64_t duration_ns = daemon->origin_ns ? daemon->ended_ns - daemon->origin_ns : 0;
	/* Ending a lab that is only there to be used is not an interruption. */
	bool interrupted = daemon->told_to_end && daemon->experiment->steps;
	bool failed = interrupted || daemon->failure[0];
	enum fidelity_verdict verdict;
	json_t *report, *figures, *steps, *expects, *limits;
	const char *result;

	figures = report_figures(daemon);
	if (!figures)
		return NULL;
	verdict = verdict_of(figures);
	steps = steps_json(daemon, &failed);
	report = json_pack("{s:i,s:s,s:s,s:o,s:o,s:o,s:[]}", "schema", 1, "name", daemon->experiment->name, "result",
			   "", "duration_s", seconds(duration_ns), "ready_s",
			   json_real((double)daemon->ready_ms_tenths / 1e4), "steps", steps, "expect");
	json_object_update(report, figures);
	json_decref(figures);
	json_object_set_new(report, "changes", changes_json(daemon));
	json_object_set_new(report, "carrier", carrier_json(daemon));
	json_object_set_new(report, "incidents", report_incidents(daemon));
	limits = report_limits(daemon);
	if (limits)
		json_object_set_new(report, "rate_limits", limits);
	if (interrupted)
		json_object_set_new(report, "interrupted", json_true());
	if (daemon->failure[0])
		json_object_set_new(report, "failure", json_string(daemon->failure));
	if (daemon->experiment->record)
		json_object_set_new(report, "recording", record_json(&daemon->record));
	expects = expects_json(daemon, report, &failed);
	json_object_set_new(report, "expect", expects);
	result = failed ? "fail" : verdict == FIDELITY_PASS ? "pass" : "degraded";
	json_object_set_new(report, "result", json_string(result));
	*ret_exit = report_exit(interrupted, failed, verdict, daemon->scenario->require_pass);
	return report;
}
