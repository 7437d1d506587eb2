/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report-md.c - the report for a person: report.md and the summary on the terminal, both out of report.json.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "bridge/experiment/console.h"
#include "bridge/experiment/figure.h"
#include "bridge/experiment/picture.h"
#include "bridge/experiment/report.h"

#define INTERVALS_SHOWN 8
#define CHANGES_SHOWN   100

static json_t *at(json_t *object, const char *key)
{
	return json_object_get(object, key);
}

static const char *text(json_t *object, const char *key)
{
	const char *value = json_string_value(at(object, key));

	return value ? value : "";
}

static double number(json_t *object, const char *key)
{
	return json_number_value(at(object, key));
}

static int64_t integer(json_t *object, const char *key)
{
	return json_integer_value(at(object, key));
}

/* "queue 12, filtered 3", or "-". */
static void drops_text(json_t *drops, char *ret, size_t size)
{
	const char *cause;
	json_t *count;
	size_t len = 0;

	snprintf(ret, size, "-");
	json_object_foreach(drops, cause, count)
	{
		int n = snprintf(ret + len, size - len, "%s%s %" JSON_INTEGER_FORMAT, len ? ", " : "", cause,
				 json_integer_value(count));

		if (n < 0 || (size_t)n >= size - len)
			return;
		len += (size_t)n;
	}
}

/* How a step went, in a few words. */
static void step_text(json_t *step, char *ret, size_t size)
{
	const char *ended = text(step, "ended");

	if (ended[0])
		snprintf(ret, size, "%s", ended);
	else
		snprintf(ret, size, "exit %" PRId64, integer(step, "exit"));
}

/* How often an invariant of a link was broken: "", "kept", or "**broken 3 times**, first at 1.5 s". */
static void invariant_text(json_t *link, const char *which, char *ret, size_t size)
{
	json_t *check = at(at(link, "invariants"), which);

	if (integer(check, "broken") > 0)
		snprintf(ret, size, "**broken %" PRId64 " times**, first at %.9f s", integer(check, "broken"),
			 number(check, "first_s"));
	else
		snprintf(ret, size, "%s", check ? "kept" : "");
}

static void intervals_text(json_t *fidelity, FILE *stream, const char *indent)
{
	json_t *intervals = at(fidelity, "degraded_intervals"), *where = at(fidelity, "where"), *entry;
	size_t count = json_array_size(intervals), i;

	if (count == 0)
		return;
	fprintf(stream, "%sdegraded intervals (s): ", indent);
	for (i = 0; i < count && i < INTERVALS_SHOWN; i++) {
		entry = json_array_get(intervals, i);
		fprintf(stream, "%s%.1f to %.1f", i ? ", " : "", json_number_value(json_array_get(entry, 0)),
			json_number_value(json_array_get(entry, 1)));
	}
	fprintf(stream, "%s\n", count > INTERVALS_SHOWN ? ", more in report.json" : "");
	json_array_foreach(where, i, entry)
	{
		if (i == INTERVALS_SHOWN)
			break;
		fprintf(stream, "%s%s: %s in %" PRId64 " intervals, %" PRId64 " times\n", indent, text(entry, "port"),
			text(entry, "reason"), integer(entry, "intervals"), integer(entry, "count"));
	}
}

/* Where a lag was longer than the delay that it is taken off. */
static void lag_text(json_t *fidelity, FILE *stream, const char *indent)
{
	json_t *list = at(fidelity, "lag"), *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		if (i == INTERVALS_SHOWN) {
			fprintf(stream, "%sand so at %zu more ports, see report.json\n", indent,
				json_array_size(list) - i);
			break;
		}
		fprintf(stream,
			"%slag: %" PRId64 " frames reached %s up to %.0f us later than the file says, for its lag is "
			"longer than the delay of the link; a smaller lag helps\n",
			indent, integer(entry, "frames"), text(entry, "port"), number(entry, "late_us"));
	}
}

static void write_lists(json_t *report, FILE *stream)
{
	json_t *entry;
	size_t i;
	char how[128];

	if (json_array_size(at(report, "steps")) > 0) {
		fputs("\n## Steps\n\n| step | node | command | from (s) | to (s) | outcome "
		      "|\n|---|---|---|--:|--:|---|\n",
		      stream);
		json_array_foreach(at(report, "steps"), i, entry)
		{
			if (!at(entry, "run")) {
				fprintf(stream, "| %s | | changes %s | %.3f | | %s |\n", text(entry, "name"),
					text(entry, "changes"), number(entry, "started_s"), text(entry, "ended"));
				continue;
			}
			step_text(entry, how, sizeof(how));
			fprintf(stream, "| %s | %s | `%s` | %.3f | %.3f | %s |\n", text(entry, "name"),
				text(entry, "node"), text(entry, "run"), number(entry, "started_s"),
				number(entry, "ended_s"), how);
		}
	}
	if (json_array_size(at(report, "carrier")) > 0) {
		fputs("\n## Carrier of Wi-Fi stations\n\n| simulated time (s) | port | carrier | access point | "
		      "without "
		      "(s) |\n|--:|---|---|---|--:|\n",
		      stream);
		json_array_foreach(at(report, "carrier"), i, entry)
		{
			fprintf(stream, "| %.9f | %s | %s | %s | ", number(entry, "at_s"), text(entry, "port"),
				text(entry, "carrier"), json_object_get(entry, "ap") ? text(entry, "ap") : "");
			if (json_object_get(entry, "without_s"))
				fprintf(stream, "%.9f ", number(entry, "without_s"));
			fputs("|\n", stream);
		}
	}
	if (json_array_size(at(report, "changes")) > 0) {
		fputs("\n## Changes of links\n\n| simulated time (s) | link or end | what | by |\n|--:|---|---|---|\n",
		      stream);
		json_array_foreach(at(report, "changes"), i, entry)
		{
			if (i == CHANGES_SHOWN) {
				fprintf(stream, "| ... | | %zu more in report.json | |\n",
					json_array_size(at(report, "changes")) - i);
				break;
			}
			fprintf(stream, "| %.9f | %s%s%s | %s: %s | %s |\n", number(entry, "at_s"), text(entry, "link"),
				at(entry, "end") ? ", " : "", text(entry, "end"), text(entry, "key"),
				text(entry, "value"), text(entry, "by"));
		}
	}
	if (json_array_size(at(report, "applications")) > 0) {
		fputs("\n## Applications of simulated nodes\n\n| node | application | port | packets sent | bytes sent "
		      "| "
		      "packets received | bytes received |\n|---|---|--:|--:|--:|--:|--:|\n",
		      stream);
		json_array_foreach(at(report, "applications"), i, entry)
			fprintf(stream, "| %s | %s | %.0f | %.0f | %.0f | %.0f | %.0f |\n", text(entry, "node"),
				text(entry, "kind"), number(entry, "port"), number(at(entry, "sent"), "packets"),
				number(at(entry, "sent"), "bytes"), number(at(entry, "received"), "packets"),
				number(at(entry, "received"), "bytes"));
	}
	if (json_array_size(at(report, "rate_limits")) > 0) {
		fputs("\n## Rate limits of switches\n\n| port | rate (kbit/s) | kept by | because "
		      "|\n|---|--:|---|---|\n",
		      stream);
		json_array_foreach(at(report, "rate_limits"), i, entry)
			fprintf(stream, "| %s | %.0f | %s | %s |\n", text(entry, "port"),
				number(entry, "rate_bps") / 1000, text(entry, "by"), text(entry, "why"));
	}
	if (json_array_size(at(report, "expect")) > 0) {
		fputs("\n## Expectations\n\n", stream);
		json_array_foreach(at(report, "expect"), i, entry)
			fprintf(stream, "* %s %s (%s)\n", json_is_true(at(entry, "ok")) ? "✓" : "✗ **failed:**",
				text(entry, "text"), text(entry, "found"));
	}
	if (json_array_size(at(report, "incidents")) > 0) {
		fputs("\n## Incidents\n\n", stream);
		json_array_foreach(at(report, "incidents"), i, entry)
			fprintf(stream, "* at %.3f s: %s%s\n", number(entry, "at_s"), text(entry, "what"),
				json_is_true(at(entry, "restarted")) ? "; started again" : "");
	}
}

#define NTP_SHARE      0.0005 /* of the time: as fast as the kernel slews the clock */
#define CLOCK_NOISE_US 1000.0 /* two clocks are not read at once */

void report_clocks(json_t *report, char *ret_text, size_t size)
{
	json_t *clock = at(at(report, "fidelity"), "clock");
	double moved = number(clock, "realtime_moved_us"), suspended = number(clock, "suspended_us");
	int used = 0;

	ret_text[0] = '\0';
	if (fabs(moved) > NTP_SHARE * 1e6 * number(report, "duration_s") + CLOCK_NOISE_US)
		used = snprintf(ret_text, size, "The host's wall clock was set by %+.3f s during the run.",
				moved / 1e6);
	if (suspended > CLOCK_NOISE_US && (size_t)used < size)
		snprintf(ret_text + used, size - (size_t)used, "%sThe host was suspended for %.3f s.", used ? " " : "",
			 suspended / 1e6);
}

/* Frames late by more than the budget, both ways. */
static int64_t over_budget(json_t *entry)
{
	json_t *over = at(entry, "over_budget");

	return integer(over, "delivery") + integer(over, "injection");
}

static void write_ports(json_t *report, FILE *stream)
{
	json_t *entry;
	size_t i;
	char up[256], down[256], spacing[128], order[128];

	fputs("\n## Ports\n\n*Up* is from the container into the simulation, *down* the other way. *Late* is how long "
	      "after its time a frame was written, *in late* how long after it one was injected, in microseconds; "
	      "*over* "
	      "counts those later than the budget, both ways.\n\n"
	      "| port | link | up frames | up drops | down frames | down drops | late p50 | p99 | p99.9 | max | in "
	      "late "
	      "p99 | max | over |\n"
	      "|---|---|--:|---|--:|---|--:|--:|--:|--:|--:|--:|--:|\n",
	      stream);
	json_array_foreach(at(report, "ports"), i, entry)
	{
		json_t *late = at(entry, "late_us"), *ingress = at(entry, "ingress_late_us");

		drops_text(at(at(entry, "up"), "drops"), up, sizeof(up));
		drops_text(at(at(entry, "down"), "drops"), down, sizeof(down));
		fprintf(stream,
			"| %s | %s | %" PRId64 " | %s | %" PRId64
			" | %s | %.0f | %.0f | %.0f | %.0f | %.0f | %.0f | %" PRId64 " |\n",
			text(entry, "port"), text(entry, "link"), integer(at(entry, "up"), "frames"), up,
			integer(at(entry, "down"), "frames"), down, number(late, "p50"), number(late, "p99"),
			number(late, "p999"), number(late, "max"), number(ingress, "p99"), number(ingress, "max"),
			over_budget(entry));
	}
	fputs("\n## Links\n\n| link | kind | frames in | transmitted | frames out | drops | conserved | spacing | "
	      "order | late p99 | in late p99 | over |\n"
	      "|---|---|--:|--:|--:|---|---|---|---|--:|--:|--:|\n",
	      stream);
	json_array_foreach(at(report, "links"), i, entry)
	{
		if (!at(entry, "frames_in")) {
			fprintf(stream, "| %s | %s | | | | | | | | | | |\n", text(entry, "link"), text(entry, "kind"));
			continue;
		}
		drops_text(at(entry, "drops"), up, sizeof(up));
		invariant_text(entry, "spacing", spacing, sizeof(spacing));
		invariant_text(entry, "order", order, sizeof(order));
		fprintf(stream,
			"| %s | %s | %" PRId64 " | %" PRId64 " | %" PRId64
			" | %s | %s | %s | %s | %.0f | %.0f | %" PRId64 " |\n",
			text(entry, "link"), text(entry, "kind"), integer(entry, "frames_in"),
			integer(entry, "transmitted"), integer(entry, "frames_out"), up,
			json_is_true(at(entry, "conserved")) ? "yes" : "**no**", spacing, order,
			number(at(entry, "late_us"), "p99"), number(at(entry, "ingress_late_us"), "p99"),
			over_budget(entry));
	}
}

void report_markdown(const struct scenario *scenario, json_t *report, json_t *manifest, FILE *stream)
{
	json_t *fidelity = at(report, "fidelity"), *late = at(fidelity, "late_us"),
	       *ingress = at(fidelity, "ingress_late_us"), *overhead = at(fidelity, "overhead"), *value;
	char clocks[160];
	const char *key;

	fprintf(stream, "# %s: %s\n\n", text(report, "name"), text(report, "result"));
	fprintf(stream, "Ran for %.3f s, ready %.3f s after the start.%s\n", number(report, "duration_s"),
		number(report, "ready_s"), json_is_true(at(report, "interrupted")) ? " **Interrupted.**" : "");
	if (at(report, "failure"))
		fprintf(stream, "\n**%s**\n", text(report, "failure"));
	fputs("\n```\n", stream);
	picture_draw(scenario, stream);
	fputs("```\n", stream);
	write_lists(report, stream);

	fprintf(stream,
		"\n## Fidelity: %s\n\n"
		"| | p50 (us) | p99 (us) | p99.9 (us) | max (us) |\n|---|--:|--:|--:|--:|\n"
		"| delivery | %.1f | %.1f | %.1f | %.1f |\n| injection | %.1f | %.1f | %.1f | %.1f |\n\n",
		text(fidelity, "verdict"), number(late, "p50"), number(late, "p99"), number(late, "p999"),
		number(late, "max"), number(ingress, "p50"), number(ingress, "p99"), number(ingress, "p999"),
		number(ingress, "max"));
	fprintf(stream,
		"Budget %.0f us for %g %% of the frames. Most behind the clock: %.1f us. CPU taken by the hypervisor: "
		"%.1f %%. Slowest second: %.2f of real time. The bridge's own share of a frame's delay, on average: "
		"%.1f us in, %.1f us out.\n",
		number(fidelity, "budget_us"), 100 * number(fidelity, "quantile"), number(fidelity, "behind_max_us"),
		number(fidelity, "cpu_steal_pct"), number(fidelity, "realtime_factor_min"),
		number(overhead, "ingress_mean_us"), number(overhead, "delivery_mean_us"));
	if (json_is_real(at(fidelity, "cpu_pressure_pct")))
		fprintf(stream, "Some process waited for a CPU in %.1f %% of the time.\n",
			number(fidelity, "cpu_pressure_pct"));
	report_clocks(report, clocks, sizeof(clocks));
	if (clocks[0])
		fprintf(stream, "**%s**\n", clocks);
	fputs("\n![lateness over time](" FIGURE_FILE ")\n\n", stream);
	lag_text(fidelity, stream, "* ");
	intervals_text(fidelity, stream, "* ");
	if (at(report, "recording"))
		fprintf(stream, "* recording: %" PRId64 " frames in %s%s%s\n",
			integer(at(report, "recording"), "frames"), text(at(report, "recording"), "file"),
			json_is_true(at(at(report, "recording"), "complete"))   ? ""
			: json_is_true(at(at(report, "recording"), "going_on")) ? "; "
										: "; **not complete:** ",
			text(at(report, "recording"), "incomplete"));
	write_ports(report, stream);

	fputs("\n## Made with\n\n", stream);
	json_object_foreach(at(manifest, "versions"), key, value)
		fprintf(stream, "* %s %s\n", key, json_string_value(value));
	fprintf(stream, "* seed %" PRId64 ", %s, %" PRId64 " cores\n", integer(manifest, "seed"),
		text(at(manifest, "host"), "cpu"), integer(at(manifest, "host"), "cores"));
}

/* Two colours are enough: what is well and what is not. */
static const char *paint(bool colour, bool good)
{
	return !colour ? "" : good ? "\033[32m" : "\033[31m";
}

static void summary_links(json_t *report, FILE *stream, bool colour, const char *plain)
{
	static const struct {
		const char *key, *what;
	} invariants[] = {{"spacing", "LEFT FASTER THAN THE RATE ALLOWS"}, {"order", "WERE OVERTAKEN"}};
	json_t *entry;
	size_t i;
	char drops[256];

	json_array_foreach(at(report, "links"), i, entry)
	{
		bool conserved = json_is_true(at(entry, "conserved"));

		if (!at(entry, "frames_in"))
			continue;
		drops_text(at(entry, "drops"), drops, sizeof(drops));
		fprintf(stream, "%s%s%s link %s: %" PRId64 " frames in, %" PRId64 " out, drops: %s%s\n",
			paint(colour, conserved), conserved ? "✓" : "✗", plain, text(entry, "link"),
			integer(entry, "frames_in"), integer(entry, "frames_out"), drops,
			conserved ? "; all accounted for" : "; FRAMES UNACCOUNTED FOR");
		for (size_t j = 0; j < sizeof(invariants) / sizeof(invariants[0]); j++) {
			json_t *check = at(at(entry, "invariants"), invariants[j].key);

			if (integer(check, "broken") > 0)
				fprintf(stream,
					"%s✗%s link %s: %" PRId64 " frames %s, the first at %.9f s of simulated time\n",
					paint(colour, false), plain, text(entry, "link"), integer(check, "broken"),
					invariants[j].what, number(check, "first_s"));
		}
	}
}

void report_summary(json_t *report, const char *rundir, FILE *stream)
{
	json_t *fidelity = at(report, "fidelity"), *late = at(fidelity, "late_us"), *entry;
	bool colour = console_has_colour(stream), good;
	const char *plain = colour ? "\033[0m" : "", *result = text(report, "result");
	size_t i;
	char how[128];

	json_array_foreach(at(report, "steps"), i, entry)
	{
		good = json_is_true(at(entry, "ok"));
		if (!at(entry, "run"))
			continue; /* a change; those that matter here went wrong, and that is an incident */
		step_text(entry, how, sizeof(how));
		fprintf(stream, "%s%s%s step %s on %s: %s after %.2f s\n", paint(colour, good), good ? "✓" : "✗", plain,
			text(entry, "name"), text(entry, "node"), how,
			at(entry, "ended_s") ? number(entry, "ended_s") - number(entry, "started_s") : 0.0);
	}
	json_array_foreach(at(report, "expect"), i, entry)
	{
		good = json_is_true(at(entry, "ok"));
		fprintf(stream, "%s%s%s expect %s%s%s\n", paint(colour, good), good ? "✓" : "✗", plain,
			text(entry, "text"), good ? "" : ": ", good ? "" : text(entry, "found"));
	}
	json_array_foreach(at(report, "incidents"), i, entry)
		fprintf(stream, "%s✗%s at %.2f s: %s\n", paint(colour, false), plain, number(entry, "at_s"),
			text(entry, "what"));
	summary_links(report, stream, colour, plain);
	good = strcmp(text(fidelity, "verdict"), "pass") == 0;
	fprintf(stream, "%s%s%s fidelity %s: delivery late by p99 %.1f us, max %.1f us (budget %.0f us)\n",
		paint(colour, good), good ? "✓" : "✗", plain, text(fidelity, "verdict"), number(late, "p99"),
		number(late, "max"), number(fidelity, "budget_us"));
	lag_text(fidelity, stream, "  ");
	intervals_text(fidelity, stream, "  ");
	entry = at(report, "recording");
	if (entry) {
		bool going_on = json_is_true(at(entry, "going_on"));

		good = going_on || json_is_true(at(entry, "complete"));
		fprintf(stream, "%s%s%s recording %s: %" PRId64 " frames, %" PRId64 " bytes%s%s\n", paint(colour, good),
			good ? "✓" : "✗", plain,
			going_on ? "goes on"
			: good   ? "complete"
				 : "NOT COMPLETE",
			integer(entry, "frames"), integer(entry, "bytes"), good ? "" : ": ",
			good ? "" : text(entry, "incomplete"));
	}
	good = strcmp(result, "pass") == 0;
	fprintf(stream, "%s%s%s%s in %.2f s; run directory %s\n", paint(colour, good), result, plain,
		json_is_true(at(report, "interrupted")) ? " (interrupted)" : "", number(report, "duration_s"), rundir);
}
