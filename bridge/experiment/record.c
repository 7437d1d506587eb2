/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * record.c - see record.h.
 */
#include "bridge/experiment/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge/experiment/console.h"
#include "bridge/experiment/daemon.h"
#include "bridge/experiment/manifest.h"
#include "bridge/experiment/rights.h"
#include "bridge/record/recorder.h"

#define GHOSTS_LIMIT_NS NS_PER_S

/* Absolute path of the scenario's file. */
static void find_source(const struct experiment *experiment, char *ret, size_t size)
{
	const char *slash = strrchr(experiment->source, '/');

	if (experiment->source_dir)
		snprintf(ret, size, "%s/%s", experiment->source_dir, slash ? slash + 1 : experiment->source);
	else
		snprintf(ret, size, "%s", experiment->source);
}

/* Everything the section header and the interfaces say. The caller frees *ret_ports. */
static int describe(const struct daemon *daemon, const char *source, struct boundary_info *ret,
		    struct boundary_port **ret_ports)
{
	const struct scenario *scenario = daemon->scenario;
	struct boundary_port *ports = calloc(scenario->end_count + 1, sizeof(*ports));
	uint32_t count = 0;

	if (!ports)
		return -ENOMEM;
	for (uint32_t ghost = 0; ghost < scenario->ghost_count; ghost++) {
		for (uint32_t i = 0; i < scenario_input_count(scenario, ghost); i++) {
			const struct scenario_end *end = scenario_find_input(scenario, ghost, i);

			ports[count++] = (struct boundary_port){.name = end->port_name,
								.link = scenario->links[end->link].name,
								.ghost = ghost,
								.index = i};
		}
	}
	*ret = (struct boundary_info){.name = daemon->experiment->name,
				      .default_name = scenario->name,
				      .source = source,
				      .scenario = scenario->text,
				      .seed = scenario->seed,
				      .lag_ns = scenario->lag_ns,
				      .workers = daemon->experiment->workers,
				      .ghost_count = scenario->ghost_count,
				      .ports = ports,
				      .port_count = count};
	*ret_ports = ports;
	return 0;
}

/* The recorder, in a child of the daemon: nothing of the daemon is left to it but the file and the journals. */
__attribute__((noreturn)) static void recorder(const struct record *record, const struct boundary_info *info, int fd,
					       int direct_fd)
{
	struct journal *journals = calloc(record->ghost_count + 1u, sizeof(*journals));
	struct boundary_writer *writer = malloc(sizeof(*writer));
	struct diag diag = {""};
	int r = journals && writer ? 0 : -ENOMEM, null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* A lab that is kept outlives the command line: whoever reads its output must not wait for us. */
	for (int i = STDIN_FILENO; null_fd >= 0 && i <= STDERR_FILENO; i++)
		dup2(null_fd, i);

	/* A journal holds what a fast run leaves in a twentieth of a second: so long it must not wait for a core. */
	setsid();
	peer_prefer();
	/* But nor need it take one from the path of a frame the moment it wakes: a turn is a piece of work. */
	sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){.sched_priority = 0});
	/* A file that may not grow any more is an error like a full disk, not a death. */
	signal(SIGXFSZ, SIG_IGN);
	if (r == 0)
		r = boundary_open(writer, info);
	for (uint32_t i = 0; r == 0 && i < record->ghost_count; i++)
		r = journal_map(record->journal_fds[i], false, &journals[i]);
	/* Not onto what is still to be copied. */
	if (r == 0 && direct_fd >= 0)
		direct_fd = fcntl(direct_fd, F_DUPFD_CLOEXEC, 5);
	if (r == 0 && dup2(fd, 3) < 0)
		r = -errno;
	if (r == 0 && direct_fd >= 0)
		direct_fd = dup2(direct_fd, 4);
	if (r == 0 && close_range(direct_fd >= 0 ? 5 : 4, ~0u, 0) < 0)
		r = -errno;
	if (r == 0)
		r = rights_drop(RIGHTS_RECORDER_UID, &diag);
	if (r == 0)
		r = recorder_sandbox();
	if (r < 0) {
		record->status->error = r;
		_exit(1);
	}
	recorder_run(3, direct_fd, journals, writer, record->status);
	_exit(0);
}

int record_open(struct record *record, struct daemon *daemon, struct diag *diag)
{
	struct boundary_port *ports = NULL;
	struct boundary_info info;
	char ns3[64], source[4096], ghost[17], program[17];
	int fd, direct_fd, r;

	if (!daemon->experiment->record)
		return 0;
	record->ghost_count = daemon->scenario->ghost_count;
	record->journal_fds = malloc((record->ghost_count + 1u) * sizeof(*record->journal_fds));
	record->status = mmap(NULL, sizeof(*record->status), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!record->journal_fds || record->status == MAP_FAILED)
		return diag_set(diag, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < record->ghost_count; i++)
		record->journal_fds[i] = -1;
	for (uint32_t i = 0; i < record->ghost_count; i++) {
		r = record->journal_fds[i] = journal_make(JOURNAL_SIZE, JOURNAL_PRODUCE);
		if (r < 0)
			return diag_set(diag, r, "cannot make a journal: %s", strerror(-r));
	}
	manifest_ns3_version(daemon->experiment, ns3, sizeof(ns3));
	find_source(daemon->experiment, source, sizeof(source));
	r = describe(daemon, source, &info, &ports);
	if (r < 0)
		return diag_set(diag, r, "out of memory");
	experiment_hash_program(daemon->experiment->ghost_fd, ghost);
	experiment_hash_program(daemon->experiment->program_fd, program);
	info.ns3 = ns3;
	info.ghost = ghost;
	info.program = program;
	fd = rundir_create(&daemon->experiment->rundir, BOUNDARY_FILE);
	if (fd < 0) {
		free(ports);
		return diag_set(diag, fd, "cannot make %s in the run directory: %s", BOUNDARY_FILE, strerror(-fd));
	}
	/* Where the file system has no such thing the recorder does without. */
	direct_fd = openat(daemon->experiment->rundir.fd, BOUNDARY_FILE, O_WRONLY | O_APPEND | O_DIRECT | O_CLOEXEC);
	fflush(NULL);
	record->pid = fork();
	if (record->pid == 0)
		recorder(record, &info, fd, direct_fd);
	r = record->pid < 0 ? -errno : 0;
	close(fd);
	if (direct_fd >= 0)
		close(direct_fd);
	free(ports);
	return r < 0 ? diag_set(diag, r, "cannot start the recorder: %s", strerror(-r)) : 0;
}

__attribute__((format(printf, 2, 3))) static void trouble(struct record *record, const char *fmt, ...)
{
	va_list args;

	if (record->trouble[0])
		return;
	va_start(args, fmt);
	vsnprintf(record->trouble, sizeof(record->trouble), fmt, args);
	va_end(args);
}

bool record_reaped(struct record *record, struct daemon *daemon, pid_t pid, int status)
{
	if (record->pid == 0 || pid != record->pid)
		return false;
	record->pid = 0;
	if (!__atomic_load_n(&record->status->done, __ATOMIC_ACQUIRE)) {
		trouble(record, "the recorder ended with %s %d", WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		daemon_incident(daemon, false, "%s; the recording is not complete", record->trouble);
	}
	return true;
}

static bool ghosts_gone(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->peers_count; i++) {
		if (daemon->peers[i].side[PEERS_GHOST].pid)
			return false;
	}
	return true;
}

static bool recorder_gone(struct daemon *daemon)
{
	return daemon->record.pid == 0;
}

void record_finish(struct record *record, struct daemon *daemon, uint64_t limit_ns)
{
	if (!record->journal_fds)
		return;
	record->is_finished = true;
	/* The last a ghost writes is its end. */
	if (daemon_wait(daemon, ghosts_gone, clock_ns() + GHOSTS_LIMIT_NS, false) < 0)
		trouble(record, "a ghost did not end when it was told to");
	__atomic_store_n(&record->status->finish, 1, __ATOMIC_RELEASE);
	if (daemon_wait(daemon, recorder_gone, clock_ns() + limit_ns, false) < 0) {
		trouble(record, "the disk was too slow to write everything within %" PRIu64 " s after the end",
			(uint64_t)(limit_ns / NS_PER_S));
		kill(record->pid, SIGKILL);
	}
	for (size_t i = 0; i < daemon->peers_count; i++) {
		if (peers_is_broken(&daemon->peers[i]))
			trouble(record, "a process of ghost %zu died during the run", i);
	}
	if (record->status->error)
		trouble(record, "writing failed: %s", strerror(-record->status->error));
	if (record->status->broken)
		trouble(record, "ghost %u wrote nonsense into its journal", record->status->broken - 1);
	for (uint32_t i = 0; i < record->ghost_count; i++) {
		struct journal journal;

		/* Also those that were lost at the very end, after which nothing found room. */
		if (journal_map(record->journal_fds[i], false, &journal) == 0) {
			uint64_t lost = __atomic_load_n(&journal.head->lost, __ATOMIC_RELAXED);
			bool is_empty = __atomic_load_n(&journal.head->prod, __ATOMIC_RELAXED) == 0;

			journal_unmap(&journal);
			/* Its beginning at least should be there. */
			if (is_empty && daemon->origin_ns)
				trouble(record, "ghost %u wrote nothing into its journal", i);
			if (lost)
				trouble(record,
					"the disk could not follow: %" PRIu64 " entries of ghost %u are missing", lost,
					i);
		}
	}
	if (record->trouble[0])
		console_say("THE RECORDING IS NOT COMPLETE: %s", record->trouble);
}

void record_inputs(const struct record *record, char ret[17])
{
	ret[0] = '\0';
	if (record->journal_fds && record->is_finished && !record->trouble[0])
		snprintf(ret, 17, "%016" PRIx64, record->status->inputs);
}

json_t *record_port_json(const struct stats_port *port, bool is_whole)
{
	json_t *all;
	json_t *drops = json_object();
	char hash[17];

	for (int cause = 0; cause < STATS_DROP_COUNT; cause++) {
		uint64_t count = port->up.drops[cause] + port->down.drops[cause];

		if (count)
			json_object_set_new(drops, stats_drop_name((enum stats_drop)cause),
					    json_integer((json_int_t)count));
	}
	snprintf(hash, sizeof(hash), "%016" PRIx64, port->digest);
	all = json_pack("{s:I,s:I,s:I,s:s,s:o}", "entered", (json_int_t)port->up.frames, "frames",
			(json_int_t)port->down.frames, "bytes", (json_int_t)port->down.bytes, "hash", hash, "drops",
			drops);
	if (!is_whole)
		json_object_del(all, "hash");
	return all;
}

static json_t *traffic_json(const struct stats_dir *dir)
{
	return json_pack("{s:I,s:I}", "packets", (json_int_t)dir->frames, "bytes", (json_int_t)dir->bytes);
}

json_t *record_apps_json(const struct scenario *scenario, const struct stats_port *apps)
{
	json_t *list = json_array();

	for (size_t i = 0; i < scenario->node_count; i++) {
		const struct scenario_node *node = &scenario->nodes[i];

		for (size_t j = 0; j < node->app_count; j++, apps++)
			json_array_append_new(list,
					      json_pack("{s:s,s:I,s:s,s:i,s:o,s:o}", "node", node->name, "application",
							(json_int_t)j, "kind", scenario_app_name(node->apps[j].kind),
							"port", node->apps[j].port, "sent", traffic_json(&apps->up),
							"received", traffic_json(&apps->down)));
	}
	return list;
}

json_t *record_daemon_apps_json(const struct daemon *daemon)
{
	const struct scenario *scenario = daemon->scenario;
	struct stats_port *apps = calloc(scenario_app_count(scenario) + 1u, sizeof(*apps));
	struct stats_port *app = apps;
	json_t *list;

	if (!apps)
		return json_array();
	for (size_t i = 0; i < scenario->node_count; i++) {
		for (size_t j = 0; j < scenario->nodes[i].app_count; j++, app++) {
			const struct scenario_app *spec = &scenario->nodes[i].apps[j];

			if (spec->ghost != SCENARIO_NONE)
				peers_snapshot(&daemon->peers[spec->ghost], PEERS_GHOST, spec->stats, app);
		}
	}
	list = record_apps_json(scenario, apps);
	free(apps);
	return list;
}

int record_write_digest(struct record *record, struct daemon *daemon)
{
	const struct scenario *scenario = daemon->scenario;
	char inputs[17], *text;
	json_t *ports, *digest;
	int r = -ENOMEM;

	if (!record->journal_fds)
		return 0;
	ports = json_object();
	for (size_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];
		const struct peers *peers;
		struct stats_port stats;

		if (end->stats == SCENARIO_NONE)
			continue;
		peers = &daemon->peers[scenario->links[end->link].ghost];
		peers_snapshot(peers, PEERS_GHOST, end->stats, &stats);
		json_object_set_new(ports, end->port_name, record_port_json(&stats, !peers_is_broken(peers)));
	}
	record_inputs(record, inputs);
	digest = json_pack("{s:i,s:b,s:s,s:s,s:o,s:o}", "schema", BOUNDARY_SCHEMA, "complete", !record->trouble[0],
			   "incomplete", record->trouble, "inputs", inputs, "ports", ports, "applications",
			   record_daemon_apps_json(daemon));
	text = digest ? json_dumps(digest, JSON_INDENT(2)) : NULL;
	json_decref(digest);
	if (text) {
		size_t size = strlen(text);

		text[size] = '\n'; /* in place of the NUL */
		r = rundir_write(&daemon->experiment->rundir, RECORD_DIGEST_FILE, text, size + 1);
	}
	free(text);
	return r;
}

json_t *record_json(const struct record *record)
{
	if (!record->journal_fds)
		return NULL;
	return json_pack("{s:s,s:b,s:s,s:b,s:I,s:I}", "file", BOUNDARY_FILE, "complete",
			 record->is_finished && !record->trouble[0], "incomplete",
			 record->is_finished || record->trouble[0] ? record->trouble
								   : "it goes on until the lab is ended",
			 "going_on", !record->is_finished, "frames", (json_int_t)record->status->frames, "bytes",
			 (json_int_t)record->status->bytes);
}

void record_close(struct record *record)
{
	if (record->pid > 0)
		kill(record->pid, SIGKILL);
	for (uint32_t i = 0; record->journal_fds && i < record->ghost_count; i++) {
		if (record->journal_fds[i] >= 0)
			close(record->journal_fds[i]);
	}
	free(record->journal_fds);
	if (record->status && record->status != MAP_FAILED)
		munmap(record->status, sizeof(*record->status));
	memset(record, 0, sizeof(*record));
}
