/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * record.h - the daemon's side of `run --record`: a journal per ghost, the recorder process, and digest.json.
 */
#ifndef EXPERIMENT_RECORD_H
#define EXPERIMENT_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bridge/diag.h"
#include "bridge/wire/stats.h"

#define RECORD_DIGEST_FILE "digest.json"

struct daemon;
struct scenario;
struct recorder_status;

struct record {
	int *journal_fds; /* one per ghost; NULL: nothing is recorded */
	uint32_t ghost_count;
	pid_t pid; /* of the recorder; 0: none */
	struct recorder_status *status;
	bool is_finished;  /* nothing more will be written */
	char trouble[256]; /* why the recording is not complete; "" */
};

/** record_open() - Begin boundary.pcapng and start the recorder, before the ghosts. Return: 0 or a negative errno. */
int record_open(struct record *record, struct daemon *daemon, struct diag *diag);

/** record_journal_fd() - The journal of a ghost, or -1. */
static inline int record_journal_fd(const struct record *record, uint32_t ghost)
{
	return record->journal_fds ? record->journal_fds[ghost] : -1;
}

/** record_reaped() - A child ended. Return: whether it was the recorder. */
bool record_reaped(struct record *record, struct daemon *daemon, pid_t pid, int status);

/** record_finish() - The ghosts have been told to go: wait until all is on disk, within a limit. */
void record_finish(struct record *record, struct daemon *daemon, uint64_t limit_ns);

/** record_write_digest() - digest.json. Return: 0 or a negative errno. */
int record_write_digest(struct record *record, struct daemon *daemon);

/**
 * record_json() - What the report says of the recording; NULL when there is none. New reference.
 *
 * Before record_finish() nobody can say that it is complete: "going_on" is true then, "complete" false.
 */
json_t *record_json(const struct record *record);

void record_close(struct record *record);

/** record_inputs() - Hash of all that entered the simulation, 16 digits; "" unless all of it is recorded. */
void record_inputs(const struct record *record, char ret[17]);

/**
 * record_port_json() - One port's part of digest.json, from what its ghost counted. New reference.
 * @is_whole:	one ghost counted all of it; else there is no hash, as it is only that of the last one
 */
json_t *record_port_json(const struct stats_port *port, bool is_whole);

/**
 * record_apps_json() - What the applications of simulated nodes sent and received, for report, digest and replay
 * @apps:	their counters, in the order of nodes and applications, scenario_app_count() of them
 *
 * Return: a new list of {"node": "phone", "application": 0, "kind": "on-off", "port": 9, "sent": {"packets": 1,
 * "bytes": 512}, "received": {"packets": 0, "bytes": 0}}
 */
json_t *record_apps_json(const struct scenario *scenario, const struct stats_port *apps);

/** record_daemon_apps_json() - The same, of a running experiment. */
json_t *record_daemon_apps_json(const struct daemon *daemon);

#endif /* EXPERIMENT_RECORD_H */
