/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire.h - one wire: a sealed memfd with a pair of rings per port, two doorbells, and the hello that hands it over.
 *
 * The daemon makes the wire and keeps its fds, so either half may die and be started again. A peer (shuttle or ghost)
 * says HELLO on a SOCK_SEQPACKET Unix socket, gets WELCOME with the fds and one PORT per port, maps the memory, answers
 * READY and waits for START. One thread per process uses a wire.
 *
 * Attention
 * ---------
 * A consumer looks only at ports that have something: its inbox has one bit per port. A producer that published sets
 * the bit and, if the owner sleeps, rings its eventfd; an idle wire costs nothing, a busy one no system call.
 *
 *	producer					consumer
 *	--------					--------
 *	publish index (ring A)				set sleeping = 1 (K, seq_cst)
 *	set bit in inbox (I, seq_cst)			look at all words (L, seq_cst)
 *	take sleeping 1 -> 0 (J, seq_cst); ring		any bit: sleeping = 0, go on; none: poll the eventfd
 *
 *	I before J and K before L in one total order: either the consumer sees the bit or the producer sees it asleep.
 *	The owner takes a word of bits (exchange with 0, acquire) before it drains those rings, so a record published
 *	after the drain sets the bit again.
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include <sys/types.h>
#include <unistd.h>

#include "bridge/diag.h"
#include "bridge/wire/ring.h"
#include "bridge/wire/stats.h"
#include "bridge/wire/wire_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Ends of simulated nodes in one ghost: only their counters are shared. */
#define WIRE_ENDS_MAX 8192
#define WIRE_JOURNALS 2 /* of record/journal.h, at most: one to write to, one to read from */

/* What the daemon holds for one ghost and its shuttle. */
struct wire_home {
	uint32_t port_count;
	uint32_t stats_count; /* of struct stats_port: the ports, then the ghost's simulated ends */
	uint32_t ring_size;
	int memory_fd;                 /* sealed memfd of the wire */
	int bell_fd[2];                /* eventfds: [0] rings the shuttle, [1] rings the ghost */
	int stats_fd[2];               /* memfds: [0] written by the shuttle, [1] by the ghost */
	struct stats *stats[2];        /* the same, mapped read-only */
	int journal_fd[WIRE_JOURNALS]; /* handed to a ghost, borrowed; see struct wire; -1: none */
	uint64_t epoch;                /* +1 for every peer welcomed */
};

/* One port as the peer is told of it. */
struct wire_port {
	char name[WIRE_TEXT_SIZE];
	char link[WIRE_TEXT_SIZE]; /* that it is an end of */
	uint8_t mac[6];
	bool promiscuous;
	uint32_t mtu;       /* bytes of layer 3 */
	uint32_t frame_max; /* bytes of the longest frame without FCS and without VLAN tags */
	uint32_t offload;   /* enum wire_offload bits */
	int tap_fd;         /* daemon and shuttle; -1 elsewhere */
	int arrivals_fd;    /* likewise: map of the TAP's struct arrivals_ring (bridge/arrivals.h); 0: none */
};

/* What a peer holds. */
struct wire {
	enum wire_role role;
	int control_fd;  /* SOCK_SEQPACKET to the daemon */
	int own_bell_fd; /* rung by the other side */
	int peer_bell_fd;
	struct wire_memory *memory;
	size_t memory_size;
	struct wire_inbox *own_inbox;
	struct wire_inbox *peer_inbox;
	struct stats *stats;  /* this side's counters */
	uint32_t stats_count; /* of struct stats_port behind it: at least port_count */
	uint32_t port_count;
	struct wire_port *ports;
	struct ring *tx; /* port_count rings this side produces into */
	struct ring *rx; /* port_count rings this side consumes from */
	uint64_t lag_ns;
	uint64_t budget_ns;
	double quantile;
	uint64_t epoch;
	char experiment[WIRE_TEXT_SIZE];
	int journal_fd[WIRE_JOURNALS]; /* ghost: journals, which say themselves what they are for; -1: none */
};

/**
 * wire_home_open() - Make the memory and doorbells of one wire
 * @port_count:	1..WIRE_PORTS_MAX
 * @ring_size:	bytes per ring, a power of two within WIRE_RING_SIZE_MIN..MAX
 * @ret:	filled; wire_home_close() closes it
 *
 * Return: 0 or a negative errno
 */
int wire_home_open(uint32_t port_count, uint32_t ring_size, struct wire_home *ret);

/**
 * wire_home_open_ends() - The same for a ghost that also has ends of simulated nodes
 * @end_count:	their number: each gets counters behind those of the ports, up to WIRE_ENDS_MAX
 */
int wire_home_open_ends(uint32_t port_count, uint32_t end_count, uint32_t ring_size, struct wire_home *ret);
void wire_home_close(struct wire_home *home);

/** wire_ring_size() - Ring size for a number of ports: 1 MiB, less where all together would pass WIRE_RINGS_SIZE_MAX.
 */
static inline uint32_t wire_ring_size(uint32_t port_count)
{
	uint32_t size = 1u << 20;

	while (size > WIRE_RING_SIZE_MIN && (uint64_t)size * 2 * port_count > WIRE_RINGS_SIZE_MAX)
		size /= 2;
	return size;
}

struct wire_terms {
	const char *experiment;
	uint64_t lag_ns;
	uint64_t budget_ns;
	double quantile;
};

/**
 * wire_welcome() - Daemon: answer a peer's HELLO
 * @control_fd:	connected socket whose HELLO is waiting; stays the caller's
 * @role:	which peer is expected here
 * @uid:	the only user who may take this wire, in the daemon's user namespace (SO_PEERCRED)
 * @ports:	home->port_count entries; tap_fd and arrivals_fd are handed to a shuttle
 *
 * A peer that says nothing, or takes nothing of what it is told, is given up after a second; the socket keeps that as
 * its SO_RCVTIMEO and SO_SNDTIMEO.
 *
 * Return: 0, or a negative errno with @diag after a REFUSE was sent (-EPERM wrong user, -EPROTO no HELLO,
 * -EPROTONOSUPPORT another version), -ETIMEDOUT, -EPIPE
 */
int wire_welcome(struct wire_home *home, int control_fd, enum wire_role role, uid_t uid, const struct wire_terms *terms,
		 const struct wire_port *ports, struct diag *diag);

/**
 * wire_attach() - Peer: say HELLO, take and check the wire
 * @control_fd:	connected socket; belongs to the wire afterwards, also on failure
 * @timeout_ms:	how long the daemon may take for each answer
 * @ret:	filled; wire_detach() frees it
 *
 * Return: 0, or a negative errno with @diag (-ECONNREFUSED with the daemon's reason, -EPROTO nonsense,
 * -EPROTONOSUPPORT another version, -ETIMEDOUT)
 */
int wire_attach(int control_fd, enum wire_role role, int timeout_ms, struct wire *ret, struct diag *diag);
void wire_detach(struct wire *wire);

/** wire_connect() - Connected SOCK_SEQPACKET socket to the listener at @path, or a negative errno. */
int wire_connect(const char *path);

/** wire_listen() - Listening SOCK_SEQPACKET socket at @path (replaced if it is there), or a negative errno. */
int wire_listen(const char *path);

/** wire_msg_make() - A message with magic, version, @type and everything else 0. */
struct wire_msg wire_msg_make(enum wire_msg_type type);

/**
 * wire_msg_send() - Send one message
 * @fds, @fd_count: to pass along, at most 8
 *
 * Return: 0 or a negative errno; never raises SIGPIPE
 */
int wire_msg_send(int control_fd, const struct wire_msg *msg, const int *fds, size_t fd_count);

/**
 * wire_msg_receive() - Receive one message
 * @ret_fds:	up to *@fd_count passed fds, close-on-exec, the caller's; *@fd_count says how many came; with NULL,
 *		fds that come are closed
 *
 * Return: 0, -EAGAIN, -ECONNRESET when the peer is gone, -EPROTO for anything that is not a message of this version
 */
int wire_msg_receive(int control_fd, struct wire_msg *ret, int *ret_fds, size_t *fd_count);

/** wire_say() - Peer: send @type with @value to the daemon. Return: 0 or a negative errno. */
int wire_say(const struct wire *wire, enum wire_msg_type type, uint64_t value);

/** wire_say_error() - Peer: tell the daemon why we are about to leave. */
void wire_say_error(const struct wire *wire, const char *text);

static inline void wire_ring_bell(int bell_fd)
{
	uint64_t one = 1;

	/* Fails only when the counter is at its limit, and then the peer is being woken anyway. */
	if (write(bell_fd, &one, sizeof(one)) < 0)
		return;
}

/* The peer's doorbell, if it sleeps (J). */
static inline void wire_wake_peer(struct wire *wire)
{
	if (__atomic_load_n(&wire->peer_inbox->sleeping, __ATOMIC_SEQ_CST) &&
	    __atomic_exchange_n(&wire->peer_inbox->sleeping, 0, __ATOMIC_SEQ_CST))
		wire_ring_bell(wire->peer_bell_fd);
}

/** wire_flush_tx() - Publish what was committed on @port and tell the peer. */
static inline void wire_flush_tx(struct wire *wire, uint32_t port)
{
	if (!ring_p_publish(&wire->tx[port]))
		return;
	__atomic_fetch_or(&wire->peer_inbox->data[port / 64], 1ull << (port % 64), __ATOMIC_SEQ_CST); /* I */
	wire_wake_peer(wire);
}

/** wire_flush_rx() - Give back what was released on @port; tells the peer when it waits for room. */
static inline void wire_flush_rx(struct wire *wire, uint32_t port)
{
	if (!ring_c_publish(&wire->rx[port]))
		return;
	__atomic_fetch_or(&wire->peer_inbox->space[port / 64], 1ull << (port % 64), __ATOMIC_SEQ_CST); /* I */
	wire_wake_peer(wire);
}

/** wire_take_bits() - Take one word of an inbox bitmap: bits of ports to look at. */
static inline uint64_t wire_take_bits(uint64_t *word)
{
	if (!__atomic_load_n(word, __ATOMIC_RELAXED))
		return 0;
	return __atomic_exchange_n(word, 0, __ATOMIC_ACQUIRE);
}

/** wire_words() - How many words of the inbox bitmaps are in use. */
static inline uint32_t wire_words(const struct wire *wire)
{
	return (wire->port_count + 63) / 64;
}

/**
 * wire_may_sleep() - Announce sleep, unless there is something to do (K, L)
 *
 * Return: true: poll own_bell_fd now, then call wire_awake(); false: look at the inbox
 */
static inline bool wire_may_sleep(struct wire *wire)
{
	__atomic_store_n(&wire->own_inbox->sleeping, 1, __ATOMIC_SEQ_CST); /* K */
	for (uint32_t word = 0; word < wire_words(wire); word++) {
		if (__atomic_load_n(&wire->own_inbox->data[word], __ATOMIC_SEQ_CST) || /* L */
		    __atomic_load_n(&wire->own_inbox->space[word], __ATOMIC_SEQ_CST)) {
			__atomic_store_n(&wire->own_inbox->sleeping, 0, __ATOMIC_RELAXED);
			return false;
		}
	}
	return true;
}

/*
 * Moderation of wake-ups, as network cards do it. Going to sleep, being rung and waking cost some 10 us; at 80 000
 * frames/s, done for every frame, that would be all the time there is. So a side wakes at once as long as it does so
 * less often than every period on average. When it has spent what it saved up it naps, deaf to its bell, for the rest
 * of the period, and then finds several frames. Under load frames are later by at most the period. The shuttle's is the
 * shorter one, because a frame that waits in a TAP has no time stamp yet.
 */
#define WIRE_PACE_SHUTTLE_NS 60000u
#define WIRE_PACE_GHOST_NS   100000u
#define WIRE_PACE_BURST      16u /* wake-ups that may be saved up */

struct wire_pace {
	uint64_t saved_ns; /* what may be spent on waking at once */
	uint64_t clock_ns; /* when it was last added to */
};

/**
 * wire_pace_nap() - Ask before going to sleep
 * @now_ns:	CLOCK_MONOTONIC
 * @period_ns:	WIRE_PACE_SHUTTLE_NS or WIRE_PACE_GHOST_NS
 *
 * Return: 0: sleep as you like; else: nap this long first, ns, then look again
 */
static inline uint64_t wire_pace_nap(struct wire_pace *pace, uint64_t now_ns, uint32_t period_ns)
{
	const uint64_t most = (uint64_t)period_ns * WIRE_PACE_BURST;

	pace->saved_ns += now_ns - pace->clock_ns;
	if (pace->saved_ns > most)
		pace->saved_ns = most;
	pace->clock_ns = now_ns;
	if (pace->saved_ns < period_ns)
		return period_ns - pace->saved_ns;
	pace->saved_ns -= period_ns;
	return 0;
}

/*
 * With a lag nobody is in a hurry: the ghost runs half the lag behind, and what it writes is due half the lag later.
 * So a side that will look again within this time anyway, because it waits for something that has a time, need not be
 * rung: it sleeps without saying so. Both together take a quarter of the lag, half of what there is.
 */
#define WIRE_QUIET_MAX_NS 500000u /* for whoever waits for room in a ring, or for the daemon */

/** wire_quiet_ns() - How long a side may sleep deaf, ns; 0 without a lag. */
static inline uint64_t wire_quiet_ns(const struct wire *wire)
{
	uint64_t share = wire->lag_ns / 8;

	return share < WIRE_QUIET_MAX_NS ? share : WIRE_QUIET_MAX_NS;
}

/**
 * wire_awake() - Back from poll
 * @rung:	whether own_bell_fd is readable
 */
void wire_awake(struct wire *wire, bool rung);

#define WIRE_TAG_SIZE 4u /* bytes of a VLAN tag */
#define WIRE_TAGS_MAX 2u /* beyond the link's mtu */

/**
 * wire_frame_allowed() - Whether a frame fits the link
 * @frame:	@len bytes from the destination address on
 * @frame_max:	longest untagged frame, bytes
 *
 * 802.1Q and 802.1ad tags, at most two, do not count toward the link's mtu (IEEE 802.3 clause 3.2.7).
 */
bool wire_frame_allowed(const uint8_t *frame, uint32_t len, uint32_t frame_max);

#ifdef __cplusplus
}
#endif

#endif /* WIRE_WIRE_H */
