/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * control.h - the socket by which other ghostbridge commands talk to a running experiment.
 *
 * STATE_DIR/control.sock, a stream of JSON objects, one to a line, root's only. A client sends one request,
 * {"verb": "status"}, {"verb": "exec", "node": "h1", "argv": [...], "terminal": false} or {"verb": "ovs", "argv":
 * [...], "directory": "/"} with fds 0, 1, 2 attached, and gets one answer; {"verb": "set", "changes": ["lan
 * delay=50ms"]} gets it when the simulator has made the changes; an exec gets {"exit": N} at its end and may be sent
 * {"signal": N} until then.
 */
#ifndef EXPERIMENT_CONTROL_H
#define EXPERIMENT_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bridge/diag.h"
#include "bridge/experiment/loop.h"

#define CONTROL_SOCKET    "control.sock" /* in the state directory */
#define CONTROL_LINE_SIZE (256u << 10)   /* bytes of a request line accepted */
#define CONTROL_FDS       3

struct daemon;
struct control;

struct control_client {
	struct control *control;
	struct control_client *next;
	struct loop_source source;
	char *in;
	size_t in_len;
	char *out;
	size_t out_len;
	int fds[CONTROL_FDS]; /* passed along; -1 when not */
	pid_t pid;            /* the command it started, 0: none */
	bool is_done;         /* close when everything has been sent */
};

struct control {
	struct daemon *daemon;
	struct loop_source listener;
	struct control_client *clients;
};

/** control_open() - Listen. Return: 0 or a negative errno. */
int control_open(struct control *control, struct daemon *daemon, struct diag *diag);
void control_close(struct control *control);

/** control_signal() - Send @sig to the process group of every command that a client started. */
void control_signal(const struct control *control, int sig);

/** control_is_idle() - No client's command runs. */
bool control_is_idle(const struct control *control);

/** control_reaped() - A child ended. Return: whether a client had started it. */
bool control_reaped(struct control *control, pid_t pid, int status);

/** control_answer() - Queue one line for a client; takes over the reference to @answer. */
void control_answer(struct control_client *client, json_t *answer, bool is_last);

/** control_reply() - The same as the last answer, sent at once; the client may be gone afterwards. */
void control_reply(struct control_client *client, json_t *answer);

/** control_exec() - The exec verb: start the command or answer why not. */
void control_exec(struct control_client *client, json_t *request);

/** control_ovs() - The ovs verb: likewise, beside the lab's Open vSwitch. */
void control_ovs(struct control_client *client, json_t *request);

/** control_status() - The status verb's answer; new reference. */
json_t *control_status(struct daemon *daemon);

#endif /* EXPERIMENT_CONTROL_H */
