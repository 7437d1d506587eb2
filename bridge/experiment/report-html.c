/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report-html.c - the report as one page that needs nothing else: no script, no style sheet, no picture from elsewhere.
 *
 * Everything that is not written here comes out of report.json and may have been written by anybody: it is escaped.
 */
#include <stdlib.h>
#include <string.h>

#include "bridge/experiment/figure.h"
#include "bridge/experiment/picture.h"
#include "bridge/experiment/report.h"

#define ROWS_MAX 500 /* of a list that may have any length; the rest is in report.json */

static const char style[] =
	":root{color-scheme:light dark}"
	"body{font-family:Helvetica,Arial,sans-serif;line-height:1.45;max-width:76rem;margin:1.5rem auto;padding:0 "
	"1rem;"
	"color:#24292f;background:#fff;overflow-wrap:anywhere}"
	"h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:1.8rem;border-bottom:1px solid #d8dee4}"
	".wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}"
	"th,td{border:1px solid #d8dee4;padding:.25rem .55rem;text-align:left;vertical-align:top}"
	"th{background:#f6f8fa}.n{text-align:right;font-variant-numeric:tabular-nums}"
	".good{color:#1a7f37}.poor{color:#9a6700}.ill{color:#cf222e;font-weight:bold}"
	"code,pre{font-family:monospace;background:#f6f8fa}pre{padding:.6rem;overflow-x:auto}"
	"svg{max-width:100%;height:auto}.wide svg{max-width:none}"
	"@media (prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,code,pre{background:#161b22}"
	"h2,th,td{border-color:#30363d}.good{color:#3fb950}.poor{color:#d29922}.ill{color:#f85149}}";

static json_t *at(json_t *object, const char *key)
{
	return json_object_get(object, key);
}

static const char *text(json_t *object, const char *key)
{
	const char *value = json_string_value(at(object, key));

	return value ? value : "";
}

static const char *class_of(const char *result)
{
	return strcmp(result, "pass") == 0 ? "good" : strcmp(result, "degraded") == 0 ? "poor" : "ill";
}

/* A cell with any value of JSON: text escaped, numbers to the right. */
static void cell(FILE *stream, json_t *value, int digits)
{
	if (json_is_real(value)) {
		fprintf(stream, "<td class=n>%.*f", digits, json_real_value(value));
	} else if (json_is_integer(value)) {
		fprintf(stream, "<td class=n>%" JSON_INTEGER_FORMAT, json_integer_value(value));
	} else if (json_is_boolean(value)) {
		fputs(json_is_true(value) ? "<td class=good>yes" : "<td class=ill>no", stream);
	} else {
		fputs("<td>", stream);
		figure_text(stream, json_is_string(value) ? json_string_value(value) : "");
	}
	fputs("</td>", stream);
}

static void drops_cell(FILE *stream, json_t *drops)
{
	const char *cause;
	json_t *count;
	const char *between = "";

	fputs("<td>", stream);
	json_object_foreach(drops, cause, count)
	{
		fprintf(stream, "%s%s %" JSON_INTEGER_FORMAT, between, cause, json_integer_value(count));
		between = ", ";
	}
	fputs("</td>", stream);
}

/* Frames later than the budget, of a port or a link. */
static void budget_cells(FILE *stream, json_t *entry)
{
	cell(stream, at(at(entry, "over_budget"), "delivery"), 0);
	cell(stream, at(at(entry, "over_budget"), "injection"), 0);
}

static void invariant_cell(FILE *stream, json_t *link, const char *which)
{
	json_t *check = at(at(link, "invariants"), which);

	if (json_integer_value(at(check, "broken")) > 0)
		fprintf(stream, "<td class=ill>broken %" JSON_INTEGER_FORMAT " times, first at %.9f s</td>",
			json_integer_value(at(check, "broken")), json_number_value(at(check, "first_s")));
	else
		fprintf(stream, "<td%s</td>", check ? " class=good>kept" : ">");
}

/* Open a section with a table; head has its cells. */
static void table(FILE *stream, const char *title, const char *head)
{
	fprintf(stream, "<h2>%s</h2>\n<div class=wide><table><tr>%s</tr>\n", title, head);
}

/* After the last row of @list. */
static void end_table(FILE *stream, json_t *list)
{
	fputs("</table></div>\n", stream);
	if (json_array_size(list) > ROWS_MAX)
		fprintf(stream, "<p>%zu more are in report.json.</p>\n", json_array_size(list) - ROWS_MAX);
}

static void write_steps(json_t *report, FILE *stream)
{
	json_t *steps = at(report, "steps"), *entry;
	size_t i;

	if (json_array_size(steps) == 0)
		return;
	table(stream, "Steps", "<th>step<th>node<th>command<th>from (s)<th>to (s)<th>exit<th>ended<th>as it should");
	json_array_foreach(steps, i, entry)
	{
		if (i == ROWS_MAX)
			break;
		fputs("<tr>", stream);
		cell(stream, at(entry, "name"), 0);
		cell(stream, at(entry, "node"), 0);
		fputs("<td><code>", stream);
		figure_text(stream, at(entry, "run") ? text(entry, "run") : "changes ");
		figure_text(stream, at(entry, "run") ? "" : text(entry, "changes"));
		fputs("</code></td>", stream);
		cell(stream, at(entry, "started_s"), 3);
		cell(stream, at(entry, "ended_s"), 3);
		cell(stream, at(entry, "exit"), 0);
		cell(stream, at(entry, "ended"), 0);
		cell(stream, at(entry, "ok"), 0);
		fputs("</tr>\n", stream);
	}
	end_table(stream, steps);
}

static void write_expects(json_t *report, FILE *stream)
{
	json_t *entry;
	size_t i;

	if (json_array_size(at(report, "expect")) == 0)
		return;
	table(stream, "Expectations", "<th>expected<th>found<th>holds");
	json_array_foreach(at(report, "expect"), i, entry)
	{
		fputs("<tr>", stream);
		cell(stream, at(entry, "text"), 0);
		cell(stream, at(entry, "found"), 0);
		cell(stream, at(entry, "ok"), 0);
		fputs("</tr>\n", stream);
	}
	end_table(stream, NULL);
}

static void write_fidelity(json_t *report, const struct timeline *timeline, FILE *stream)
{
	json_t *fidelity = at(report, "fidelity"), *entry;
	const struct {
		const char *name, *key;
	} rows[] = {{"delivery", "late_us"}, {"injection", "ingress_late_us"}};
	char clocks[160];
	size_t i;

	fprintf(stream, "<h2>Fidelity: <span class=%s>%s</span></h2>\n", class_of(text(fidelity, "verdict")),
		text(fidelity, "verdict"));
	figure_draw(timeline, report, stream);
	fputs("<div class=wide><table><tr><th>lateness (µs)<th>p50<th>p99<th>p99.9<th>max</tr>\n", stream);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *late = at(fidelity, rows[i].key);

		fprintf(stream, "<tr><td>%s</td>", rows[i].name);
		cell(stream, at(late, "p50"), 1);
		cell(stream, at(late, "p99"), 1);
		cell(stream, at(late, "p999"), 1);
		cell(stream, at(late, "max"), 1);
		fputs("</tr>\n", stream);
	}
	fprintf(stream,
		"</table></div>\n<p>Budget %.0f µs for %g %% of the frames. Most behind the clock: %.1f µs. Slowest "
		"second: "
		"%.2f of real time. CPU taken by the hypervisor: %.1f %%.",
		json_number_value(at(fidelity, "budget_us")), 100 * json_number_value(at(fidelity, "quantile")),
		json_number_value(at(fidelity, "behind_max_us")),
		json_number_value(at(fidelity, "realtime_factor_min")),
		json_number_value(at(fidelity, "cpu_steal_pct")));
	if (json_is_real(at(fidelity, "cpu_pressure_pct")))
		fprintf(stream, " Some process waited for a CPU in %.1f %% of the time.",
			json_number_value(at(fidelity, "cpu_pressure_pct")));
	report_clocks(report, clocks, sizeof(clocks));
	if (clocks[0])
		fprintf(stream, " <b>%s</b>", clocks);
	fputs("</p>\n", stream);
	if (json_array_size(at(fidelity, "where")) == 0)
		return;
	fputs("<div class=wide><table><tr><th>port<th>what made intervals of 100 ms "
	      "degraded<th>intervals<th>times</tr>\n",
	      stream);
	json_array_foreach(at(fidelity, "where"), i, entry)
	{
		fputs("<tr>", stream);
		cell(stream, at(entry, "port"), 0);
		cell(stream, at(entry, "reason"), 0);
		cell(stream, at(entry, "intervals"), 0);
		cell(stream, at(entry, "count"), 0);
		fputs("</tr>\n", stream);
	}
	end_table(stream, NULL);
}

static void write_links(json_t *report, FILE *stream)
{
	json_t *entry;
	size_t i;

	table(stream, "Links",
	      "<th>link<th>kind<th>frames in<th>transmitted<th>frames out<th>drops<th>all accounted "
	      "for<th>spacing<th>order<th>late p99 (µs)<th>injected late p99<th>over the budget<th>injected so");
	json_array_foreach(at(report, "links"), i, entry)
	{
		fputs("<tr>", stream);
		cell(stream, at(entry, "link"), 0);
		cell(stream, at(entry, "kind"), 0);
		cell(stream, at(entry, "frames_in"), 0);
		cell(stream, at(entry, "transmitted"), 0);
		cell(stream, at(entry, "frames_out"), 0);
		drops_cell(stream, at(entry, "drops"));
		cell(stream, at(entry, "conserved"), 0);
		invariant_cell(stream, entry, "spacing");
		invariant_cell(stream, entry, "order");
		cell(stream, at(at(entry, "late_us"), "p99"), 0);
		cell(stream, at(at(entry, "ingress_late_us"), "p99"), 0);
		budget_cells(stream, entry);
		fputs("</tr>\n", stream);
	}
	end_table(stream, NULL);
	table(stream, "Ports",
	      "<th>port<th>link<th>frames from the container<th>drops<th>frames to it<th>drops<th>late p50 "
	      "(µs)<th>p99<th>p99.9<th>max<th>injected late p99<th>max<th>over the budget<th>injected so");
	json_array_foreach(at(report, "ports"), i, entry)
	{
		json_t *late = at(entry, "late_us"), *ingress = at(entry, "ingress_late_us");

		fputs("<tr>", stream);
		cell(stream, at(entry, "port"), 0);
		cell(stream, at(entry, "link"), 0);
		cell(stream, at(at(entry, "up"), "frames"), 0);
		drops_cell(stream, at(at(entry, "up"), "drops"));
		cell(stream, at(at(entry, "down"), "frames"), 0);
		drops_cell(stream, at(at(entry, "down"), "drops"));
		cell(stream, at(late, "p50"), 0);
		cell(stream, at(late, "p99"), 0);
		cell(stream, at(late, "p999"), 0);
		cell(stream, at(late, "max"), 0);
		cell(stream, at(ingress, "p99"), 0);
		cell(stream, at(ingress, "max"), 0);
		budget_cells(stream, entry);
		fputs("</tr>\n", stream);
	}
	end_table(stream, NULL);
}

static void write_events(json_t *report, FILE *stream)
{
	json_t *entry;
	size_t i;

	if (json_array_size(at(report, "changes")) > 0) {
		table(stream, "Changes of links", "<th>simulated time (s)<th>link<th>end<th>what<th>value<th>by");
		json_array_foreach(at(report, "changes"), i, entry)
		{
			if (i == ROWS_MAX)
				break;
			fputs("<tr>", stream);
			cell(stream, at(entry, "at_s"), 9);
			cell(stream, at(entry, "link"), 0);
			cell(stream, at(entry, "end"), 0);
			cell(stream, at(entry, "key"), 0);
			cell(stream, at(entry, "value"), 0);
			cell(stream, at(entry, "by"), 0);
			fputs("</tr>\n", stream);
		}
		end_table(stream, at(report, "changes"));
	}
	if (json_array_size(at(report, "incidents")) == 0)
		return;
	table(stream, "Incidents", "<th>at (s)<th>what<th>started again");
	json_array_foreach(at(report, "incidents"), i, entry)
	{
		fputs("<tr>", stream);
		cell(stream, at(entry, "at_s"), 3);
		cell(stream, at(entry, "what"), 0);
		cell(stream, at(entry, "restarted"), 0);
		fputs("</tr>\n", stream);
	}
	end_table(stream, NULL);
}

static void write_again(json_t *report, json_t *manifest, FILE *stream)
{
	json_t *recording = at(report, "recording"), *value;
	const char *key;

	fputs("<h2>Again</h2>\n", stream);
	if (recording)
		fprintf(stream,
			"<p>%" JSON_INTEGER_FORMAT
			" frames that entered the simulation are in %s. In the run directory, "
			"<code>ghostbridge replay .</code> simulates them again and compares; <code>ghostbridge replay "
			"--set "
			"LINK.delay=50ms .</code> shows what another network would have done to that traffic; "
			"<code>--pcap"
			"</code> writes what every simulated device saw.%s",
			json_integer_value(at(recording, "frames")), text(recording, "file"),
			json_is_true(at(recording, "complete")) ? "" : " <b>The recording is not complete:</b> ");
	else
		fputs("<p>Nothing was recorded. <code>ghostbridge run --record scenario.yaml</code> runs the scenario "
		      "of "
		      "this directory once more, and what enters the simulation then can be simulated again, bit for "
		      "bit.",
		      stream);
	figure_text(stream, text(recording, "incomplete"));
	fputs("</p>\n<p>Made with", stream);
	json_object_foreach(at(manifest, "versions"), key, value)
	{
		fprintf(stream, " %s ", key);
		figure_text(stream, json_is_string(value) ? json_string_value(value) : "");
		fputs(",", stream);
	}
	fprintf(stream, " seed %" JSON_INTEGER_FORMAT ", on ", json_integer_value(at(manifest, "seed")));
	figure_text(stream, text(at(manifest, "host"), "cpu"));
	fprintf(stream, ", %" JSON_INTEGER_FORMAT " cores.</p>\n",
		json_integer_value(at(at(manifest, "host"), "cores")));
}

void report_html(const struct scenario *scenario, json_t *report, json_t *manifest, const struct timeline *timeline,
		 const char *graph, FILE *stream)
{
	char *drawn = NULL;
	size_t size = 0;
	FILE *memory;

	fputs("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
	      "<meta name=viewport content=\"width=device-width, initial-scale=1\"><title>",
	      stream);
	figure_text(stream, text(report, "name"));
	fprintf(stream, ": %s</title><style>%s</style></head><body>\n<h1>", text(report, "result"), style);
	figure_text(stream, text(report, "name"));
	fprintf(stream, ": <span class=%s>%s</span></h1>\n<p>Ran for %.3f s, ready %.3f s after the start.%s",
		class_of(text(report, "result")), text(report, "result"), json_number_value(at(report, "duration_s")),
		json_number_value(at(report, "ready_s")),
		json_is_true(at(report, "interrupted")) ? " <b>Interrupted.</b>" : "");
	if (at(report, "failure")) {
		fputs(" <span class=ill>", stream);
		figure_text(stream, text(report, "failure"));
		fputs("</span>", stream);
	}
	fputs("</p>\n", stream);
	if (graph) {
		fprintf(stream, "<div class=wide>%s</div>\n", graph);
	} else if ((memory = open_memstream(&drawn, &size))) {
		picture_draw(scenario, memory);
		fclose(memory);
		fputs("<pre>", stream);
		figure_text(stream, drawn ? drawn : "");
		fputs("</pre>\n", stream);
		free(drawn);
	}
	write_steps(report, stream);
	write_expects(report, stream);
	write_fidelity(report, timeline, stream);
	write_links(report, stream);
	write_events(report, stream);
	write_again(report, manifest, stream);
	fputs("</body></html>\n", stream);
}
