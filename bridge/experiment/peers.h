/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peers.h - one wire with the two processes at its ends: started, watched, and started again when they die.
 *
 * The daemon keeps the wire, so either process may go and its successor takes over where it stood. When one of them
 * says that the other wrote nonsense (exit status 65, EX_DATAERR), the wire cannot be trusted any more: both are
 * stopped and a fresh one is made. The containers notice nothing but lost frames.
 */
#ifndef EXPERIMENT_PEERS_H
#define EXPERIMENT_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/diag.h"
#include "bridge/experiment/peer.h"
#include "bridge/wire/wire.h"

#define PEERS_RESTARTS_MAX 3 /* of each process, per run */

struct daemon;

enum peers_side { PEERS_SHUTTLE = 0, PEERS_GHOST = 1, PEERS_SIDES = 2 };

struct peers {
	struct daemon *daemon;
	uint32_t ghost; /* index of the ghost */
	struct wire_home home;
	struct wire_port *ports;
	struct loop_source listener; /* where the ghost connects */
	char path[108];              /* of the listener */
	struct peer side[PEERS_SIDES];
	struct stats_port *base[PEERS_SIDES]; /* per port, counted on wires that are gone */
	uint64_t base_behind_max_ns;
	unsigned int incidents;
	bool rewire; /* waiting for both processes to go, then a fresh wire */
};

/** peers_open() - Make the wire of ghost @ghost and start its two processes. Return: 0 or a negative errno. */
int peers_open(struct peers *peers, struct daemon *daemon, uint32_t ghost, struct diag *diag);

/** peers_reaped() - A child ended. Return: whether it was one of these. */
bool peers_reaped(struct peers *peers, pid_t pid, int status);

/** peers_are_ready() - Both wait for START. */
bool peers_are_ready(const struct peers *peers);

/** peers_start() - The barrier: tell one of them the origin. */
void peers_start(struct peers *peers, enum peers_side side);

/** peers_is_broken() - Whether a process died or the wire was renewed, so frames may be lost. */
static inline bool peers_is_broken(const struct peers *peers)
{
	return peers->incidents > 0;
}

/** peers_snapshot() - Everything counted so far on one side of one port. */
void peers_snapshot(const struct peers *peers, enum peers_side side, uint32_t port, struct stats_port *ret);

/** peers_behind_max_ns() - How far the simulation fell behind the clock, at most. */
uint64_t peers_behind_max_ns(const struct peers *peers);

/** peers_close() - Kill what still runs, without waiting, and free everything. */
void peers_close(struct peers *peers);

#endif /* EXPERIMENT_PEERS_H */
