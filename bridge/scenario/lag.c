/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lag.c - where `lag` is longer than the waiting that it is taken off, so that frames come later than the file says.
 *
 * Only what hands a frame to a container or a switch takes the lag off: the line before it on a p2p link, the port's
 * wait behind a csma segment (ghost/helper/p2p-builder.cc, csma-builder.cc). Nothing else has a delay to take it off.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/internal.h"

#define NORMAL_SPREADS 3 /* standard deviations below the mean; 0.1 % of the frames are earlier */
#define TIME_TEXT_SIZE 32

static bool is_delivered(const struct scenario *scenario, uint32_t end)
{
	const struct scenario_link *link = &scenario->links[scenario->ends[end].link];

	return scenario_link_is_simulated(link) && scenario->ends[end].port != SCENARIO_NONE;
}

void scenario_hop_init(const struct scenario *scenario, uint32_t end, struct scenario_hop *ret)
{
	const struct scenario_link *link = &scenario->links[scenario->ends[end].link];
	const struct scenario_direction *way;

	*ret = (struct scenario_hop){.delay_ns = link->delay_ns};
	if (!link->ways)
		return;
	/* What arrives here is sent by the other end. */
	way = &link->ways[1 - (end - link->first_end)];
	ret->delay_ns = way->delay_ns;
	ret->spread = way->spread;
	ret->jitter_ns = way->jitter_ns;
}

bool scenario_hop_change(const struct scenario *scenario, uint32_t end, const struct scenario_change *change,
			 struct scenario_hop *hop)
{
	if (change->link != scenario->ends[end].link)
		return false;
	/* A direction is named by the end that sends. */
	if (change->end != SCENARIO_NONE && change->end == end)
		return false;
	if (strcmp(change->key, "delay") == 0) {
		hop->delay_ns = change->number;
		return true;
	}
	if (strcmp(change->key, "jitter") == 0) {
		hop->jitter_ns = change->number;
		if (hop->spread == SCENARIO_SPREAD_NONE)
			hop->spread = SCENARIO_SPREAD_UNIFORM;
		return true;
	}
	return false;
}

/* The shortest waiting that frames have. */
static uint64_t least_ns(const struct scenario_hop *hop)
{
	uint64_t less = 0;

	switch (hop->spread) {
	case SCENARIO_SPREAD_NONE:
		break;
	case SCENARIO_SPREAD_UNIFORM:
	case SCENARIO_SPREAD_PARETO: /* shape 3: the least is 0.58 spreads below the mean */
		less = hop->jitter_ns;
		break;
	case SCENARIO_SPREAD_NORMAL:
		less = NORMAL_SPREADS * hop->jitter_ns;
		break;
	}
	return hop->delay_ns > less ? hop->delay_ns - less : 0;
}

uint64_t scenario_lag_excess_ns(const struct scenario *scenario, uint32_t end, const struct scenario_hop *hop,
				bool least)
{
	uint64_t spare_ns = least ? least_ns(hop) : hop->delay_ns;

	if (!is_delivered(scenario, end) || scenario->lag_ns <= spare_ns)
		return 0;
	return scenario->lag_ns - spare_ns;
}

/* "1500us": the largest unit that leaves a whole number. */
static const char *time_text(uint64_t ns, char *buf)
{
	static const struct {
		uint64_t ns;
		const char *name;
	} units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
	size_t i = 0;

	while (ns % units[i].ns)
		i++;
	snprintf(buf, TIME_TEXT_SIZE, "%llu%s", (unsigned long long)(ns / units[i].ns), units[i].name);
	return buf;
}

/* What is wrong with the delivery at @end, and the remedy; @since: the change that brings it, or NULL. */
static char *warning_text(const struct scenario *scenario, uint32_t end, const struct scenario_hop *hop,
			  const struct scenario_change *since)
{
	const struct scenario_link *link = &scenario->links[scenario->ends[end].link];
	char lag[TIME_TEXT_SIZE], delay[TIME_TEXT_SIZE], jitter[TIME_TEXT_SIZE], late[TIME_TEXT_SIZE],
		spare[TIME_TEXT_SIZE], at[TIME_TEXT_SIZE], when[TIME_TEXT_SIZE + 16] = "";
	uint64_t excess_ns = scenario_lag_excess_ns(scenario, end, hop, true);
	const char *where = link->kind == SCENARIO_LINK_P2P ? scenario->ends[end].port_name : "its ends";
	bool spreads = hop->spread != SCENARIO_SPREAD_NONE && hop->jitter_ns > 0;
	char *text = NULL;
	int r;

	time_text(scenario->lag_ns, lag);
	time_text(hop->delay_ns, delay);
	time_text(hop->jitter_ns, jitter);
	time_text(excess_ns, late);
	time_text(scenario->lag_ns - excess_ns, spare);
	if (since)
		snprintf(when, sizeof(when), " from %s on", time_text(since->at_ns, at));
	if (link->kind != SCENARIO_LINK_CSMA && link->kind != SCENARIO_LINK_P2P)
		r = asprintf(&text,
			     "links.%s: a %s link has no delay that the lag of %s could be taken off: frames reach %s "
			     "%s later than simulated; a smaller lag makes that less, lag: 0s nothing",
			     link->name, scenario_link_kind_name(link->kind), lag, where, late);
	else
		r = asprintf(&text,
			     "links.%s: lag is %s and %s's delay%s%s%s%s only %s: %s reach %s %s%s later than the file "
			     "says; write a lag of %s or less, or a longer delay",
			     link->name, lag, link->name, when, spreads ? " less its jitter of " : " is",
			     spreads ? jitter : "", spreads ? " is" : "",
			     spreads ? time_text(scenario->lag_ns - excess_ns, delay) : delay,
			     spreads ? "some frames" : "frames", where, spreads ? "up to " : "", late, spare);
	return r < 0 ? NULL : text;
}

/* The worst delivery of a link over the whole run. Return: whether there is any; *@ret_since may be NULL. */
static bool find_worst(const struct scenario *scenario, const struct scenario_link *link, uint32_t *ret_end,
		       struct scenario_hop *ret_hop, const struct scenario_change **ret_since)
{
	uint64_t worst_ns = 0;

	for (uint32_t end = link->first_end; end < link->first_end + link->end_count; end++) {
		const struct scenario_change *since = NULL;
		struct scenario_hop hop;

		scenario_hop_init(scenario, end, &hop);
		for (size_t i = 0; i <= scenario->change_count; i++) {
			uint64_t excess_ns = scenario_lag_excess_ns(scenario, end, &hop, true);

			if (excess_ns > worst_ns) {
				worst_ns = excess_ns;
				*ret_end = end;
				*ret_hop = hop;
				*ret_since = since;
			}
			if (i < scenario->change_count &&
			    scenario_hop_change(scenario, end, &scenario->changes[i], &hop))
				since = &scenario->changes[i];
		}
	}
	return worst_ns > 0;
}

void scn_warn_of_lag(const struct scenario *scenario, struct scn_warnings *warnings)
{
	for (size_t i = 0; scenario->lag_ns && i < scenario->link_count; i++) {
		const struct scenario_link *link = &scenario->links[i];
		const struct scenario_change *since = NULL;
		struct scenario_hop hop;
		uint32_t end;

		if (find_worst(scenario, link, &end, &hop, &since))
			scn_warn(warnings,
				 since && since->step != SCENARIO_NONE ? scenario->steps[since->step].pos : link->pos,
				 warning_text(scenario, end, &hop, since));
	}
}
