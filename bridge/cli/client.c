/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * client.c - talking to a running experiment; control.h says how.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bridge/cli/cli.h"
#include "bridge/experiment/control.h"

#define ANSWER_SIZE_MAX   (64u << 20)
#define STATUS_TIMEOUT_MS 3000
#define START_TIMEOUT_MS  10000
#define GRACE_MS          1000 /* so long a signal waits for the command that it is for */

static int connect_quietly(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r;

	if (strchr(name, '/') ||
	    (size_t)snprintf(address.sun_path, sizeof(address.sun_path), LAB_STATE_ROOT "/%s/" CONTROL_SOCKET, name) >=
		    sizeof(address.sun_path))
		return -ENOENT;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int client_connect(const char *name)
{
	int fd = connect_quietly(name);

	if (fd >= 0)
		return fd;
	if (fd == -EACCES || fd == -EPERM)
		return -cli_error(EXIT_HOST, "talking to an experiment needs root: try sudo");
	if (lab_is_running(name))
		return -cli_error(EXIT_HOST, "experiment '%s' does not answer; it may still be building", name);
	return -cli_error(EXIT_USAGE, "there is no running experiment '%s'; `ghostbridge ls` lists them", name);
}

int client_send(int fd, json_t *request, const int *fds)
{
	union {
		char buffer[CMSG_SPACE(sizeof(int) * CONTROL_FDS)];
		struct cmsghdr align;
	} control;
	char *text = json_dumps(request, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0, sent = 0;
	int r = text ? 0 : -ENOMEM;

	json_decref(request);
	if (text)
		text[len++] = '\n'; /* in place of the NUL */
	while (r == 0 && sent < len) {
		struct iovec iov = {.iov_base = text + sent, .iov_len = len - sent};
		struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
		ssize_t n;

		if (fds && sent == 0) {
			struct cmsghdr *cmsg;

			memset(&control, 0, sizeof(control));
			header.msg_control = control.buffer;
			header.msg_controllen = sizeof(control.buffer);
			cmsg = CMSG_FIRSTHDR(&header);
			cmsg->cmsg_level = SOL_SOCKET;
			cmsg->cmsg_type = SCM_RIGHTS;
			cmsg->cmsg_len = CMSG_LEN(sizeof(int) * CONTROL_FDS);
			memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * CONTROL_FDS);
		}
		n = sendmsg(fd, &header, MSG_NOSIGNAL);
		if (n >= 0)
			sent += (size_t)n;
		else if (errno != EINTR)
			r = -errno;
	}
	free(text);
	return r;
}

json_t *client_receive(int fd, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	char *line = NULL, *grown, *newline = NULL;
	size_t len = 0, size = 0;
	json_t *answer;
	ssize_t n;

	/* One answer at a time is under way, so nothing behind the newline is lost but the end. */
	while (!newline) {
		if (size - len < 4096) {
			size = size ? 2 * size : 16384;
			grown = size <= ANSWER_SIZE_MAX ? realloc(line, size) : NULL;
			if (!grown)
				break;
			line = grown;
		}
		if (poll(&poll_fd, 1, timeout_ms) <= 0)
			break;
		/* Byte by byte after the first answer would be slow; peek, then take up to the newline. */
		n = recv(fd, line + len, size - len - 1, MSG_PEEK);
		if (n <= 0)
			break;
		newline = memchr(line + len, '\n', (size_t)n);
		if (newline)
			n = newline + 1 - (line + len);
		n = recv(fd, line + len, (size_t)n, 0);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	answer = newline ? json_loadb(line, len, 0, NULL) : NULL;
	free(line);
	return answer;
}

json_t *client_status(const char *name)
{
	int fd = connect_quietly(name);
	json_t *answer = NULL;

	if (fd < 0)
		return NULL;
	if (client_send(fd, json_pack("{s:s}", "verb", "status"), NULL) == 0)
		answer = client_receive(fd, STATUS_TIMEOUT_MS);
	close(fd);
	if (answer)
		pids_translate(answer, lab_daemon_pid(name));
	return answer;
}

int client_answer_exit(json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	json_t *status = json_object_get(answer, "exit");

	if (!answer)
		return cli_error(EXIT_HOST, "the experiment ended");
	if (error)
		return cli_error(status ? (int)json_integer_value(status) : EXIT_HOST, "%s", error);
	return status ? (int)json_integer_value(status) : -1;
}

static void pass_on(int fd, int signal_number)
{
	client_send(fd, json_pack("{s:i}", "signal", signal_number), NULL);
}

/* Wait for an exec's end. A signal from before the start is passed on if that comes soon. Return: exit status. */
static int follow(const char *name, int fd, int signal_fd)
{
	struct pollfd polls[2] = {{.fd = fd, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
	struct signalfd_siginfo info;
	bool started = false;
	int early = 0; /* signal from before the start */

	for (;;) {
		int ready = poll(polls, 2, started ? -1 : early ? GRACE_MS : START_TIMEOUT_MS);

		if (ready < 0 && errno != EINTR)
			return EXIT_HOST;
		if (ready == 0 && early)
			return EXIT_INTERRUPTED;
		if (ready == 0)
			return cli_error(EXIT_HOST, "experiment '%s' does not answer", name);
		if (polls[1].revents && read(signal_fd, &info, sizeof(info)) == sizeof(info)) {
			if (started)
				pass_on(fd, (int)info.ssi_signo);
			else if (early)
				return EXIT_INTERRUPTED;
			else
				early = (int)info.ssi_signo;
		}
		if (polls[0].revents) {
			json_t *answer = client_receive(fd, STATUS_TIMEOUT_MS);
			int status = client_answer_exit(answer);

			json_decref(answer);
			if (status >= 0)
				return status;
			started = true;
			if (early)
				pass_on(fd, early);
			early = 0;
		}
	}
}

int client_exec(const char *name, const char *node, json_t *argv)
{
	const int fds[3] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
	int fd = client_connect(name), status;
	char directory[4096];
	json_t *request;
	sigset_t set;

	if (fd < 0) {
		json_decref(argv);
		return -fd;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (node)
		request = json_pack("{s:s,s:s,s:o,s:[],s:b}", "verb", "exec", "node", node, "argv", argv, "env",
				    "terminal", 0);
	else
		request = json_pack("{s:s,s:o,s:[],s:s}", "verb", "ovs", "argv", argv, "env", "directory",
				    getcwd(directory, sizeof(directory)) ? directory : "/");
	if (client_send(fd, request, fds) < 0)
		status = cli_error(EXIT_HOST, "experiment '%s' does not take requests", name);
	else
		status = follow(name, fd, signalfd(-1, &set, SFD_CLOEXEC));
	close(fd);
	return status;
}
