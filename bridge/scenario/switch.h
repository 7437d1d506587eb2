/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * switch.h - what a scenario says of an Open vSwitch switch and of its ports.
 *
 * What Open vSwitch understands better than we do (flows, groups, meters, settings of its database) stays text, line by
 * line with its place in the file, so that Open vSwitch's word on it can be reported there.
 */
#ifndef SCENARIO_SWITCH_H
#define SCENARIO_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/scenario/scenario.h"

#define SCENARIO_OPENFLOW_VERSIONS 6     /* OpenFlow 1.0 to 1.5, bit n of `protocols` is 1.n */
#define SCENARIO_SWITCH_NAME_MAX   15    /* characters: the bridge is an interface, too */
#define SCENARIO_VLAN_MAX          4094  /* IEEE 802.1Q-2018, 9.6 */
#define SCENARIO_SWITCH_PORT_MAX   65279 /* OFPP_MAX - 1 of OpenFlow 1.0, 5.2.1 */
#define SCENARIO_CONTROLLER_PORT   6653  /* IANA's for OpenFlow */

/* One line for a tool of Open vSwitch. */
struct scenario_line {
	char *text;
	char *source; /* "FILE:3: " of a line of another file, which the scenario names at pos; else NULL */
	struct scenario_pos pos;
};

struct scenario_lines {
	struct scenario_line *items;
	size_t count;
};

enum scenario_controller_kind {
	SCENARIO_CONTROLLER_LEARNING, /* ovs-testcontroller, run in the lab for all switches that want it */
	SCENARIO_CONTROLLER_APP,      /* an os-ken application, run in the lab */
	SCENARIO_CONTROLLER_ADDRESS,  /* somebody's own, at tcp: or ssl: */
};

struct scenario_controller {
	enum scenario_controller_kind kind;
	char *target; /* ADDRESS: "tcp:10.0.0.9:6653"; APP: path below the scenario's directory; else NULL */
	struct scenario_pos pos;
};

struct scenario_switch {
	uint32_t number;    /* among the file's switches, from 1 */
	uint64_t dpid;      /* datapath ID; by default the number */
	uint32_t protocols; /* bit n: OpenFlow 1.n */
	bool is_secure;     /* fail-mode: without a controller no rules but those of the file */
	bool has_fail_mode; /* the file says so */
	bool stp, rstp;
	struct scenario_lines flows, groups, meters; /* as ovs-ofctl has them */
	struct scenario_lines configure;             /* ovs-vsctl commands without "ovs-vsctl" */
	struct scenario_controller *controllers;
	size_t controller_count;
	struct scenario_addr *addrs; /* of the switch itself, on its local port */
	size_t addr_count;
};

/* What an end has beside the rest when its node is a switch. */
struct scenario_switch_port {
	uint32_t number; /* OpenFlow port number; 0 for a management interface */
	bool management; /* no port: the switch's own interface, out of band */
	uint16_t tag;    /* access port of this VLAN; 0: none */
	uint16_t *trunks;
	size_t trunk_count; /* 0: all VLANs */
	uint64_t limit_bps; /* of what enters the switch here, without FCS; a multiple of 1000; 0: none */
	struct scenario_pos limit_pos;
};

#endif /* SCENARIO_SWITCH_H */
