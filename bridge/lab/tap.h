/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tap.h - TAP devices: the ends of simulated links, one frame per read or write.
 */
#ifndef LAB_TAP_H
#define LAB_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/diag.h"

struct tap_options {
	uint64_t rate_bps; /* what ethtool is to report, bit/s */
	bool full_duplex;  /* likewise */
	bool offload;      /* with a virtio header and whatever offload the kernel has */
	bool arrivals;     /* note when frames get into it, where the kernel can */
};

struct tap {
	int fd;           /* non-blocking; the TAP exists as long as it is open; -1: none */
	uint32_t offload; /* enum lab_offload bits */
	int arrivals_fd;  /* map of one struct arrivals_ring (bridge/arrivals.h); 0: none */
};

/**
 * tap_open() - Create TAP @name
 * @netns_fd:	the network namespace it is to be in, or -1 for the current one. Moving it there later would cost 20 ms.
 * @home_fd:	the namespace to come back to; unused with -1
 * @ret:	filled; tap_close() closes it
 *
 * Return: 0 or a negative errno with @diag
 */
int tap_open(const char *name, int netns_fd, int home_fd, const struct tap_options *options, struct tap *ret,
	     struct diag *diag);

/**
 * tap_close() - Close a TAP whose network namespace is about to go, and leave the interface to that
 *
 * Removing interfaces one after the other takes the kernel some 15 ms each; a namespace loses all at once, later.
 */
void tap_close(struct tap *tap);

#endif /* LAB_TAP_H */
