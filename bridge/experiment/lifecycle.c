/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lifecycle.c - an experiment from beginning to end, in the order it happens:
 *
 *	build, connect, ready barrier, run, end the steps, settle, report, undo
 *
 * Every stage may be cut short by a signal; what follows then is the same way out, only quicker.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "bridge/experiment/blame.h"
#include "bridge/experiment/console.h"
#include "bridge/experiment/daemon.h"
#include "bridge/experiment/dot.h"
#include "bridge/experiment/figure.h"
#include "bridge/experiment/manifest.h"
#include "bridge/experiment/program.h"
#include "bridge/experiment/report.h"

#define CONNECT_LIMIT_NS    (30 * NS_PER_S)
#define INTERFACES_LIMIT_NS (10 * NS_PER_S)
#define ORIGIN_AHEAD_NS     1000000ull
#define INTERFACES_POLL_NS  (2 * NS_PER_MS)
#define STEPS_TERM_NS       (500 * NS_PER_MS) /* from SIGTERM to SIGKILL */
#define STEPS_KILL_NS       (500 * NS_PER_MS)
#define SHUTTLE_LIMIT_NS    (1 * NS_PER_S)
#define GHOST_LIMIT_NS      (2 * NS_PER_S)
#define RECORD_LIMIT_NS     (20 * NS_PER_S)   /* for a disk that lags behind */
#define PROGRAM_LIMIT_NS    (5 * NS_PER_S)    /* for a user's own program to write its results */
#define COMMANDS_TERM_NS    (200 * NS_PER_MS) /* `start:` commands and those of exec */
#define COMMANDS_KILL_NS    (500 * NS_PER_MS)
#define REPORT_SIZE_MAX     (64u << 20)
#define HURRY_LIMIT_NS      (200 * NS_PER_MS) /* each of these when interrupted: all must be undone within 3 s */

static bool all_ready(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->peers_count; i++) {
		if (!peers_are_ready(&daemon->peers[i]))
			return false;
	}
	return true;
}

static bool interfaces_up(struct daemon *daemon)
{
	return lab_interfaces_up(daemon->lab, NULL);
}

static bool steps_over(struct daemon *daemon)
{
	return steps_are_over(&daemon->steps);
}

static bool steps_gone(struct daemon *daemon)
{
	return steps_are_gone(&daemon->steps);
}

static bool commands_gone(struct daemon *daemon)
{
	return steps_are_gone(&daemon->steps) && starts_are_gone(&daemon->starts) && control_is_idle(&daemon->control);
}

static bool never(struct daemon *daemon)
{
	(void)daemon;
	return false;
}

static int build(struct daemon *daemon, struct diag *diag)
{
	int logs_fd, r;

	lab_use_offload(daemon->lab);
	r = daemon->experiment->source_dir ? lab_share(daemon->lab, daemon->experiment->source_dir, diag) : 0;
	logs_fd = openat(daemon->experiment->rundir.fd, "logs", O_PATH | O_DIRECTORY | O_CLOEXEC);
	lab_use_logs(daemon->lab, logs_fd);
	if (r == 0)
		r = lab_build(daemon->lab, daemon->scenario, diag);
	if (r == -EBADMSG) /* what only building could find out: the text begins with line and column */
		daemon_fail(daemon, EXIT_USAGE, "%s:%s", daemon->experiment->source, diag->text);
	if (r < 0)
		return r;
	/* After building, so that whoever gets an answer finds a lab; until then the socket is not there. */
	r = control_open(&daemon->control, daemon, diag);
	if (r < 0)
		return r;
	r = record_open(&daemon->record, daemon, diag);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < daemon->scenario->ghost_count; i++) {
		daemon->peers_count++;
		r = peers_open(&daemon->peers[i], daemon, i, diag);
		if (r < 0)
			return r;
	}
	return starts_open(&daemon->starts, daemon, diag);
}

/* Wait until every link can carry a frame, then start the clock. */
static int barrier(struct daemon *daemon, uint64_t began_ns, struct diag *diag)
{
	uint64_t limit_ns;
	struct timespec until;
	uint32_t end;
	int r;

	r = daemon_wait(daemon, all_ready, clock_ns() + CONNECT_LIMIT_NS, true);
	if (r == -ETIMEDOUT)
		return blame_slow(daemon->experiment, daemon->peers, daemon->peers_count, CONNECT_LIMIT_NS / NS_PER_S,
				  diag);
	if (r < 0)
		return r;
	limit_ns = clock_ns() + INTERFACES_LIMIT_NS;
	while (!lab_interfaces_up(daemon->lab, &end)) {
		if (clock_ns() > limit_ns)
			return diag_set(diag, -ETIMEDOUT, "%s did not come up within %llu s",
					daemon->scenario->ends[end].port_name, INTERFACES_LIMIT_NS / NS_PER_S);
		r = daemon_wait(daemon, interfaces_up, clock_ns() + INTERFACES_POLL_NS, true);
		if (r < 0 && r != -ETIMEDOUT)
			return r;
	}
	r = sampler_open(&daemon->sampler, daemon);
	if (r < 0)
		return diag_set(diag, r, "out of memory");
	/* The ghosts know of the origin, and are awake, before the shuttles read the first frame. */
	daemon->origin_ns = clock_ns() + ORIGIN_AHEAD_NS;
	daemon->ready_ms_tenths = (daemon->origin_ns - began_ns) / 100000;
	for (size_t i = 0; i < daemon->peers_count; i++)
		peers_start(&daemon->peers[i], PEERS_GHOST);
	until = (struct timespec){.tv_sec = (time_t)(daemon->origin_ns / NS_PER_S),
				  .tv_nsec = (long)(daemon->origin_ns % NS_PER_S)};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	for (size_t i = 0; i < daemon->peers_count; i++)
		peers_start(&daemon->peers[i], PEERS_SHUTTLE);
	return 0;
}

/* Background steps have done their work, or the user wants us gone. */
static void end_steps(struct daemon *daemon)
{
	steps_skip_rest(&daemon->steps);
	steps_signal(&daemon->steps, SIGTERM);
	if (daemon_wait(daemon, steps_gone, clock_ns() + STEPS_TERM_NS, false) == 0)
		return;
	steps_signal(&daemon->steps, SIGKILL);
	daemon_wait(daemon, steps_gone, clock_ns() + STEPS_KILL_NS, false);
}

static bool shuttles_quiet(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->peers_count; i++) {
		if (daemon->peers[i].side[PEERS_SHUTTLE].state == PEER_QUIESCING)
			return false;
	}
	return true;
}

static bool ghosts_quiet(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->peers_count; i++) {
		if (daemon->peers[i].side[PEERS_GHOST].state == PEER_QUIESCING)
			return false;
	}
	return true;
}

/* Return: whether all of that side answered that they have nothing under way. */
static bool quiesce(struct daemon *daemon, enum peers_side side, uint64_t limit_ns)
{
	bool settled = true;

	for (size_t i = 0; i < daemon->peers_count; i++) {
		struct peer *peer = &daemon->peers[i].side[side];

		if (peer->state != PEER_RUNNING && peer->state != PEER_QUIESCED)
			continue;
		peer->state = PEER_QUIESCING;
		peer_send(peer, WIRE_MSG_QUIESCE, 0);
	}
	daemon_wait(daemon, side == PEERS_GHOST ? ghosts_quiet : shuttles_quiet,
		    clock_ns() + (daemon->told_to_end ? HURRY_LIMIT_NS : limit_ns), false);
	for (size_t i = 0; i < daemon->peers_count; i++) {
		const struct peer *peer = &daemon->peers[i].side[side];

		settled &= peer->state == PEER_QUIESCED && peer->under_way == 0;
	}
	return settled;
}

static bool is_program(const struct daemon *daemon, size_t ghost)
{
	return scenario_ghost_is_program(daemon->scenario, (uint32_t)ghost);
}

static bool program_gone(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->peers_count; i++) {
		if (is_program(daemon, i) && daemon->peers[i].side[PEERS_GHOST].pid > 0)
			return false;
	}
	return true;
}

/* Let every frame that is under way arrive, so that the books can be closed. */
static void settle(struct daemon *daemon)
{
	quiesce(daemon, PEERS_SHUTTLE, SHUTTLE_LIMIT_NS); /* no new frames from the TAPs */
	daemon->is_settled = quiesce(daemon, PEERS_GHOST, GHOST_LIMIT_NS);
	/* Once more: what the simulation handed out since. */
	daemon->is_settled &= quiesce(daemon, PEERS_SHUTTLE, SHUTTLE_LIMIT_NS);
	for (size_t i = 0; i < daemon->peers_count; i++) {
		for (int side = 0; side < PEERS_SIDES; side++) {
			struct peer *peer = &daemon->peers[i].side[side];

			/* How a user's own program ends is of interest: it may still have results to write. */
			peer->stopping = side == PEERS_SHUTTLE || !is_program(daemon, i) || daemon->told_to_end;
			peer_send(peer, WIRE_MSG_STOP, 0);
		}
	}
	daemon_wait(daemon, program_gone, clock_ns() + (daemon->told_to_end ? HURRY_LIMIT_NS : PROGRAM_LIMIT_NS),
		    false);
	for (size_t i = 0; i < daemon->peers_count; i++) {
		struct peer *ghost = &daemon->peers[i].side[PEERS_GHOST];

		if (!ghost->stopping && ghost->pid > 0) {
			daemon_incident(
				daemon, false,
				"the program of ghost %zu did not end within %llu s of being told to, and was killed",
				i, PROGRAM_LIMIT_NS / NS_PER_S);
			daemon->peers[i].incidents++;
		}
		ghost->stopping = true;
	}
	record_finish(&daemon->record, daemon, daemon->told_to_end ? HURRY_LIMIT_NS : RECORD_LIMIT_NS);
	if (record_write_digest(&daemon->record, daemon) < 0)
		console_say("cannot write %s/%s", daemon->experiment->rundir.path, RECORD_DIGEST_FILE);
}

/* Return: whether it stands there, whole; else that has been said. */
static bool write_json(struct daemon *daemon, const char *file, json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
	size_t size = text ? strlen(text) : 0;
	int r = -ENOMEM;

	if (text) {
		text[size] = '\n'; /* in place of the NUL */
		r = rundir_write(&daemon->experiment->rundir, file, text, size + 1);
	}
	if (r < 0)
		console_say("cannot write %s/%s: %s", daemon->experiment->rundir.path, file, strerror(-r));
	free(text);
	return r >= 0;
}

static int read_json(struct daemon *daemon, const char *file, json_t **ret)
{
	char *text = NULL;
	ssize_t size = rundir_read(&daemon->experiment->rundir, file, REPORT_SIZE_MAX, &text);

	if (size < 0)
		return (int)size;
	*ret = json_loadb(text, (size_t)size, 0, NULL);
	free(text);
	return *ret ? 0 : -EINVAL;
}

/* A file that is written to a stream. */
static void write_text(struct daemon *daemon, const char *file, char *text, size_t size, bool whole)
{
	if (!whole || rundir_write(&daemon->experiment->rundir, file, text, size) < 0)
		console_say("cannot write %s/%s", daemon->experiment->rundir.path, file);
	free(text);
}

/* The same for a person: report.md, report.html, and the figure that both show. */
static void write_pages(struct daemon *daemon, json_t *report, json_t *manifest)
{
	const struct timeline *timeline = &daemon->sampler.timeline;
	/* When interrupted, everything must be undone at once. */
	char *graph = daemon->told_to_end && daemon->experiment->steps ? NULL : dot_svg(daemon->scenario);
	char *text = NULL;
	size_t size = 0;
	FILE *stream;
	bool whole;

	stream = open_memstream(&text, &size);
	if (stream) {
		report_markdown(daemon->scenario, report, manifest, stream);
		whole = fclose(stream) == 0;
		write_text(daemon, "report.md", text, size, whole);
	}
	stream = open_memstream(&text, &size);
	if (stream) {
		figure_draw(timeline, report, stream);
		whole = fclose(stream) == 0;
		write_text(daemon, FIGURE_FILE, text, size, whole);
	}
	stream = open_memstream(&text, &size);
	if (stream) {
		report_html(daemon->scenario, report, manifest, timeline, graph, stream);
		whole = fclose(stream) == 0;
		write_text(daemon, "report.html", text, size, whole);
	}
	free(graph);
}

/* Write everything down and tell the user. Return: exit status. */
static int report(struct daemon *daemon)
{
	const struct experiment *experiment = daemon->experiment;
	json_t *whole, *manifest;
	int exit_status = EXIT_HOST;
	bool written;

	whole = report_make(daemon, &exit_status);
	manifest = manifest_make(daemon);
	console_clear();
	if (!whole || !manifest) {
		console_say("out of memory for the report");
		goto out;
	}
	written = write_json(daemon, "manifest.json", manifest);
	written &= write_json(daemon, "report.json", whole);
	write_pages(daemon, whole, manifest);
	report_summary(whole, experiment->rundir.path, experiment->json ? stderr : stdout);
	if (experiment->json) {
		json_dumpf(whole, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
		fputc('\n', stdout);
	}
	/* Who closed the pipe has seen enough. */
	if (fflush(stdout) != 0 && errno != EPIPE) {
		console_say("cannot write to standard output: %s", strerror(errno));
		written = false;
	}
	if (!written && exit_status == EXIT_DONE)
		exit_status = EXIT_HOST;
out:
	json_decref(whole);
	json_decref(manifest);
	return exit_status;
}

/* What was written when the lab was kept could not say how the recording would end. */
static void renew_report(struct daemon *daemon)
{
	json_t *whole = NULL, *manifest = NULL;

	if (!daemon->experiment->record || read_json(daemon, "report.json", &whole) < 0)
		return;
	json_object_set_new(whole, "recording", record_json(&daemon->record));
	write_json(daemon, "report.json", whole);
	if (read_json(daemon, "manifest.json", &manifest) == 0)
		write_pages(daemon, whole, manifest);
	json_decref(whole);
	json_decref(manifest);
}

/* Go on without the command line: it gets its exit status, we get a log of our own. */
static void detach(struct daemon *daemon, int exit_status)
{
	struct experiment *experiment = daemon->experiment;
	unsigned char byte = (unsigned char)exit_status;
	int log_fd, null_fd;

	/* First, or the command line's end would be taken for its death. */
	prctl(PR_SET_PDEATHSIG, 0);
	log_fd = rundir_create(&experiment->rundir, "logs/daemon.log");
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	fflush(NULL);
	dup2(null_fd, STDIN_FILENO);
	dup2(log_fd >= 0 ? log_fd : null_fd, STDOUT_FILENO);
	dup2(log_fd >= 0 ? log_fd : null_fd, STDERR_FILENO);
	if (log_fd >= 0)
		close(log_fd);
	if (null_fd >= 0)
		close(null_fd);
	if (write(experiment->status_fd, &byte, 1) != 1)
		console_say("the command line is gone");
	close(experiment->status_fd);
	experiment->status_fd = -1;
	experiment->json = false;
}

/* From the barrier on. Return: exit status. */
static int run(struct daemon *daemon)
{
	struct experiment *experiment = daemon->experiment;
	int status;

	if (!experiment->steps) {
		console_say("'%s' is up; end it with `ghostbridge down %s`", experiment->name, experiment->name);
		detach(daemon, EXIT_DONE);
		daemon_wait(daemon, never, UINT64_MAX, true);
	} else {
		daemon_wait(daemon, steps_over, UINT64_MAX, true);
	}
	daemon->ended_ns = clock_ns();
	if (experiment->keep && !daemon->told_to_end && !daemon->failure[0]) {
		/* The run is over but the lab is not: its books stay open, so they are only nearly even. */
		steps_signal(&daemon->steps, SIGTERM);
		daemon_wait(daemon, steps_gone, clock_ns() + STEPS_TERM_NS, false);
		status = report(daemon);
		console_say("'%s' stays up; end it with `ghostbridge down %s`", experiment->name, experiment->name);
		detach(daemon, status);
		daemon_wait(daemon, never, UINT64_MAX, true);
		daemon->is_ending = true;
		end_steps(daemon);
		settle(daemon);
		renew_report(daemon);
		return status;
	}
	daemon->is_ending = true;
	end_steps(daemon);
	settle(daemon);
	if (daemon->failure[0])
		console_say("%s", daemon->failure);
	status = report(daemon);
	return daemon->failure[0] ? daemon->failure_exit : status;
}

/*
 * End whatever we started in the containers and take its status. A container cannot go while a process in it waits for
 * us to do so: its init would hang in the kernel until then.
 */
static void end_commands(struct daemon *daemon)
{
	static const struct {
		int sig;
		uint64_t limit_ns;
	} tries[] = {{SIGTERM, COMMANDS_TERM_NS}, {SIGKILL, COMMANDS_KILL_NS}};

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]) && !commands_gone(daemon); i++) {
		steps_signal(&daemon->steps, tries[i].sig);
		starts_signal(&daemon->starts, tries[i].sig);
		control_signal(&daemon->control, i ? tries[i].sig : SIGHUP);
		daemon_wait(daemon, commands_gone, clock_ns() + tries[i].limit_ns, false);
	}
}

int experiment_main(struct lab *lab, void *data)
{
	struct experiment *experiment = data;
	uint64_t began_ns = clock_ns();
	struct diag diag = {""};
	struct daemon *daemon;
	int status = EXIT_HOST, r;

	daemon = malloc(sizeof(*daemon));
	if (!daemon) {
		console_say("out of memory");
		lab_done(lab);
		return EXIT_HOST;
	}
	r = daemon_open(daemon, experiment, lab, &diag);
	daemon->started_at = time(NULL);
	if (r == 0)
		r = build(daemon, &diag);
	if (r == 0)
		r = barrier(daemon, began_ns, &diag);
	if (r == 0) {
		status = run(daemon);
	} else if (daemon->told_to_end) {
		status = EXIT_INTERRUPTED;
		console_say("interrupted");
	} else {
		if (daemon->failure[0])
			status = daemon->failure_exit;
		console_say("%s", daemon->failure[0] ? daemon->failure : diag.text[0] ? diag.text : strerror(-r));
	}
	daemon->is_ending = true;
	console_clear();
	end_commands(daemon);
	daemon_close(daemon);
	program_done(experiment);
	lab_done(lab);
	free(daemon);
	return status;
}

static int open_program(const char *dir, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	/* Not only O_PATH: an executable that cannot be read is a broken installation, said now rather than later. */
	return open(path, O_RDONLY | O_CLOEXEC);
}

int experiment_find_programs(int *ret_shuttle_fd, int *ret_ghost_fd, struct diag *diag)
{
	/* The second and third are filled in: an installation may be elsewhere than it was configured for. */
	const char *dirs[] = {getenv("GHOSTBRIDGE_LIBEXEC"), NULL, NULL, GB_LIBEXEC_DIR};
	char own[4096] = "", beside[sizeof(own) + sizeof(GB_LIBEXEC_FROM_BIN)], *slash;
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);

	own[len > 0 ? len : 0] = '\0';
	slash = strrchr(own, '/');
	if (slash)
		*slash = '\0';
	snprintf(beside, sizeof(beside), "%s/" GB_LIBEXEC_FROM_BIN, own);
	dirs[1] = own;
	dirs[2] = beside;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		int shuttle_fd, ghost_fd;

		if (!dirs[i] || !dirs[i][0])
			continue;
		shuttle_fd = open_program(dirs[i], "ghostbridge-shuttle");
		ghost_fd = open_program(dirs[i], "ns3-ghost");
		if (shuttle_fd >= 0 && ghost_fd >= 0) {
			*ret_shuttle_fd = shuttle_fd;
			*ret_ghost_fd = ghost_fd;
			return 0;
		}
		if (shuttle_fd >= 0)
			close(shuttle_fd);
		if (ghost_fd >= 0)
			close(ghost_fd);
	}
	return diag_set(diag, -ENOENT,
			"cannot find ghostbridge-shuttle and ns3-ghost beside this program, in %s or in %s", beside,
			GB_LIBEXEC_DIR);
}
