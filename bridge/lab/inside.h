/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inside.h - what is set up in a running container from outside: its empty /var, and its kernel settings.
 *
 * Done by short-lived children with the rights of the container's root, for two reasons: the kernel then refuses what
 * is not the container's own, and a process that changes its user loses its parent-death signal, which the daemon
 * needs.
 */
#ifndef LAB_INSIDE_H
#define LAB_INSIDE_H

#include <stdint.h>

#include "bridge/diag.h"

struct lab;

/** inside_prepare() - Before the node has interfaces: directories, and all settings that exist by now. */
int inside_prepare(const struct lab *lab, uint32_t node, struct diag *diag);

/** inside_finish() - With all interfaces there: the settings again, those of interfaces included. */
int inside_finish(const struct lab *lab, uint32_t node, struct diag *diag);

#endif /* LAB_INSIDE_H */
