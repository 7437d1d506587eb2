/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * changes.h - links that change while the experiment runs, as the daemon sees it.
 *
 * The changes of steps and timeline are in the scenario, which the ghosts have: they apply them by themselves, exactly
 * at their simulated times; a program of the user's own is told of them before it starts. Live changes are checked
 * here, stamped, sent to the ghost and answered by it with the simulated time at which they took effect. In either case
 * the container's carrier follows. Wires are the kernel's: the daemon changes them itself, when it gets round to it.
 */
#ifndef EXPERIMENT_CHANGES_H
#define EXPERIMENT_CHANGES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/scenario/scenario.h"
#include "bridge/wire/wire_abi.h"

struct control_client;
struct daemon;
struct peers;

/* A change that somebody made with the verb `set`. Its number, from 0, is its place in the list. */
struct live_change {
	struct scenario_change change;
	uint64_t stamp_ns; /* CLOCK_MONOTONIC */
	uint64_t at_ns;    /* simulated time at which it took effect; UINT64_MAX: not known yet */
	bool failed;
	struct control_client *client; /* who waits for it; NULL: nobody (any more) */
};

/* What became of a change of the scenario. */
struct planned_change {
	bool failed;
	uint64_t at_ns; /* of a wire: when it was made; UINT64_MAX: not yet. ns-3 makes the others exactly in time */
};

struct changes {
	struct live_change *live;
	size_t live_count;
	size_t live_room;
	size_t next;                    /* into scenario->changes: the first whose time has not come */
	struct planned_change *planned; /* in the order of scenario->changes */
};

/** changes_open() - Before anything is built. Return: 0 or -ENOMEM. */
int changes_open(struct changes *changes, const struct scenario *scenario);
void changes_close(struct changes *changes);

/** changes_next_ns() - When there is something to do next, since the barrier; UINT64_MAX: nothing. */
uint64_t changes_next_ns(const struct changes *changes, const struct scenario *scenario);

/** changes_run_due() - Let carriers follow the changes of the scenario whose time has come, and change wires. */
void changes_run_due(struct daemon *daemon, uint64_t now_ns);

/** changes_request() - The verb `set`: {"verb": "set", "changes": ["lan delay=50ms", ...]}, all or none. */
void changes_request(struct control_client *client, json_t *request);

/** changes_answered() - A ghost said CHANGED. Return: 0, or -EPROTO when it was not told of such a change. */
int changes_answered(struct peers *peers, const struct wire_msg *msg);

/** changes_planned_msg() - The message that tells a program of change @number of the scenario. */
struct wire_msg changes_planned_msg(const struct scenario *scenario, size_t number);

/** changes_announce() - Tell a program, which has no scenario, what the scenario changes of its links; before START. */
void changes_announce(struct peers *peers);

/** changes_resend() - Tell a ghost's successor what its predecessor knew; before START. */
void changes_resend(struct peers *peers);

/** changes_forget() - A client has gone. */
void changes_forget(struct changes *changes, const struct control_client *client);

/** changes_json() - What has taken effect so far, by simulated time; new reference. */
json_t *changes_json(const struct daemon *daemon);

#endif /* EXPERIMENT_CHANGES_H */
