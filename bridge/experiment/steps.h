/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * steps.h - the commands of a scenario, run in their nodes at their times.
 *
 * Every step starts at its `at`, whatever the others do. The run is over when every step has been started and every
 * awaited one has ended. Foreground steps are awaited; a background step is awaited only when it starts after all
 * foreground ones have ended (or there is none): it is then what the run is still about.
 */
#ifndef EXPERIMENT_STEPS_H
#define EXPERIMENT_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bridge/diag.h"
#include "bridge/scenario/scenario.h"

struct daemon;

enum step_state {
	STEP_WAITING,
	STEP_RUNNING,
	STEP_ENDED,
	STEP_KILLED,  /* by us, at the end of the run or for an interrupt */
	STEP_BROKEN,  /* could not be started */
	STEP_SKIPPED, /* the run ended before its time */
};

struct step {
	enum step_state state;
	bool awaited;
	bool told_to_end;
	pid_t pid;
	uint64_t started_ns; /* since the barrier */
	uint64_t ended_ns;
	int exit; /* exit status, or 128 + signal */
};

struct steps {
	const struct scenario *scenario;
	struct step *items; /* in the scenario's order */
	size_t *order;      /* in order of time; equal times in the file's order */
	size_t next;        /* into order: the first that has not been started */
};

/** steps_open() - Plan the steps. Return: 0 or -ENOMEM. */
int steps_open(struct steps *steps, const struct scenario *scenario);
void steps_close(struct steps *steps);

/** steps_next_ns() - When the next one starts, since the barrier; UINT64_MAX when all have been. */
uint64_t steps_next_ns(const struct steps *steps);

/** steps_mark_started() - Take the next step as started now; sets `awaited`. Return: its index. */
size_t steps_mark_started(struct steps *steps, uint64_t now_ns);

/** steps_are_over() - The rule above. */
bool steps_are_over(const struct steps *steps);

/** steps_are_gone() - No step's process is left. */
bool steps_are_gone(const struct steps *steps);

/** steps_run_due() - Start every step whose time has come. */
void steps_run_due(struct steps *steps, struct daemon *daemon, uint64_t now_ns);

/** steps_reaped() - A child ended. Return: whether it was a step. */
bool steps_reaped(struct steps *steps, pid_t pid, int status, uint64_t now_ns);

/** steps_signal() - Send @sig to the process group of every running step. */
void steps_signal(struct steps *steps, int sig);

/** steps_skip_rest() - Whatever has not started will not. */
void steps_skip_rest(struct steps *steps);

/** steps_exit_code() - A wait status as a shell would say it. */
int steps_exit_code(int status);

/** steps_state_name() - For status and report. */
const char *steps_state_name(enum step_state state);

#endif /* EXPERIMENT_STEPS_H */
