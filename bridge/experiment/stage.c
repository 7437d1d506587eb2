/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stage.c - see stage.h.
 */
#include "bridge/experiment/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bridge/experiment/changes.h"
#include "bridge/experiment/console.h"
#include "bridge/experiment/peer.h"

#define JOURNAL_SIZE_REPLAY (8u << 20)
#define READY_TIMEOUT_MS    60000
#define LINGER_NS           1000000000ull /* a changed simulation goes on so much longer: frames under way arrive */

static int fill_ports(struct stage *stage)
{
	const struct recording *recording = stage->replay->recording;
	const struct scenario *scenario = stage->replay->scenario;
	uint32_t inputs = scenario_input_count(scenario, stage->ghost);

	for (uint32_t i = 0; i < inputs; i++) {
		const struct scenario_end *end = scenario_find_input(scenario, stage->ghost, i);
		uint32_t at = stage->first_port + i;

		if (!end || at >= recording->port_count || recording->ports[at].ghost != stage->ghost ||
		    strcmp(end->port_name, recording->ports[at].name) != 0)
			return -EINVAL;
		if (i >= stage->port_count)
			continue; /* of a node of kind replay: not on the wire */
		peer_fill_port(scenario, end, &stage->ports[i]);
	}
	return 0;
}

/* Whether it is to run the very events that ran live, and no more. */
static bool is_exact(const struct stage *stage)
{
	const struct recording_ghost *ghost = &stage->replay->recording->ghosts[stage->ghost];

	return !stage->replay->changed && ghost->has_ended && !ghost->is_cut && ghost->gap_at == UINT64_MAX;
}

static int make_journals(struct stage *stage)
{
	const struct recording_ghost *ghost = &stage->replay->recording->ghosts[stage->ghost];
	int r;

	r = stage->home.journal_fd[0] =
		journal_make(JOURNAL_SIZE_REPLAY, JOURNAL_PRODUCE | (stage->replay->pcap ? JOURNAL_SNIFF : 0));
	if (r < 0)
		return r;
	r = stage->home.journal_fd[1] =
		journal_make(JOURNAL_SIZE_REPLAY, JOURNAL_CONSUME | (is_exact(stage) ? JOURNAL_UNTIL_EVENTS : 0) |
							  (stage->replay->changed ? JOURNAL_CHANGED : 0));
	if (r < 0)
		return r;
	r = journal_map(stage->home.journal_fd[0], false, &stage->back);
	if (r == 0)
		r = journal_map(stage->home.journal_fd[1], true, &stage->feed);
	if (r < 0)
		return r;
	stage->feed.head->end_events = ghost->events;
	stage->feed.head->end_ns = ghost->end_ns + (stage->replay->changed ? LINGER_NS : 0);
	return 0;
}

static int scenario_fd(const char *text)
{
	size_t size = strlen(text);
	int fd = memfd_create("ghostbridge-scenario", MFD_CLOEXEC);

	if (fd >= 0 && (write(fd, text, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		return -EIO;
	}
	return fd < 0 ? -errno : fd;
}

/* As the daemon starts it, but as the user who calls. */
static int spawn(struct stage *stage)
{
	const struct scenario *scenario = stage->replay->scenario;
	bool is_program = scenario_ghost_is_program(scenario, stage->ghost);
	char ghost[16], workers[16], wire[160], seed[64];
	const char *argv[] = {"ns3-ghost", "--wire", stage->path, "--ghost", ghost, "--workers", workers, NULL};
	char *env[] = {(char *)"PATH=/usr/bin:/bin", (char *)"LANG=C.UTF-8", NULL};
	char *program_env[] = {(char *)"PATH=/usr/bin:/bin", (char *)"LANG=C.UTF-8", wire, seed, NULL};
	int in = scenario_fd(scenario->text);

	if (in < 0)
		return in;
	snprintf(ghost, sizeof(ghost), "%u", stage->ghost);
	snprintf(workers, sizeof(workers), "%u", stage->replay->recording->workers);
	snprintf(wire, sizeof(wire), "GHOSTBRIDGE_WIRE=%s", stage->path);
	snprintf(seed, sizeof(seed), "NS_GLOBAL_VALUE=RngRun=%" PRIu64, scenario->seed);
	stage->pid = fork();
	if (stage->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(in, 0) < 0 || dup2(stage->log_fd, 1) < 0 || dup2(stage->log_fd, 2) < 0 ||
		    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
			_exit(127);
		/* A program's own files go where the replay's do: away. */
		if (is_program && chdir(stage->dir) < 0)
			_exit(127);
		if (is_program)
			syscall(SYS_execveat, stage->replay->program_fd, "", scenario->program.argv, program_env,
				AT_EMPTY_PATH);
		else
			syscall(SYS_execveat, stage->replay->ghost_fd, "", argv, env, AT_EMPTY_PATH);
		_exit(127);
	}
	close(in);
	return stage->pid < 0 ? -errno : 0;
}

/* The last line it wrote, for a message. */
static void last_words(const struct stage *stage, char *ret, size_t size)
{
	char text[2048];
	ssize_t n = pread(stage->log_fd, text, sizeof(text) - 1, 0);
	char *line;

	ret[0] = '\0';
	if (n <= 0)
		return;
	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	line = strrchr(text, '\n');
	snprintf(ret, size, "%.500s", line ? line + 1 : text);
}

static int ghost_failed(const struct stage *stage, struct diag *diag, const char *what)
{
	char words[512];

	last_words(stage, words, sizeof(words));
	console_make_printable(words);
	return diag_set(diag, -EIO, "ghost %u %s%s%s", stage->ghost, what, words[0] ? ": " : "", words);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

/*
 * A process that waits for the end of this one, however it comes, and removes the temporary directory with what a
 * program left in it.
 */
static int start_janitor(struct stage *stage)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	char byte;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	stage->janitor = fork();
	if (stage->janitor == 0) {
		/* Not with what the terminal stops, nor holding what others wait to see closed. */
		setsid();
		if (dup2(ends[0], 0) < 0 || close_range(1, ~0u, 0) < 0)
			_exit(1);
		while (read(0, &byte, 1) < 0 && errno == EINTR)
			;
		/* The program is killed at the same time: it may still be writing. */
		for (int i = 0; i < 100; i++) {
			if (nftw(stage->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 || errno == ENOENT)
				break;
			nanosleep(&pause, NULL);
		}
		_exit(0);
	}
	close(ends[0]);
	stage->janitor_fd = ends[1];
	return stage->janitor < 0 ? -errno : 0;
}

static void stop_janitor(struct stage *stage, bool is_removed)
{
	if (is_removed)
		kill(stage->janitor, SIGKILL);
	close(stage->janitor_fd);
	stage->janitor_fd = -1;
	if (stage->janitor > 0)
		waitpid(stage->janitor, NULL, 0);
	stage->janitor = 0;
}

int stage_begin(struct stage *stage, struct diag *diag)
{
	const struct wire_terms terms = {.experiment = stage->replay->scenario->name,
					 .lag_ns = stage->replay->scenario->lag_ns,
					 .budget_ns = stage->replay->scenario->budget_ns,
					 .quantile = stage->replay->scenario->quantile};
	struct timeval patience = {.tv_sec = READY_TIMEOUT_MS / 1000};
	struct pollfd polls[1] = {{.fd = stage->listen_fd, .events = POLLIN}};
	const struct scenario *scenario = stage->replay->scenario;
	struct wire_msg msg;
	int r;

	for (int waited = 0; poll(polls, 1, 100) == 0; waited += 100) {
		if (waitpid(stage->pid, NULL, WNOHANG) != 0) {
			stage->pid = 0;
			return ghost_failed(stage, diag, "left before it began");
		}
		if (waited > READY_TIMEOUT_MS)
			return ghost_failed(stage, diag, "did not attach");
	}
	stage->control_fd = accept4(stage->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (stage->control_fd < 0)
		return diag_set(diag, -errno, "cannot accept ghost %u: %s", stage->ghost, strerror(errno));
	/* Nobody else is to come; a program's working directory stays as long as the program. */
	unlink(stage->path);
	if (!scenario_ghost_is_program(scenario, stage->ghost) && rmdir(stage->dir) == 0)
		stop_janitor(stage, true);
	r = wire_welcome(&stage->home, stage->control_fd, WIRE_ROLE_GHOST, geteuid(), &terms, stage->ports, diag);
	if (r < 0)
		return r;
	setsockopt(stage->control_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* What it announces while it builds (devices, to be listened to) fits into the journal. */
	r = wire_msg_receive(stage->control_fd, &msg, NULL, NULL);
	if (r < 0 || msg.type != WIRE_MSG_READY)
		return ghost_failed(stage, diag, r == 0 && msg.type == WIRE_MSG_ERROR ? msg.text : "did not get ready");
	for (size_t i = 0; scenario_ghost_is_program(scenario, stage->ghost) && i < scenario->change_count; i++) {
		if (scenario->links[scenario->changes[i].link].ghost != stage->ghost)
			continue;
		msg = changes_planned_msg(scenario, i);
		r = wire_msg_send(stage->control_fd, &msg, NULL, 0);
		if (r < 0)
			return diag_set(diag, r, "cannot tell ghost %u of its changes", stage->ghost);
	}
	msg = wire_msg_make(WIRE_MSG_START);
	msg.value[0] = 1;
	return wire_msg_send(stage->control_fd, &msg, NULL, 0);
}

/* The next entry of this ghost that a cursor meets, before what is missing begins. */
static bool next_of_ghost(const struct stage *stage, struct recording *cursor, uint64_t *number,
			  struct recording_entry *ret)
{
	while (recording_next(cursor, ret)) {
		if ((*number)++ >= stage->limit)
			return false;
		if (ret->ghost == stage->ghost)
			return true;
	}
	return false;
}

/* Give it as much as fits. Return: whether anything went. */
static bool feed(struct stage *stage)
{
	struct recording_entry entry;
	bool any = false;

	/* Before reading on: one entry must not be read and then find no room. */
	while (!stage->fed && journal_has_room(&stage->feed, 2 * journal_entry_size(JOURNAL_PAYLOAD_MAX))) {
		struct journal_entry put = {.kind = JOURNAL_END};

		any = true;
		if (!next_of_ghost(stage, &stage->source, &stage->source_number, &entry)) {
			journal_put(&stage->feed, &put, NULL);
			stage->fed = true;
			break;
		}
		if (entry.kind != JOURNAL_IN && entry.kind != JOURNAL_CONTROL)
			continue;
		put = (struct journal_entry){.size = entry.size,
					     .kind = (uint16_t)entry.kind,
					     .extra = entry.extra,
					     .time_ns = entry.time_ns};
		if (entry.kind == JOURNAL_IN)
			put.port = stage->replay->recording->ports[entry.interface].index;
		journal_put(&stage->feed, &put, entry.data);
	}
	return any;
}

static bool is_same(const struct recording_entry *a, const struct recording_entry *b)
{
	return a->interface == b->interface && a->time_ns == b->time_ns && a->len == b->len && a->value == b->value;
}

static void set_replayed(struct replay_difference *difference, const struct recording_entry *replayed)
{
	difference->has_replayed = true;
	difference->replayed = *replayed;
	difference->head_size = replayed->size < sizeof(difference->head) ? replayed->size : sizeof(difference->head);
	memcpy(difference->head, replayed->data, difference->head_size);
	difference->replayed.data = NULL; /* in the journal: gone when this returns */
	difference->replayed.size = 0;
}

/* A frame left: is it the one that somebody asked for, or is it too late for that? */
static void look_for_wanted(struct stage *stage, const struct recording_entry *replayed)
{
	struct replay_wanted *wanted = stage->replay->wanted;

	if (!wanted || wanted->over)
		return;
	if (is_same(&wanted->departure, replayed)) {
		wanted->size = replayed->size < sizeof(wanted->head) ? replayed->size : sizeof(wanted->head);
		memcpy(wanted->head, replayed->data, wanted->size);
		wanted->over = true;
	} else if (replayed->time_ns > wanted->departure.time_ns) {
		wanted->over = true;
	}
}

/* A frame left: does the recording say the same? */
static void compare(struct stage *stage, const struct recording_entry *replayed)
{
	struct replay_difference *difference = &stage->difference;
	struct recording_entry recorded;

	if (stage->replay->changed || difference->any || stage->expected_over)
		return;
	do {
		if (!next_of_ghost(stage, &stage->expected, &stage->expected_number, &recorded)) {
			stage->expected_over = true;
			/* Where the recording is cut off, more is no difference. */
			if (stage->replay->recording->incomplete[0] || !replayed)
				return;
			*difference = (struct replay_difference){.any = true, .number = stage->compared};
			set_replayed(difference, replayed);
			return;
		}
	} while (recorded.kind != JOURNAL_OUT);
	if (replayed && is_same(&recorded, replayed)) {
		stage->compared++;
		return;
	}
	*difference = (struct replay_difference){
		.any = true, .has_recorded = true, .recorded = recorded, .number = stage->compared};
	if (replayed)
		set_replayed(difference, replayed);
}

static void count_events(const struct stage *stage, uint64_t replayed)
{
	uint64_t recorded = stage->replay->recording->ghosts[stage->ghost].events;

	if (is_exact(stage) && !stage->replay->miscount.any && replayed != recorded)
		stage->replay->miscount = (struct replay_miscount){
			.any = true, .ghost = stage->ghost, .recorded = recorded, .replayed = replayed};
}

/* Take what it wrote. Return: 1 when there was anything, 0, -EPROTO. */
static int drain(struct stage *stage)
{
	struct replay *replay = stage->replay;
	struct recording_entry left;
	struct journal_entry entry;
	const uint8_t *payload;
	int r, any = 0;

	while ((r = journal_look(&stage->back, &entry, &payload)) == 1) {
		any = 1;
		stage->inputs = boundary_input(stage->inputs, &entry, payload);
		switch (entry.kind) {
		case JOURNAL_OUT:
			if (entry.port >= stage->port_count)
				return -EPROTO;
			left = (struct recording_entry){.kind = JOURNAL_OUT,
							.ghost = stage->ghost,
							.interface = stage->first_port + entry.port,
							.len = entry.extra,
							.time_ns = entry.time_ns,
							.value = entry.value,
							.data = payload,
							.size = entry.size};
			look_for_wanted(stage, &left);
			compare(stage, &left);
			break;
		case JOURNAL_END:
			stage->ended = true;
			replay->events += entry.value;
			count_events(stage, entry.value);
			if (entry.time_ns > replay->simulated_ns)
				replay->simulated_ns = entry.time_ns;
			break;
		default:
			break;
		}
		r = tape_put(&stage->tape, &entry, payload);
		if (r < 0)
			return r;
		journal_take(&stage->back);
	}
	return r < 0 ? r : any;
}

int stage_step(struct stage *stage, struct diag *diag)
{
	bool any = feed(stage);
	int r = drain(stage);

	if (r < 0)
		return diag_set(diag, r, "ghost %u wrote nonsense into its journal", stage->ghost);
	if (stage->ended) {
		/* Is there something that left live, and now not? */
		compare(stage, NULL);
		return 1;
	}
	if (r == 0 && stage->gone)
		return ghost_failed(stage, diag, "ended too early");
	if (r == 0 && !any && waitpid(stage->pid, NULL, WNOHANG) != 0) {
		/* Once more after it has gone: its last entries. */
		stage->pid = 0;
		stage->gone = true;
		return 1;
	}
	return any || r;
}

void stage_close(struct stage *stage)
{
	if (stage->pid > 0) {
		kill(stage->pid, SIGKILL);
		waitpid(stage->pid, NULL, 0);
	}
	for (int i = 0; i < WIRE_JOURNALS; i++) {
		if (stage->home.port_count && stage->home.journal_fd[i] >= 0)
			close(stage->home.journal_fd[i]);
	}
	tape_close(&stage->tape);
	journal_unmap(&stage->feed);
	journal_unmap(&stage->back);
	if (stage->home.port_count)
		wire_home_close(&stage->home);
	if (stage->control_fd >= 0)
		close(stage->control_fd);
	if (stage->log_fd >= 0)
		close(stage->log_fd);
	if (stage->janitor_fd >= 0)
		stop_janitor(stage, false);
	if (stage->listen_fd >= 0)
		close(stage->listen_fd);
	free(stage->ports);
}

struct stage stage_make(struct replay *replay, uint32_t ghost)
{
	return (struct stage){
		.replay = replay, .ghost = ghost, .control_fd = -1, .log_fd = -1, .listen_fd = -1, .janitor_fd = -1};
}

int stage_open(struct stage *stage, struct diag *diag)
{
	struct replay *replay = stage->replay;
	struct recording *recording = replay->recording;
	int r = -ENOMEM;

	stage->source = stage->expected = *recording;
	recording_rewind(&stage->source);
	recording_rewind(&stage->expected);
	stage->limit = recording->ghosts[stage->ghost].gap_at;
	while (stage->first_port < recording->port_count && recording->ports[stage->first_port].ghost != stage->ghost)
		stage->first_port++;
	stage->port_count = scenario_port_count(replay->scenario, stage->ghost);
	stage->ports = calloc(stage->port_count + 1u, sizeof(*stage->ports));
	if (stage->ports)
		r = wire_home_open_ends(stage->port_count, scenario_inner_count(replay->scenario, stage->ghost),
					WIRE_RING_SIZE_MIN, &stage->home);
	if (r < 0)
		return diag_set(diag, r, "cannot make the wire of ghost %u: %s", stage->ghost, strerror(-r));
	r = fill_ports(stage);
	if (r < 0)
		return diag_set(diag, r, "the scenario has other ports than the recording");
	r = make_journals(stage);
	if (r < 0)
		return diag_set(diag, r, "cannot make the journals of ghost %u: %s", stage->ghost, strerror(-r));
	r = tape_open(&stage->tape, replay, stage->ghost);
	if (r < 0)
		return diag_set(diag, r, "cannot make a temporary file: %s", strerror(-r));
	stage->log_fd = memfd_create("ghostbridge-log", MFD_CLOEXEC);
	snprintf(stage->dir, sizeof(stage->dir), "/tmp/ghostbridge-replay-XXXXXX");
	if (stage->log_fd < 0 || !mkdtemp(stage->dir))
		return diag_set(diag, -errno, "cannot make a directory below /tmp: %s", strerror(errno));
	r = start_janitor(stage);
	if (r < 0) {
		rmdir(stage->dir);
		return diag_set(diag, r, "cannot start a process: %s", strerror(-r));
	}
	snprintf(stage->path, sizeof(stage->path), "%s/ghost.sock", stage->dir);
	r = stage->listen_fd = wire_listen(stage->path);
	if (r >= 0)
		r = spawn(stage);
	return r < 0 ? diag_set(diag, r, "cannot start ghost %u: %s", stage->ghost, strerror(-r)) : 0;
}
