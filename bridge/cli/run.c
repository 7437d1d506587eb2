/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * run.c - ghostbridge run and up: everything a user can get wrong is checked here, then the daemon takes over.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bridge/cli/cli.h"
#include "bridge/experiment/loop.h"
#include "bridge/experiment/picture.h"
#include "bridge/experiment/rundir.h"

#define UNDO_LIMIT_NS (2700 * NS_PER_MS) /* then the kernel undoes it: all must be gone 3 s after the signal */

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Wait for the daemon to end or to go on without us. Return: exit status; *@ret_ended says which. */
static int watch_daemon(pid_t pid, int signal_fd, int status_fd, bool *ret_ended)
{
	struct pollfd polls[2] = {{.fd = signal_fd, .events = POLLIN}, {.fd = status_fd, .events = POLLIN}};
	uint64_t kill_ns = 0;
	unsigned char byte;
	int status;

	*ret_ended = true;
	for (;;) {
		struct signalfd_siginfo info;
		int timeout = -1;

		if (kill_ns)
			timeout = kill_ns > clock_ns() ? (int)((kill_ns - clock_ns()) / NS_PER_MS) + 1 : 0;
		if (poll(polls, 2, timeout) == 0) {
			kill(pid, SIGKILL);
			kill_ns = 0;
		}
		if (polls[1].revents) {
			if (read(status_fd, &byte, 1) == 1) {
				*ret_ended = false;
				return byte;
			}
			polls[1].fd = -1; /* it ended or is about to */
		}
		while (read(signal_fd, &info, sizeof(info)) == sizeof(info)) {
			if (info.ssi_signo == SIGCHLD)
				continue;
			kill(pid, (int)info.ssi_signo);
			if (!kill_ns)
				kill_ns = clock_ns() + UNDO_LIMIT_NS;
		}
		if (waitpid(pid, &status, WNOHANG) != pid)
			continue;
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WTERMSIG(status) == SIGKILL && polls[1].fd < 0 && kill_ns)
			return EXIT_INTERRUPTED;
		cli_error(0, "the experiment daemon was killed by signal %d", WTERMSIG(status));
		return kill_ns ? EXIT_INTERRUPTED : EXIT_HOST;
	}
}

/* Remove what the daemon could not, now that it is gone. */
static void reclaim(const char *name)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	struct diag diag = {""};
	int r = -EBUSY;

	/* Its lock goes with its last file, a moment after its exit. */
	for (int i = 0; i < 100 && r == -EBUSY; i++) {
		r = lab_reclaim(name, &diag);
		if (r == -EBUSY)
			nanosleep(&pause, NULL);
	}
	if (r < 0)
		cli_error(0, "could not remove everything: %s", diag.text[0] ? diag.text : strerror(-r));
}

static int start(struct experiment *experiment, const struct options *options)
{
	struct diag diag = {""};
	int pair[2] = {-1, -1}, signal_fd, status, r;
	bool ended;
	pid_t pid;

	if (geteuid() != 0)
		return cli_error(EXIT_HOST, "building a lab needs root: try sudo");
	r = experiment_find_programs(&experiment->shuttle_fd, &experiment->ghost_fd, &diag);
	if (r < 0)
		return cli_error(EXIT_HOST, "%s", diag.text);
	r = experiment_find_program(experiment->scenario, experiment->source, &experiment->program_fd, &diag);
	if (r < 0) {
		fprintf(stderr, "%s\n", diag.text);
		return EXIT_USAGE;
	}
	r = experiment_open_captures(experiment->scenario, experiment->source, &experiment->capture_fds, &diag);
	if (r < 0) {
		fprintf(stderr, "%s\n", diag.text);
		return EXIT_USAGE;
	}
	if (lab_is_running(experiment->name))
		return cli_error(
			EXIT_USAGE,
			"an experiment called '%s' is running; end it with `ghostbridge down %s` or give this one "
			"another --name",
			experiment->name, experiment->name);
	load_warn(experiment->source, experiment->scenario);
	/* From here on there is something to undo. */
	signal_fd = block_signals();
	r = rundir_make(options->out, experiment->name, &experiment->rundir, &diag);
	if (r < 0)
		return cli_error(r == -EEXIST || r == -ENOTDIR || r == -EINVAL ? EXIT_USAGE : EXIT_HOST, "%s",
				 diag.text);
	if (!experiment->steps || experiment->keep) {
		if (pipe2(pair, O_CLOEXEC) < 0)
			return cli_error(EXIT_HOST, "cannot make a pipe: %s", strerror(errno));
	}
	experiment->status_fd = pair[1];
	r = lab_spawn(experiment->name, experiment_main, experiment, &pid, &diag);
	if (r < 0) {
		rundir_discard(&experiment->rundir);
		return cli_error(r == -EEXIST || r == -EINVAL ? EXIT_USAGE : EXIT_HOST, "%s", diag.text);
	}
	if (pair[1] >= 0)
		close(pair[1]);
	r = rundir_write(&experiment->rundir, "scenario.yaml", experiment->scenario->text,
			 strlen(experiment->scenario->text));
	if (r < 0)
		cli_error(0, "cannot write scenario.yaml to the run directory: %s", strerror(-r));
	fprintf(stderr, "%s (%s)\n", experiment->name, experiment->source);
	picture_draw(experiment->scenario, stderr);
	status = watch_daemon(pid, signal_fd, pair[0], &ended);
	if (ended)
		reclaim(experiment->name);
	rundir_close(&experiment->rundir);
	return status;
}

/* The directory of a scenario file, for its containers; the host's /run is not to be seen in a lab. */
static char *directory_of(const char *file)
{
	char *path = realpath(file, NULL), *slash;

	slash = path ? strrchr(path, '/') : NULL;
	if (!slash || strncmp(path, "/run/", 5) == 0 || strncmp(path, "/proc/", 6) == 0) {
		free(path);
		return NULL;
	}
	slash[slash == path] = '\0';
	return path;
}

static int run_or_up(const struct options *options, bool is_up)
{
	struct experiment experiment = {.source = options->args[0],
					.workers = load_workers(),
					.rundir = {.fd = -1},
					.shuttle_fd = -1,
					.ghost_fd = -1,
					.program_fd = -1,
					.status_fd = -1,
					.steps = !is_up,
					.keep = options->keep,
					.record = options->record,
					.json = options->json};
	struct scenario *scenario = NULL;
	char *source_dir;
	int status;

	status = load_scenario(options->args[0], options, experiment.workers, is_up, &scenario);
	if (status)
		return status;
	experiment.scenario = scenario;
	experiment.source_dir = source_dir = directory_of(options->args[0]);
	experiment.name = options->name ? options->name : scenario->name;
	status = start(&experiment, options);
	experiment_close_captures(scenario, experiment.capture_fds);
	free(source_dir);
	scenario_free(scenario);
	return status;
}

static int run_main(const struct verb *verb, int argc, char **argv)
{
	struct options options;
	int status = options_parse(verb, argc, argv, "onsjkr", 1, 1, &options);

	return status >= 0 ? status : run_or_up(&options, false);
}

static int up_main(const struct verb *verb, int argc, char **argv)
{
	struct options options;
	int status = options_parse(verb, argc, argv, "onsr", 1, 1, &options);

	return status >= 0 ? status : run_or_up(&options, true);
}

const struct verb verb_run = {
	.name = "run",
	.usage = "[OPTION]... FILE",
	.summary = "Build an experiment, run its steps, check its expectations, undo it",
	.help = "  --out DIR         run directory (default runs/NAME-YYYYmmddTHHMMSS)\n"
		"  --name NAME       name of the experiment, if not the scenario's\n"
		"  --set PATH=VALUE  change a value of the scenario, e.g. lan.delay=50ms; may be repeated\n"
		"  --json            print report.json to stdout, the summary to stderr\n"
		"  --record          write boundary.pcapng and digest.json, for `ghostbridge replay`\n"
		"  --keep            leave the experiment running after its steps; `ghostbridge down NAME` ends it\n\n"
		"The run is over when every step has been started and all foreground steps have ended; background "
		"steps\n"
		"that are still running are killed then. Background steps that start later than that are waited for.\n",
	.main = run_main,
};

const struct verb verb_up = {
	.name = "up",
	.usage = "[OPTION]... FILE",
	.summary = "Build an experiment and leave it running",
	.help = "  --out DIR         run directory (default runs/NAME-YYYYmmddTHHMMSS)\n"
		"  --name NAME       name of the experiment, if not the scenario's\n"
		"  --set PATH=VALUE  change a value of the scenario, e.g. lan.delay=50ms; may be repeated\n"
		"  --record          write boundary.pcapng and digest.json, for `ghostbridge replay`\n\n"
		"Comes back when every link can carry frames. `start:` commands run, steps do not.\n",
	.main = up_main,
};
