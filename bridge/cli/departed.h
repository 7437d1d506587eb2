/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * departed.h - what was in a frame that left a simulation. A recording has only a hash of it.
 */
#ifndef CLI_DEPARTED_H
#define CLI_DEPARTED_H

#include <stddef.h>

#include "bridge/record/recording.h"

/**
 * departed_decode() - The headers of a frame that left, in one line
 * @entry:	a departure of @recording
 * @ret:	the line; where they cannot be known, why, in parentheses
 *
 * Most frames have entered somewhere. What a simulated node made or rewrote did not: for that one the simulation is
 * run again, up to there. Only ns3-ghost is; a program that a recording names is for `replay`, which is asked to run
 * it.
 */
void departed_decode(struct recording *recording, const struct recording_entry *entry, char *ret, size_t size);

#endif /* CLI_DEPARTED_H */
