/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * warnings.c - what a scenario may say, but its author hardly means.
 *
 * Here is what concerns switches; lag.c has what concerns lags.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bridge/scenario/internal.h"
#include "bridge/scenario/switch.h"

void scn_warn(struct scn_warnings *warnings, struct scenario_pos pos, char *text)
{
	struct scenario_errors *kept = warnings->kept;

	warnings->count++;
	if (text && kept->count < SCENARIO_ERRORS_MAX)
		kept->items[kept->count++] = (struct scenario_error){.pos = pos, .text = text};
	else
		free(text);
}

/* Open vSwitch fails open three probes after it last heard of its controller, and empties the table to do so. */
static void warn_of_switch(const struct scenario_node *node, struct scn_warnings *warnings)
{
	const struct scenario_switch *sw = node->sw;
	const char *what = sw->flows.count ? "flows" : sw->groups.count ? "groups" : sw->meters.count ? "meters" : NULL;
	char *text;

	if (!what || !sw->controller_count || sw->is_secure)
		return;
	if (asprintf(&text,
		     "nodes.%s: %s beside a controller, and fail-mode is standalone: 3 s without the controller make "
		     "Open "
		     "vSwitch empty the tables, and what the file has does not come back; write fail-mode: secure",
		     node->name, what) < 0)
		text = NULL;
	scn_warn(warnings, sw->controllers[0].pos, text);
}

size_t scenario_warnings(const struct scenario *scenario, struct scenario_errors *ret)
{
	struct scn_warnings warnings = {.kept = ret};

	ret->count = 0;
	for (size_t i = 0; i < scenario->node_count; i++)
		if (scenario->nodes[i].sw)
			warn_of_switch(&scenario->nodes[i], &warnings);
	scn_warn_of_lag(scenario, &warnings);
	return warnings.count;
}
