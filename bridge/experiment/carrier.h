/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * carrier.h - interfaces whose carrier the simulation gives and takes: a Wi-Fi station's follows its association.
 */
#ifndef EXPERIMENT_CARRIER_H
#define EXPERIMENT_CARRIER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/wire/wire_abi.h"

#define CARRIER_EVENTS_MAX 1000 /* listed in the report; more are only counted */

struct daemon;
struct peers;

struct carrier_event {
	uint32_t end;
	bool up;
	uint64_t at_ns;      /* simulated, since the barrier */
	uint32_t ap;         /* end that an end is associated with now; SCENARIO_NONE */
	uint64_t without_ns; /* up: how long it had none before; 0: not since the barrier */
};

struct carrier {
	struct carrier_event events[CARRIER_EVENTS_MAX];
	size_t count; /* may exceed CARRIER_EVENTS_MAX */
};

/** carrier_told() - A ghost said CARRIER. Return: 0, or -EPROTO for a port it does not have. */
int carrier_told(struct peers *peers, const struct wire_msg *msg);

/** carrier_json() - What happened since the barrier, in order; new reference. */
json_t *carrier_json(const struct daemon *daemon);

#endif /* EXPERIMENT_CARRIER_H */
