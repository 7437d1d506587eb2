/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boundary.h - boundary.pcapng: everything that entered a simulation, in order, as a pcapng file any tool opens.
 *
 * One section. Its header has a comment for a person and, as custom options, what a replay needs: lines of KEY=VALUE,
 * and the scenario's text. One interface per port, in the order of ghosts and their ports, and a last one for changes.
 * Time stamps are simulated nanoseconds since the origin. A frame that entered is an Enhanced Packet Block, inbound. A
 * change is a packet on the last interface with its text as comment. What else belongs to the recording, and other
 * tools skip, is in Custom Blocks:
 *
 *	u32 enterprise number, u32 BOUNDARY_DEPARTURES, then struct boundary_departure, any number
 *	u32 enterprise number, u32 BOUNDARY_EVENT, then struct boundary_event, then text
 */
#ifndef RECORD_BOUNDARY_H
#define RECORD_BOUNDARY_H

#include "bridge/record/journal.h"
#include "bridge/record/pcapng.h"

#define BOUNDARY_FILE   "boundary.pcapng"
#define BOUNDARY_SCHEMA 1

/* The enterprise number that RFC 5612 sets aside for examples; ghostbridge has none of its own. */
#define BOUNDARY_ENTERPRISE 32473u

#define BOUNDARY_DEPARTURES 0x31444247u /* "GBD1" */
#define BOUNDARY_EVENT      0x31454247u /* "GBE1" */

/* First bytes of the text options of the section header, after the enterprise number. */
#define BOUNDARY_TEXT_META     "ghostbridge-recording\n"
#define BOUNDARY_TEXT_SCENARIO "ghostbridge-scenario\n"

#define BOUNDARY_CONTROL_NAME "changes"
#define BOUNDARY_CONTROL_TYPE 0x88b5 /* IEEE Std 802 Local Experimental EtherType 1 */

/* A frame that left the simulation. */
struct boundary_departure {
	uint32_t interface;
	uint32_t len;
	uint64_t time_ns;
	uint64_t hash; /* XXH3 (64 bits) of its bytes */
};

/* A journal entry that is no frame. */
struct boundary_event {
	uint32_t ghost;
	uint32_t kind; /* enum journal_kind */
	uint64_t time_ns;
	uint64_t value;
	uint32_t extra;
	uint32_t text_size;
};

struct boundary_port {
	const char *name; /* "h1.eth0" */
	const char *link;
	uint32_t ghost;
	uint32_t index; /* on the ghost's wire */
};

struct boundary_info {
	const char *name;         /* of the experiment */
	const char *default_name; /* the scenario's, from which what it does not say is derived */
	const char *source;       /* absolute path of the scenario's file: a program it names is relative to it */
	const char *scenario;     /* its text, as run */
	const char *ns3;          /* version */
	const char *ghost;        /* hash of ns3-ghost's file; NULL or "": not known */
	const char *program;      /* ... of the user's own; likewise */
	uint64_t seed;
	uint64_t lag_ns;
	uint32_t workers; /* as given to scenario_load() */
	uint32_t ghost_count;
	const struct boundary_port *ports; /* by ghost, then by index, without a hole */
	uint32_t port_count;
};

#define BOUNDARY_DEPARTURES_MAX 1024 /* in one block */

struct boundary_writer {
	struct pcapng_out out; /* finished blocks; the owner writes them and sets out.size to 0 */
	uint32_t *first;       /* interface of each ghost's port 0; one more than there are ghosts */
	uint32_t ghost_count;
	uint32_t port_count;
	struct boundary_departure departures[BOUNDARY_DEPARTURES_MAX];
	uint32_t departure_count;
	uint64_t *inputs; /* of each ghost, boundary_input() so far */
	uint64_t frames;  /* that entered */
	uint64_t gaps;    /* entries missing */
};

/** boundary_open() - Begin a recording: section and interfaces are in @writer->out. Return: 0, -EINVAL, -ENOMEM. */
int boundary_open(struct boundary_writer *writer, const struct boundary_info *info);
void boundary_close(struct boundary_writer *writer);

/** boundary_add() - Add a journal entry of ghost @ghost. Return: 0, or -EPROTO when it makes no sense. */
int boundary_add(struct boundary_writer *writer, uint32_t ghost, const struct journal_entry *entry,
		 const uint8_t *payload);

/**
 * boundary_input() - Add a journal entry to the hash of what entered a ghost: frames and changes, in order
 * @digest:	hash so far; 0 before the first entry
 *
 * Return: the new hash; the same for an entry of another kind
 */
uint64_t boundary_input(uint64_t digest, const struct journal_entry *entry, const uint8_t *payload);

/** boundary_inputs() - One hash of those of all ghosts. */
uint64_t boundary_inputs(const uint64_t *inputs, uint32_t ghost_count);

/** boundary_flush() - Make a block of what waits for one. */
void boundary_flush(struct boundary_writer *writer);

#endif /* RECORD_BOUNDARY_H */
