/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon.c - the daemon's housekeeping: signals, children, the clock, and what goes wrong. lifecycle.c says what
 * happens when.
 */
#include "bridge/experiment/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge/experiment/console.h"

void daemon_incident(struct daemon *daemon, bool restarted, const char *fmt, ...)
{
	struct incident incident = {.at_ns = clock_ns(), .restarted = restarted};
	va_list args;

	va_start(args, fmt);
	vsnprintf(incident.what, sizeof(incident.what), fmt, args);
	va_end(args);
	console_make_printable(incident.what); /* part of it may be the words of a program without our trust */
	console_say("%s%s", incident.what, restarted ? "; starting it again" : "");
	if (daemon->incident_count < DAEMON_INCIDENTS_MAX)
		daemon->incidents[daemon->incident_count++] = incident;
}

void daemon_fail(struct daemon *daemon, int exit_status, const char *fmt, ...)
{
	va_list args;

	if (daemon->failure[0])
		return;
	va_start(args, fmt);
	vsnprintf(daemon->failure, sizeof(daemon->failure), fmt, args);
	va_end(args);
	console_make_printable(daemon->failure);
	daemon->failure_exit = exit_status;
}

/* Open vSwitch, or a controller that we run: the lab starts it again, we tell. */
static void switching_reaped(struct daemon *daemon, pid_t pid, int status)
{
	struct diag diag = {""};

	switch (lab_switching_reaped(daemon->lab, pid, status, !daemon->is_ending, &diag)) {
	case LAB_REAPED_UNKNOWN:
	case LAB_REAPED_QUIETLY:
		break;
	case LAB_REAPED_RESTARTED:
		daemon_incident(daemon, true, "%s", diag.text);
		daemon->switching_incidents++;
		break;
	case LAB_REAPED_LOST:
		if (daemon->is_ending)
			break;
		daemon_incident(daemon, false, "%s", diag.text);
		daemon->switching_incidents++;
		break;
	}
}

/* As PID 1 we get everybody's orphans, too; those are only reaped. */
static void reap(struct daemon *daemon)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		bool known = steps_reaped(&daemon->steps, pid, status, daemon_now_ns(daemon)) ||
			     starts_reaped(&daemon->starts, daemon, pid, status) ||
			     control_reaped(&daemon->control, pid, status) ||
			     record_reaped(&daemon->record, daemon, pid, status);

		for (size_t i = 0; !known && i < daemon->peers_count; i++)
			known = peers_reaped(&daemon->peers[i], pid, status);
		if (!known)
			switching_reaped(daemon, pid, status);
	}
}

static void signals_ready(void *data, uint32_t events)
{
	struct daemon *daemon = data;
	struct signalfd_siginfo info;

	(void)events;
	while (read(daemon->signals.fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(daemon);
		else if (!daemon->told_to_end)
			daemon->told_to_end = (int)info.ssi_signo;
	}
}

int daemon_open(struct daemon *daemon, struct experiment *experiment, struct lab *lab, struct diag *diag)
{
	sigset_t set;
	int fd, r;

	*daemon = (struct daemon){.experiment = experiment,
				  .scenario = experiment->scenario,
				  .lab = lab,
				  .loop = {.epoll_fd = -1, .timer_fd = -1},
				  .signals = {.fd = -1},
				  .control = {.listener = {.fd = -1}}};
	/* Keys pressed on the terminal reach the command line only, which passes them on; not our children. */
	setsid();
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r = loop_open(&daemon->loop);
	if (r < 0)
		return diag_set(diag, r, "cannot make the event loop: %s", strerror(-r));
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return diag_set(diag, -errno, "cannot make a signalfd: %s", strerror(errno));
	r = loop_add(&daemon->loop, &daemon->signals, fd, EPOLLIN, signals_ready, daemon);
	if (r < 0) {
		close(fd);
		return diag_set(diag, r, "cannot watch signals: %s", strerror(-r));
	}
	r = steps_open(&daemon->steps, daemon->scenario);
	if (r == 0)
		r = changes_open(&daemon->changes, daemon->scenario);
	daemon->peers = calloc(daemon->scenario->ghost_count + 1u, sizeof(*daemon->peers));
	daemon->expects = calloc(daemon->scenario->expect_count + 1, sizeof(*daemon->expects));
	if (r < 0 || !daemon->peers || !daemon->expects)
		return diag_set(diag, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < daemon->scenario->ghost_count; i++)
		daemon->peers[i].listener.fd = -1;
	return 0;
}

void daemon_close(struct daemon *daemon)
{
	for (size_t i = 0; daemon->peers && i < daemon->peers_count; i++)
		peers_close(&daemon->peers[i]);
	record_close(&daemon->record);
	control_close(&daemon->control);
	for (size_t i = 0; daemon->expects && i < daemon->scenario->expect_count; i++)
		expect_done(&daemon->expects[i]);
	free(daemon->expects);
	free(daemon->peers);
	sampler_close(&daemon->sampler);
	starts_close(&daemon->starts);
	steps_close(&daemon->steps);
	changes_close(&daemon->changes);
	loop_remove(&daemon->loop, &daemon->signals);
	loop_close(&daemon->loop);
}

/* What a person sees while it runs; ten times a second is often enough. */
static void show_progress(struct daemon *daemon, uint64_t now_ns)
{
	const char *running = "";
	size_t over = 0;

	for (size_t i = 0; i < daemon->scenario->step_count; i++) {
		over += daemon->steps.items[i].state > STEP_RUNNING;
		if (daemon->steps.items[i].state == STEP_RUNNING)
			running = daemon->scenario->steps[i].name;
	}
	console_progress("%6.1f s  steps %zu/%zu %s  frames up %llu down %llu%s", (double)now_ns / 1e9, over,
			 daemon->scenario->step_count, running, (unsigned long long)daemon->sampler.frames_up,
			 (unsigned long long)daemon->sampler.frames_down,
			 daemon->sampler.log.count ? "  (degraded intervals)" : "");
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Whatever is due by the clock. Return: when to look again, CLOCK_MONOTONIC. */
static uint64_t run_clock(struct daemon *daemon)
{
	uint64_t now_ns, next_ns;

	if (!daemon->origin_ns)
		return UINT64_MAX;
	now_ns = daemon_now_ns(daemon);
	if (!daemon->is_ending && daemon->experiment->steps)
		steps_run_due(&daemon->steps, daemon, now_ns);
	if (!daemon->is_ending)
		changes_run_due(daemon, now_ns);
	if (sampler_next_ns(&daemon->sampler) <= now_ns) {
		sampler_take(&daemon->sampler, daemon, now_ns);
		show_progress(daemon, now_ns);
	}
	next_ns = sampler_next_ns(&daemon->sampler);
	if (!daemon->is_ending && daemon->experiment->steps)
		next_ns = earlier(next_ns, steps_next_ns(&daemon->steps));
	if (!daemon->is_ending)
		next_ns = earlier(next_ns, changes_next_ns(&daemon->changes, daemon->scenario));
	return daemon->origin_ns + next_ns;
}

int daemon_wait(struct daemon *daemon, bool (*done)(struct daemon *daemon), uint64_t until_ns, bool stoppable)
{
	int r;

	for (;;) {
		uint64_t next_ns = earlier(until_ns, run_clock(daemon));

		if (daemon->told_to_end && stoppable)
			return -EINTR;
		if (daemon->failure[0] && stoppable)
			return -ECANCELED;
		if (done && done(daemon))
			return 0;
		if (clock_ns() >= until_ns)
			return -ETIMEDOUT;
		r = loop_turn(&daemon->loop, next_ns);
		if (r < 0)
			return r;
	}
}
