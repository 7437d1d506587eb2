/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * replay.h - run the simulated half of an experiment again, from a recording: no container, no right, no clock.
 *
 * Every ghost of the recording is started as the daemon would start it, on a wire without a shuttle. What entered live
 * comes from the recording through one journal, what leaves is compared through another, frame by frame.
 */
#ifndef EXPERIMENT_REPLAY_H
#define EXPERIMENT_REPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bridge/diag.h"
#include "bridge/record/pcapng.h"
#include "bridge/record/recording.h"
#include "bridge/scenario/scenario.h"
#include "bridge/wire/stats.h"

/* What differs first. */
struct replay_difference {
	bool any;
	bool has_recorded; /* the recording has a frame here ... */
	bool has_replayed; /* ... the replay has one */
	struct recording_entry recorded, replayed;
	uint8_t head[JOURNAL_OUT_SIZE]; /* first bytes of the replayed frame */
	uint32_t head_size;
	uint64_t number; /* of departures of that ghost that were the same before */
};

/* A ghost that came to its recorded end after more or fewer events than live. */
struct replay_miscount {
	bool any;
	uint32_t ghost;
	uint64_t recorded, replayed;
};

/* A frame that left live: what was in it? */
struct replay_wanted {
	struct recording_entry departure;
	bool over;                      /* found, or known not to come any more */
	uint8_t head[JOURNAL_OUT_SIZE]; /* its first bytes */
	uint32_t size;                  /* ... how many; 0: not found */
};

struct replay {
	struct recording *recording;     /* borrowed */
	const struct scenario *scenario; /* what is simulated now, borrowed */
	int ghost_fd;                    /* ns3-ghost */
	int program_fd;                  /* the user's own, -1: none */
	bool changed;                    /* another scenario than the recorded one: nothing to compare */
	struct boundary_writer *out;     /* a recording of the replay, or NULL; the caller's */
	FILE *out_file;
	FILE *pcap;                   /* what devices see, or NULL */
	struct pcapng_out devices;    /* ... on its way there; pcapng_out_done() is the caller's */
	uint32_t device_count;        /* ... interfaces in it */
	struct stats_port *ends;      /* what the ghosts counted, one per end of the scenario */
	struct stats_port *apps;      /* ... and one per application, see record_apps_json() */
	struct replay_wanted *wanted; /* for replay_find(), or NULL */
	struct replay_difference difference;
	struct replay_miscount miscount;
	uint64_t compared;     /* departures that were the same */
	uint64_t events;       /* simulator events run */
	uint64_t simulated_ns; /* longest of the ghosts */
	uint64_t frames;       /* that entered */
	uint64_t inputs;       /* hash of all that entered, as boundary_inputs() */
};

/**
 * replay_run() - Simulate all ghosts again, at the same time
 *
 * They are independent; what is written comes out in the same order whoever was faster.
 *
 * Return: 0 or a negative errno with @diag
 */
int replay_run(struct replay *replay, struct diag *diag);

/**
 * replay_find() - Simulate one ghost again up to a frame that left it, for that frame's first bytes
 * @replay:	with @wanted; without anything to write
 *
 * A recording has but a hash of what left. Return: 0, found or not, or a negative errno with @diag
 */
int replay_find(struct replay *replay, struct diag *diag);

#endif /* EXPERIMENT_REPLAY_H */
