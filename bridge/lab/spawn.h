/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spawn.h - what starting a command has in common wherever it runs, in a container or in the lab beside a switch.
 */
#ifndef LAB_SPAWN_H
#define LAB_SPAWN_H

#include <sys/types.h>

#include "bridge/lab/lab.h"

/**
 * spawn_attach() - Between fork and exec: take the command's descriptors as 0, 1 and 2, and a process group
 * @uid:	user that is to be able to open them again through /proc; 0: as they are
 *
 * With a terminal the command leads a session of its own, whose terminal that is.
 *
 * Return: 0 or a negative errno
 */
int spawn_attach(const struct lab_exec *exec, uid_t uid);

/**
 * spawn_clean() - Between fork and exec: undo what is the daemon's own
 *
 * The limit of open files, ignored, caught and blocked signals, and every descriptor above 2 (closed by the exec).
 *
 * Return: 0 or a negative errno
 */
int spawn_clean(const struct lab *lab);

/**
 * spawn_putenv() - Between fork and exec: add variables
 * @env:	"NAME=VALUE", borrowed; others are left out; ends with NULL, may be NULL
 *
 * Return: 0 or -ENOMEM
 */
int spawn_putenv(const char *const *env);

/**
 * spawn() - Fork, and execute a command
 * @argv:	looked for in the PATH that @enter leaves; where it cannot be executed the child says so on 2 and exits
 * as a shell would, with 126 or 127
 * @enter:	called in the child; a negative errno of its is returned here
 * @context:	for it
 * @ret_pid:	of the child, which leads its process group
 *
 * Returns when the command has been executed, so @enter must not wait for anybody.
 *
 * Return: 0 or a negative errno
 */
int spawn(const char *const *argv, int (*enter)(const void *context), const void *context, pid_t *ret_pid);

#endif /* LAB_SPAWN_H */
