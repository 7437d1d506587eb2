/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rights.h - who the shuttles, the ghosts and the recorder run as, and how they become it.
 */
#ifndef EXPERIMENT_RIGHTS_H
#define EXPERIMENT_RIGHTS_H

#include <sys/types.h>

#include "bridge/diag.h"

/*
 * Own users without a name: "gb" and a number, far from what distributions, containers (65536 and up) and directory
 * services hand out, so nothing else on the host runs as them or owns a file of theirs.
 */
#define RIGHTS_SHUTTLE_UID  0x67620001u
#define RIGHTS_GHOST_UID    0x67620002u
#define RIGHTS_RECORDER_UID 0x67620003u

/**
 * rights_drop() - Become a user without any right, for good
 * @uid:	user and group
 *
 * In a child between fork and exec. Empties supplementary groups and all capability sets, the bounding set included,
 * sets no_new_privs, a parent-death SIGKILL, a timer slack of 1 ns and umask 077.
 *
 * Return: 0 or a negative errno; the process must not go on then
 */
int rights_drop(uid_t uid, struct diag *diag);

#endif /* EXPERIMENT_RIGHTS_H */
