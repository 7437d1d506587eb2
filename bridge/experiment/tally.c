/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tally.c - see tally.h. The counters were written by other processes: sums wrap, they do not trap.
 */
#include "bridge/experiment/tally.h"

#include <string.h>

static uint64_t sum_drops(const uint64_t drops[STATS_DROP_COUNT])
{
	uint64_t sum = 0;

	for (int cause = 0; cause < STATS_DROP_COUNT; cause++)
		sum += drops[cause];
	return sum;
}

/* What is left over is under a name too. Return: whether it may be there. */
static bool book_rest(struct tally_dir *dir, uint64_t rest, bool settled, bool broken)
{
	if ((int64_t)rest < 0)
		return false;
	dir->drops[broken ? STATS_DROP_LOST : STATS_DROP_IN_FLIGHT] += rest;
	return rest == 0 || broken || !settled;
}

void tally_take_inner(struct tally_port *port)
{
	port->is_inner = true;
	port->shuttle.up = (struct stats_dir){.frames = port->ghost.up.frames, .bytes = port->ghost.up.bytes};
	port->shuttle.down = (struct stats_dir){.frames = port->ghost.down.frames, .bytes = port->ghost.down.bytes};
}

static void add_check(struct stats_check *into, const struct stats_check *from)
{
	uint64_t broken = stats_get(&from->broken), first_ns = stats_get(&from->first_ns);

	if (broken > 0 && (into->broken == 0 || first_ns < into->first_ns))
		into->first_ns = first_ns;
	into->checked += stats_get(&from->checked);
	into->broken += broken;
}

static uint64_t count_copies(const struct tally_link *link, size_t port_count, enum tally_medium medium)
{
	switch (medium) {
	case TALLY_SHARED:
		return link->transmitted * (port_count - 1);
	case TALLY_UNICAST:
		return link->transmitted;
	case TALLY_OPAQUE:
		break;
	}
	return link->received;
}

void tally_close(struct tally_port *ports, size_t port_count, enum tally_medium medium, bool settled, bool broken,
		 struct tally_link *ret)
{
	struct tally_link link = {.conserved = true};

	for (size_t i = 0; i < port_count; i++) {
		link.transmitted += ports[i].ghost.transmitted;
		link.received += ports[i].ghost.received;
		add_check(&link.spacing, &ports[i].ghost.spacing);
		add_check(&link.order, &ports[i].ghost.order);
	}
	link.copies = count_copies(&link, port_count, medium);
	link.propagating = (int64_t)(link.copies - link.received);
	/* Whose they are is not known before they arrive, so no port has them as in-flight. */
	if (medium == TALLY_UNICAST && !broken)
		link.conserved = link.propagating == 0 || (link.propagating > 0 && !settled);

	for (size_t i = 0; i < port_count; i++) {
		struct tally_port *port = &ports[i];
		const struct stats_port *shuttle = &port->shuttle, *ghost = &port->ghost;
		uint64_t copies = medium == TALLY_SHARED ? link.transmitted - ghost->transmitted : ghost->received;

		port->up = (struct tally_dir){.frames = shuttle->up.frames, .bytes = shuttle->up.bytes};
		port->down = (struct tally_dir){.frames = shuttle->down.frames, .bytes = shuttle->down.bytes};
		for (int cause = 0; cause < STATS_DROP_COUNT; cause++) {
			port->up.drops[cause] = shuttle->up.drops[cause] + ghost->up.drops[cause];
			port->down.drops[cause] = shuttle->down.drops[cause] + ghost->down.drops[cause];
		}
		port->conserved = book_rest(
			&port->up, port->up.frames + ghost->duplicated - sum_drops(port->up.drops) - ghost->transmitted,
			settled, broken);
		port->conserved &= book_rest(&port->down, copies - port->down.frames - sum_drops(port->down.drops),
					     settled, broken);
		/* The parts must agree as well, or two errors could cancel out. */
		port->conserved &= (int64_t)(copies - ghost->received) >= 0;

		link.frames_in += port->up.frames;
		link.duplicated += ghost->duplicated;
		link.frames_out += port->down.frames;
		if (port->is_inner) {
			link.inner_in += port->up.frames;
			link.inner_out += port->down.frames;
		}
		for (int cause = 0; cause < STATS_DROP_COUNT; cause++)
			link.drops[cause] += port->up.drops[cause] + port->down.drops[cause];
		link.conserved &= port->conserved;
	}
	*ret = link;
}

static json_t *check_json(const struct stats_check *check)
{
	json_t *object =
		json_pack("{s:I,s:I}", "checked", (json_int_t)check->checked, "broken", (json_int_t)check->broken);

	if (check->broken > 0)
		json_object_set_new(object, "first_s", json_real((double)check->first_ns / 1e9));
	return object;
}

json_t *tally_invariants(enum scenario_link_kind kind, const struct stats_check *spacing,
			 const struct stats_check *order)
{
	if ((kind == SCENARIO_LINK_WIFI || kind == SCENARIO_LINK_LTE) && order->checked > 0)
		return json_pack("{s:o}", "order", check_json(order));
	if (kind != SCENARIO_LINK_CSMA && kind != SCENARIO_LINK_P2P)
		return json_object();
	return json_pack("{s:o,s:o}", "spacing", check_json(spacing), "order", check_json(order));
}

static void add_dir(struct stats_dir *into, const struct stats_dir *from)
{
	stats_add(&into->frames, stats_get(&from->frames));
	stats_add(&into->bytes, stats_get(&from->bytes));
	for (int cause = 0; cause < STATS_DROP_COUNT; cause++)
		stats_add(&into->drops[cause], stats_get(&from->drops[cause]));
}

void tally_add(struct stats_port *into, const struct stats_port *from)
{
	add_dir(&into->up, &from->up);
	add_dir(&into->down, &from->down);
	stats_add(&into->stalls, stats_get(&from->stalls));
	stats_add(&into->transmitted, stats_get(&from->transmitted));
	stats_add(&into->duplicated, stats_get(&from->duplicated));
	stats_add(&into->received, stats_get(&from->received));
	add_check(&into->spacing, &from->spacing);
	add_check(&into->order, &from->order);
	into->digest = 0;
	stats_hist_merge(&into->late, &from->late);
}

void tally_copy(struct stats_port *into, const struct stats_port *live)
{
	memset(into, 0, sizeof(*into));
	tally_add(into, live);
	into->digest = stats_get(&live->digest);
}
