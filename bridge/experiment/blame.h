/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * blame.h - whose fault the end of a ghost is, and where the scenario's file says so.
 *
 * The last line of a ghost's log says why it ended. It may begin with a place the daemon can find in the file:
 *
 *	scenario:7:3: ...	a line and column: what the ghost was building
 *	port h1.eth0: ...	a port, hence an end
 *	at 1.5 s ...		a time: the link, if that ghost simulates only one
 *
 * Anything else that the user's own program says is about the line that names it.
 */
#ifndef EXPERIMENT_BLAME_H
#define EXPERIMENT_BLAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/diag.h"
#include "bridge/experiment/experiment.h"
#include "bridge/experiment/peers.h"

/**
 * blame_text() - Say why a ghost ended, FILE:LINE:COLUMN first where that is known
 * @ghost:	its index
 * @was:	what it was doing
 * @status:	it exited with
 * @tail:	last line of its log, "" if there is none
 */
void blame_text(const struct experiment *experiment, uint32_t ghost, enum peer_state was, int status, const char *tail,
		char *ret, size_t size);

/**
 * blame_exit() - Exit status of ghostbridge when a ghost ended before the run began
 * @is_program:	it is the user's own
 * @what:	as blame_text() says it
 *
 * Return: EXIT_USAGE if the scenario is to blame, EXIT_FAILED if the program is, EXIT_HOST if ns3-ghost is
 */
int blame_exit(const struct experiment *experiment, bool is_program, const char *what);

/** blame_slow() - Say in @diag which of the peers is not ready after @seconds. Return: -ETIMEDOUT */
int blame_slow(const struct experiment *experiment, const struct peers *peers, size_t count, unsigned long long seconds,
	       struct diag *diag);

#endif /* EXPERIMENT_BLAME_H */
