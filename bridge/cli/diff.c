/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * diff.c - ghostbridge diff: are two recordings the same, and if not, where do they part?
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/cli/cli.h"
#include "bridge/cli/decode.h"
#include "bridge/cli/departed.h"
#include "bridge/record/flow.h"

struct side {
	const char *arg;
	struct recording recording;
	struct flow_port *flows;
	json_t *digest; /* NULL: none */
};

/* Where two recordings part first. */
struct parting {
	bool any;
	bool has[2];
	struct recording_entry entries[2];
	uint64_t number; /* entries of that ghost that were the same */
	uint64_t time_ns;
};

static int load(struct side *side)
{
	char dir[4096], path[4096];
	struct diag diag = {""};
	int status;

	status = cli_recording_path(side->arg, dir, path, sizeof(path));
	if (status)
		return status;
	if (recording_load(path, &side->recording, &diag) < 0)
		return cli_error(EXIT_USAGE, "%s: %s", path, diag.text);
	side->digest = cli_recording_digest(dir, &side->recording);
	side->flows = calloc(side->recording.port_count + 1u, sizeof(*side->flows));
	if (!side->flows || flow_find(&side->recording, side->flows) < 0)
		return cli_error(EXIT_HOST, "out of memory");
	if (side->recording.incomplete[0])
		cli_error(0, "%s is not complete: %s", side->arg, side->recording.incomplete);
	return 0;
}

/* What entered a ghost, or what left it, in order. In the file the two are interleaved in no particular way. */
static bool next_of_ghost(struct recording *cursor, uint32_t ghost, bool entered, struct recording_entry *ret)
{
	while (recording_next(cursor, ret)) {
		if (ret->ghost == ghost &&
		    (entered ? ret->kind == JOURNAL_IN || ret->kind == JOURNAL_CONTROL : ret->kind == JOURNAL_OUT))
			return true;
	}
	return false;
}

static bool is_same(const struct recording *a, const struct recording_entry *x, const struct recording *b,
		    const struct recording_entry *y)
{
	if (x->kind != y->kind || x->time_ns != y->time_ns || x->len != y->len || x->size != y->size)
		return false;
	if (x->kind != JOURNAL_CONTROL && strcmp(a->ports[x->interface].name, b->ports[y->interface].name) != 0)
		return false;
	if (x->kind == JOURNAL_OUT)
		return x->value == y->value;
	return memcmp(x->data, y->data, x->size) == 0;
}

/* The first difference of one ghost, if it is earlier than the one known. */
static void find_parting(struct side sides[2], uint32_t ghost, bool entered, struct parting *ret)
{
	struct recording cursors[2] = {sides[0].recording, sides[1].recording};
	struct parting parting = {.any = true};

	for (int i = 0; i < 2; i++)
		recording_rewind(&cursors[i]);
	for (;; parting.number++) {
		for (int i = 0; i < 2; i++)
			parting.has[i] = ghost < cursors[i].ghost_count &&
					 next_of_ghost(&cursors[i], ghost, entered, &parting.entries[i]);
		if (!parting.has[0] && !parting.has[1])
			return;
		if (!parting.has[0] || !parting.has[1] ||
		    !is_same(&cursors[0], &parting.entries[0], &cursors[1], &parting.entries[1]))
			break;
	}
	parting.time_ns = UINT64_MAX;
	for (int i = 0; i < 2; i++) {
		if (parting.has[i] && parting.entries[i].time_ns < parting.time_ns)
			parting.time_ns = parting.entries[i].time_ns;
	}
	if (!ret->any || parting.time_ns < ret->time_ns)
		*ret = parting;
}

static void describe(struct side *side, bool has, const struct recording_entry *entry, char *ret, size_t size)
{
	struct recording *recording = &side->recording;
	char frame[256] = "";

	if (!has) {
		snprintf(ret, size, "nothing more");
		return;
	}
	if (entry->kind == JOURNAL_CONTROL) {
		snprintf(ret, size, "at %.9f s the change \"%.*s\"", (double)entry->time_ns / 1e9, (int)entry->size,
			 entry->data ? (const char *)entry->data : "");
		return;
	}
	if (entry->kind == JOURNAL_IN)
		decode_frame(entry->data, entry->len, frame, sizeof(frame));
	else
		departed_decode(recording, entry, frame, sizeof(frame));
	snprintf(ret, size, "at %.9f s %u bytes %s %s%s%s", (double)entry->time_ns / 1e9, entry->len,
		 entry->kind == JOURNAL_IN ? "entered at" : "left at", recording->ports[entry->interface].name,
		 frame[0] ? ": " : "", frame);
}

static const struct flow_port *flow_of(const struct side *side, const char *port)
{
	for (uint32_t i = 0; i < side->recording.port_count; i++) {
		if (strcmp(side->recording.ports[i].name, port) == 0)
			return &side->flows[i];
	}
	return NULL;
}

/* What the books of that run say of a port's drops, by cause; NULL: nothing. */
static json_t *drops_of(const struct side *side, const char *port)
{
	return json_object_get(json_object_get(json_object_get(side->digest, "ports"), port), "drops");
}

static json_t *flow_json(const struct side *side, const char *port)
{
	const struct flow_port *flow = flow_of(side, port);
	json_t *all;

	if (!flow)
		return json_null();
	all = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:{s:f,s:f,s:f,s:f,s:f}}", "entered", (json_int_t)flow->entered,
			"entered_bytes", (json_int_t)flow->entered_bytes, "left", (json_int_t)flow->left, "left_bytes",
			(json_int_t)flow->left_bytes, "matched", (json_int_t)flow->found, "vanished",
			(json_int_t)flow->vanished, "delay_us", "min", (double)flow->delay_min_ns / 1e3, "mean",
			flow->delay_mean_ns / 1e3, "p50", (double)flow->delay_p50_ns / 1e3, "p99",
			(double)flow->delay_p99_ns / 1e3, "max", (double)flow->delay_max_ns / 1e3);
	if (drops_of(side, port))
		json_object_set(all, "drops", drops_of(side, port));
	return all;
}

static void print_drops(const json_t *drops)
{
	json_t *copy = json_deep_copy(drops), *count;
	const char *cause, *before = "; dropped ";

	json_object_foreach(copy, cause, count)
	{
		printf("%s%" PRId64 " %s", before, (int64_t)json_integer_value(count), cause);
		before = ", ";
	}
	json_decref(copy);
}

static void print_flow(const char *label, const struct side *side, const char *port)
{
	const struct flow_port *flow = flow_of(side, port);

	if (!flow) {
		printf("  %s  has no such port\n", label);
		return;
	}
	printf("  %s  entered %" PRIu64, label, flow->entered);
	if (flow->vanished)
		printf(" (%" PRIu64 " not found again)", flow->vanished);
	printf(", left %" PRIu64, flow->left);
	if (flow->found)
		printf("; delay min %.1f mean %.1f p99 %.1f max %.1f us", (double)flow->delay_min_ns / 1e3,
		       flow->delay_mean_ns / 1e3, (double)flow->delay_p99_ns / 1e3, (double)flow->delay_max_ns / 1e3);
	print_drops(drops_of(side, port));
	putchar('\n');
}

static json_t *ports_json(struct side sides[2])
{
	json_t *ports = json_object();

	for (int i = 0; i < 2; i++) {
		for (uint32_t j = 0; j < sides[i].recording.port_count; j++) {
			const char *name = sides[i].recording.ports[j].name;

			if (!json_object_get(ports, name))
				json_object_set_new(ports, name,
						    json_pack("{s:o,s:o}", "a", flow_json(&sides[0], name), "b",
							      flow_json(&sides[1], name)));
		}
	}
	return ports;
}

static int print(struct side sides[2], const struct parting *parting, bool scenarios_differ, bool json)
{
	bool same = !parting->any && !scenarios_differ;
	char texts[2][512] = {"", ""};

	for (int i = 0; parting->any && i < 2; i++)
		describe(&sides[i], parting->has[i], &parting->entries[i], texts[i], sizeof(texts[i]));
	if (json) {
		json_t *all = json_pack("{s:i,s:b,s:b,s:{s:s,s:s},s:o}", "schema", 1, "same", same, "same_scenario",
					!scenarios_differ, "incomplete", "a", sides[0].recording.incomplete, "b",
					sides[1].recording.incomplete, "ports", ports_json(sides));

		json_object_set_new(all, "first_difference",
				    parting->any ? json_pack("{s:f,s:I,s:s,s:s}", "at_s",
							     (double)parting->time_ns / 1e9, "equal_before",
							     (json_int_t)parting->number, "a", texts[0], "b", texts[1])
						 : json_null());
		json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
		putchar('\n');
		json_decref(all);
		return same ? EXIT_DONE : EXIT_FAILED;
	}
	printf("%s%s\n", same ? "the same" : "different",
	       same && (sides[0].recording.incomplete[0] || sides[1].recording.incomplete[0]) ? " as far as they go"
											      : "");
	if (scenarios_differ)
		printf("the scenarios are not the same text\n");
	if (parting->any)
		printf("after %" PRIu64 " equal ones\n  a  %s\n  b  %s\n", parting->number, texts[0], texts[1]);
	for (int i = 0; i < 2; i++) {
		for (uint32_t j = 0; j < sides[i].recording.port_count; j++) {
			const char *name = sides[i].recording.ports[j].name;

			if (i == 1 && flow_of(&sides[0], name))
				continue; /* shown with a's */
			printf("%s\n", name);
			print_flow("a", &sides[0], name);
			print_flow("b", &sides[1], name);
		}
	}
	return same ? EXIT_DONE : EXIT_FAILED;
}

static int diff_main(const struct verb *verb, int argc, char **argv)
{
	struct side sides[2] = {{.arg = NULL}};
	struct parting parting = {.any = false};
	struct options options;
	uint32_t ghosts = 0;
	int status = options_parse(verb, argc, argv, "j", 2, 2, &options);

	if (status >= 0)
		return status;
	status = 0;
	for (int i = 0; i < 2 && status == 0; i++) {
		sides[i].arg = options.args[i];
		status = load(&sides[i]);
		if (sides[i].recording.ghost_count > ghosts)
			ghosts = sides[i].recording.ghost_count;
	}
	if (status == 0) {
		for (uint32_t ghost = 0; ghost < ghosts; ghost++) {
			find_parting(sides, ghost, true, &parting);
			find_parting(sides, ghost, false, &parting);
		}
		status = print(sides, &parting, strcmp(sides[0].recording.scenario, sides[1].recording.scenario) != 0,
			       options.json);
	}
	for (int i = 0; i < 2; i++) {
		free(sides[i].flows);
		json_decref(sides[i].digest);
		recording_unload(&sides[i].recording);
	}
	return status;
}

const struct verb verb_diff = {
	.name = "diff",
	.usage = "[--json] DIR DIR",
	.summary = "Compare two recordings: where they part, delay and loss per port",
	.help = "  --json            print the result as JSON\n\n"
		"Prints the first frame or change that is not the same, with its headers, and for every port what\n"
		"entered and left, what was dropped for which cause, and how long frames were under way. Frames that\n"
		"a simulated node answered, or rewrote as a router does, are not found again there; when the first\n"
		"difference is one that such a node made, the simulation is run again up to it for its headers.\n"
		"Exit status: 0 the same, 1 not.\n",
	.main = diff_main,
};
