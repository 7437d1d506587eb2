/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * blame.c - see blame.h.
 */
#include "bridge/experiment/blame.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PLACE_SCENARIO "scenario:"
#define PLACE_PORT     "port "
#define PLACE_TIME     "at " /* ns-3 was running, in no node that has a name */

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* The end whose port "port h1.eth0: ..." names, or NULL. */
static const struct scenario_end *named_end(const struct scenario *scenario, const char *text)
{
	const char *name = text + strlen(PLACE_PORT), *colon;

	colon = begins(text, PLACE_PORT) ? strchr(name, ':') : NULL;
	for (size_t i = 0; colon && i < scenario->end_count; i++) {
		const char *port = scenario->ends[i].port_name;

		if (strlen(port) == (size_t)(colon - name) && strncmp(port, name, (size_t)(colon - name)) == 0)
			return &scenario->ends[i];
	}
	return NULL;
}

/* The place of the only link that a ghost simulates; line 0 if there are more. */
static struct scenario_pos only_link(const struct scenario *scenario, uint32_t ghost)
{
	struct scenario_pos pos = {0};
	size_t count = 0;

	for (size_t i = 0; i < scenario->link_count; i++) {
		if (scenario->links[i].ghost != ghost)
			continue;
		pos = scenario->links[i].pos;
		count++;
	}
	return count == 1 ? pos : (struct scenario_pos){0};
}

static void at_place(const char *source, struct scenario_pos pos, const char *text, char *ret, size_t size)
{
	if (pos.line)
		snprintf(ret, size, "%s:%u:%u: %s", source, pos.line, pos.column, text);
	else /* --set said it */
		snprintf(ret, size, "%s: %s", source, text);
}

/* Why a program that says nothing of its own ended. */
static void describe_silence(enum peer_state was, int status, char *ret, size_t size)
{
	switch (was) {
	case PEER_DOWN:
	case PEER_STARTED:
		snprintf(ret, size,
			 "the program left with status %d and has not made a GhostBridgeHelper; make one, and Install "
			 "() "
			 "a device for each end of the links of kind ghost",
			 status);
		return;
	case PEER_WELCOMED:
		snprintf(ret, size, "the program left with status %d before it came to Simulator::Run ()", status);
		return;
	case PEER_READY:
	case PEER_RUNNING:
	case PEER_QUIESCING:
	case PEER_QUIESCED:
		if (status == 0)
			snprintf(
				ret, size,
				"the program ended by itself while the run went on; let Simulator::Stop () come later, "
				"or leave it out: the end of the run ends Simulator::Run ()");
		else
			snprintf(ret, size, "the program left with status %d", status);
		return;
	}
}

void blame_text(const struct experiment *experiment, uint32_t ghost, enum peer_state was, int status, const char *tail,
		char *ret, size_t size)
{
	const struct scenario *scenario = experiment->scenario;
	const struct scenario_end *end = named_end(scenario, tail);
	char text[1024];

	if (begins(tail, PLACE_SCENARIO)) {
		snprintf(ret, size, "%s:%s", experiment->source, tail + strlen(PLACE_SCENARIO));
	} else if (end) {
		at_place(experiment->source, end->pos, tail, ret, size);
	} else if (!scenario_ghost_is_program(scenario, ghost) && begins(tail, PLACE_TIME) &&
		   only_link(scenario, ghost).line) {
		at_place(experiment->source, only_link(scenario, ghost), tail, ret, size);
	} else if (!scenario_ghost_is_program(scenario, ghost)) {
		snprintf(ret, size, "ghost %u left with status %d%s%s", ghost, status, tail[0] ? ": " : "", tail);
	} else {
		size_t len = (size_t)snprintf(text, sizeof(text), "ghost: %s: ", scenario->program.argv[0]);

		if (len >= sizeof(text))
			len = 0;
		/* What it printed before it left in good order is no reason. */
		if (status == 0 || !tail[0])
			describe_silence(was, status, text + len, sizeof(text) - len);
		else
			snprintf(text + len, sizeof(text) - len, "%s", tail);
		at_place(experiment->source, scenario->program.pos, text, ret, size);
	}
}

int blame_exit(const struct experiment *experiment, bool is_program, const char *what)
{
	size_t len = strlen(experiment->source);

	if (is_program)
		return EXIT_FAILED;
	return strncmp(what, experiment->source, len) == 0 && what[len] == ':' ? EXIT_USAGE : EXIT_HOST;
}

int blame_slow(const struct experiment *experiment, const struct peers *peers, size_t count, unsigned long long seconds,
	       struct diag *diag)
{
	const struct scenario *scenario = experiment->scenario;
	char text[512];

	for (size_t i = 0; i < count; i++) {
		enum peer_state state = peers[i].side[PEERS_GHOST].state;

		if (!scenario_ghost_is_program(scenario, peers[i].ghost) || state >= PEER_READY)
			continue;
		snprintf(text, sizeof(text), "ghost: %.256s: the program has not %s within %llu s",
			 scenario->program.argv[0],
			 state == PEER_WELCOMED ? "come to Simulator::Run ()" : "made a GhostBridgeHelper", seconds);
		at_place(experiment->source, scenario->program.pos, text, diag->text, sizeof(diag->text));
		return -ETIMEDOUT;
	}
	return diag_set(diag, -ETIMEDOUT, "the simulator was not ready within %llu s; see logs/ in %s", seconds,
			experiment->rundir.path);
}
