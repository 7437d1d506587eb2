/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * down.c - ghostbridge down: end experiments and remove what dead ones left.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bridge/cli/cli.h"

#define END_LIMIT_MS    3000
#define KILLED_LIMIT_MS 2000
#define RECLAIM_TRIES   400 /* x 5 ms */

/* Ask, wait, insist. Return: whether it is gone. */
static bool end_daemon(const char *name)
{
	pid_t pid = lab_daemon_pid(name);
	int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
	bool gone;

	if (pidfd < 0)
		return pid <= 0 || errno == ESRCH;
	/* Between looking up and opening, the PID may have changed hands. */
	if (lab_daemon_pid(name) != pid) {
		close(pidfd);
		return true;
	}
	syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0);
	gone = poll(&poll_fd, 1, END_LIMIT_MS) == 1;
	if (!gone) {
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
		gone = poll(&poll_fd, 1, KILLED_LIMIT_MS) == 1;
	}
	close(pidfd);
	return gone;
}

static int down(const char *name)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	bool was_running = lab_is_running(name);
	struct diag diag = {""};
	int r = -EBUSY;

	if (geteuid() != 0)
		return cli_error(EXIT_HOST, "ending an experiment needs root: try sudo");
	if (was_running && !end_daemon(name))
		return cli_error(EXIT_HOST, "experiment '%s' does not end", name);
	for (int i = 0; i < RECLAIM_TRIES && r == -EBUSY; i++) {
		r = lab_reclaim(name, &diag);
		if (r == -EBUSY)
			nanosleep(&pause, NULL);
	}
	if (r < 0)
		return cli_error(r == -EINVAL ? EXIT_USAGE : EXIT_HOST, "%s: %s", name,
				 diag.text[0] ? diag.text : strerror(-r));
	if (r == 0 && !was_running)
		return cli_error(EXIT_USAGE, "there is no experiment '%s'; `ghostbridge ls` lists them", name);
	fprintf(stderr, "ghostbridge: '%s' %s\n", name, was_running ? "is down" : "was dead; what it left is removed");
	return EXIT_DONE;
}

static int down_main(const struct verb *verb, int argc, char **argv)
{
	struct options options;
	int status = options_parse(verb, argc, argv, "a", 0, -1, &options);
	char **names;

	if (status >= 0)
		return status;
	if (options.all == (options.arg_count > 0))
		return cli_error(EXIT_USAGE, "usage: ghostbridge down %s", verb->usage);
	status = EXIT_DONE;
	for (int i = 0; i < options.arg_count; i++) {
		int r = down(options.args[i]);

		status = r ? r : status;
	}
	names = options.all ? lab_names() : NULL;
	for (size_t i = 0; names && names[i]; i++) {
		int r = down(names[i]);

		/* One that ended by itself in the meantime is down, too. */
		status = r && r != EXIT_USAGE ? r : status;
		free(names[i]);
	}
	free(names);
	return status;
}

const struct verb verb_down = {
	.name = "down",
	.usage = "NAME... | --all",
	.summary = "End running experiments and undo them",
	.help = "  --all  every experiment of this host\n\n"
		"Also removes what an experiment left that was killed. The report of one that was `up` is written "
		"first.\n",
	.main = down_main,
};
