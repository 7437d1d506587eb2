/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_abi.h - every byte that the shuttle and a ghost both see.
 *
 * One sealed memfd holds a header, an inbox per side and a pair of rings per port; two eventfds are the doorbells. All
 * integers are little-endian and naturally aligned, nothing is a pointer. Everything here was written by the other
 * process and is input: copy once, check, use. docs/wire.md says the same in prose for an implementer in another
 * language. Compiles as C11 and C++17.
 */
#ifndef WIRE_WIRE_ABI_H
#define WIRE_WIRE_ABI_H

#include <stdint.h>

#define WIRE_MAGIC          0x3045524957424700ull /* bytes 00 'G' 'B' 'W' 'I' 'R' 'E' '0' */
#define WIRE_VERSION        1u
#define WIRE_JOURNAL_FORMAT 2u /* of record/journal.h; a library from before this was said says 0 */
#define WIRE_PORTS_MAX      1024u
#define WIRE_WORDS          (WIRE_PORTS_MAX / 64u) /* 64-bit words of one port bitmap */
#define WIRE_CACHE_LINE     64u

#define WIRE_RING_SIZE_MIN     (64u << 10) /* a full ring is more than half full even with the largest frame and PAD */
#define WIRE_RING_SIZE_MAX     (64u << 20)
#define WIRE_RING_SIZE_DEFAULT (256u << 10)
#define WIRE_RINGS_SIZE_MAX    (64u << 20) /* all rings of a wire together, as the daemon makes it */

#define WIRE_RECORD_ALIGN 32u    /* records start at multiples of this, so a header always fits before a ring's end */
#define WIRE_FRAME_MAX    16384u /* bytes of one Ethernet frame without FCS: the largest mtu, header and two tags */
#define WIRE_FRAME_MIN    14u    /* an Ethernet header */

#ifdef __cplusplus
#define WIRE_STATIC_ASSERT static_assert
#else
#define WIRE_STATIC_ASSERT _Static_assert
#endif

enum wire_record_type {
	WIRE_RECORD_PAD = 1,   /* no frame: skip to the ring's start */
	WIRE_RECORD_FRAME = 2, /* an Ethernet frame, destination address first, without FCS */
};

/* Precedes every payload; the whole record is rounded up to WIRE_RECORD_ALIGN. */
struct wire_record {
	uint32_t len;     /* payload bytes that follow the header */
	uint16_t type;    /* enum wire_record_type */
	uint16_t flags;   /* none defined: 0 */
	uint64_t time_ns; /* up: CLOCK_MONOTONIC when the frame got into the TAP, or was read; down: simulated departure
			     since the origin */
	uint64_t seq;     /* per ring, from 0, +1 per frame */
};
WIRE_STATIC_ASSERT(sizeof(struct wire_record) == 24, "wire record header");

/* Indices of one ring. They count bytes for ever; the position is the index modulo the ring's size. */
struct wire_ring_ctl {
	uint64_t prod; /* written by the producer only */
	uint8_t pad0[WIRE_CACHE_LINE - 8];
	uint64_t cons;       /* written by the consumer only */
	uint32_t want_space; /* set by a producer that met a full ring, taken by the consumer: see ring.h */
	uint8_t pad1[WIRE_CACHE_LINE - 12];
};
WIRE_STATIC_ASSERT(sizeof(struct wire_ring_ctl) == 2 * WIRE_CACHE_LINE, "ring control");

/* What the peer wants one side to look at. Bits are set by the peer, taken (exchanged with 0) by the owner. */
struct wire_inbox {
	uint32_t sleeping; /* 1: the owner sleeps or is about to; who takes it to 0 rings the owner's doorbell */
	uint8_t pad0[WIRE_CACHE_LINE - 4];
	uint64_t data[WIRE_WORDS];  /* bit p: port p's ring toward the owner has records */
	uint64_t space[WIRE_WORDS]; /* bit p: port p's ring from the owner, which was full, has room again */
};
WIRE_STATIC_ASSERT(sizeof(struct wire_inbox) == 5 * WIRE_CACHE_LINE, "inbox");

/*
 * Start of the memfd. Then follow, each at a multiple of WIRE_CACHE_LINE: `port_count` pairs of ring controls (up,
 * down), and at `rings_offset`, a multiple of 4096, `port_count` pairs of rings (up, down) of `ring_size` bytes.
 */
struct wire_memory {
	uint64_t magic;
	uint32_t version;
	uint32_t port_count;
	uint32_t ring_size; /* bytes, a power of two */
	uint32_t reserved;
	uint64_t rings_offset;
	uint64_t total_size;
	uint8_t pad0[WIRE_CACHE_LINE - 40];
	struct wire_inbox shuttle;
	struct wire_inbox ghost;
};
WIRE_STATIC_ASSERT(sizeof(struct wire_memory) == 11 * WIRE_CACHE_LINE, "wire header");

enum wire_msg_type {
	WIRE_MSG_HELLO = 1,    /* peer -> daemon: role, version */
	WIRE_MSG_WELCOME = 2,  /* daemon -> peer: geometry; fds: memfd, shuttle's bell, ghost's bell, stats memfd */
	WIRE_MSG_REFUSE = 3,   /* daemon -> peer: text says why; then the socket is closed */
	WIRE_MSG_PORT = 4,     /* daemon -> peer, one per port in order; to the shuttle with the TAP's fd,
				  and maybe a second one: bridge/arrivals.h */
	WIRE_MSG_READY = 5,    /* peer -> daemon: everything is built, waiting for START */
	WIRE_MSG_START = 6,    /* daemon -> peer: value[0] = origin, CLOCK_MONOTONIC ns */
	WIRE_MSG_QUIESCE = 7,  /* daemon -> peer: take no new frames, finish those under way */
	WIRE_MSG_QUIESCED = 8, /* peer -> daemon: done, or value[0] frames are still under way */
	WIRE_MSG_STOP = 9,     /* daemon -> peer: leave */
	WIRE_MSG_ERROR = 10,   /* peer -> daemon: text; the peer is about to leave */
	WIRE_MSG_CHANGE = 11,  /* daemon -> ghost: value[0] = stamp, CLOCK_MONOTONIC ns (arg = 1, to a program before
				  START: ns  since the origin), value[1] = number; text: change */
	WIRE_MSG_CHANGED = 12, /* ghost -> daemon: value[0] = simulated ns, value[1] = number; text: "" or why not */
	WIRE_MSG_CARRIER = 13, /* ghost -> daemon: arg = port, value[0] = 0 or 1, value[1] = ns since the origin,
				  value[2] = 1 + index of the access point's end in the scenario, 0: none */
};

/* What a port's TAP can do; only the shuttle cares. */
enum wire_offload {
	WIRE_OFFLOAD_VNET = 1, /* reads and writes carry a virtio_net_hdr: partial checksums, TCP super-frames */
	WIRE_OFFLOAD_USO = 2,  /* UDP super-frames, too */
};

enum wire_role {
	WIRE_ROLE_SHUTTLE = 1,
	WIRE_ROLE_GHOST = 2,
};

#define WIRE_TEXT_SIZE 192

/* The only message of the control socket (SOCK_SEQPACKET), always this size. */
struct wire_msg {
	uint64_t magic;    /* WIRE_MAGIC */
	uint32_t version;  /* WIRE_VERSION */
	uint32_t type;     /* enum wire_msg_type */
	uint32_t arg;      /* HELLO: role; WELCOME: port count; PORT: index; CHANGE, CHANGED: 1 if it is the scenario's
			    */
	uint32_t size;     /* WELCOME: ring_size; PORT: mtu */
	uint64_t value[4]; /* HELLO of a ghost: WIRE_JOURNAL_FORMAT; WELCOME: lag, budget (ns), epoch, quantile*1e9;
			      PORT: mac (48 bits), promiscuous, max frame */
	char text[WIRE_TEXT_SIZE]; /* NUL-terminated; WELCOME: experiment name; PORT: port name, NUL, link's name */
};
WIRE_STATIC_ASSERT(sizeof(struct wire_msg) == 248, "control message");

#endif /* WIRE_WIRE_ABI_H */
