/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon.h - everything the experiment daemon holds; private to this module.
 */
#ifndef EXPERIMENT_DAEMON_H
#define EXPERIMENT_DAEMON_H

#include "bridge/experiment/carrier.h"
#include "bridge/experiment/changes.h"
#include "bridge/experiment/control.h"
#include "bridge/experiment/expect.h"
#include "bridge/experiment/experiment.h"
#include "bridge/experiment/loop.h"
#include "bridge/experiment/peers.h"
#include "bridge/experiment/record.h"
#include "bridge/experiment/sampler.h"
#include "bridge/experiment/starts.h"
#include "bridge/experiment/steps.h"

#define DAEMON_INCIDENTS_MAX 64

/* Something went wrong that the run survived. */
struct incident {
	uint64_t at_ns; /* CLOCK_MONOTONIC */
	bool restarted;
	char what[768];
};

struct daemon {
	struct experiment *experiment;
	const struct scenario *scenario;
	struct lab *lab;
	struct loop loop;
	struct loop_source signals;
	struct peers *peers; /* one per ghost */
	size_t peers_count;
	struct record record;
	struct starts starts;
	struct steps steps;
	struct changes changes;
	struct sampler sampler;
	struct control control;
	struct expect_result *expects;
	struct incident incidents[DAEMON_INCIDENTS_MAX];
	size_t incident_count;
	unsigned int switching_incidents; /* of those, deaths among Open vSwitch and controllers */
	struct carrier carrier;
	uint64_t origin_ns;       /* CLOCK_MONOTONIC of the barrier; 0 before it */
	uint64_t ended_ns;        /* ... of the end of the run */
	int64_t started_at;       /* CLOCK_REALTIME seconds, a label */
	uint64_t ready_ms_tenths; /* how long building took, 0.1 ms */
	int told_to_end;          /* the signal that did, 0: none */
	bool is_ending;           /* deaths are expected from now on */
	bool is_settled;          /* every process said at the end that it had no frame under way */
	char failure[1024];       /* why the run cannot go on; "" */
	int failure_exit;
};

/** daemon_now_ns() - Since the barrier; 0 before it. */
static inline uint64_t daemon_now_ns(const struct daemon *daemon)
{
	return daemon->origin_ns ? clock_ns() - daemon->origin_ns : 0;
}

/** daemon_incident() - Log it and keep it for the report. */
__attribute__((format(printf, 3, 4))) void daemon_incident(struct daemon *daemon, bool restarted, const char *fmt, ...);

/** daemon_fail() - The run cannot go on; the first reason counts. */
__attribute__((format(printf, 3, 4))) void daemon_fail(struct daemon *daemon, int exit_status, const char *fmt, ...);

/** daemon_open() - Signals, loop, limits. Return: 0 or a negative errno. */
int daemon_open(struct daemon *daemon, struct experiment *experiment, struct lab *lab, struct diag *diag);
void daemon_close(struct daemon *daemon);

/**
 * daemon_wait() - Run the loop until something holds
 * @done:	asked after every event; NULL: only the clock
 * @until_ns:	CLOCK_MONOTONIC
 * @stoppable:	give up when told to end
 *
 * Return: 0, -ETIMEDOUT, -EINTR when told to end, -ECANCELED after daemon_fail()
 */
int daemon_wait(struct daemon *daemon, bool (*done)(struct daemon *daemon), uint64_t until_ns, bool stoppable);

#endif /* EXPERIMENT_DAEMON_H */
