/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * islands.c - which links are simulated together, and in which ghost.
 *
 * An island is a connected component of simulated links joined by simulated nodes. Real nodes cut the graph: frames
 * cross them in real time, so islands need not know of one another and may run in different processes.
 * The links of the user's own program are one island, with a ghost to itself.
 */
#include <string.h>

#include "bridge/scenario/internal.h"

/* Union-find; the root of a set is its first link in the file. */
static uint32_t find_root(uint32_t *parents, uint32_t link)
{
	while (parents[link] != link) {
		parents[link] = parents[parents[link]];
		link = parents[link];
	}
	return link;
}

static void join(uint32_t *parents, uint32_t a, uint32_t b)
{
	a = find_root(parents, a);
	b = find_root(parents, b);
	if (a < b)
		parents[b] = a;
	else
		parents[a] = b;
}

static void join_links(const struct scenario *scenario, uint32_t *parents, uint32_t *node_links)
{
	for (size_t i = 0; i < scenario->node_count; i++)
		node_links[i] = SCENARIO_NONE;
	for (size_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];

		if (!scenario_link_is_simulated(&scenario->links[end->link]) ||
		    scenario_node_is_real(&scenario->nodes[end->node]))
			continue;
		if (node_links[end->node] != SCENARIO_NONE)
			join(parents, node_links[end->node], end->link);
		node_links[end->node] = end->link;
	}
	for (uint32_t i = 0, first = SCENARIO_NONE; i < scenario->link_count; i++) {
		if (scenario->links[i].kind != SCENARIO_LINK_GHOST)
			continue;
		if (first == SCENARIO_NONE)
			first = i;
		join(parents, first, i);
	}
}

/* An island without a port would be simulated for nobody. @reached is scratch, one per link. */
static bool check_reached(struct scn_load *load, uint32_t *parents, uint32_t *reached)
{
	const struct scenario *scenario = load->scenario;

	for (size_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];

		if (scenario_node_is_real(&scenario->nodes[end->node]))
			reached[find_root(parents, end->link)] = 1;
	}
	for (uint32_t i = 0; i < scenario->link_count; i++) {
		if (reached[find_root(parents, i)])
			continue;
		scn_error_at(
			load, scenario->links[i].pos,
			"links.%s: leads to simulated nodes only, so nobody would see what happens there; join it to a "
			"container",
			scenario->links[i].name);
		return false;
	}
	memset(reached, 0, scenario->link_count * sizeof(*reached));
	return true;
}

/* Heaviest island first, each into the lightest ghost so far; the file's order decides ties. */
static void pack(struct scenario *scenario, uint32_t *parents, uint32_t *weights, uint32_t *ghosts, uint32_t workers)
{
	uint64_t loads[SCN_WORKERS_MAX] = {0};
	uint32_t best, lightest;

	for (;;) {
		best = SCENARIO_NONE;
		for (uint32_t i = 0; i < scenario->link_count; i++)
			if (weights[i] && (best == SCENARIO_NONE || weights[i] > weights[best]))
				best = i;
		if (best == SCENARIO_NONE)
			break;
		if (scenario->links[best].kind == SCENARIO_LINK_GHOST) {
			ghosts[best] = SCN_WORKERS_MAX;
			weights[best] = 0;
			continue;
		}
		lightest = 0;
		for (uint32_t i = 1; i < workers; i++)
			if (loads[i] < loads[lightest])
				lightest = i;
		loads[lightest] += weights[best];
		ghosts[best] = lightest;
		weights[best] = 0;
	}
	for (uint32_t i = 0; i < scenario->link_count; i++)
		if (scenario_link_is_simulated(&scenario->links[i]))
			scenario->links[i].ghost = ghosts[find_root(parents, i)];
}

/* Counters of applications come last. Links that meet in a simulated node are one island, so any of its ends will do.
 */
static void number_apps(struct scenario *scenario, uint32_t *counters)
{
	uint32_t ghost;

	for (uint32_t i = 0; i < scenario->node_count; i++) {
		ghost = SCENARIO_NONE;
		for (size_t j = 0; j < scenario->end_count && scenario->nodes[i].app_count; j++)
			if (scenario->ends[j].node == i)
				ghost = scenario->links[scenario->ends[j].link].ghost;
		for (size_t j = 0; j < scenario->nodes[i].app_count; j++) {
			scenario->nodes[i].apps[j].ghost = ghost;
			scenario->nodes[i].apps[j].stats = ghost == SCENARIO_NONE ? SCENARIO_NONE : counters[ghost]++;
		}
	}
}

void scn_pack_islands(struct scn_load *load, uint32_t workers)
{
	struct scenario *scenario = load->scenario;
	size_t links = scenario->link_count + 1;
	uint32_t *parents, *weights, *ghosts, *node_links, renumber[SCN_WORKERS_MAX + 1],
		ports[SCN_WORKERS_MAX + 1] = {0};
	struct scenario_end *end;

	parents = scn_alloc(&load->tree, links * sizeof(*parents));
	weights = scn_alloc(&load->tree, links * sizeof(*weights));
	ghosts = scn_alloc(&load->tree, links * sizeof(*ghosts));
	node_links = scn_alloc(&load->tree, scenario->node_count * sizeof(*node_links));
	if (!parents || !weights || !ghosts || !node_links) {
		load->nomem = true;
		return;
	}
	for (uint32_t i = 0; i < scenario->link_count; i++)
		parents[i] = i;
	join_links(scenario, parents, node_links);
	if (!check_reached(load, parents, ghosts))
		return;
	for (uint32_t i = 0; i < scenario->link_count; i++)
		if (scenario_link_is_simulated(&scenario->links[i]))
			weights[find_root(parents, i)] += scenario->links[i].end_count;
	pack(scenario, parents, weights, ghosts, workers);

	/* ghosts in the order of their first link, so that ghost 0 is where a reader of the file looks for it */
	memset(renumber, 0xff, sizeof(renumber));
	for (uint32_t i = 0; i < scenario->link_count; i++) {
		struct scenario_link *link = &scenario->links[i];

		if (!scenario_link_is_simulated(link))
			continue;
		if (renumber[link->ghost] == SCENARIO_NONE)
			renumber[link->ghost] = scenario->ghost_count++;
		link->ghost = renumber[link->ghost];
	}
	for (size_t i = 0; i < scenario->end_count; i++) {
		end = &scenario->ends[i];
		end->port = SCENARIO_NONE;
		if (scenario->links[end->link].ghost != SCENARIO_NONE &&
		    scenario_node_is_real(&scenario->nodes[end->node]))
			end->port = ports[scenario->links[end->link].ghost]++;
	}
	/* counters: those of the ports first, then those of other ends through which frames enter, then the rest */
	for (size_t i = 0; i < scenario->end_count; i++)
		scenario->ends[i].stats = scenario->ends[i].port;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < scenario->end_count; i++) {
			end = &scenario->ends[i];
			if (scenario->links[end->link].ghost != SCENARIO_NONE && end->stats == SCENARIO_NONE &&
			    (pass || scenario_node_is_replay(&scenario->nodes[end->node])))
				end->stats = ports[scenario->links[end->link].ghost]++;
		}
	}
	number_apps(scenario, ports);
}
