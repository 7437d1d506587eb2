/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * program.h - the user's own ns-3 program in the place of ns3-ghost.
 */
#ifndef EXPERIMENT_PROGRAM_H
#define EXPERIMENT_PROGRAM_H

#include <sys/types.h>

#include "bridge/experiment/experiment.h"

#define PROGRAM_DIR "program" /* in the run directory: where it starts, and leaves its files */

/**
 * program_spawn() - Start it, with the rights of a ghost
 * @wire_path:	socket it shall connect to
 * @log_fd:	stdout and stderr
 *
 * It starts in PROGRAM_DIR, which it may write to, with the scenario's seed as ns-3's RngRun.
 *
 * Return: its PID or a negative errno
 */
pid_t program_spawn(const struct experiment *experiment, const char *wire_path, int log_fd);

/** program_done() - Remove PROGRAM_DIR if nothing is in it. */
void program_done(const struct experiment *experiment);

#endif /* EXPERIMENT_PROGRAM_H */
