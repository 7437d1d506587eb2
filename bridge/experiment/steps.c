/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * steps.c - see steps.h.
 */
#include "bridge/experiment/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge/experiment/console.h"
#include "bridge/experiment/daemon.h"

int steps_open(struct steps *steps, const struct scenario *scenario)
{
	size_t count = scenario->step_count;

	*steps = (struct steps){.scenario = scenario};
	steps->items = calloc(count + 1, sizeof(*steps->items));
	steps->order = calloc(count + 1, sizeof(*steps->order));
	if (!steps->items || !steps->order) {
		steps_close(steps);
		return -ENOMEM;
	}
	/* Insertion keeps equal times in the file's order; scenarios have few steps. */
	for (size_t i = 0; i < count; i++) {
		size_t at = i;

		while (at > 0 && scenario->steps[steps->order[at - 1]].at_ns > scenario->steps[i].at_ns) {
			steps->order[at] = steps->order[at - 1];
			at--;
		}
		steps->order[at] = i;
	}
	return 0;
}

void steps_close(struct steps *steps)
{
	free(steps->items);
	free(steps->order);
	steps->items = NULL;
	steps->order = NULL;
	steps->scenario = NULL;
}

uint64_t steps_next_ns(const struct steps *steps)
{
	if (!steps->scenario || steps->next >= steps->scenario->step_count)
		return UINT64_MAX;
	return steps->scenario->steps[steps->order[steps->next]].at_ns;
}

/* Whether the foreground still has something to do. */
static bool foreground_is_busy(const struct steps *steps)
{
	for (size_t i = 0; i < steps->scenario->step_count; i++) {
		if (!steps->scenario->steps[i].background &&
		    (steps->items[i].state == STEP_WAITING || steps->items[i].state == STEP_RUNNING))
			return true;
	}
	return false;
}

size_t steps_mark_started(struct steps *steps, uint64_t now_ns)
{
	size_t index = steps->order[steps->next++];
	struct step *step = &steps->items[index];

	step->awaited = !foreground_is_busy(steps) || !steps->scenario->steps[index].background;
	step->state = STEP_RUNNING;
	step->started_ns = now_ns;
	return index;
}

bool steps_are_over(const struct steps *steps)
{
	if (steps->next < steps->scenario->step_count)
		return false;
	for (size_t i = 0; i < steps->scenario->step_count; i++) {
		if (steps->items[i].awaited && steps->items[i].state == STEP_RUNNING)
			return false;
	}
	return true;
}

bool steps_are_gone(const struct steps *steps)
{
	for (size_t i = 0; steps->scenario && i < steps->scenario->step_count; i++) {
		if (steps->items[i].state == STEP_RUNNING && steps->items[i].pid > 0)
			return false;
	}
	return true;
}

static int run_step(struct step *step, const struct scenario_step *plan, struct daemon *daemon, struct diag *diag)
{
	const char *argv[] = {"sh", "-c", plan->run, NULL};
	const struct rundir *dir = &daemon->experiment->rundir;
	struct lab_exec exec = {.argv = argv, .stdio = {-1, -1, -1}};
	char file[256];
	int r;

	exec.stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	snprintf(file, sizeof(file), "steps/%s.out", plan->name);
	exec.stdio[1] = rundir_create(dir, file);
	snprintf(file, sizeof(file), "steps/%s.err", plan->name);
	exec.stdio[2] = rundir_create(dir, file);
	if (exec.stdio[0] < 0 || exec.stdio[1] < 0 || exec.stdio[2] < 0)
		r = diag_set(diag, -EIO, "cannot create its output files in the run directory");
	else
		r = lab_exec(daemon->lab, plan->node, &exec, &step->pid, diag);
	for (int i = 0; i < 3; i++) {
		if (exec.stdio[i] >= 0)
			close(exec.stdio[i]);
	}
	return r;
}

void steps_run_due(struct steps *steps, struct daemon *daemon, uint64_t now_ns)
{
	while (steps_next_ns(steps) <= now_ns) {
		size_t index = steps_mark_started(steps, daemon_now_ns(daemon));
		const struct scenario_step *plan = &steps->scenario->steps[index];
		struct step *step = &steps->items[index];
		struct diag diag = {""};

		/* The ghost makes it, at its exact time. */
		if (!plan->run) {
			step->state = STEP_ENDED;
			step->started_ns = step->ended_ns = plan->at_ns;
			continue;
		}
		if (run_step(step, plan, daemon, &diag) < 0) {
			console_say("step %s could not be started: %s", plan->name, diag.text);
			step->state = STEP_BROKEN;
			step->pid = 0;
			step->exit = 127;
			step->ended_ns = daemon_now_ns(daemon);
		}
	}
}

bool steps_reaped(struct steps *steps, pid_t pid, int status, uint64_t now_ns)
{
	for (size_t i = 0; steps->scenario && i < steps->scenario->step_count; i++) {
		struct step *step = &steps->items[i];

		if (step->pid != pid || step->state != STEP_RUNNING)
			continue;
		step->exit = steps_exit_code(status);
		step->state = step->told_to_end ? STEP_KILLED : STEP_ENDED;
		step->ended_ns = now_ns;
		step->pid = 0;
		return true;
	}
	return false;
}

void steps_signal(struct steps *steps, int sig)
{
	for (size_t i = 0; steps->scenario && i < steps->scenario->step_count; i++) {
		struct step *step = &steps->items[i];

		if (step->state != STEP_RUNNING || step->pid <= 0)
			continue;
		step->told_to_end = true;
		if (kill(-step->pid, sig) < 0)
			kill(step->pid, sig);
	}
}

void steps_skip_rest(struct steps *steps)
{
	while (steps->scenario && steps->next < steps->scenario->step_count)
		steps->items[steps->order[steps->next++]].state = STEP_SKIPPED;
}

int steps_exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

const char *steps_state_name(enum step_state state)
{
	switch (state) {
	case STEP_WAITING:
		return "waiting";
	case STEP_RUNNING:
		return "running";
	case STEP_ENDED:
		return "ended";
	case STEP_KILLED:
		return "killed at end of run";
	case STEP_BROKEN:
		return "could not be started";
	case STEP_SKIPPED:
		return "not started";
	}
	return "?";
}
