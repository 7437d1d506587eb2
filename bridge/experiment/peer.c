/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peer.c - see peer.h.
 */
#include "bridge/experiment/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bridge/experiment/rights.h"

#define CONTROL_FD          3
#define ETHERNET_HEADER_LEN 14
#define PEER_NICE           (-11)
#define SLICE_NS            100000u /* of the processor: the least that Linux grants */

/* Variables a developer sets for these programs; nothing else of root's environment is their business. */
static const char *const passed_on[] = {"NS_LOG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"};

static void bare_environment(const char *const *more, char *env[], size_t size, char buffers[][512])
{
	size_t n = 0;

	env[n++] = (char *)"PATH=/usr/bin:/bin";
	env[n++] = (char *)"LANG=C.UTF-8";
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]) && n + 1 < size; i++) {
		const char *value = getenv(passed_on[i]);

		if (!value)
			continue;
		snprintf(buffers[i], 512, "%s=%s", passed_on[i], value);
		env[n++] = buffers[i];
	}
	for (; more && *more && n + 1 < size; more++)
		env[n++] = (char *)*more;
	env[n] = NULL;
}

/* Where the scheduler groups sessions (setsid made us one), the nice value of the group is what counts. */
void peer_prefer(void)
{
	int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);

	setpriority(PRIO_PROCESS, 0, PEER_NICE);
	if (fd < 0)
		return;
	dprintf(fd, "%d", PEER_NICE);
	close(fd);
}

/*
 * Who asks for little gets it soon: since Linux 6.12 a task with a short slice takes the processor from one with a
 * longer one, which it otherwise waits for up to 3 ms. Before that the kernel ignores the wish. Frames that wait are
 * then handled one by one where they were by the batch, so it is for who wants to be on time, not for who wants to be
 * fast.
 */
static void ask_for_short_slices(void)
{
	const struct sched_attr_v0 {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {.size = sizeof(attr), .policy = SCHED_OTHER, .nice = PEER_NICE, .runtime = SLICE_NS};

	_Static_assert(sizeof(attr) == 48, "SCHED_ATTR_SIZE_VER0");
	syscall(SYS_sched_setattr, 0, &attr, 0);
}

/*
 * The shuttle does little for a frame, and that to the microsecond. Nobody is starved: who sends runs to send, full
 * rings end a turn, and the kernel keeps a twentieth for others (sched_rt_runtime_us).
 */
static void ask_for_real_time(void)
{
	const struct sched_param param = {.sched_priority = 1};

	if (sched_setscheduler(0, SCHED_FIFO, &param) < 0)
		dprintf(2, "runs without real-time priority (%s): frames will be late more often\n", strerror(errno));
}

static void ask_for(enum peer_timing timing)
{
	switch (timing) {
	case PEER_FAST:
		return;
	case PEER_REALTIME:
		ask_for_short_slices(); /* should the kernel refuse more */
		ask_for_real_time();
		return;
	case PEER_TIMELY:
		ask_for_short_slices();
		return;
	}
}

/* Any of them may be where another has to go. */
static void place_extra(const struct peer_program *program, int free_fd)
{
	int moved[PEER_EXTRA_MAX];

	for (size_t i = 0; i < program->extra_count; i++) {
		moved[i] = fcntl(program->extra_fds[i], F_DUPFD_CLOEXEC, free_fd);
		if (moved[i] < 0)
			_exit(127);
	}
	for (size_t i = 0; i < program->extra_count; i++)
		if (dup2(moved[i], PEER_EXTRA_FD + (int)i) < 0)
			_exit(127);
}

__attribute__((noreturn)) static void become(const struct peer_program *program)
{
	char buffers[sizeof(passed_on) / sizeof(passed_on[0])][512];
	char *env[16];
	struct rlimit no_core = {0, 0}, processes = {program->process_max, program->process_max};
	struct diag diag = {""};
	int in, log, control, exe, free_fd = 10 + (int)program->extra_count;
	sigset_t none;

	/* The daemon's own signal plan is not theirs. */
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	setrlimit(RLIMIT_CORE, &no_core);
	if (program->process_max)
		setrlimit(RLIMIT_NPROC, &processes);
	peer_prefer();
	ask_for(program->timing);

	/* First out of the way of 0 to 3 and of the extra ones, then into place. */
	in = program->stdin_fd >= 0 ? program->stdin_fd : open("/dev/null", O_RDONLY | O_CLOEXEC);
	in = fcntl(in, F_DUPFD_CLOEXEC, free_fd);
	log = fcntl(program->log_fd, F_DUPFD_CLOEXEC, free_fd);
	exe = fcntl(program->exe_fd, F_DUPFD_CLOEXEC, free_fd);
	control = program->control_fd >= 0 ? fcntl(program->control_fd, F_DUPFD_CLOEXEC, free_fd) : -1;
	if (in < 0 || log < 0 || exe < 0 || dup2(in, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		_exit(127);
	close(CONTROL_FD);
	if (program->control_fd >= 0 && dup2(control, CONTROL_FD) < 0)
		_exit(127);
	place_extra(program, free_fd);
	if (close_range(PEER_EXTRA_FD + (unsigned int)program->extra_count, ~0u, CLOSE_RANGE_CLOEXEC) < 0) {
		/* Without this the shuttle would hold fds of everything: rather not start (needs Linux 5.11). */
		dprintf(2, "cannot close inherited files: %s\n", strerror(errno));
		_exit(127);
	}
	bare_environment(program->env, env, sizeof(env) / sizeof(env[0]), buffers);
	if (program->cwd_fd > 0 && fchdir(program->cwd_fd) < 0) {
		dprintf(2, "cannot enter its directory: %s\n", strerror(errno));
		_exit(127);
	}
	if (rights_drop(program->uid, &diag) < 0) {
		dprintf(2, "%s\n", diag.text);
		_exit(127);
	}
	/* By fd: the binary may lie where this user cannot go, as in root's home. A script's interpreter opens it anew.
	 */
	if (program->cwd_fd > 0)
		fcntl(exe, F_SETFD, 0);
	syscall(SYS_execveat, exe, "", program->argv, env, AT_EMPTY_PATH);
	dprintf(2, "cannot execute %s: %s\n", program->argv[0], strerror(errno));
	_exit(127);
}

pid_t peer_spawn(const struct peer_program *program)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(program);
	return pid;
}

void peer_fill_port(const struct scenario *scenario, const struct scenario_end *end, struct wire_port *port)
{
	const struct scenario_link *link = &scenario->links[end->link];

	snprintf(port->name, sizeof(port->name), "%s", end->port_name);
	snprintf(port->link, sizeof(port->link), "%s", link->name);
	memcpy(port->mac, end->mac, sizeof(port->mac));
	port->promiscuous = end->promiscuous;
	port->mtu = link->mtu;
	port->frame_max = ETHERNET_HEADER_LEN + link->mtu;
	port->tap_fd = -1;
}

const char *peer_state_name(enum peer_state state)
{
	switch (state) {
	case PEER_DOWN:
		return "down";
	case PEER_STARTED:
		return "started";
	case PEER_WELCOMED:
		return "building";
	case PEER_READY:
		return "ready";
	case PEER_RUNNING:
		return "running";
	case PEER_QUIESCING:
		return "quiescing";
	case PEER_QUIESCED:
		return "quiesced";
	}
	return "?";
}

void peer_send(struct peer *peer, enum wire_msg_type type, uint64_t value)
{
	struct wire_msg msg = wire_msg_make(type);

	msg.value[0] = value;
	if (peer->control.fd >= 0)
		wire_msg_send(peer->control.fd, &msg, NULL, 0);
}

void peer_kill(struct peer *peer, int sig)
{
	if (peer->pid > 0)
		kill(peer->pid, sig);
}
