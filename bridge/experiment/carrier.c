/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * carrier.c - see carrier.h.
 */
#include "bridge/experiment/carrier.h"

#include <errno.h>

#include "bridge/experiment/console.h"
#include "bridge/experiment/daemon.h"

/* How long before @at_ns an end lost its carrier, 0 if that is not listed. */
static uint64_t time_without(const struct carrier *carrier, uint32_t end, uint64_t at_ns)
{
	for (size_t i = carrier->count; i-- > 0;)
		if (carrier->events[i].end == end)
			return carrier->events[i].up || at_ns < carrier->events[i].at_ns
				       ? 0
				       : at_ns - carrier->events[i].at_ns;
	return 0;
}

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
	if (carrier->count < CARRIER_EVENTS_MAX) {
		struct carrier_event *event = &carrier->events[carrier->count];
		bool known = up && msg->value[2] && msg->value[2] <= daemon->scenario->end_count;

		*event = (struct carrier_event){
			.end = index,
			.up = up,
			.at_ns = msg->value[1],
			.ap = known ? (uint32_t)(msg->value[2] - 1) : SCENARIO_NONE,
			.without_ns = up ? time_without(carrier, index, msg->value[1]) : 0,
		};
	}
	carrier->count++;
	return 0;
}

json_t *carrier_json(const struct daemon *daemon)
{
	json_t *list = json_array();

	for (size_t i = 0; i < daemon->carrier.count && i < CARRIER_EVENTS_MAX; i++) {
		const struct carrier_event *event = &daemon->carrier.events[i];

		json_t *item =
			json_pack("{s:f,s:s,s:s}", "at_s", (double)event->at_ns / 1e9, "port",
				  daemon->scenario->ends[event->end].port_name, "carrier", event->up ? "up" : "down");

		if (event->ap != SCENARIO_NONE)
			json_object_set_new(item, "ap", json_string(daemon->scenario->ends[event->ap].port_name));
		if (event->without_ns)
			json_object_set_new(item, "without_s", json_real((double)event->without_ns / 1e9));
		json_array_append_new(list, item);
	}
	return list;
}
