/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * control-exec.c - the verbs exec and ovs: a command in a node or beside the switches, on the caller's own files.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge/experiment/daemon.h"

#define NODES_SHOWN 10

static json_t *refuse(int exit_status, const char *text)
{
	return json_pack("{s:s,s:i}", "error", text, "exit", exit_status);
}

/* NULL-terminated copies of the pointers in a JSON list of strings; NULL when it is not one. */
static const char **string_list(json_t *list)
{
	size_t count = json_array_size(list);
	const char **strings = calloc(count + 1, sizeof(*strings));

	for (size_t i = 0; strings && i < count; i++) {
		strings[i] = json_string_value(json_array_get(list, i));
		if (!strings[i]) {
			free(strings);
			return NULL;
		}
	}
	return strings;
}

static json_t *unknown_node(const struct scenario *scenario, const char *name)
{
	char text[512];
	size_t len;

	len = (size_t)snprintf(text, sizeof(text), "there is no node '%.64s'; there are", name);
	for (size_t i = 0; i < scenario->node_count && i < NODES_SHOWN && len < sizeof(text) - 80; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s %.64s", i ? "," : "",
					scenario->nodes[i].name);
	return refuse(EXIT_USAGE, text);
}

/* The command has its own copies; ours would keep a pipe's reader waiting. */
static void close_fds(struct control_client *client)
{
	for (int i = 0; i < CONTROL_FDS; i++) {
		if (client->fds[i] >= 0)
			close(client->fds[i]);
		client->fds[i] = -1;
	}
}

void control_exec(struct control_client *client, json_t *request)
{
	struct daemon *daemon = client->control->daemon;
	const char *name = json_string_value(json_object_get(request, "node"));
	const char **argv = string_list(json_object_get(request, "argv"));
	const char **env = string_list(json_object_get(request, "env"));
	uint32_t node = name ? scenario_find_node(daemon->scenario, name) : SCENARIO_NONE;
	struct lab_exec exec = {.argv = argv,
				.env = env,
				.stdio = {client->fds[0], client->fds[1], client->fds[2]},
				.terminal = json_is_true(json_object_get(request, "terminal"))};
	struct diag diag = {""};

	if (!name || !argv || !argv[0] || !env || client->fds[2] < 0) {
		control_answer(client, refuse(EXIT_USAGE, "the request is not complete"), true);
	} else if (node == SCENARIO_NONE) {
		control_answer(client, unknown_node(daemon->scenario, name), true);
	} else if (!scenario_node_is_real(&daemon->scenario->nodes[node])) {
		diag_set(&diag, -EINVAL, "node '%s' exists inside ns-3 only; nothing runs in it", name);
		control_answer(client, refuse(EXIT_USAGE, diag.text), true);
	} else if (!daemon->origin_ns) {
		control_answer(client, refuse(EXIT_HOST, "the experiment is still being built"), true);
	} else if (lab_exec(daemon->lab, node, &exec, &client->pid, &diag) < 0) {
		client->pid = 0;
		control_answer(client, refuse(EXIT_HOST, diag.text), true);
	} else {
		control_answer(client, json_pack("{s:i}", "started", (int)client->pid), false);
	}
	close_fds(client);
	free(argv);
	free(env);
}

void control_ovs(struct control_client *client, json_t *request)
{
	struct daemon *daemon = client->control->daemon;
	const char **argv = string_list(json_object_get(request, "argv"));
	struct lab_exec exec = {.argv = argv,
				.stdio = {client->fds[0], client->fds[1], client->fds[2]},
				.directory = json_string_value(json_object_get(request, "directory"))};
	struct diag diag = {""};

	if (!argv || !argv[0] || client->fds[2] < 0) {
		control_answer(client, refuse(EXIT_USAGE, "the request is not complete"), true);
	} else if (lab_switching_exec(daemon->lab, &exec, &client->pid, &diag) < 0) {
		client->pid = 0;
		control_answer(client, refuse(EXIT_HOST, diag.text), true);
	} else {
		control_answer(client, json_pack("{s:i}", "started", (int)client->pid), false);
	}
	close_fds(client);
	free(argv);
}
