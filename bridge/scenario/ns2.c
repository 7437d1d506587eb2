/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ns2.c - the ways of a Wi-Fi link's ends from a movement trace of ns-2, as its setdest and others write them.
 *
 * Such a file is Tcl, of which there are these statements (ns-2 manual, chapter "Mobile Networking in ns"):
 *
 *	$node_(0) set X_ 10.0
 *	$ns_ at 2.5 "$node_(0) setdest 90.0 10.0 1.5"
 *
 * ns-3's Ns2MobilityHelper passes over what it does not understand; here everything that is no statement of a node is
 * an error, but for `$god_`, which tells ns-2 how many hops there are. The file becomes part of the scenario's text.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/internal.h"

#define LINE_SIZE        256
#define COORDINATE_MAX_M 1e6
#define SPEED_MAX_MPS    10000
#define AT_MAX_S         604800 /* a week, as everywhere */
#define HORIZON_S        1e7    /* whoever takes longer to get there is followed so long */
#define NODE_MAX         1000000
#define EXAMPLE          "$node_(0) set X_ 10.0, or $ns_ at 2.5 \"$node_(0) setdest 90.0 10.0 1.5\""

enum action { SET, SETDEST };

struct statement {
	unsigned int line;
	uint32_t node;
	bool timed; /* else it holds from the beginning */
	uint64_t at_ns;
	enum action action;
	unsigned int axis; /* SET: 0 to 2 */
	double figures[3]; /* SET: [0]; SETDEST: x, y, m/s */
};

struct scn_ns2 {
	const char *name;
	struct scenario_pos pos;
	struct statement *statements;
	size_t count;
};

/* A line that is being read. */
struct cursor {
	struct scn_load *load;
	const struct scn_ns2 *trace;
	const char *at;
};

static bool skip_word(struct cursor *cursor, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(cursor->at, word, len))
		return false;
	cursor->at += len;
	cursor->at += strspn(cursor->at, " \t");
	return true;
}

static bool wrong(struct cursor *cursor)
{
	if (*cursor->at)
		scn_error_at(cursor->load, cursor->trace->pos,
			     "\"%s\" is not understood; a line of a movement trace is " EXAMPLE,
			     scn_show(cursor->at).text);
	else
		scn_error_at(cursor->load, cursor->trace->pos,
			     "the line ends too early; a line of a movement trace is " EXAMPLE);
	return false;
}

/* A figure as Tcl writes it, 12, -0.5, 1e3. */
static bool read_figure(struct cursor *cursor, const char *what, double min, double max, double *ret)
{
	static const char digits[] = "0123456789";
	const char *start = cursor->at, *at = start + strspn(start, "+-");
	size_t whole = strspn(at, digits), fraction = 0;
	char text[LINE_SIZE];

	if (at > start + 1)
		return wrong(cursor);
	at += whole;
	if (*at == '.') {
		fraction = strspn(at + 1, digits);
		at += 1 + fraction;
	}
	if (!whole && !fraction)
		return wrong(cursor);
	if (*at == 'e' || *at == 'E') {
		at++;
		at += *at == '+' || *at == '-';
		if (!strspn(at, digits))
			return wrong(cursor);
		at += strspn(at, digits);
	}
	if (*at && !strchr(" \t\"", *at))
		return wrong(cursor);
	snprintf(text, sizeof(text), "%.*s", (int)(at - start), start);
	*ret = strtod(text, NULL);
	if (!(*ret >= min && *ret <= max)) {
		scn_error_at(cursor->load, cursor->trace->pos, "%s %s is out of range; it is from %.9g to %.9g", what,
			     scn_show(text).text, min, max);
		return false;
	}
	cursor->at = at + strspn(at, " \t");
	return true;
}

/* "$node_(7) set X_ 1.0" or "$node_(7) setdest 1.0 2.0 3.0" */
static bool read_node_statement(struct cursor *cursor, struct statement *statement)
{
	static const char *const axes[] = {"X_ ", "Y_ ", "Z_ "};
	uint64_t node = 0;

	if (strncmp(cursor->at, "$node_(", 7) || cursor->at[7] < '0' || cursor->at[7] > '9')
		return wrong(cursor);
	for (cursor->at += 7; *cursor->at >= '0' && *cursor->at <= '9' && node <= NODE_MAX; cursor->at++)
		node = node * 10 + (uint64_t)(*cursor->at - '0');
	if (node > NODE_MAX) {
		scn_error_at(cursor->load, cursor->trace->pos, "nodes have numbers from 0 to %d", NODE_MAX);
		return false;
	}
	statement->node = (uint32_t)node;
	if (!skip_word(cursor, ")"))
		return wrong(cursor);
	if (skip_word(cursor, "setdest ")) {
		statement->action = SETDEST;
		return read_figure(cursor, "x", -COORDINATE_MAX_M, COORDINATE_MAX_M, &statement->figures[0]) &&
		       read_figure(cursor, "y", -COORDINATE_MAX_M, COORDINATE_MAX_M, &statement->figures[1]) &&
		       read_figure(cursor, "the speed", 0, SPEED_MAX_MPS, &statement->figures[2]);
	}
	if (!skip_word(cursor, "set "))
		return wrong(cursor);
	statement->action = SET;
	for (unsigned int i = 0; i < 3; i++)
		if (skip_word(cursor, axes[i])) {
			statement->axis = i;
			return read_figure(cursor, "the coordinate", -COORDINATE_MAX_M, COORDINATE_MAX_M,
					   &statement->figures[0]);
		}
	return wrong(cursor);
}

/* Return: whether there is a statement of a node; what is wrong is reported. */
static bool read_line(struct cursor *cursor, struct statement *statement)
{
	double seconds;

	cursor->at += strspn(cursor->at, " \t");
	if (!*cursor->at || *cursor->at == '#' || skip_word(cursor, "$god_ "))
		return false;
	if (skip_word(cursor, "$ns_ ")) {
		if (!skip_word(cursor, "at "))
			return wrong(cursor);
		if (!read_figure(cursor, "the time", 0, AT_MAX_S, &seconds))
			return false;
		statement->timed = true;
		statement->at_ns = (uint64_t)llround(seconds * 1e9);
		if (!skip_word(cursor, "\""))
			return wrong(cursor);
		if (skip_word(cursor, "$god_ "))
			return false;
		if (!read_node_statement(cursor, statement))
			return false;
		if (!skip_word(cursor, "\""))
			return wrong(cursor);
	} else if (!read_node_statement(cursor, statement)) {
		return false;
	}
	/* Without a time it is made when the file is read. */
	if (statement->action == SETDEST)
		statement->timed = true;
	return *cursor->at ? wrong(cursor) : true;
}

const struct scn_ns2 *scn_ns2_read(struct scn_load *load, struct scn_value *value)
{
	struct scn_ns2 *trace = scn_alloc(&load->tree, sizeof(*trace));
	const struct scn_value *text;
	char line[LINE_SIZE], source[128];
	size_t lines = 1, len, reported = load->reported;
	const char *at, *newline;
	unsigned int number = 0;

	if (value->kind != SCN_MAP && !scn_text(load, value))
		return NULL;
	text = trace ? scn_inline_file(load, value, &trace->name) : NULL;
	if (!text)
		return NULL;
	for (at = text->text; *at; at++)
		lines += *at == '\n';
	trace->pos = value->pos;
	trace->statements = scn_alloc(&load->tree, lines * sizeof(*trace->statements));
	if (!trace->statements) {
		load->nomem = true;
		return NULL;
	}
	load->source = source;
	load->source_pos = value->pos;
	for (at = text->text; *at && load->reported < SCN_REPORTED_MAX; at = newline ? newline + 1 : at + len) {
		struct statement statement = {.line = ++number};
		struct cursor cursor = {load, trace, line};

		newline = strchr(at, '\n');
		len = newline ? (size_t)(newline - at) : strlen(at);
		snprintf(source, sizeof(source), "%s:%u: ", scn_show(trace->name).text, number);
		if (len >= sizeof(line) && at[strspn(at, " \t")] != '#') {
			scn_error_at(load, value->pos, "a line of %zu bytes; at most %zu are allowed", len,
				     sizeof(line) - 1);
			continue;
		}
		snprintf(line, sizeof(line), "%.*s", (int)len, at);
		while (line[0] && strchr(" \t\r", line[strlen(line) - 1]))
			line[strlen(line) - 1] = '\0';
		if (read_line(&cursor, &statement))
			trace->statements[trace->count++] = statement;
	}
	load->source = NULL;
	return load->reported == reported ? trace : NULL;
}

static int compare(const void *a, const void *b)
{
	const struct statement *one = a, *other = b;

	if (one->timed != other->timed)
		return one->timed - other->timed;
	if (one->at_ns != other->at_ns)
		return one->at_ns < other->at_ns ? -1 : 1;
	return one->line < other->line ? -1 : one->line > other->line;
}

/* A node on its way. */
struct walk {
	struct scenario_place *place;
	struct scenario_vector position; /* at from_ns */
	uint64_t from_ns;
	bool moving;
	struct scenario_vector to;
	uint64_t arrival_ns;
};

/* Be at a place at a time; two places at one time are 1 ns apart. */
static void pass(struct walk *walk, uint64_t at_ns, struct scenario_vector position)
{
	struct scenario_place *place = walk->place;
	const struct scenario_waypoint *last = place->waypoints + place->waypoint_count;

	walk->from_ns = at_ns;
	walk->position = position;
	if (place->waypoint_count && at_ns <= (--last)->at_ns) {
		walk->from_ns = last->at_ns;
		if (last->position.x == position.x && last->position.y == position.y && last->position.z == position.z)
			return;
		walk->from_ns++;
	}
	place->waypoints[place->waypoint_count++] = (struct scenario_waypoint){walk->from_ns, position};
}

/* Bring a node to where it is at a time. */
static void go_on(struct walk *walk, uint64_t at_ns)
{
	struct scenario_vector from = walk->position, at = walk->to;
	double share;

	if (!walk->moving)
		return;
	walk->moving = false;
	if (at_ns < walk->arrival_ns) {
		share = at_ns <= walk->from_ns
				? 0
				: (double)(at_ns - walk->from_ns) / (double)(walk->arrival_ns - walk->from_ns);
		at.x = from.x + share * (at.x - from.x);
		at.y = from.y + share * (at.y - from.y);
	} else {
		at_ns = walk->arrival_ns;
	}
	pass(walk, at_ns, at);
}

/* `setdest`: straight on in the plane, from where the node is now. */
static void set_destination(struct walk *walk, const struct statement *statement)
{
	double x = statement->figures[0] - walk->position.x, y = statement->figures[1] - walk->position.y;
	double distance = sqrt(x * x + y * y), share = 1, seconds;

	pass(walk, statement->at_ns, walk->position);
	if (distance == 0 || statement->figures[2] == 0)
		return;
	seconds = distance / statement->figures[2];
	if (!(seconds <= HORIZON_S)) {
		share = HORIZON_S / seconds;
		seconds = HORIZON_S;
	}
	walk->moving = true;
	walk->to = walk->position;
	walk->to.x += share * x;
	walk->to.y += share * y;
	walk->arrival_ns = walk->from_ns + (uint64_t)llround(seconds * 1e9);
}

static void put(struct scenario_vector *position, const struct statement *statement)
{
	double *const axes[] = {&position->x, &position->y, &position->z};

	*axes[statement->axis] = statement->figures[0];
}

/* Those of one node, by time; what is not timed comes first. */
static struct statement *pick(struct scn_load *load, const struct scn_ns2 *trace, uint32_t node, size_t *ret_count)
{
	struct statement *picked;
	size_t count = 0;

	for (size_t i = 0; i < trace->count; i++)
		count += trace->statements[i].node == node;
	picked = scn_alloc(&load->tree, (count + 1) * sizeof(*picked));
	*ret_count = 0;
	if (!picked) {
		load->nomem = true;
		return NULL;
	}
	for (size_t i = 0; i < trace->count; i++)
		if (trace->statements[i].node == node)
			picked[(*ret_count)++] = trace->statements[i];
	qsort(picked, *ret_count, sizeof(*picked), compare);
	return picked;
}

void scn_ns2_follow(struct scn_load *load, const struct scn_ns2 *trace, const struct scn_value *end,
		    struct scenario_place *place)
{
	struct walk walk = {.place = place};
	unsigned int axes = 0;
	size_t count, i;
	struct statement *picked = pick(load, trace, place->trace_node, &count);

	if (!picked)
		return;
	if (!count) {
		scn_error(load, end,
			  "there is no node %u in %s; give the end {mobility: {model: ns2, node: N}} with a node that "
			  "is, or a position",
			  place->trace_node, scn_show(trace->name).text);
		return;
	}
	/* Jumps at the very beginning are a way to say where it stands, too. */
	for (i = 0; i < count && picked[i].action == SET && picked[i].at_ns == 0; i++) {
		axes |= 1u << picked[i].axis;
		put(&walk.position, &picked[i]);
	}
	if ((axes & 3) != 3) {
		scn_error(load, end,
			  "%s:%u: node %u is nowhere yet; write $node_(%u) set X_ 10.0, and the "
			  "same with Y_, before",
			  scn_show(trace->name).text, picked[i < count ? i : i - 1].line, place->trace_node,
			  place->trace_node);
		return;
	}
	place->position = walk.position;
	place->mobility = SCENARIO_MOBILITY_FIXED;
	/* the end of the way before, and here and there */
	place->waypoints = scn_new(load, 3 * (count - i) + 1, sizeof(*place->waypoints));
	if (!place->waypoints)
		return;
	for (; i < count; i++) {
		go_on(&walk, picked[i].at_ns);
		if (picked[i].action == SETDEST) {
			set_destination(&walk, &picked[i]);
			continue;
		}
		pass(&walk, picked[i].at_ns, walk.position);
		put(&walk.position, &picked[i]);
		pass(&walk, picked[i].at_ns, walk.position);
	}
	go_on(&walk, UINT64_MAX);
	if (place->waypoint_count)
		place->mobility = SCENARIO_MOBILITY_WAYPOINTS;
}
