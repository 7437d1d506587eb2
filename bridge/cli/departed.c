/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * departed.c - see departed.h.
 */
#include "bridge/cli/departed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/cli/cli.h"
#include "bridge/cli/decode.h"
#include "bridge/experiment/loop.h"
#include "bridge/experiment/replay.h"

/* Run its ghost again. Return: 0 or a negative errno with @diag; @wanted says whether it was found. */
static int find(struct recording *recording, const struct scenario *scenario, struct replay_wanted *wanted,
		struct diag *diag)
{
	struct replay replay = {
		.recording = recording, .scenario = scenario, .program_fd = -1, .ghost_fd = -1, .wanted = wanted};
	int shuttle_fd, r;

	r = experiment_find_programs(&shuttle_fd, &replay.ghost_fd, diag);
	if (r < 0)
		return r;
	close(shuttle_fd);
	if (isatty(STDERR_FILENO))
		cli_error(0, "simulating %s again, up to %.3f s, for the headers of a frame", recording->name,
			  (double)wanted->departure.time_ns / 1e9);
	r = replay_find(&replay, diag);
	close(replay.ghost_fd);
	return r;
}

void departed_decode(struct recording *recording, const struct recording_entry *entry, char *ret, size_t size)
{
	struct scenario_options load = {.default_name = recording->default_name, .workers = recording->workers};
	struct replay_wanted wanted = {.departure = *entry};
	struct scenario_errors errors = {.count = 0};
	struct scenario *scenario = NULL;
	struct diag diag = {""};

	decode_by_hash(recording, entry->value, entry->len, ret, size);
	if (ret[0])
		return;
	if (scenario_load(recording->scenario, strlen(recording->scenario), &load, &scenario, &errors) < 0)
		snprintf(ret, size, "(headers unknown: its scenario cannot be simulated any more)");
	else if (entry->ghost >= scenario->ghost_count)
		snprintf(ret, size, "(headers unknown: its scenario has no ghost %u)", entry->ghost);
	else if (scenario_ghost_is_program(scenario, entry->ghost))
		snprintf(ret, size, "(headers unknown: %s made it, and only `replay` runs that)",
			 scenario->program.argv[0]);
	else if (find(recording, scenario, &wanted, &diag) < 0)
		snprintf(ret, size, "(headers unknown: %s)", diag.text);
	else if (wanted.size == 0)
		snprintf(ret, size, "(headers unknown: simulated again, it did not leave; see `replay`)");
	else
		decode_frame(wanted.head, wanted.size, ret, size);
	scenario_errors_done(&errors);
	scenario_free(scenario);
}
