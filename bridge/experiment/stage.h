/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stage.h - one ghost being replayed: its process, what is fed to it, and what becomes of what it says.
 */
#ifndef EXPERIMENT_STAGE_H
#define EXPERIMENT_STAGE_H

#include <sys/types.h>

#include "bridge/experiment/replay.h"
#include "bridge/experiment/tape.h"
#include "bridge/wire/wire.h"

/* Made by stage_make(); stage_close() frees what is in it, opened or not. */
struct stage {
	struct replay *replay;
	uint32_t ghost;
	uint32_t first_port; /* in the recording's list */
	uint32_t port_count;
	struct wire_home home;
	struct wire_port *ports;
	struct journal feed, back;
	struct recording source;   /* cursor over what entered */
	struct recording expected; /* cursor over what left */
	bool fed, ended;
	bool source_over, expected_over;
	uint64_t limit; /* number of the first entry that is not to be replayed, as recording_ghost.gap_at */
	uint64_t source_number, expected_number;
	struct replay_difference difference;
	uint64_t compared; /* departures that were the same */
	uint64_t inputs;   /* what entered, as boundary_input() */
	struct tape tape;
	pid_t pid;
	bool gone; /* it has left */
	int listen_fd, control_fd, log_fd;
	char dir[64], path[96]; /* temporary, and the socket in it */
	pid_t janitor;          /* removes it when we are gone */
	int janitor_fd;
};

/** stage_make() - An empty one, of ghost @ghost. */
struct stage stage_make(struct replay *replay, uint32_t ghost);

/** stage_open() - Make everything for the ghost and start it. Return: 0 or a negative errno with @diag. */
int stage_open(struct stage *stage, struct diag *diag);

/** stage_begin() - Let it attach, build its network and begin. Return: 0 or a negative errno with @diag. */
int stage_begin(struct stage *stage, struct diag *diag);

/**
 * stage_step() - Let it go on a little, until @stage->ended
 *
 * Return: whether anything happened, or a negative errno with @diag
 */
int stage_step(struct stage *stage, struct diag *diag);

void stage_close(struct stage *stage);

#endif /* EXPERIMENT_STAGE_H */
