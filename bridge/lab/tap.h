/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tap.h - TAP devices: the ends of simulated links, one frame per read or write.
 */
#ifndef LAB_TAP_H
#define LAB_TAP_H

#include <stdint.h>

#include "bridge/diag.h"

/**
 * tap_open() - Create TAP @name in the current network namespace
 * @rate_bps:	what ethtool is to report, bit/s
 * @ret_fd:	non-blocking; the TAP exists as long as it is open, wherever the interface is moved
 *
 * Return: 0 or a negative errno with @diag
 */
int tap_open(const char *name, uint64_t rate_bps, int *ret_fd, struct diag *diag);

#endif /* LAB_TAP_H */
