/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recording.h - reading what boundary.h describes. Whatever is in the file is input: checked, never believed.
 */
#ifndef RECORD_RECORDING_H
#define RECORD_RECORDING_H

#include "bridge/record/boundary.h"

#define RECORDING_PORTS_MAX 65536u

struct recording_port {
	char *name;
	char *link;
	uint32_t ghost;
	uint32_t index;
	/* Counted by recording_scan(): */
	uint64_t frames_in, bytes_in;
	uint64_t frames_out, bytes_out;
};

struct recording_ghost {
	bool has_begun;
	bool has_ended;
	bool is_cut;     /* it ended in the middle of an event */
	uint64_t end_ns; /* when it ended, or the last time seen */
	uint64_t events; /* run until then; 0 when unknown */
	uint64_t begin_events;
	uint64_t gap_at; /* entry number, from 0, in front of which something of this ghost is missing; UINT64_MAX: none
			  */
};

struct recording {
	struct pcapng_in in;
	char *name;              /* of the experiment */
	char *default_name;      /* for scenario_load() */
	char *source;            /* path of the scenario's file at the time of the run; may be empty */
	char *scenario;          /* its text */
	char *ghostbridge, *ns3; /* versions that wrote it */
	char *ghost, *program;   /* hashes of the files of ns3-ghost and of the user's own program; NULL: not known */
	uint64_t seed, lag_ns;
	uint32_t workers;
	uint32_t ghost_count;
	uint32_t port_count;
	struct recording_port *ports;
	struct recording_ghost *ghosts;
	uint64_t end_ns; /* of the last entry */
	uint64_t frames_in;
	char incomplete[256]; /* why a replay cannot be compared in full; "" */
	/* Where recording_next() stands. */
	size_t first;
	struct pcapng_block block;
	size_t departure_at;
};

/* One thing that happened, in the file's order. */
struct recording_entry {
	enum journal_kind kind;
	uint32_t ghost;
	uint32_t interface; /* index into ports; IN and OUT */
	uint32_t len;       /* of the frame; IN and OUT */
	uint64_t time_ns;
	uint64_t value;      /* as in struct journal_entry */
	uint32_t extra;      /* likewise */
	const uint8_t *data; /* the frame (IN) or text (CONTROL); NULL else */
	uint32_t size;       /* bytes of data */
	size_t offset;       /* of the block in the file */
};

/**
 * recording_parse() - Take up a recording in memory
 * @data:	borrowed until recording_done()
 * @ret:	recording_done() frees it, also after a failure
 *
 * Reads all of it once, so that counts, ends and what is missing are known.
 *
 * Return: 0, -EPROTO with @diag when this is no recording, -EPROTONOSUPPORT one of another schema, -ENOMEM
 */
int recording_parse(const uint8_t *data, size_t size, struct recording *ret, struct diag *diag);
void recording_done(struct recording *recording);

/** recording_rewind() - Back to the first entry. */
void recording_rewind(struct recording *recording);

/** recording_next() - The next entry. Return: 1, 0 at the end. */
int recording_next(struct recording *recording, struct recording_entry *ret);

/**
 * recording_load() - Map and parse a file
 * @path:	the file
 *
 * Return: as recording_parse(), or a negative errno with @diag
 */
int recording_load(const char *path, struct recording *ret, struct diag *diag);

/** recording_unload() - Undo recording_load(). */
void recording_unload(struct recording *recording);

#endif /* RECORD_RECORDING_H */
