/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rundir.h - the run directory: where everything about one run is kept.
 *
 * Used through its fd, because the daemon lives in a mount namespace of its own and its idea of a path may differ.
 */
#ifndef EXPERIMENT_RUNDIR_H
#define EXPERIMENT_RUNDIR_H

#include <stddef.h>
#include <sys/types.h>

#include "bridge/diag.h"

struct rundir {
	int fd;
	char *path;       /* as made, for messages */
	size_t made_from; /* bytes of path that existed before */
};

/**
 * rundir_make() - Make a run directory with steps/ and logs/ in it
 * @out:	where, or NULL for runs/NAME-YYYYmmddTHHMMSS below the current directory
 * @name:	the experiment's
 *
 * Return: 0, -EEXIST when @out is there and not empty, or another negative errno
 */
int rundir_make(const char *out, const char *name, struct rundir *ret, struct diag *diag);

/** rundir_discard() - Remove a directory that rundir_make() made and nothing was written to. */
void rundir_discard(struct rundir *dir);

/** rundir_close() - Close the fd, free the path; the directory stays. */
void rundir_close(struct rundir *dir);

/** rundir_create() - Open a file for writing, made anew: "steps/ping.out". Return: fd or a negative errno. */
int rundir_create(const struct rundir *dir, const char *file);

/** rundir_write() - Write a whole file; it appears complete or not at all. Return: 0 or a negative errno. */
int rundir_write(const struct rundir *dir, const char *file, const char *data, size_t size);

/**
 * rundir_read() - Read a file
 * @size_max:	bytes; the rest of a longer file is left out
 * @ret:	NUL-terminated, the caller's to free
 *
 * Return: bytes read or a negative errno
 */
ssize_t rundir_read(const struct rundir *dir, const char *file, size_t size_max, char **ret);

/** rundir_tail() - The last non-empty line of a file, cut to @size; "" when there is none. */
void rundir_tail(const struct rundir *dir, const char *file, char *ret, size_t size);

#endif /* EXPERIMENT_RUNDIR_H */
