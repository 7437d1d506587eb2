/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tape.h - what a replay writes: a recording of its own, and what simulated devices saw.
 *
 * Ghosts are replayed at the same time and independently, so each writes down its journal's entries in a temporary
 * file, a tape; when all have ended the tapes are joined in the order of simulated time. A single ghost needs none.
 */
#ifndef EXPERIMENT_TAPE_H
#define EXPERIMENT_TAPE_H

#include <stdint.h>
#include <stdio.h>

#include "bridge/experiment/replay.h"
#include "bridge/record/journal.h"
#include "bridge/record/pcapng.h"

/* Zeroes are an empty one. */
struct tape {
	struct replay *replay; /* borrowed: where it ends up */
	uint32_t ghost;
	FILE *file;        /* NULL: entries go there at once */
	uint32_t *devices; /* interface in the capture by number of the device */
	uint32_t device_count;
};

/** tape_begin() - Begin what is written, before the first tape. */
void tape_begin(struct replay *replay);

/** tape_open() - Begin a tape. Return: 0 or a negative errno. */
int tape_open(struct tape *tape, struct replay *replay, uint32_t ghost);
void tape_close(struct tape *tape);

/** tape_put() - Append an entry that the ghost wrote; unwanted ones are ignored. Return: 0 or a negative errno. */
int tape_put(struct tape *tape, const struct journal_entry *entry, const uint8_t *payload);

/** tape_join() - All tapes, into recording and capture. Return: 0 or a negative errno. */
int tape_join(struct replay *replay, struct tape **tapes, uint32_t count);

#endif /* EXPERIMENT_TAPE_H */
