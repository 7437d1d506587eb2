/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scenario.c - questions about a loaded scenario.
 */
#include <string.h>

#include "bridge/scenario/scenario.h"

uint32_t scenario_find_node(const struct scenario *scenario, const char *name)
{
	for (size_t i = 0; i < scenario->node_count; i++)
		if (!strcmp(scenario->nodes[i].name, name))
			return (uint32_t)i;
	return SCENARIO_NONE;
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
	return count;
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
