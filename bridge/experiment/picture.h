/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * picture.h - the topology of a scenario as text.
 */
#ifndef EXPERIMENT_PICTURE_H
#define EXPERIMENT_PICTURE_H

#include <stdio.h>

#include "bridge/scenario/scenario.h"

/** picture_draw() - Every link with its parameters and its ends; a drawing for a few ends, a list for many. */
void picture_draw(const struct scenario *scenario, FILE *stream);

/** picture_rate() - "100 Mbit/s". */
void picture_rate(uint64_t bps, char *ret, size_t size);

/** picture_time() - "6.56 us". */
void picture_time(uint64_t ns, char *ret, size_t size);

/** picture_address() - "10.0.0.1/24", or "" for an end without one. */
void picture_address(const struct scenario_end *end, char *ret, size_t size);

#endif /* EXPERIMENT_PICTURE_H */
