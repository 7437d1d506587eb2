/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * control.c - see control.h. Nothing here waits for a client: what it does not read is kept, and it goes when that
 * becomes too much.
 */
#include "bridge/experiment/control.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bridge/experiment/daemon.h"

#define UNSENT_SIZE_MAX (16u << 20)

static void client_free(struct control_client *client)
{
	struct control *control = client->control;
	struct control_client **link = &control->clients;

	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	/* A command whose terminal or caller is gone should not outlive it. */
	if (client->pid > 0 && kill(-client->pid, SIGHUP) == 0)
		kill(-client->pid, SIGTERM);
	changes_forget(&control->daemon->changes, client);
	loop_remove(&control->daemon->loop, &client->source);
	for (int i = 0; i < CONTROL_FDS; i++) {
		if (client->fds[i] >= 0)
			close(client->fds[i]);
	}
	free(client->in);
	free(client->out);
	free(client);
}

/* Send what the socket takes. Return: false when the client is gone and freed. */
static bool client_flush(struct control_client *client)
{
	while (client->out_len > 0) {
		ssize_t n = send(client->source.fd, client->out, client->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			client_free(client);
			return false;
		}
		client->out_len -= (size_t)n;
		memmove(client->out, client->out + n, client->out_len);
	}
	if (client->out_len == 0 && client->is_done) {
		client_free(client);
		return false;
	}
	loop_change(&client->control->daemon->loop, &client->source, EPOLLIN | (client->out_len ? EPOLLOUT : 0u));
	return true;
}

void control_answer(struct control_client *client, json_t *answer, bool is_last)
{
	char *line = answer ? json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(10)) : NULL, *grown;
	size_t len = line ? strlen(line) : 0;

	json_decref(answer);
	grown = len && client->out_len + len < UNSENT_SIZE_MAX ? realloc(client->out, client->out_len + len + 1) : NULL;
	if (grown) {
		client->out = grown;
		memcpy(grown + client->out_len, line, len);
		grown[client->out_len + len] = '\n';
		client->out_len += len + 1;
	}
	free(line);
	client->is_done |= is_last || !grown;
}

void control_reply(struct control_client *client, json_t *answer)
{
	control_answer(client, answer, true);
	client_flush(client);
}

static void forward_signal(const struct control_client *client, json_t *request)
{
	int sig = (int)json_integer_value(json_object_get(request, "signal"));

	if (client->pid > 0 && sig > 0 && sig < NSIG && kill(-client->pid, sig) < 0)
		kill(client->pid, sig);
}

static void handle_line(struct control_client *client, const char *line)
{
	json_error_t error;
	json_t *request = json_loads(line, 0, &error);
	const char *verb = json_string_value(json_object_get(request, "verb"));

	if (json_object_get(request, "signal"))
		forward_signal(client, request);
	else if (verb && strcmp(verb, "status") == 0)
		control_answer(client, control_status(client->control->daemon), true);
	else if (verb && strcmp(verb, "exec") == 0 && client->pid == 0)
		control_exec(client, request);
	else if (verb && strcmp(verb, "set") == 0)
		changes_request(client, request);
	else if (verb && strcmp(verb, "ovs") == 0 && client->pid == 0)
		control_ovs(client, request);
	else
		control_answer(client, json_pack("{s:s}", "error", "this experiment does not know that request"), true);
	json_decref(request);
}

/* Read bytes and passed fds. Return: bytes, 0 at the end, or a negative errno. */
static ssize_t receive(struct control_client *client, char *buffer, size_t size)
{
	union {
		char buffer[CMSG_SPACE(sizeof(int) * CONTROL_FDS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = buffer, .iov_len = size};
	struct msghdr header = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buffer, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(client->source.fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header); cmsg; cmsg = CMSG_NXTHDR(&header, cmsg)) {
		size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
			if (i < CONTROL_FDS && client->fds[i] < 0)
				client->fds[i] = fd;
			else
				close(fd);
		}
	}
	return n;
}

static void client_ready(void *data, uint32_t events)
{
	struct control_client *client = data;
	char *newline;
	ssize_t n;

	if (events & EPOLLOUT && !client_flush(client))
		return;
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	n = client->in_len < CONTROL_LINE_SIZE - 1
		    ? receive(client, client->in + client->in_len, CONTROL_LINE_SIZE - 1 - client->in_len)
		    : -EMSGSIZE;
	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n <= 0) {
		client_free(client);
		return;
	}
	client->in_len += (size_t)n;
	client->in[client->in_len] = '\0';
	while (!client->is_done && (newline = strchr(client->in, '\n'))) {
		size_t used = (size_t)(newline - client->in) + 1;

		*newline = '\0';
		handle_line(client, client->in);
		client->in_len -= used;
		memmove(client->in, client->in + used, client->in_len + 1);
	}
	client_flush(client);
}

static void listener_ready(void *data, uint32_t events)
{
	struct control *control = data;
	struct control_client *client;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	client = calloc(1, sizeof(*client));
	if (client)
		client->in = malloc(CONTROL_LINE_SIZE);
	/* The socket's mode already says so; this holds even if somebody loosens it. */
	if (!client || !client->in || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid != 0 ||
	    loop_add(&control->daemon->loop, &client->source, fd, EPOLLIN, client_ready, client) < 0) {
		close(fd);
		if (client)
			free(client->in);
		free(client);
		return;
	}
	for (int i = 0; i < CONTROL_FDS; i++)
		client->fds[i] = -1;
	client->control = control;
	client->next = control->clients;
	control->clients = client;
}

int control_open(struct control *control, struct daemon *daemon, struct diag *diag)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r;

	control->daemon = daemon;
	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CONTROL_SOCKET,
			     lab_state_dir(daemon->lab)) >= sizeof(address.sun_path))
		return diag_set(diag, -ENAMETOOLONG, "the experiment's name is too long for a socket path");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return diag_set(diag, -errno, "cannot make a socket: %s", strerror(errno));
	if ((unlink(address.sun_path) < 0 && errno != ENOENT) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(address.sun_path, 0600) < 0 ||
	    listen(fd, 16) < 0) {
		r = -errno;
		goto fail;
	}
	r = loop_add(&daemon->loop, &control->listener, fd, EPOLLIN, listener_ready, control);
	if (r < 0)
		goto fail;
	return 0;
fail:
	close(fd);
	return diag_set(diag, r, "cannot listen at %s: %s", address.sun_path, strerror(-r));
}

void control_close(struct control *control)
{
	if (!control->daemon)
		return;
	while (control->clients)
		client_free(control->clients);
	loop_remove(&control->daemon->loop, &control->listener);
}

void control_signal(const struct control *control, int sig)
{
	for (const struct control_client *client = control->clients; client; client = client->next) {
		if (client->pid > 0 && kill(-client->pid, sig) < 0)
			kill(client->pid, sig);
	}
}

bool control_is_idle(const struct control *control)
{
	for (const struct control_client *client = control->clients; client; client = client->next) {
		if (client->pid > 0)
			return false;
	}
	return true;
}

bool control_reaped(struct control *control, pid_t pid, int status)
{
	for (struct control_client *client = control->clients; client; client = client->next) {
		if (client->pid != pid)
			continue;
		client->pid = 0;
		control_answer(client, json_pack("{s:i}", "exit", steps_exit_code(status)), true);
		client_flush(client);
		return true;
	}
	return false;
}
