/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * container.h - the LXC container of one node: started with loopback only and an init that sleeps.
 */
#ifndef LAB_CONTAINER_H
#define LAB_CONTAINER_H

#include <stdint.h>

#include "bridge/diag.h"

struct lab;

/** container_start() - Start node @node and fill its struct lab_node. Return: 0 or a negative errno with @diag. */
int container_start(struct lab *lab, uint32_t node, struct diag *diag);

/** containers_stop() - Kill every container at once, wait until all are gone, close what belongs to them. */
void containers_stop(struct lab *lab);

#endif /* LAB_CONTAINER_H */
