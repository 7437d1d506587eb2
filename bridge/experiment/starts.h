/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * starts.h - the `start:` commands of nodes: daemons that run from before the barrier to the end.
 */
#ifndef EXPERIMENT_STARTS_H
#define EXPERIMENT_STARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bridge/diag.h"

struct daemon;

struct start {
	uint32_t node;
	size_t number; /* among the node's, from 0 */
	pid_t pid;     /* 0: ended */
	int exit;
};

struct starts {
	struct start *items;
	size_t count;
};

/** starts_open() - Start them all, output to logs/NODE-start-N.log. Return: 0 or a negative errno. */
int starts_open(struct starts *starts, struct daemon *daemon, struct diag *diag);
void starts_close(struct starts *starts);

/** starts_reaped() - A child ended. Return: whether it was one of these. */
bool starts_reaped(struct starts *starts, struct daemon *daemon, pid_t pid, int status);

/** starts_signal() - Send @sig to the process group of every one that runs. */
void starts_signal(const struct starts *starts, int sig);

/** starts_are_gone() - None of them runs. */
bool starts_are_gone(const struct starts *starts);

#endif /* EXPERIMENT_STARTS_H */
