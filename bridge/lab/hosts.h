/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hosts.h - the /etc/hosts of each container.
 */
#ifndef LAB_HOSTS_H
#define LAB_HOSTS_H

#include <stdint.h>

#include "bridge/scenario/scenario.h"

/**
 * hosts_write() - Write the hosts file of node @node
 *
 * Every node's name stands for all of its addresses, those on a link shared with @node first, so that what a program
 * tries first is what can be reached without a router.
 *
 * Return: 0 or a negative errno
 */
int hosts_write(const char *path, const struct scenario *scenario, uint32_t node);

#endif /* LAB_HOSTS_H */
