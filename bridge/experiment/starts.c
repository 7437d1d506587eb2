/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * starts.c - see starts.h.
 */
#include "bridge/experiment/starts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge/experiment/daemon.h"

static int start_one(struct start *start, const char *command, struct daemon *daemon, struct diag *diag)
{
	const char *argv[] = {"sh", "-c", command, NULL};
	struct lab_exec exec = {.argv = argv};
	char file[256];
	int null_fd, log_fd, r;

	snprintf(file, sizeof(file), "logs/%s-start-%zu.log", daemon->scenario->nodes[start->node].name, start->number);
	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	log_fd = rundir_create(&daemon->experiment->rundir, file);
	if (null_fd < 0 || log_fd < 0) {
		r = diag_set(diag, -EIO, "cannot create %s", file);
	} else {
		exec.stdio[0] = null_fd;
		exec.stdio[1] = exec.stdio[2] = log_fd;
		r = lab_exec(daemon->lab, start->node, &exec, &start->pid, diag);
	}
	if (null_fd >= 0)
		close(null_fd);
	if (log_fd >= 0)
		close(log_fd);
	return r;
}

int starts_open(struct starts *starts, struct daemon *daemon, struct diag *diag)
{
	const struct scenario *scenario = daemon->scenario;
	size_t count = 0;
	int r;

	for (size_t i = 0; i < scenario->node_count; i++)
		count += scenario->nodes[i].start_count;
	starts->items = calloc(count + 1, sizeof(*starts->items));
	if (!starts->items)
		return diag_set(diag, -ENOMEM, "out of memory");
	for (size_t i = 0; i < scenario->node_count; i++) {
		for (size_t j = 0; j < scenario->nodes[i].start_count; j++) {
			struct start *start = &starts->items[starts->count];

			*start = (struct start){.node = (uint32_t)i, .number = j};
			r = start_one(start, scenario->nodes[i].start[j], daemon, diag);
			if (r < 0)
				return r;
			starts->count++;
		}
	}
	return 0;
}

void starts_close(struct starts *starts)
{
	free(starts->items);
	starts->items = NULL;
	starts->count = 0;
}

bool starts_reaped(struct starts *starts, struct daemon *daemon, pid_t pid, int status)
{
	for (size_t i = 0; i < starts->count; i++) {
		struct start *start = &starts->items[i];
		const struct scenario_node *node = &daemon->scenario->nodes[start->node];

		if (start->pid != pid)
			continue;
		start->pid = 0;
		start->exit = steps_exit_code(status);
		/* Status 0 is how a daemon that goes into the background by itself begins. */
		if (start->exit != 0 && !daemon->is_ending)
			daemon_incident(daemon, false,
					"%s: '%.400s' ended with status %d; its output is in logs/%s-start-%zu.log",
					node->name, node->start[start->number], start->exit, node->name, start->number);
		return true;
	}
	return false;
}

void starts_signal(const struct starts *starts, int sig)
{
	for (size_t i = 0; i < starts->count; i++) {
		if (starts->items[i].pid > 0 && kill(-starts->items[i].pid, sig) < 0)
			kill(starts->items[i].pid, sig);
	}
}

bool starts_are_gone(const struct starts *starts)
{
	for (size_t i = 0; i < starts->count; i++) {
		if (starts->items[i].pid > 0)
			return false;
	}
	return true;
}
