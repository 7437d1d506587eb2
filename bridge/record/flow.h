/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flow.h - what became of the frames of a recording: delay and loss per port, by finding what entered again among what
 * left.
 *
 * A frame that left is the earliest one that entered at another port with the same bytes, has not been found at this
 * port yet, and did so no later. A frame that a simulated router rewrote is not found again.
 */
#ifndef RECORD_FLOW_H
#define RECORD_FLOW_H

#include "bridge/record/recording.h"

struct flow_port {
	uint64_t entered, entered_bytes;
	uint64_t left, left_bytes;
	uint64_t found;    /* of those that left: where they entered is known; the delays are theirs */
	uint64_t vanished; /* of those that entered: nothing like it left anywhere */
	uint64_t delay_min_ns, delay_p50_ns, delay_p99_ns, delay_max_ns;
	double delay_mean_ns;
};

/**
 * flow_find() - Delay and loss of every port
 * @ret:	recording->port_count entries
 *
 * Memory: 32 bytes for every frame. Return: 0 or -ENOMEM.
 */
int flow_find(struct recording *recording, struct flow_port *ret);

#endif /* RECORD_FLOW_H */
