/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scenario.c - questions about a loaded scenario.
 */
#include <string.h>

#include "bridge/scenario/scenario.h"

const char *scenario_link_kind_name(enum scenario_link_kind kind)
{
	switch (kind) {
	case SCENARIO_LINK_CSMA:
		return "csma";
	case SCENARIO_LINK_WIRE:
		return "wire";
	case SCENARIO_LINK_GHOST:
		return "ghost";
	case SCENARIO_LINK_P2P:
		return "p2p";
	case SCENARIO_LINK_LTE:
		return "lte";
	case SCENARIO_LINK_WIFI:
		return "wifi";
	}
	return "?";
}

uint64_t scenario_direction_rate_bps(const struct scenario_direction *way)
{
	/* An opportunity carries a packet of 1500 bytes, see trace.c. */
	if (way->trace_ms)
		return (uint64_t)way->trace_count * 1500 * 8 * 1000 / way->trace_ms[way->trace_count - 1];
	return way->rate_bps;
}

uint64_t scenario_end_rate_bps(const struct scenario *scenario, uint32_t end)
{
	const struct scenario_link *link = &scenario->links[scenario->ends[end].link];

	if (!link->ways)
		return link->rate_bps;
	return scenario_direction_rate_bps(&link->ways[end - link->first_end]);
}

uint32_t scenario_find_node(const struct scenario *scenario, const char *name)
{
	for (size_t i = 0; i < scenario->node_count; i++)
		if (!strcmp(scenario->nodes[i].name, name))
			return (uint32_t)i;
	return SCENARIO_NONE;
}

bool scenario_ghost_is_program(const struct scenario *scenario, uint32_t ghost)
{
	for (size_t i = 0; i < scenario->link_count; i++)
		if (scenario->links[i].kind == SCENARIO_LINK_GHOST && scenario->links[i].ghost == ghost)
			return true;
	return false;
}

const struct scenario_end *scenario_find_port(const struct scenario *scenario, uint32_t ghost, uint32_t port)
{
	for (size_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];

		if (scenario->links[end->link].ghost == ghost && end->port == port && port != SCENARIO_NONE)
			return end;
	}
	return NULL;
}

uint32_t scenario_inner_count(const struct scenario *scenario, uint32_t ghost)
{
	uint32_t count = 0;

	for (size_t i = 0; i < scenario->end_count; i++)
		if (ghost != SCENARIO_NONE && scenario->links[scenario->ends[i].link].ghost == ghost &&
		    scenario->ends[i].port == SCENARIO_NONE)
			count++;
	for (size_t i = 0; i < scenario->node_count; i++)
		for (size_t j = 0; ghost != SCENARIO_NONE && j < scenario->nodes[i].app_count; j++)
			count += scenario->nodes[i].apps[j].ghost == ghost;
	return count;
}

uint32_t scenario_app_count(const struct scenario *scenario)
{
	size_t count = 0;

	for (size_t i = 0; i < scenario->node_count; i++)
		count += scenario->nodes[i].app_count;
	return (uint32_t)count;
}

uint32_t scenario_port_count(const struct scenario *scenario, uint32_t ghost)
{
	uint32_t count = 0;

	for (size_t i = 0; i < scenario->end_count; i++)
		if (ghost != SCENARIO_NONE && scenario->ends[i].port != SCENARIO_NONE &&
		    scenario->links[scenario->ends[i].link].ghost == ghost)
			count++;
	return count;
}

const struct scenario_end *scenario_find_input(const struct scenario *scenario, uint32_t ghost, uint32_t input)
{
	for (size_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];

		if (scenario->links[end->link].ghost == ghost && end->stats == input && input != SCENARIO_NONE &&
		    (end->port != SCENARIO_NONE || scenario_node_is_replay(&scenario->nodes[end->node])))
			return end;
	}
	return NULL;
}

uint32_t scenario_input_count(const struct scenario *scenario, uint32_t ghost)
{
	uint32_t count = scenario_port_count(scenario, ghost);

	for (size_t i = 0; i < scenario->end_count; i++)
		if (ghost != SCENARIO_NONE && scenario->links[scenario->ends[i].link].ghost == ghost &&
		    scenario_node_is_replay(&scenario->nodes[scenario->ends[i].node]))
			count++;
	return count;
}
