/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * replay.c - see replay.h.
 */
#include "bridge/experiment/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge/experiment/stage.h"
#include "bridge/experiment/tape.h"

#define NAP_NS 50000

static void nap(void)
{
	const struct timespec time = {.tv_nsec = NAP_NS};

	nanosleep(&time, NULL);
}

/* All of them at once, until they end or what was wanted is known. */
static int play(struct stage *stages, uint32_t count, const struct replay_wanted *wanted, struct diag *diag)
{
	uint32_t left = count;

	while (left > 0 && !(wanted && wanted->over)) {
		bool any = false;

		for (uint32_t i = 0; i < count; i++) {
			int r;

			if (stages[i].ended)
				continue;
			r = stage_step(&stages[i], diag);
			if (r < 0)
				return r;
			any = any || r > 0;
			left -= stages[i].ended;
		}
		if (!any)
			nap();
	}
	return 0;
}

static uint64_t difference_time(const struct replay_difference *difference)
{
	return difference->has_recorded ? difference->recorded.time_ns : difference->replayed.time_ns;
}

/* What one ghost's replay came to, into what all of them did. */
static void collect(const struct stage *stage)
{
	struct replay *replay = stage->replay;
	const struct replay_difference *difference = &stage->difference;

	for (size_t i = 0; i < replay->scenario->end_count; i++) {
		const struct scenario_end *end = &replay->scenario->ends[i];

		if (replay->scenario->links[end->link].ghost != stage->ghost)
			continue;
		replay->ends[i] = stats_ports(stage->home.stats[1])[end->stats];
		if (end->stats < scenario_input_count(replay->scenario, stage->ghost))
			replay->frames += replay->ends[i].up.frames;
	}
	for (size_t i = 0, app = 0; i < replay->scenario->node_count; i++) {
		const struct scenario_node *node = &replay->scenario->nodes[i];

		for (size_t j = 0; j < node->app_count; j++, app++)
			if (node->apps[j].ghost == stage->ghost)
				replay->apps[app] = stats_ports(stage->home.stats[1])[node->apps[j].stats];
	}
	replay->compared += stage->compared;
	if (difference->any &&
	    (!replay->difference.any || difference_time(difference) < difference_time(&replay->difference)))
		replay->difference = *difference;
}

int replay_run(struct replay *replay, struct diag *diag)
{
	uint32_t count = replay->recording->ghost_count;
	struct stage *stages = calloc(count + 1u, sizeof(*stages));
	struct tape **tapes = calloc(count + 1u, sizeof(struct tape *));
	uint64_t *inputs = calloc(count + 1u, sizeof(*inputs));
	int r = 0;

	if (!stages || !tapes || !inputs) {
		free(stages);
		free(tapes);
		free(inputs);
		return diag_set(diag, -ENOMEM, "out of memory");
	}
	for (uint32_t i = 0; i < count; i++) {
		stages[i] = stage_make(replay, i);
		tapes[i] = &stages[i].tape;
	}
	tape_begin(replay);
	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = stage_open(&stages[i], diag);
	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = stage_begin(&stages[i], diag);
	if (r == 0)
		r = play(stages, count, NULL, diag);
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		collect(&stages[i]);
		inputs[i] = stages[i].inputs;
	}
	replay->inputs = boundary_inputs(inputs, count);
	if (r == 0) {
		r = tape_join(replay, tapes, count);
		if (r < 0)
			diag_set(diag, r, "cannot write what the replay produced: %s", strerror(-r));
	}
	for (uint32_t i = 0; i < count; i++)
		stage_close(&stages[i]);
	free(stages);
	free(tapes);
	free(inputs);
	return r;
}

int replay_find(struct replay *replay, struct diag *diag)
{
	struct stage *stage = malloc(sizeof(*stage));
	int r;

	if (!stage)
		return diag_set(diag, -ENOMEM, "out of memory");
	*stage = stage_make(replay, replay->wanted->departure.ghost);
	replay->wanted->over = false;
	replay->wanted->size = 0;
	r = stage_open(stage, diag);
	if (r == 0)
		r = stage_begin(stage, diag);
	if (r == 0)
		r = play(stage, 1, replay->wanted, diag);
	stage_close(stage);
	free(stage);
	return r;
}
