/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scenario.h - one experiment as its author wrote it, checked and completed.
 *
 * YAML text goes in, an immutable `struct scenario` comes out, with every default filled in: addresses, interface
 * names, MACs, islands and the ghost each island runs in. Pure: no file descriptor, no process, no clock, so both
 * halves (the daemon and ns3-ghost) load the same text to the same structure. docs/scenario.md describes the language.
 */
#ifndef SCENARIO_SCENARIO_H
#define SCENARIO_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/scenario/wifi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SCENARIO_SCHEMA         1          /* the only value of the top-level key `ghostbridge` */
#define SCENARIO_FILE_SIZE_MAX  (1u << 20) /* bytes of YAML accepted; more is an error, not a crawl */
#define SCENARIO_CSMA_ENDS_MAX  100
#define SCENARIO_GHOST_ENDS_MAX 100
#define SCENARIO_REPLAYS_MAX    100
#define SCENARIO_NONE           UINT32_MAX /* "no such index" */

/* Where something stands in the file; both count from 1, 0 means it stands nowhere (a default). */
struct scenario_pos {
	uint32_t line;
	uint32_t column;
};

enum scenario_node_kind {
	SCENARIO_NODE_CONTAINER,
	SCENARIO_NODE_SIMULATED, /* exists inside ns-3 only */
	SCENARIO_NODE_SWITCH,    /* Open vSwitch; see switch.h */
	SCENARIO_NODE_REPLAY,    /* a capture file, inside ns-3; see replay.h */
};

/* What a simulated node does. */
enum scenario_role {
	SCENARIO_ROLE_HOST,   /* IPv4 and IPv6, does not forward */
	SCENARIO_ROLE_ROUTER, /* ... forwards */
	SCENARIO_ROLE_SWITCH, /* ns-3's BridgeNetDevice, learning */
	SCENARIO_ROLE_HUB,    /* the same without learning: every frame to every other end */
};

/** scenario_role_has_ip() - Whether a role has an IP stack, and so addresses. */
static inline bool scenario_role_has_ip(enum scenario_role role)
{
	return role == SCENARIO_ROLE_HOST || role == SCENARIO_ROLE_ROUTER;
}

/* How a container's interface reaches its TAP. */
enum scenario_attach {
	SCENARIO_ATTACH_BRIDGE, /* veth, Linux bridge, TAP: as the ns-3 HOWTO draws it */
	SCENARIO_ATTACH_TAP,    /* the TAP itself is the container's interface */
};

enum scenario_link_kind {
	SCENARIO_LINK_CSMA,  /* ns-3's CsmaChannel: one shared half-duplex segment */
	SCENARIO_LINK_WIRE,  /* plain veth pair, not simulated */
	SCENARIO_LINK_P2P,   /* full-duplex Ethernet between two ends, each direction on its own */
	SCENARIO_LINK_GHOST, /* whatever the user's own ns-3 program puts there */
	SCENARIO_LINK_LTE,   /* one LTE cell and its core network, ns-3's */
	SCENARIO_LINK_WIFI,  /* IEEE 802.11, ns-3's YansWifiPhy: wifi.h */
};

/* What decides which frames wait before a p2p link's transmitter, and which don't get that far. */
enum scenario_discipline {
	SCENARIO_DROP_TAIL,
	SCENARIO_RED,      /* Floyd and Jacobson 1993; ns-3's RedQueueDisc */
	SCENARIO_PIE,      /* RFC 8033; ns-3's PieQueueDisc */
	SCENARIO_CODEL,    /* RFC 8289; ns-3's CoDelQueueDisc */
	SCENARIO_FQ_CODEL, /* RFC 8290; ns-3's FqCoDelQueueDisc */
};

struct scenario_queue {
	enum scenario_discipline discipline;
	uint32_t limit_frames; /* 0 when limit_size counts */
	uint64_t limit_size;   /* bytes of layer 3; 0 when limit_frames counts */
	uint64_t target_ns;    /* PIE, CoDel, FQ-CoDel: delay aimed at */
	uint64_t interval_ns;  /* CoDel, FQ-CoDel: how long above the target is tolerated; PIE: between updates */
	uint64_t burst_ns;     /* PIE: length of a burst that is let through */
	uint32_t min_frames;   /* RED: average length at which dropping begins ... */
	uint32_t max_frames;   /* ... and at which max_share of the frames are dropped */
	double max_share;      /* RED */
	double weight;         /* RED: of the newest length in the average */
	bool gentle;           /* RED: between max_frames and twice that the share rises to 1 */
	uint32_t flows;        /* FQ-CoDel: queues that flows are hashed to */
	uint32_t quantum;      /* FQ-CoDel: bytes of a queue's turn; 0: one full frame */
	bool ecn;              /* mark what can be marked instead of dropping it */
};

/** scenario_discipline_frames() - The limit a queue has when the scenario says none; csma has drop-tail's. */
uint32_t scenario_discipline_frames(enum scenario_discipline discipline);

/* How delays differ from frame to frame. */
enum scenario_spread {
	SCENARIO_SPREAD_NONE,
	SCENARIO_SPREAD_UNIFORM, /* within +-jitter_ns */
	SCENARIO_SPREAD_NORMAL,  /* standard deviation jitter_ns */
	SCENARIO_SPREAD_PARETO,  /* shape 3, mean 0, standard deviation jitter_ns */
};

/* Gilbert-Elliott: two states, a step per frame (Gilbert 1960, Elliott 1963). Probabilities from 0 to 1. */
struct scenario_burst_loss {
	double p;         /* from the good state to the bad one */
	double r;         /* and back */
	double loss_good; /* share lost in the good state */
	double loss_bad;  /* and in the bad one */
};

/* One direction of a p2p link. */
struct scenario_direction {
	uint64_t rate_bps; /* 0 when the trace decides */
	uint64_t delay_ns; /* propagation */
	struct scenario_queue queue;
	enum scenario_spread spread;
	uint64_t jitter_ns;
	bool jitter_reorders; /* a frame may overtake the one before */
	double loss;          /* share of frames lost, each on its own */
	bool has_burst_loss;  /* then `burst_loss` counts instead of `loss` */
	struct scenario_burst_loss burst_loss;
	double duplicate;         /* share of frames that arrive twice */
	double corrupt;           /* share of frames in which one bit is turned over */
	double reorder;           /* share of frames held back ... */
	uint64_t reorder_hold_ns; /* ... for so long, while others pass */
	const uint32_t *trace_ms; /* delivery opportunities, not decreasing; the last is the period; NULL: no trace */
	size_t trace_count;
};

/* Directions of a p2p link by the end that sends: forward is from the first end to the second. */
enum scenario_way {
	SCENARIO_FORWARD,
	SCENARIO_BACKWARD,
};

struct scenario_switch;
struct scenario_switch_port;
struct scenario_replay;

struct scenario_pair {
	char *key;
	char *value;
	struct scenario_pos pos;
};

struct scenario_addr {
	int family;         /* AF_INET or AF_INET6 */
	uint8_t bytes[16];  /* network order; the first 4 for AF_INET */
	uint8_t prefix_len; /* bits */
};

/* A route that a node has from the start. */
struct scenario_route {
	struct scenario_addr to;  /* subnet; prefix_len 0: everything */
	struct scenario_addr via; /* gateway, on one of the node's links */
	uint32_t end;             /* the end whose subnet the gateway is in */
	struct scenario_pos pos;
};

/* How a simulated router learns the way, beside its `routes`; as ns-3 names them. */
enum scenario_routing {
	SCENARIO_ROUTING_STATIC,
	SCENARIO_ROUTING_GLOBAL, /* shortest paths, computed before start; IPv4 */
	SCENARIO_ROUTING_OLSR,   /* RFC 3626; IPv4 */
	SCENARIO_ROUTING_AODV,   /* RFC 3561; IPv4 */
	SCENARIO_ROUTING_RIP,    /* RIPv2, RFC 2453, and RIPng, RFC 2080 */
};

/* Traffic of a simulated node; as ns-3 names its applications. */
enum scenario_app_kind {
	SCENARIO_APP_UDP_ECHO_SERVER,
	SCENARIO_APP_UDP_ECHO_CLIENT,
	SCENARIO_APP_UDP_SERVER,
	SCENARIO_APP_UDP_CLIENT,
	SCENARIO_APP_PACKET_SINK,
	SCENARIO_APP_ON_OFF,
	SCENARIO_APP_BULK_SEND,
};

enum scenario_dist_kind {
	SCENARIO_DIST_CONSTANT,    /* always a_ns */
	SCENARIO_DIST_UNIFORM,     /* between a_ns and b_ns */
	SCENARIO_DIST_EXPONENTIAL, /* a_ns in the mean */
};

/* A duration that may be drawn anew each time. */
struct scenario_dist {
	enum scenario_dist_kind kind;
	uint64_t a_ns, b_ns;
};

struct scenario_app {
	enum scenario_app_kind kind;
	bool tcp;                /* packet-sink, on-off, bulk-send */
	uint16_t port;           /* of the server, here or there */
	struct scenario_addr to; /* of a sender */
	uint64_t start_ns;       /* since the ready barrier */
	uint64_t stop_ns;        /* 0: with the run */
	uint64_t rate_bps;       /* on-off, while on */
	uint32_t packet_size;    /* bytes of payload */
	uint64_t interval_ns;    /* udp-client, udp-echo-client */
	uint64_t packet_count;   /* ...; 0: no limit */
	uint64_t data_size;      /* on-off, bulk-send: bytes in all; 0: no limit */
	struct scenario_dist on, off;
	uint32_t ghost; /* simulates it; SCENARIO_NONE: none, its node has no link */
	uint32_t stats; /* index of its counters in that ghost: up is what it sent, down what it received */
	struct scenario_pos pos;
};

struct scenario_node {
	char *name;
	enum scenario_node_kind kind;
	enum scenario_attach attach;
	char *rootfs;         /* absolute directory, or NULL: the host's root file system, read-only */
	bool privileged;      /* no user namespace */
	double cpus;          /* CPU seconds per second; 0: no limit */
	uint64_t memory_size; /* bytes; 0: no limit */
	struct scenario_pair *sysctls;
	size_t sysctl_count;
	struct scenario_pair *env;
	size_t env_count;
	char **start; /* shell commands started before the first step, kept running */
	size_t start_count;
	struct scenario_switch *sw;     /* of a switch, else NULL */
	struct scenario_replay *replay; /* of a replay, else NULL */
	struct scenario_route *routes;
	size_t route_count;
	/* of a simulated node */
	enum scenario_role role;
	enum scenario_routing routing;
	struct scenario_app *apps;
	size_t app_count;
	struct scenario_pos pos;
};

/* One interface of one node on one link. Ends of simulated links are *ports* of a ghost. */
struct scenario_end {
	uint32_t node;   /* index into nodes */
	uint32_t link;   /* index into links */
	uint32_t port;   /* index within its ghost's wire; SCENARIO_NONE on a wire link and in a simulated node */
	uint32_t stats;  /* index of its counters within its ghost: ports first, then ends of replays, then the rest;
			    SCENARIO_NONE on a wire link */
	char *name;      /* interface name inside the node, "eth0" */
	char *port_name; /* "h1.eth0": node and interface, unique in the scenario */
	uint8_t mac[6];
	bool promiscuous; /* deliver every frame of the link, not only what a NIC would */
	struct scenario_addr *addrs;
	size_t addr_count;
	struct scenario_switch_port *port_of; /* what it is to its switch; NULL in other nodes */
	struct scenario_place *place;         /* on a Wi-Fi or LTE link; else NULL */
	struct scenario_pos pos;
};

#define SCENARIO_LTE_UES_MAX 8

enum scenario_lte_scheduler {
	SCENARIO_LTE_PROPORTIONAL_FAIR, /* ns-3's PfFfMacScheduler */
	SCENARIO_LTE_ROUND_ROBIN,       /* ns-3's RrFfMacScheduler */
};

struct scenario_lte {
	uint32_t resource_blocks; /* each way */
	enum scenario_lte_scheduler scheduler;
	uint32_t network;    /* node at the core network's side; SCENARIO_NONE: nobody is */
	double tx_power_dbm; /* the most that a user sends with; power control decides how much of it */
	double enb_tx_power_dbm;
	struct scenario_vector enb_position;
	struct scenario_wifi_propagation propagation; /* not range, not fixed-rss; the carriers' own frequencies */
};

struct scenario_link {
	char *name;
	enum scenario_link_kind kind;
	uint64_t rate_bps;               /* bit/s; 0 on a wire */
	uint64_t delay_ns;               /* one-way propagation */
	uint32_t mtu;                    /* bytes of layer 3 a frame may carry, without VLAN tags */
	uint32_t queue_frames;           /* length of the device's drop-tail transmit queue, frames */
	struct scenario_direction *ways; /* p2p: by enum scenario_way; NULL else. rate_bps, delay_ns are forward's */
	uint32_t first_end;              /* ends of a link are contiguous in scenario->ends, in the file's order */
	uint32_t end_count;
	uint32_t ghost;             /* which ghost simulates it; SCENARIO_NONE on a wire */
	struct scenario_wifi *wifi; /* of a Wi-Fi link; else NULL */
	struct scenario_lte *lte;   /* of an LTE link; else NULL */
	struct scenario_pos pos;
};

/* A step runs a command in a node, or changes a link; then its changes are in scenario->changes. */
struct scenario_step {
	char *name;
	uint64_t at_ns; /* since the ready barrier */
	uint32_t node;  /* SCENARIO_NONE in a step that changes a link */
	uint32_t link;  /* SCENARIO_NONE in a step that runs a command */
	char *run;      /* for `sh -c` in the node; NULL in a step that changes a link */
	bool background;
	struct scenario_pos pos;
};

/* What a key that can change while the experiment runs holds, and how it is written. */
enum scenario_value_type {
	SCENARIO_VALUE_TIME,     /* 10ms: number, ns */
	SCENARIO_VALUE_RATE,     /* 100Mbps: number, bit/s */
	SCENARIO_VALUE_PACKETS,  /* 100p: number */
	SCENARIO_VALUE_RATIO,    /* 0.1%: real, 0 to 1 */
	SCENARIO_VALUE_POSITION, /* 10m,20m or 10m,20m,1.5m: vector, metres; z is 0 when absent */
	SCENARIO_VALUE_POWER,    /* 16dBm: real, dBm */
	SCENARIO_VALUE_WORD,     /* down: word, one of the key's */
};

#define SCENARIO_CHANGE_VALUE_SIZE 64  /* bytes of a value as text, with its NUL */
#define SCENARIO_CHANGE_TEXT_SIZE  192 /* bytes of "LINK.NODE.IFNAME KEY=VALUE", with its NUL */

/* One key of a link, or of one of its ends, gets a value. */
struct scenario_change {
	uint64_t at_ns;  /* simulated time, of those in scenario->changes */
	uint32_t link;   /* index into links */
	uint32_t end;    /* index into ends; SCENARIO_NONE: the link as a whole */
	uint32_t step;   /* index of the step it belongs to; SCENARIO_NONE: `timeline`, or a change made live */
	const char *key; /* "delay", static: one of scenario_change_keys() */
	enum scenario_value_type type;
	uint64_t number;
	double real;
	double vector[3];
	const char *word;                      /* static */
	char text[SCENARIO_CHANGE_VALUE_SIZE]; /* the value as it was written */
};

/* A key that can change: a row of the table in change-keys.c. */
struct scenario_change_key {
	const char *key; /* NULL ends the list */
	enum scenario_value_type type;
	uint64_t min, max;        /* of a number */
	const char *const *words; /* of a word, NULL-terminated */
	bool ends;                /* one end can have a value of its own */
};

enum scenario_expect_kind {
	SCENARIO_EXPECT_EXIT,     /* exit status of a step equals `exit` */
	SCENARIO_EXPECT_MATCH,    /* POSIX extended regex `pattern` occurs in a step's stdout */
	SCENARIO_EXPECT_NO_MATCH, /* ... does not */
	SCENARIO_EXPECT_JSON,     /* value at `path` in the JSON a step wrote to stdout */
	SCENARIO_EXPECT_REPORT,   /* value at `path` in report.json */
};

struct scenario_expect {
	enum scenario_expect_kind kind;
	uint32_t step; /* index into steps; SCENARIO_NONE for REPORT */
	int exit;
	char *pattern;
	char *path; /* ".end.sum.bits_per_second", ".ports[0].up.frames" */
	bool has_min, has_max;
	double min, max;
	char *equals; /* text of a scalar, NULL when absent; numbers compare as numbers */
	char *text;   /* the expectation in one line, as the report shows it */
	struct scenario_pos pos;
};

/* The user's own ns-3 program, which simulates the links of kind ghost. */
struct scenario_program {
	char **argv; /* NULL-terminated; argv[0] is a path, relative to the scenario's directory; NULL: none */
	size_t argc;
	struct scenario_pos pos;
};

struct scenario {
	char *name;
	char *description; /* free text, NULL when absent */
	char *text;        /* the YAML as run: the file's text with every --set applied */
	uint64_t seed;     /* ns-3 RngRun, at least 1 */
	uint64_t lag_ns;
	uint64_t budget_ns;   /* fidelity: lateness allowed ... */
	double quantile;      /* ... to this share of frames, 0 < quantile <= 1 */
	bool require_pass;    /* fidelity.require: pass, so a degraded run ends with status 4 */
	uint32_t workers;     /* upper limit of ghosts; 0 when the file does not say */
	uint32_t ghost_count; /* how many ghosts the islands were packed into */
	struct scenario_program program;
	struct scenario_node *nodes;
	size_t node_count;
	struct scenario_link *links;
	size_t link_count;
	struct scenario_end *ends;
	size_t end_count;
	struct scenario_step *steps;
	size_t step_count;
	struct scenario_expect *expects;
	size_t expect_count;
	struct scenario_change *changes; /* of steps and timeline, by time; equal times in the file's order */
	size_t change_count;
};

struct scenario_error {
	struct scenario_pos pos;
	char *text; /* "what is wrong; what would be right" */
};

/* Everything found wrong, in the file's order; at most SCENARIO_ERRORS_MAX. */
#define SCENARIO_ERRORS_MAX 20
struct scenario_errors {
	struct scenario_error items[SCENARIO_ERRORS_MAX];
	size_t count;
};

struct scenario_options {
	const char *default_name; /* name when the file gives none; its base name without ".yaml"; NULL: "scenario" */
	const char *const *sets;  /* "links.lan.delay=50ms", or short "lan.delay=50ms"; applied in order */
	size_t set_count;
	uint32_t workers;   /* ghosts to use when the file does not say; 0 is taken as 1 */
	bool without_steps; /* check steps and expectations, then go on as if the file had none, in its text too */
	/*
	 * Reads a file that the scenario names, so that its content becomes part of the scenario's text. Returns 0
	 * with @ret_data from malloc(), or a negative errno. NULL: the scenario must not name any.
	 */
	int (*read_file)(void *data, const char *name, char **ret_data, size_t *ret_size);
	void *read_file_data;
};

/**
 * scenario_load() - Check a scenario's text and complete it
 * @data:	YAML text, need not end with NUL
 * @size:	bytes of @data
 * @options:	see the struct; NULL takes all defaults
 * @ret:	on success the scenario, to be freed with scenario_free(); untouched otherwise
 * @ret_errors:	filled when -EINVAL is returned, to be emptied with scenario_errors_done()
 *
 * Return: 0, -EINVAL with @ret_errors, or -ENOMEM. The same text and options always give the same scenario.
 */
int scenario_load(const char *data, size_t size, const struct scenario_options *options, struct scenario **ret,
		  struct scenario_errors *ret_errors);

/**
 * scenario_change_parse() - Read a change as it is written outside a file
 * @text:	"LINK KEY=VALUE", or "LINK.NODE KEY=VALUE" or "LINK.NODE.IFNAME KEY=VALUE" for one end
 * @ret:	on success the change; at_ns is 0
 * @error:	on failure what is wrong and what would be right
 *
 * Values are read as in a file. Return: 0, -EINVAL with @error, or -ENOMEM.
 */
int scenario_change_parse(const struct scenario *scenario, const char *text, struct scenario_change *ret, char *error,
			  size_t error_size);

/** scenario_change_print() - The reverse: the one text that says the same, at most SCENARIO_CHANGE_TEXT_SIZE. */
void scenario_change_print(const struct scenario *scenario, const struct scenario_change *change, char *buf,
			   size_t size);

/** scenario_change_keys() - What links of a kind can change while they run; ends with a NULL key. */
const struct scenario_change_key *scenario_change_keys(enum scenario_link_kind kind);

/**
 * scenario_wire_is_patch() - Whether a link is a pair of Open vSwitch's patch ports, without an interface of the
 * kernel's
 *
 * A wire between two switches is. Not where a spanning tree runs: a BPDU comes out of a patch port within the call that
 * sent it, and RSTP of Open vSwitch 3.1 then waits for itself (lib/rstp.c: pthread_mutex_lock failed, Resource deadlock
 * avoided).
 */
bool scenario_wire_is_patch(const struct scenario *scenario, const struct scenario_link *link);

/* What delays the frames that one end is handed: what `lag` is taken off. Changes alter it. */
struct scenario_hop {
	uint64_t delay_ns; /* 0 where nothing has a delay of its own: wifi, lte, ghost */
	enum scenario_spread spread;
	uint64_t jitter_ns;
};

/** scenario_hop_init() - What the file says of the way to @end, an index into ends. */
void scenario_hop_init(const struct scenario *scenario, uint32_t end, struct scenario_hop *ret);

/** scenario_hop_change() - Let a change alter the way to @end; false if it does not concern it. */
bool scenario_hop_change(const struct scenario *scenario, uint32_t end, const struct scenario_change *change,
			 struct scenario_hop *hop);

/**
 * scenario_lag_excess_ns() - How much later than simulated frames are handed over at @end because `lag` is longer
 * @least:	for the frames that jitter delays least, instead of for those without
 *
 * Return: ns; 0 also where nothing is handed over to a container or a switch. Of a csma segment the preamble and the
 * part of the delay that is below the interpacket gap, at most 96 bit times, are left out of account.
 */
uint64_t scenario_lag_excess_ns(const struct scenario *scenario, uint32_t end, const struct scenario_hop *hop,
				bool least);

/**
 * scenario_warnings() - What a scenario says that its author hardly means: lags longer than delays, tables that are
 * lost when a controller is
 * @ret:	one text per switch or link, "what is the case; what helps", as far as there is room and memory; to be
 *		emptied with scenario_errors_done()
 *
 * Return: how many switches and links there are to warn of
 */
size_t scenario_warnings(const struct scenario *scenario, struct scenario_errors *ret);

/** scenario_free() - Free a scenario; NULL is fine. */
void scenario_free(struct scenario *scenario);

/** scenario_errors_done() - Free the texts; the struct is empty afterwards. */
void scenario_errors_done(struct scenario_errors *errors);

/** scenario_link_is_simulated() - Whether ns-3 carries a link's frames. */
static inline bool scenario_link_is_simulated(const struct scenario_link *link)
{
	return link->kind != SCENARIO_LINK_WIRE;
}

/** scenario_direction_rate_bps() - Bit/s of one direction; of one with a trace the average, a full frame each time. */
uint64_t scenario_direction_rate_bps(const struct scenario_direction *way);

/** scenario_end_rate_bps() - Bit/s that an end of a simulated link sends with. */
uint64_t scenario_end_rate_bps(const struct scenario *scenario, uint32_t end);

/** scenario_node_is_real() - Whether the node is outside ns-3, so that its ends of simulated links are ports. */
static inline bool scenario_node_is_real(const struct scenario_node *node)
{
	return node->kind != SCENARIO_NODE_SIMULATED && node->kind != SCENARIO_NODE_REPLAY;
}

/** scenario_node_is_replay() - Whether the node is a capture file, whose frames enter from outside. */
static inline bool scenario_node_is_replay(const struct scenario_node *node)
{
	return node->kind == SCENARIO_NODE_REPLAY;
}

/** scenario_node_is_switch() - Whether Open vSwitch is the node. */
static inline bool scenario_node_is_switch(const struct scenario_node *node)
{
	return node->kind == SCENARIO_NODE_SWITCH;
}

/** scenario_node_is_container() - Whether liblxc makes the node. */
static inline bool scenario_node_is_container(const struct scenario_node *node)
{
	return node->kind == SCENARIO_NODE_CONTAINER;
}

/** scenario_link_kind_name() - The kind as the file has it, "csma". */
const char *scenario_link_kind_name(enum scenario_link_kind kind);

/** scenario_ghost_is_program() - Whether ghost @ghost is the user's own program, not ns3-ghost. */
bool scenario_ghost_is_program(const struct scenario *scenario, uint32_t ghost);

/** scenario_find_node() - Index of the node called @name, or SCENARIO_NONE. */
uint32_t scenario_find_node(const struct scenario *scenario, const char *name);

/** scenario_app_name() - A kind of application as the file names it, "on-off". */
const char *scenario_app_name(enum scenario_app_kind kind);

/** scenario_find_port() - The end of ghost @ghost with wire index @port, or NULL. */
const struct scenario_end *scenario_find_port(const struct scenario *scenario, uint32_t ghost, uint32_t port);

/** scenario_port_count() - How many ports ghost @ghost has. */
uint32_t scenario_port_count(const struct scenario *scenario, uint32_t ghost);

/**
 * scenario_find_input() - The end of ghost @ghost through which frames enter from outside, or NULL
 * @input:	ports first, by their index on the wire, then the ends of replays: the index of its counters
 */
const struct scenario_end *scenario_find_input(const struct scenario *scenario, uint32_t ghost, uint32_t input);

/** scenario_input_count() - How many such ends ghost @ghost has. */
uint32_t scenario_input_count(const struct scenario *scenario, uint32_t ghost);

/** scenario_app_count() - How many applications there are in all. */
uint32_t scenario_app_count(const struct scenario *scenario);

/** scenario_inner_count() - How many ends of simulated nodes and replays, and applications, ghost @ghost has. */
uint32_t scenario_inner_count(const struct scenario *scenario, uint32_t ghost);

#ifdef __cplusplus
}
#endif

#endif /* SCENARIO_SCENARIO_H */
