/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * place.c - where the ends of a Wi-Fi link are, and how they move.
 *
 * `position` and `mobility` of an end say so for that end, `mobility` of the link for those that say nothing.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bridge/scenario/internal.h"

#define COORDINATE_MAX_M 1e6
#define SPEED_MAX_MPS    10000
#define SPACING_M        5 /* between the ends of a link that says nothing of places */
#define AT_NS_MAX        UINT64_C(604800000000000)
#define PAUSE_NS_MAX     UINT64_C(86400000000000)
#define PAUSE_NS         UINT64_C(2000000000) /* as ns-3's RandomWaypointMobilityModel */
#define WAYPOINTS_MAX    10000

static const char *const role_words[] = {"station", "ap", NULL};
/* in the order of enum scenario_mobility, which "ns2" is not in: it becomes waypoints */
static const char *const end_words[] = {"fixed", "waypoints", "random-waypoint", "velocity", "ns2", NULL};
#define END_NS2 4
static const char *const end_keys[] = {"model", "waypoints", "velocity", "area", "speed", "pause", "node", NULL};
enum layout { LAYOUT_LINE, LAYOUT_GRID, LAYOUT_DISC, LAYOUT_RANDOM_WAYPOINT, LAYOUT_NS2 };
static const char *const layout_words[] = {"line", "grid", "disc", "random-waypoint", "ns2", NULL};
static const char *const layout_keys[] = {"model", "spacing", "columns", "radius", "area",
					  "speed", "pause",   "trace",   NULL};

/* A list of figures with a unit. */
static bool read_list(struct scn_load *load, const struct scn_value *value, const char *unit, double limit,
		      size_t count, double *ret)
{
	double figures[4];
	size_t i = 0;

	if (value->kind != SCN_LIST || value->count != count) {
		scn_error(load, value, "is no list of %zu; write %s%s", count,
			  count == 3   ? "[x, y, z], as in [10m, 0m, 0m]"
			  : count == 4 ? "[0m, 100m, 0m, 100m]"
				       : "[1m/s, 2m/s]",
			  count == 3 && strcmp(unit, "m") ? ", each with its unit" : "");
		return false;
	}
	for (const struct scn_value *child = value->first; child; child = child->next)
		if (!scn_read_quantity(load, child, unit, -limit, limit, &figures[i++]))
			return false;
	memcpy(ret, figures, count * sizeof(*ret));
	return true;
}

static bool read_vector(struct scn_load *load, const struct scn_value *value, const char *unit, double limit,
			struct scenario_vector *ret)
{
	double figures[3];

	if (!read_list(load, value, unit, limit, 3, figures))
		return false;
	*ret = (struct scenario_vector){figures[0], figures[1], figures[2]};
	return true;
}

static void read_waypoints(struct scn_load *load, const struct scn_value *map, struct scenario_place *place)
{
	static const char *const keys[] = {"at", "position", NULL};
	const struct scn_value *list = scn_get(map, "waypoints"), *child, *position;
	struct scenario_waypoint *next;

	if (!list) {
		scn_need(load, map, "waypoints", "[{at: 1s, position: [10m, 0m, 0m]}]");
		return;
	}
	if (!scn_want(load, list, SCN_LIST))
		return;
	if (!list->count || list->count > WAYPOINTS_MAX) {
		scn_error(load, list, "%zu waypoints; give from 1 to %d", list->count, WAYPOINTS_MAX);
		return;
	}
	place->waypoints = scn_new(load, list->count, sizeof(*place->waypoints));
	for (child = list->first; child && place->waypoints; child = child->next) {
		if (!scn_read_map(load, child, keys))
			continue;
		next = &place->waypoints[place->waypoint_count];
		position = scn_get(child, "position");
		if (!position)
			scn_need(load, child, "position", "[10m, 0m, 0m]");
		if (!scn_read_unit(load, child, "at", "1s", SCN_TIME, 0, AT_NS_MAX, &next->at_ns) || !position ||
		    !read_vector(load, position, "m", COORDINATE_MAX_M, &next->position))
			continue;
		if (place->waypoint_count && next->at_ns <= next[-1].at_ns) {
			scn_error(load, scn_get(child, "at"),
				  "is not after the waypoint before; list them in order of time");
			continue;
		}
		place->waypoint_count++;
	}
}

/* area, speed and pause of random-waypoint */
static void read_random(struct scn_load *load, const struct scn_value *map, struct scenario_place *place)
{
	const struct scn_value *area = scn_get(map, "area"), *speed = scn_get(map, "speed");

	place->pause_ns = PAUSE_NS;
	scn_read_unit(load, map, "pause", NULL, SCN_TIME, 0, PAUSE_NS_MAX, &place->pause_ns);
	if (!area)
		scn_need(load, map, "area", "[0m, 100m, 0m, 100m]");
	else if (read_list(load, area, "m", COORDINATE_MAX_M, 4, place->area_m) &&
		 (place->area_m[0] >= place->area_m[1] || place->area_m[2] >= place->area_m[3]))
		scn_error(load, area, "has no extent; write [x from, x to, y from, y to]");
	if (!speed)
		scn_need(load, map, "speed", "[1m/s, 2m/s]");
	else if (read_list(load, speed, "m/s", SPEED_MAX_MPS, 2, place->speed_mps) &&
		 (place->speed_mps[0] < 0.001 || place->speed_mps[0] > place->speed_mps[1]))
		scn_error(load, speed, "is not [slowest, fastest] with the slowest above 0m/s");
}

static void read_mobility(struct scn_load *load, const struct scn_value *map, struct scenario_place *place)
{
	/* which model has which keys: bits per enum scenario_mobility */
	static const struct {
		const char *key;
		unsigned int models;
	} owners[] = {
		{"waypoints", 1u << SCENARIO_MOBILITY_WAYPOINTS},   {"velocity", 1u << SCENARIO_MOBILITY_VELOCITY},
		{"area", 1u << SCENARIO_MOBILITY_RANDOM_WAYPOINT},  {"speed", 1u << SCENARIO_MOBILITY_RANDOM_WAYPOINT},
		{"pause", 1u << SCENARIO_MOBILITY_RANDOM_WAYPOINT}, {"node", 1u << END_NS2}};
	unsigned int model = 0;
	uint64_t node = 0;

	if (map->kind == SCN_TEXT && !strcmp(map->text, end_words[0]))
		return;
	if (!scn_read_map(load, map, end_keys) || !scn_read_word(load, map, "model", "waypoints", end_words, &model))
		return;
	if (model != END_NS2)
		place->mobility = (enum scenario_mobility)model;
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		if (scn_get(map, owners[i].key) && !(owners[i].models & 1u << model))
			scn_error_key(load, scn_get(map, owners[i].key), "%s has no such parameter; leave it out",
				      end_words[model]);
	if (model == END_NS2) {
		if (scn_read_count(load, map, "node", "0", 0, SCENARIO_NONE - 1, &node))
			place->trace_node = (uint32_t)node;
		return;
	}
	switch (place->mobility) {
	case SCENARIO_MOBILITY_FIXED:
		break;
	case SCENARIO_MOBILITY_WAYPOINTS:
		read_waypoints(load, map, place);
		break;
	case SCENARIO_MOBILITY_RANDOM_WAYPOINT:
		read_random(load, map, place);
		break;
	case SCENARIO_MOBILITY_VELOCITY:
		if (!scn_get(map, "velocity"))
			scn_need(load, map, "velocity", "[1m/s, 0m/s, 0m/s]");
		else
			read_vector(load, scn_get(map, "velocity"), "m/s", SPEED_MAX_MPS, &place->velocity);
		break;
	}
}

void scn_read_position(struct scn_load *load, const struct scn_value *value, struct scenario_vector *ret)
{
	if (value)
		read_vector(load, value, "m", COORDINATE_MAX_M, ret);
}

void scn_load_wifi_end(struct scn_load *load, const struct scenario_link *link, struct scenario_end *end,
		       const struct scn_value *map)
{
	const struct scn_value *position = scn_get(map, "position"), *mobility = scn_get(map, "mobility"),
			       *role = scn_get(map, "role"), *promiscuous = scn_get(map, "promiscuous");
	unsigned int word = 0;

	if (link->kind != SCENARIO_LINK_WIFI) {
		const struct scn_value *foreign = role;

		if (!foreign && link->kind != SCENARIO_LINK_LTE)
			foreign = mobility ? mobility : position;
		if (foreign)
			scn_error_key(load, foreign, "only an end of a wifi link has this key; leave it out");
		if (link->kind != SCENARIO_LINK_LTE)
			return;
		if (promiscuous)
			scn_error_key(load, promiscuous, "LTE carries to everybody only what is his; leave it out");
		end->place = scn_new(load, 1, sizeof(*end->place));
		if (end->place)
			end->place->trace_node = SCENARIO_NONE;
		if (!end->place)
			return;
		if (mobility)
			read_mobility(load, mobility, end->place);
		scn_read_position(load, position, &end->place->position);
		if (position && end->place->trace_node != SCENARIO_NONE)
			scn_error_key(load, position, "the trace says where it begins; leave it out");
		else if (!position && end->place->waypoint_count)
			end->place->position = end->place->waypoints[0].position;
		return;
	}
	end->place = scn_new(load, 1, sizeof(*end->place));
	if (!end->place || !link->wifi)
		return;
	end->place->trace_node = SCENARIO_NONE;
	if (role && link->wifi->mode != SCENARIO_WIFI_INFRASTRUCTURE)
		scn_error_key(load, role, "only an infrastructure has access points; leave it out");
	else
		scn_read_word(load, map, "role", NULL, role_words, &word);
	end->place->is_ap = word == 1;
	if (!end->place->is_ap && end->node != SCENARIO_NONE) {
		const struct scenario_node *node = &load->scenario->nodes[end->node];

		if (!scenario_node_is_real(node) && !scenario_role_has_ip(node->role))
			scn_error(load, map,
				  "a simulated switch or hub sends from many addresses, a Wi-Fi station from one; make "
				  "it "
				  "an access point (role: ap), or a router");
	}
	if (promiscuous && !end->place->is_ap)
		scn_error_key(load, promiscuous, "only an access point hands on frames for others; leave it out");
	if (position)
		read_vector(load, position, "m", COORDINATE_MAX_M, &end->place->position);
	if (mobility)
		read_mobility(load, mobility, end->place);
	if (position && end->place->trace_node != SCENARIO_NONE)
		scn_error_key(load, position, "the trace says where node %u of it begins; leave it out",
			      end->place->trace_node);
	/* A first waypoint at the very beginning is a position. */
	if (!position && end->place->waypoint_count)
		end->place->position = end->place->waypoints[0].position;
}

/* A fraction in [0, 1) that depends on seed and port alone (splitmix64's finaliser). */
static double fraction(const struct scenario *scenario, const struct scenario_link *link, uint32_t number, char what)
{
	uint64_t x = scenario->seed * UINT64_C(0x9e3779b97f4a7c15) +
		     ((uint64_t)scn_hash(link->name, strlen(link->name)) << 32) + number * 256u + (unsigned char)what;

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	return (double)(x >> 11) / 9007199254740992.0;
}

void scn_place_ends(struct scn_load *load, const struct scn_value *map, struct scenario_link *link)
{
	const struct scn_value *mobility = scn_get(map, "mobility"), *value;
	struct scenario_place layout = {.trace_node = SCENARIO_NONE};
	const struct scn_ns2 *trace = NULL;
	double spacing = SPACING_M, radius = 0;
	unsigned int word = LAYOUT_LINE;
	uint64_t columns = 1;

	while (columns * columns < link->end_count)
		columns++;
	if (mobility && (!scn_read_map(load, mobility, layout_keys) ||
			 !scn_read_word(load, mobility, "model", "line", layout_words, &word)))
		return;
	if (mobility) {
		static const unsigned int owners[] = {[0] = 0x1f, [1] = 0x3, [2] = 0x2, [3] = 0x4, 0x8, 0x8, 0x8, 0x10};

		for (size_t i = 0; layout_keys[i]; i++)
			if (scn_get(mobility, layout_keys[i]) && !(owners[i] & 1u << word))
				scn_error_key(load, scn_get(mobility, layout_keys[i]),
					      "%s has no such parameter; leave it out", layout_words[word]);
		scn_read_quantity(load, scn_get(mobility, "spacing"), "m", 0, COORDINATE_MAX_M, &spacing);
		scn_read_count(load, mobility, "columns", NULL, 1, SCENARIO_WIFI_ENDS_MAX, &columns);
		value = scn_get(mobility, "radius");
		if (word == LAYOUT_DISC && !value)
			scn_need(load, mobility, "radius", "50m");
		scn_read_quantity(load, value, "m", 0, COORDINATE_MAX_M, &radius);
		if (word == LAYOUT_RANDOM_WAYPOINT)
			read_random(load, mobility, &layout);
		if (word == LAYOUT_NS2 && !scn_get(mobility, "trace"))
			scn_need(load, mobility, "trace", "walk.tcl");
		else if (word == LAYOUT_NS2)
			trace = scn_ns2_read(load, scn_get(mobility, "trace"));
		if (word == LAYOUT_NS2 && !trace)
			return;
	}
	for (uint32_t i = 0; i < link->end_count; i++) {
		struct scenario_end *end = &load->scenario->ends[link->first_end + i];
		struct scenario_place *place = end->place;
		double angle, distance;

		value = load->drafts[link->first_end + i].value;
		if (!place || (value->kind == SCN_MAP && scn_get(value, "position")))
			continue;
		if (word == LAYOUT_RANDOM_WAYPOINT && !(value->kind == SCN_MAP && scn_get(value, "mobility"))) {
			layout.is_ap = place->is_ap;
			*place = layout;
			place->mobility = SCENARIO_MOBILITY_RANDOM_WAYPOINT;
		}
		if (trace && !(value->kind == SCN_MAP && scn_get(value, "mobility")))
			place->trace_node = i;
		if (place->trace_node != SCENARIO_NONE) {
			if (trace)
				scn_ns2_follow(load, trace, value, place);
			else
				scn_error(load, scn_get(value, "mobility"),
					  "the link has no trace; give it {mobility: {model: ns2, trace: walk.tcl}}");
			continue;
		}
		switch (place->mobility) {
		case SCENARIO_MOBILITY_WAYPOINTS:
			continue;
		case SCENARIO_MOBILITY_RANDOM_WAYPOINT:
			place->position.x = place->area_m[0] + (place->area_m[1] - place->area_m[0]) *
								       fraction(load->scenario, link, i, 'x');
			place->position.y = place->area_m[2] + (place->area_m[3] - place->area_m[2]) *
								       fraction(load->scenario, link, i, 'y');
			continue;
		case SCENARIO_MOBILITY_FIXED:
		case SCENARIO_MOBILITY_VELOCITY:
			break;
		}
		switch ((enum layout)word) {
		case LAYOUT_LINE:
		case LAYOUT_RANDOM_WAYPOINT:
		case LAYOUT_NS2:
			place->position.x = spacing * i;
			break;
		case LAYOUT_GRID:
			place->position.x = spacing * (i % (uint32_t)columns);
			place->position.y = spacing * (i / (uint32_t)columns);
			break;
		case LAYOUT_DISC:
			/* evenly over the area, where ns-3's RandomDiscPositionAllocator crowds the centre */
			angle = 2 * 3.14159265358979323846 * fraction(load->scenario, link, i, 'a');
			distance = radius * sqrt(fraction(load->scenario, link, i, 'r'));
			place->position.x = distance * cos(angle);
			place->position.y = distance * sin(angle);
			break;
		}
	}
}

void scn_finish_wifi(struct scn_load *load, const struct scn_value *map, struct scenario_link *link)
{
	uint32_t aps = 0;

	scn_place_ends(load, map, link);
	for (uint32_t i = 0; i < link->end_count; i++) {
		const struct scenario_end *end = &load->scenario->ends[link->first_end + i];

		aps += end->place && end->place->is_ap;
	}
	if (!link->wifi || link->wifi->mode != SCENARIO_WIFI_INFRASTRUCTURE || !link->end_count)
		return;
	if (!aps)
		scn_error_key(load, map, "has no access point; write {node: h1, role: ap} for one of the ends");
	else if (aps == link->end_count)
		scn_error_key(load, map, "has no station; leave role: ap out at one of the ends");
}
