/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lab.h - every change to the host that an experiment makes, and its undo.
 *
 * A lab is a set of fresh namespaces (network, mount, PID, IPC, UTS) with the experiment daemon as PID 1. Containers,
 * bridges and TAPs live inside, so the kernel takes them away when the daemon dies, however it dies. What the kernel
 * cannot take away (cgroup directories, the state directory) is written to the lab's journal before it is made;
 * lab_reclaim() works from that journal alone. Used by the experiment daemon's only thread; calls may block for
 * milliseconds.
 */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bridge/diag.h"
#include "bridge/scenario/scenario.h"

#define LAB_STATE_ROOT "/run/ghostbridge" /* one directory per experiment below it, mode 0755, root's */

struct lab;

/**
 * lab_spawn() - Start the experiment daemon as PID 1 of a new lab
 * @name:	experiment name; its state directory is LAB_STATE_ROOT/NAME
 * @main:	runs in the child, which exits with its return value
 * @data:	handed to @main
 * @ret_pid:	the child's PID in the caller's PID namespace
 * @diag:	filled on failure; -EEXIST names a running experiment of that name and the remedy
 *
 * Creates the state directory (taking an flock on its `lock` file that lives as long as the child), reclaims what an
 * earlier experiment of that name left after a crash, writes the journal, then clones. The child enters with all
 * signals that the caller blocked still blocked and gets SIGTERM when the caller dies.
 *
 * Return: 0 or a negative errno
 */
int lab_spawn(const char *name, int (*main)(struct lab *lab, void *data), void *data, pid_t *ret_pid,
	      struct diag *diag);

/** lab_state_dir() - Absolute path of the state directory; belongs to the lab. */
const char *lab_state_dir(const struct lab *lab);

/**
 * lab_use_offload() - Make the TAPs of the lab hand over and take super-frames; before lab_build()
 *
 * Every read and write of a TAP's fd then begins with a struct virtio_net_hdr of 10 bytes in host byte order.
 */
void lab_use_offload(struct lab *lab);

/**
 * lab_share() - Show a directory to all containers, read-only, as /run/scenario; before lab_build()
 * @dir:	absolute path; what lies below the host's /run cannot be shown
 *
 * Return: 0 or a negative errno with @diag
 */
int lab_share(struct lab *lab, const char *dir, struct diag *diag);

/**
 * lab_build() - Build all nodes and links of a scenario
 * @lab:	the lab of this process
 * @scenario:	borrowed until lab_done()
 * @diag:	filled on failure
 *
 * Containers are started with loopback only; then every end gets its interface, addresses, MTU, MAC and link speed, and
 * the interfaces are set up. Wire links carry frames at once, simulated ones from the moment somebody moves frames
 * between the TAPs.
 *
 * Return: 0 or a negative errno; the lab may be half-built then, lab_done() undoes it
 */
int lab_build(struct lab *lab, const struct scenario *scenario, struct diag *diag);

/**
 * lab_tap_fd() - The TAP of one simulated end
 * @end:	index into scenario->ends
 *
 * Return: a non-blocking fd (IFF_TAP | IFF_NO_PI) that stays the lab's, or -1 on a wire link
 */
int lab_tap_fd(const struct lab *lab, uint32_t end);

enum lab_offload {
	LAB_OFFLOAD_VNET = 1, /* virtio header, partial checksums, TCP super-frames */
	LAB_OFFLOAD_USO = 2,  /* UDP super-frames, too (Linux 6.2) */
};

/** lab_tap_offload() - What the TAP of one simulated end does: enum lab_offload bits, 0 without lab_use_offload(). */
uint32_t lab_tap_offload(const struct lab *lab, uint32_t end);

/**
 * lab_tap_arrivals_fd() - Map of one struct arrivals_ring (bridge/arrivals.h) of the TAP of one simulated end
 *
 * Return: an fd that stays the lab's, or 0: there is none, since the scenario has no lag or the kernel cannot
 */
int lab_tap_arrivals_fd(const struct lab *lab, uint32_t end);

/* Why an interface may have no carrier; it has one when nothing keeps it from it. */
enum lab_carrier {
	LAB_CARRIER_STATE = 1, /* the end or its link is down */
	LAB_CARRIER_RADIO = 2, /* a Wi-Fi station is not associated */
};

/**
 * lab_tap_set_carrier() - Say whether the interface of one simulated end has carrier, as far as @why is concerned
 *
 * The container's interface loses carrier in either case of attachment. Such an end does not count in
 * lab_interfaces_up(). What the kernel drops for want of carrier is not the fault of whoever reads the TAP:
 * lab_tap_dropped() leaves it out.
 *
 * Return: 0 or a negative errno
 */
int lab_tap_set_carrier(struct lab *lab, uint32_t end, enum lab_carrier why, bool carrier);

/**
 * lab_wire_set_state() - Set the interface at one end of a wire down, or up again
 * @end:	index into scenario->ends; not of a pair of patch ports
 *
 * The other end loses its carrier. With the interface the kernel forgets IPv6 addresses and routes; those of the file
 * are there again when it comes up, others are not.
 *
 * Return: 0 or a negative errno
 */
int lab_wire_set_state(struct lab *lab, uint32_t end, bool up);

/** lab_tap_has_carrier() - What was said last; true in the beginning. */
bool lab_tap_has_carrier(const struct lab *lab, uint32_t end, enum lab_carrier why);

/**
 * lab_tap_dropped() - Frames that the kernel dropped on their way out because nobody read the TAP in time
 * @ret:	since the TAP was made
 *
 * Return: 0 or a negative errno
 */
int lab_tap_dropped(struct lab *lab, uint32_t end, uint64_t *ret);

/** lab_node_pid() - PID, in the lab's PID namespace, of a container's init; -1 when it does not run. */
pid_t lab_node_pid(const struct lab *lab, uint32_t node);

/**
 * lab_interfaces_up() - Whether every interface of every node has carrier and can pass frames
 * @ret_end:	when not: the first end whose interface does not, an index into scenario->ends; may be NULL
 */
bool lab_interfaces_up(struct lab *lab, uint32_t *ret_end);

/** lab_use_logs() - Where processes of the lab's own (Open vSwitch) log, a directory; before lab_build(). */
void lab_use_logs(struct lab *lab, int dir_fd);

struct lab_exec {
	const char *const *argv; /* NULL-terminated */
	const char *const *env;  /* further NAME=VALUE, NULL-terminated, or NULL; the node's `env` is always set */
	int stdio[3];            /* fds for the command's 0, 1, 2; stay the caller's */
	bool terminal;           /* stdio[0] is a terminal to become the command's controlling terminal */
	const char *directory;   /* to begin in, or NULL; heeded in switches only */
};

/**
 * lab_exec() - Start a command in a container
 * @ret_pid:	a child of the caller, to be waited for by it; a process group leader
 *
 * Return: 0 or a negative errno (-ESRCH: the container does not run); does not wait for the command
 */
int lab_exec(struct lab *lab, uint32_t node, const struct lab_exec *exec, pid_t *ret_pid, struct diag *diag);

/**
 * lab_switching_exec() - Start a command beside the lab's Open vSwitch, as lab_exec() does in a switch
 *
 * Tools of Open vSwitch find this lab's one. The command sees the host's files read-only, keeps CAP_NET_ADMIN and
 * CAP_NET_RAW for the lab's network, may become another user, and has no other right.
 */
int lab_switching_exec(struct lab *lab, const struct lab_exec *exec, pid_t *ret_pid, struct diag *diag);

enum lab_reaped {
	LAB_REAPED_UNKNOWN,   /* not the lab's process */
	LAB_REAPED_QUIETLY,   /* nothing to report */
	LAB_REAPED_RESTARTED, /* a process died and runs again; @diag says which */
	LAB_REAPED_LOST,      /* ... or does not */
};

/**
 * lab_switching_reaped() - A child of the daemon ended
 * @start_again: whether it is to be replaced; not when the experiment is ending
 *
 * A new ovs-vswitchd gets bridges and ports from the database, and from a child of ours the tables that the switches
 * had (ovs-keep.c); controllers connect and may add more.
 */
enum lab_reaped lab_switching_reaped(struct lab *lab, pid_t pid, int status, bool start_again, struct diag *diag);

/* A process that the lab runs for its switches. */
struct lab_process {
	const char *name; /* "ovs-vswitchd" */
	pid_t pid;        /* in the lab's PID namespace; 0: none */
	unsigned int restarts;
};

/** lab_switching_process() - The process number @index; false when there are not so many. */
bool lab_switching_process(const struct lab *lab, size_t index, struct lab_process *ret);

/** lab_switching_datapath() - "kernel", "userspace", or NULL without switches. */
const char *lab_switching_datapath(const struct lab *lab);

/* What keeps the rate limit of a switch's port. */
struct lab_limit {
	const char *port;
	uint64_t bps;
	const char *by;  /* "policing" or "meter" */
	const char *why; /* a clause for people */
};

/** lab_switching_limit() - The limit number @index; false when there are not so many. */
bool lab_switching_limit(const struct lab *lab, size_t index, struct lab_limit *ret);

/** lab_done() - Stop all containers, remove all links and cgroups, free the lab. Takes NULL and half-built labs. */
void lab_done(struct lab *lab);

/**
 * lab_reclaim() - From outside: remove what a dead lab left
 * @name:	experiment name
 *
 * Works from the journal. If the lab still runs it is not touched and -EBUSY is returned.
 *
 * Return: 1 if something was removed, 0 if there was nothing, or a negative errno
 */
int lab_reclaim(const char *name, struct diag *diag);

/** lab_is_running() - Whether an experiment of that name is alive (its lock is held). */
bool lab_is_running(const char *name);

/** lab_daemon_pid() - PID of a running experiment's daemon in the caller's PID namespace, or -1. */
pid_t lab_daemon_pid(const char *name);

/** lab_names() - Names of all state directories, running or not; NULL-terminated, free each and the array. */
char **lab_names(void);

#endif /* LAB_LAB_H */
