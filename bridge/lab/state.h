/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.h - what a lab leaves on disk while it runs: one directory with a lock, a journal and the daemon's PID.
 *
 * LAB_STATE_ROOT/NAME/lock is flocked for as long as the daemon lives; whoever holds that lock owns the directory. The
 * journal names, one per line, the things that outlive a killed daemon ("cgroup /sys/fs/cgroup/memory/ghostbridge/x"),
 * each written before it is made. The rest of the directory belongs to the experiment.
 */
#ifndef LAB_STATE_H
#define LAB_STATE_H

#include <sys/types.h>

#include "bridge/diag.h"

#define STATE_PATH_SIZE 256 /* bytes of a state directory's path with its NUL */

/** state_check_name() - 0 if @name can be a directory, a cgroup and a word of a message; -EINVAL with @diag if not. */
int state_check_name(const char *name, struct diag *diag);

/** state_path() - Write LAB_STATE_ROOT/@name to @ret_path, STATE_PATH_SIZE bytes; @name passed state_check_name(). */
void state_path(const char *name, char *ret_path);

/**
 * state_take() - Create the state directory of @name if need be and lock it
 * @create:	false: -ENOENT when there is no such directory
 * @ret_fd:	the lock; closing its last copy unlocks
 *
 * Return: 0, -EBUSY when somebody else holds it, or another negative errno
 */
int state_take(const char *name, bool create, int *ret_fd);

/** journal_open() - Open (create) the journal of the lab whose lock the caller holds. Return: fd or a negative errno.
 */
int journal_open(const char *name);

/** journal_add() - Write "@kind @path" to the journal and wait until it is on disk. Return: 0 or a negative errno. */
int journal_add(int fd, const char *kind, const char *path);

/** state_write_pid() - Record @pid, of the caller's PID namespace, with its start time. Return: 0 or -errno. */
int state_write_pid(const char *name, pid_t pid);

/**
 * state_undo() - Remove everything that the journal of @name lists, last first, then the journal
 *
 * The caller holds the lock. Waits (bounded) for a daemon that was just killed to be gone.
 * Return: number of things removed, or a negative errno
 */
int state_undo(const char *name, struct diag *diag);

/** state_remove() - Remove the state directory, the lock file last. The caller holds the lock. */
int state_remove(const char *name, struct diag *diag);

#endif /* LAB_STATE_H */
