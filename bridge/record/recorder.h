/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recorder.h - the recorder: takes what ghosts journal and appends it to a file, a block at a time.
 *
 * A process of its own, without rights but for its open file: the daemon forks it. It comes by every few milliseconds;
 * nobody waits for it. Whatever is in the file ends with a whole block, however the recorder ends.
 */
#ifndef RECORD_RECORDER_H
#define RECORD_RECORDER_H

#include "bridge/record/boundary.h"

/* How long it stays away: the less the more there is, so that a busy journal goes round in memory that is in the
 * caches. */
#define RECORDER_TURN_NS     10000000u
#define RECORDER_TURN_MIN_NS 500000u

/* In memory shared between daemon and recorder. */
struct recorder_status {
	uint32_t finish; /* daemon: take what is there, then leave */
	uint32_t done;   /* recorder: everything is written */
	int32_t error;   /* recorder: negative errno of the write that failed; 0: none */
	uint32_t broken; /* recorder: 1 + the ghost whose journal made no sense */
	uint64_t bytes;  /* written */
	uint64_t frames; /* that entered */
	uint64_t gaps;   /* entries that are missing */
	uint64_t inputs; /* boundary_inputs() of all that entered, when done */
};

/**
 * recorder_run() - Record until told to finish
 * @fd:		the file, empty, with O_APPEND
 * @direct_fd:	the same with O_DIRECT; -1: that cannot be had
 * @journals:	one per ghost of @writer
 * @writer:	opened; its head is written first
 */
void recorder_run(int fd, int direct_fd, struct journal *journals, struct boundary_writer *writer,
		  struct recorder_status *status);

/** recorder_sandbox() - Allow this process nothing but recorder_run(). Return: 0 or a negative errno. */
int recorder_sandbox(void);

#endif /* RECORD_RECORDER_H */
