/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peer.h - one process at a wire's end, a shuttle or a ghost, as the daemon sees it.
 *
 *	DOWN --start--> STARTED --HELLO--> WELCOMED --READY--> READY --START--> RUNNING --QUIESCE--> QUIESCING -->
 *QUIESCED
 *	  ^------------------------------------ its process ended -----------------------------------------------------'
 */
#ifndef EXPERIMENT_PEER_H
#define EXPERIMENT_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "bridge/experiment/loop.h"
#include "bridge/scenario/scenario.h"
#include "bridge/wire/wire.h"

enum peer_state {
	PEER_DOWN,
	PEER_STARTED,
	PEER_WELCOMED,
	PEER_READY,
	PEER_RUNNING,
	PEER_QUIESCING,
	PEER_QUIESCED,
};

struct peers;

struct peer {
	struct peers *peers; /* whose end this is */
	enum wire_role role;
	enum peer_state state;
	pid_t pid; /* in the lab's PID namespace; 0: none */
	struct loop_source control;
	unsigned int restarts;
	uint64_t under_way;         /* frames it still had when it said QUIESCED */
	bool stopping;              /* we told it to go, so its end is no incident */
	bool is_over;               /* it was restarted too often, or ended in vain: leave it */
	char error[WIRE_TEXT_SIZE]; /* its last words */
};

#define PEER_EXTRA_FD  4 /* the first of the extra files */
#define PEER_EXTRA_MAX SCENARIO_REPLAYS_MAX

/** What a program is for: to be fast, or to be on time, whatever that costs those who are fast. */
enum peer_timing {
	PEER_FAST,
	PEER_TIMELY,   /* has the processor soon */
	PEER_REALTIME, /* has it at once, as the kernel allows; for who never computes for long */
};

/** What peer_spawn() needs to know. */
struct peer_program {
	const char *name;        /* "shuttle 0", for messages */
	int exe_fd;              /* the binary */
	const char *const *argv; /* NULL-terminated */
	uid_t uid;
	int stdin_fd;           /* -1: /dev/null */
	int log_fd;             /* stdout and stderr */
	int control_fd;         /* becomes fd 3; -1: none */
	int cwd_fd;             /* directory to start in; 0: the daemon's */
	const int *extra_fds;   /* become 4, 5, ... */
	size_t extra_count;     /* at most PEER_EXTRA_MAX */
	const char *const *env; /* NULL-terminated, besides the bare environment; NULL: none */
	enum peer_timing timing;
	rlim_t process_max; /* processes and threads its user may have when it makes another; 0: any number */
};

/**
 * peer_spawn() - Start a program without rights
 *
 * Every fd but 0 to 3 is closed in it and its environment is bare. Why it could not start is in its log, exit status
 * 127.
 *
 * Return: its PID or a negative errno
 */
pid_t peer_spawn(const struct peer_program *program);

/**
 * peer_prefer() - Let this process come before those that carry load
 *
 * For a child of the daemon, after setsid() and while root: whoever carries time, or takes what cannot wait, should not
 * queue behind containers. A refusal does no harm but to the figures.
 */
void peer_prefer(void);

/** peer_fill_port() - What a wire says of the port at @end; its files are the caller's to fill in, @port->tap_fd is -1.
 */
void peer_fill_port(const struct scenario *scenario, const struct scenario_end *end, struct wire_port *port);

/** peer_state_name() - "running", for status. */
const char *peer_state_name(enum peer_state state);

/** peer_send() - Send a message without payload; a failure shows up as the peer's end. */
void peer_send(struct peer *peer, enum wire_msg_type type, uint64_t value);

/** peer_kill() - Send a signal to the process, if there is one. */
void peer_kill(struct peer *peer, int sig);

#endif /* EXPERIMENT_PEER_H */
