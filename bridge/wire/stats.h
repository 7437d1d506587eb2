/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stats.h - what the shuttle and the ghost count, in shared memory, for the daemon to read at any time.
 *
 * Each process has a memfd of its own, written by it alone and read by the daemon, so figures survive the death of
 * their writer and no process can falsify another's. One `struct stats` is followed by one `struct stats_port` per
 * port. All stores are relaxed and single-writer; a reader may see a sum one frame apart from its parts.
 */
#ifndef WIRE_STATS_H
#define WIRE_STATS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Why a frame did not come out; every frame that went in and did not come out is counted under exactly one. */
enum stats_drop {
	STATS_DROP_RUNT,      /* up, shuttle: shorter than an Ethernet header */
	STATS_DROP_OVERSIZE,  /* up, shuttle, and ghost for a replay: longer than the link's mtu allows */
	STATS_DROP_NO_GHOST,  /* up, shuttle: no ghost was attached */
	STATS_DROP_TAP_QUEUE, /* up, kernel: nobody read the TAP in time; counted by the daemon */
	STATS_DROP_FOREIGN,   /* up, ghost: the source address is not the device's, which can send from no other */
	STATS_DROP_QUEUE,     /* up, ghost: the simulated device's transmit queue was full */
	STATS_DROP_MEDIUM,    /* up, ghost: the simulated medium gave the frame up (CSMA: too many retries) */
	STATS_DROP_AQM,  /* up, ghost: the queue discipline gave it up before the queue was full (RED, CoDel, ...) */
	STATS_DROP_LOSS, /* up, ghost: lost on the link, as the scenario wants it */
	STATS_DROP_LOST, /* up, ghost: frames inside a ghost when it died */
	STATS_DROP_IN_FLIGHT,    /* either: still under way when the run ended */
	STATS_DROP_FILTERED,     /* down, ghost: addressed to another station, as a NIC would not deliver it */
	STATS_DROP_TAP_DOWN,     /* down, shuttle: the interface was down or gone (EIO, EBADFD) */
	STATS_DROP_TAP_ERROR,    /* down, shuttle: the kernel refused the write for another reason */
	STATS_DROP_DOWN,         /* either, ghost: the end or the whole link was down */
	STATS_DROP_RETRIES,      /* up, ghost: Wi-Fi gave the frame up, nobody acknowledged it */
	STATS_DROP_EXPIRED,      /* up, ghost: it waited too long in a Wi-Fi queue */
	STATS_DROP_UNASSOCIATED, /* up, ghost: the station has no access point, or the access point no such station */
	STATS_DROP_NOT_HEARD,    /* down, ghost: a Wi-Fi frame that was for this port and that its radio did not get */
	STATS_DROP_UNSUPPORTED,  /* up, ghost: not what an LTE link can carry, or for nobody on it */
	STATS_DROP_RADIO,        /* up, ghost: an LTE cell lost it on the air, or forgot it with a lost connection */
	STATS_DROP_COUNT,
};

/** stats_drop_name() - The cause as the report names it, "queue". */
const char *stats_drop_name(enum stats_drop cause);

/*
 * Log-linear histogram of durations in ns: 16 linear buckets to an octave, so a percentile is off by at most 1/16
 * (HdrHistogram's layout, 4 significant bits). Bucket of v: v itself below 16, else 16 * (e - 3) + top four bits
 * after the leading one, with e = floor(log2 v).
 */
#define STATS_HIST_OCTAVES 38 /* up to 2^42 ns, 73 minutes; longer ones count in the last bucket */
#define STATS_HIST_BUCKETS (16 * (STATS_HIST_OCTAVES + 1))

struct stats_hist {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t max_ns;
	uint64_t over_budget; /* samples above the budget the writer was told */
	uint64_t buckets[STATS_HIST_BUCKETS];
};

struct stats_dir {
	uint64_t frames; /* up: read from the TAP / injected; down: handed to the port / written to the TAP */
	uint64_t bytes;
	uint64_t drops[STATS_DROP_COUNT];
};

/* Something that must hold of every frame, looked at by the ghost; see ghost-invariants.h. */
struct stats_check {
	uint64_t checked;
	uint64_t broken;
	uint64_t first_ns; /* simulated time since the barrier at which it was first broken */
};

struct stats_port {
	struct stats_dir up;
	struct stats_dir down;
	uint64_t stalls;      /* times the ring toward the peer was full */
	uint64_t transmitted; /* ghost: frames the simulated device finished sending; 0 at the shuttle */
	uint64_t duplicated;  /* ghost: frames the simulated link made a second one of; both are in `transmitted` */
	uint64_t received;    /* ghost: copies the simulated device got from the link, delivered or filtered */
	struct stats_check spacing; /* ghost: frames left this end no closer than their size at the rate */
	struct stats_check order;   /* ghost: ... and came out in the order in which they had entered */
	uint64_t digest; /* ghost: running hash over (departure time, length, bytes) of what left; see digest.h */
	struct stats_hist late; /* shuttle: time written - time due; ghost: time injected - stamp */
};

struct stats {
	uint32_t port_count;
	uint32_t reserved;
	uint64_t sim_ns;    /* ghost: simulated time reached */
	uint64_t behind_ns; /* ghost: real time minus lag minus simulated time, when last looked at with work waiting */
	uint64_t behind_max_ns; /* ghost: the largest of these */
	uint64_t events;        /* ghost: simulator events run */
	uint64_t injected;      /* ghost: frames injected, all ports */
	uint64_t wakeups;       /* times it slept and woke */
	uint64_t changes;       /* ghost: changes of the scenario that it has come past, see scenario->changes */
};

static inline size_t stats_size(uint32_t port_count)
{
	return sizeof(struct stats) + (size_t)port_count * sizeof(struct stats_port);
}

static inline struct stats_port *stats_ports(struct stats *stats)
{
	return (struct stats_port *)(stats + 1);
}

/* Single writer: a plain add, made of untorn loads and stores for the reader's sake. */
static inline void stats_add(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + value, __ATOMIC_RELAXED);
}

static inline void stats_max(uint64_t *counter, uint64_t value)
{
	if (value > __atomic_load_n(counter, __ATOMIC_RELAXED))
		__atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

static inline uint64_t stats_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static inline unsigned int stats_hist_bucket(uint64_t ns)
{
	unsigned int octave, bucket;

	if (ns < 16)
		return (unsigned int)ns;
	octave = 63u - (unsigned int)__builtin_clzll(ns);
	bucket = 16 * (octave - 3) + (unsigned int)((ns >> (octave - 4)) & 15);
	return bucket < STATS_HIST_BUCKETS ? bucket : STATS_HIST_BUCKETS - 1;
}

/** stats_bucket_upper_ns() - The largest value that falls into a bucket. */
uint64_t stats_bucket_upper_ns(unsigned int bucket);

static inline void stats_hist_add(struct stats_hist *hist, uint64_t ns, uint64_t budget_ns)
{
	stats_add(&hist->count, 1);
	stats_add(&hist->sum_ns, ns);
	stats_max(&hist->max_ns, ns);
	if (ns > budget_ns)
		stats_add(&hist->over_budget, 1);
	stats_add(&hist->buckets[stats_hist_bucket(ns)], 1);
}

/**
 * stats_hist_quantile() - The duration that a share of the samples does not exceed
 * @hist:	a private copy or a live one
 * @quantile:	0 < quantile <= 1
 *
 * Return: upper edge of the bucket the quantile falls in (at most max_ns), ns; 0 for an empty histogram
 */
uint64_t stats_hist_quantile(const struct stats_hist *hist, double quantile);

/** stats_hist_merge() - Add @from's samples to @into. */
void stats_hist_merge(struct stats_hist *into, const struct stats_hist *from);

#ifdef __cplusplus
}
#endif

#endif /* WIRE_STATS_H */
