/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * carrier.c - see carrier.h.
 */
#include "bridge/experiment/carrier.h"

#include <errno.h>

#include "bridge/experiment/console.h"
#include "bridge/experiment/daemon.h"

int carrier_told(struct peers *peers, const struct wire_msg *msg)
{
	struct daemon *daemon = peers->daemon;
	struct carrier *carrier = &daemon->carrier;
	const struct scenario_end *end = scenario_find_port(daemon->scenario, peers->ghost, msg->arg);
	bool up = msg->value[0];
	uint32_t index;

	if (!end)
		return -EPROTO;
	index = (uint32_t)(end - daemon->scenario->ends);
	/* A ghost's successor tells us everything once more. */
	if (lab_tap_has_carrier(daemon->lab, index, LAB_CARRIER_RADIO) == up)
		return 0;
	lab_tap_set_carrier(daemon->lab, index, LAB_CARRIER_RADIO, up);
	if (!daemon->origin_ns)
		return 0;
	console_say("%s %s at %.3f s", end->port_name, up ? "is associated" : "has lost its access point",
		    (double)msg->value[1] / 1e9);
	if (carrier->count < CARRIER_EVENTS_MAX)
		carrier->events[carrier->count] = (struct carrier_event){index, up, msg->value[1]};
	carrier->count++;
	return 0;
}

json_t *carrier_json(const struct daemon *daemon)
{
	json_t *list = json_array();

	for (size_t i = 0; i < daemon->carrier.count && i < CARRIER_EVENTS_MAX; i++) {
		const struct carrier_event *event = &daemon->carrier.events[i];

		json_array_append_new(list, json_pack("{s:f,s:s,s:s}", "at_s", (double)event->at_ns / 1e9, "port",
						      daemon->scenario->ends[event->end].port_name, "carrier",
						      event->up ? "up" : "down"));
	}
	return list;
}
