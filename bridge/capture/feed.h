/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * feed.h - a capture file (pcap or pcapng) as a stream of frames at simulated times.
 *
 * The file is read through libpcap, frame by frame as they are asked for, so memory does not grow with it. It is
 * hostile input: whoever reads it should have no rights. After feed_open() nothing is opened any more; reads, seeks and
 * memory are all it needs, so it goes on behind a seccomp filter.
 */
#ifndef CAPTURE_FEED_H
#define CAPTURE_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/diag.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FEED_FRAME_MIN 14    /* bytes: an Ethernet header */
#define FEED_FRAME_MAX 16384 /* what any simulated link carries, and a wire */

struct feed_terms {
	const char *filter; /* BPF; NULL: every frame */
	uint64_t start_ns;  /* when the file's first frame enters */
	uint64_t speed_num; /* time of the file runs speed_num / speed_den times as fast; neither is 0 */
	uint64_t speed_den;
	uint32_t loop;   /* how many times the file is sent, at least 1 */
	uint64_t gap_ns; /* between the last frame of one pass and the first of the next */
	bool pad;        /* frames cut short by the capture are filled up with zeros, not refused */
};

struct feed_frame {
	uint64_t time_ns; /* when it enters: see struct feed_terms */
	uint32_t len;     /* FEED_FRAME_MIN to FEED_FRAME_MAX */
	uint8_t *data;    /* may be written to; valid until the next call */
};

struct feed;

/**
 * feed_compile() - Whether a text is a filter for Ethernet frames
 *
 * Names of services and protocols are looked up, so before any sandbox. Return: 0, -EINVAL with libpcap's words in
 * @diag, or -ENOMEM
 */
int feed_compile(const char *filter, struct diag *diag);

/**
 * feed_open() - Prepare to read a file
 * @fd:		of a regular file; stays the caller's, who leaves its offset alone
 * @terms:	copied, but for the filter's text, which is compiled at once
 * @ret:	to be freed with feed_close(); untouched on failure
 *
 * The file itself is not read before feed_next(). Return: 0, or a negative errno with @diag
 */
int feed_open(int fd, const struct feed_terms *terms, struct feed **ret, struct diag *diag);

/**
 * feed_next() - The next frame that passes the filter
 *
 * Times never decrease. Return: 1, 0 after the last pass, or a negative errno with @diag, which names the frame by its
 * number in the file and says what would help; what follows then is 0.
 */
int feed_next(struct feed *feed, struct feed_frame *ret, struct diag *diag);

/* What a file is, after a pass through it. */
struct feed_summary {
	uint64_t frames;      /* in the file */
	uint64_t passed;      /* of them, through the filter */
	uint64_t duration_ns; /* from the first frame in the file to the last, by its own clock */
	uint32_t longest;     /* bytes, of those passed */
};

/** feed_seen() - What was seen of the file in the present pass; of the whole file after the last frame. */
struct feed_summary feed_seen(const struct feed *feed);

/** feed_close() - Free it; NULL is fine. */
void feed_close(struct feed *feed);

#ifdef __cplusplus
}
#endif

#endif /* CAPTURE_FEED_H */
