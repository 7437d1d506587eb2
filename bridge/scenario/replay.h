/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * replay.h - nodes of kind replay: a capture file whose frames enter a simulated link at its own timing.
 *
 * Part of scenario.h's structures; included by who reads such nodes.
 */
#ifndef SCENARIO_REPLAY_H
#define SCENARIO_REPLAY_H

#include "bridge/scenario/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A MAC that is replaced wherever it stands. */
struct scenario_mac_rewrite {
	uint8_t from[6], to[6];
};

/* An address that is replaced wherever it stands; both of one family, prefix lengths mean nothing. */
struct scenario_ip_rewrite {
	struct scenario_addr from, to;
};

/*
 * A frame that the file has t ns after its first frame enters, in pass k = 0, 1, ..., at
 *
 *	start_ns + k * (duration * speed_den / speed_num + gap_ns) + t * speed_den / speed_num
 *
 * of simulated time since the ready barrier, each quotient rounded down; duration is the t of the last frame.
 */
struct scenario_replay {
	char *file; /* relative to the scenario's directory, or absolute */
	struct scenario_pos file_pos;
	char *filter; /* BPF; NULL: everything */
	struct scenario_pos filter_pos;
	uint64_t start_ns;
	uint64_t speed_num, speed_den; /* speed 1.5 is 15 / 10 */
	uint32_t loop;                 /* passes */
	uint64_t gap_ns;               /* between passes */
	bool pad;                      /* fill up frames of which the capture has only the beginning */
	struct scenario_mac_rewrite *macs;
	size_t mac_count;
	struct scenario_ip_rewrite *ips;
	size_t ip_count;
};

#ifdef __cplusplus
}
#endif

#endif /* SCENARIO_REPLAY_H */
