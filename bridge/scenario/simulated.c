/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * simulated.c - nodes that exist inside ns-3 only.
 */
#include "bridge/scenario/internal.h"

static const char *const simulated_keys[] = {"kind", "role", NULL};

void scn_load_simulated(struct scn_load *load, const struct scn_value *map, struct scenario_node *node)
{
	static const char *const roles[] = {"host", "router", "switch", "hub", NULL};
	unsigned int role = SCENARIO_ROLE_HOST;

	scn_read_map(load, map, simulated_keys);
	scn_read_word(load, map, "role", "router", roles, &role);
	node->role = (enum scenario_role)role;
}
