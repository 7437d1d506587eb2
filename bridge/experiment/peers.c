/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peers.c - see peers.h.
 */
#include "bridge/experiment/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "bridge/experiment/blame.h"
#include "bridge/experiment/daemon.h"
#include "bridge/experiment/program.h"
#include "bridge/experiment/rights.h"
#include "bridge/experiment/tally.h"

static void start_peer(struct peer *peer);

static void peer_name(const struct peer *peer, char ret[32])
{
	snprintf(ret, 32, "%s %u", peer->role == WIRE_ROLE_GHOST ? "ghost" : "shuttle", peer->peers->ghost);
}

static void log_name(const struct peer *peer, char ret[64])
{
	snprintf(ret, 64, "logs/%s-%u.log", peer->role == WIRE_ROLE_GHOST ? "ghost" : "shuttle", peer->peers->ghost);
}

/* One message, or the end, of a peer's control socket. */
static void control_ready(void *data, uint32_t events)
{
	struct peer *peer = data;
	struct peers *peers = peer->peers;
	struct daemon *daemon = peers->daemon;
	const struct wire_terms terms = {.experiment = daemon->experiment->name,
					 .lag_ns = daemon->scenario->lag_ns,
					 .budget_ns = daemon->scenario->budget_ns,
					 .quantile = daemon->scenario->quantile};
	struct diag diag = {""};
	struct wire_msg msg;
	int r;

	(void)events;
	if (peer->state == PEER_STARTED) {
		r = wire_welcome(&peers->home, peer->control.fd, peer->role,
				 peer->role == WIRE_ROLE_GHOST ? RIGHTS_GHOST_UID : 0, &terms, peers->ports, &diag);
		if (r == 0) {
			peer->state = PEER_WELCOMED;
			return;
		}
		goto gone;
	}
	r = wire_msg_receive(peer->control.fd, &msg, NULL, NULL);
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		if (r != -ECONNRESET)
			diag_set(&diag, r, "sent something that is no message of the wire protocol");
		goto gone;
	}
	if (msg.type == WIRE_MSG_READY && peer->state == PEER_WELCOMED) {
		peer->state = PEER_READY;
		if (daemon->origin_ns) { /* a successor: the barrier is long past */
			peer->state = PEER_RUNNING;
			if (peer->role == WIRE_ROLE_GHOST) {
				changes_announce(peers);
				changes_resend(peers);
			}
			peer_send(peer, WIRE_MSG_START, daemon->origin_ns);
		}
	} else if (msg.type == WIRE_MSG_QUIESCED && peer->state == PEER_QUIESCING) {
		peer->state = PEER_QUIESCED;
		peer->under_way = msg.value[0];
	} else if (msg.type == WIRE_MSG_CHANGED && peer->role == WIRE_ROLE_GHOST) {
		r = changes_answered(peers, &msg);
		if (r < 0) {
			diag_set(&diag, r, "answered a change that it was not told of");
			goto gone;
		}
	} else if (msg.type == WIRE_MSG_CARRIER && peer->role == WIRE_ROLE_GHOST) {
		r = carrier_told(peers, &msg);
		if (r < 0) {
			diag_set(&diag, r, "spoke of port %u, which it does not have", msg.arg);
			goto gone;
		}
	} else if (msg.type == WIRE_MSG_ERROR) {
		memcpy(peer->error, msg.text, sizeof(peer->error));
	} else if (msg.type != WIRE_MSG_QUIESCED) { /* one that comes after we gave up waiting is only late */
		diag_set(&diag, -EPROTO, "sent message %u where it was not due", msg.type);
		goto gone;
	}
	return;
gone:
	if (diag.text[0] && !peer->error[0])
		snprintf(peer->error, sizeof(peer->error), "%.*s", (int)sizeof(peer->error) - 1, diag.text);
	loop_remove(&daemon->loop, &peer->control);
	/* A process without its daemon is of no use; one that is leaving anyway may still say why by its exit status.
	 */
	if (diag.text[0])
		peer_kill(peer, SIGKILL);
}

static void take_control(struct peer *peer, int fd)
{
	/* A peer that does not read must not stop the daemon. */
	struct timeval limit = {.tv_sec = 1};

	loop_remove(&peer->peers->daemon->loop, &peer->control);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (loop_add(&peer->peers->daemon->loop, &peer->control, fd, EPOLLIN, control_ready, peer) < 0)
		close(fd);
}

static void listener_ready(void *data, uint32_t events)
{
	struct peers *peers = data;
	struct peer *ghost = &peers->side[PEERS_GHOST];
	int fd = accept4(peers->listener.fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	/* Only the process we are waiting for; wire_welcome() looks at its user. */
	if (ghost->state != PEER_STARTED || ghost->control.fd >= 0)
		close(fd);
	else
		take_control(ghost, fd);
}

static int memfd_with(const char *name, const char *text)
{
	size_t size = strlen(text);
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, text, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return -EIO;
	}
	return fd;
}

static pid_t spawn_shuttle(struct peer *peer, int log_fd)
{
	static const char *const argv[] = {"ghostbridge-shuttle", "3", NULL};
	const struct scenario *scenario = peer->peers->daemon->experiment->scenario;
	struct peer_program program = {.name = "shuttle",
				       .exe_fd = peer->peers->daemon->experiment->shuttle_fd,
				       .argv = argv,
				       .uid = RIGHTS_SHUTTLE_UID,
				       .timing = scenario->lag_ns > 0 ? PEER_REALTIME : PEER_FAST,
				       .stdin_fd = -1,
				       .log_fd = log_fd};
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	program.control_fd = pair[1];
	pid = peer_spawn(&program);
	close(pair[1]);
	if (pid < 0)
		close(pair[0]);
	else
		take_control(peer, pair[0]);
	return pid;
}

/* The files of the ghost's replays, in the order of their ends. Return: how many */
static size_t find_captures(const struct peers *peers, int ret[PEER_EXTRA_MAX])
{
	const struct experiment *experiment = peers->daemon->experiment;
	uint32_t ports = scenario_port_count(experiment->scenario, peers->ghost);
	uint32_t inputs = scenario_input_count(experiment->scenario, peers->ghost);

	for (uint32_t i = ports; i < inputs; i++)
		ret[i - ports] =
			experiment->capture_fds[scenario_find_input(experiment->scenario, peers->ghost, i)->node];
	return inputs - ports;
}

static pid_t spawn_ghost(struct peer *peer, int log_fd)
{
	const struct experiment *experiment = peer->peers->daemon->experiment;
	char ghost[16], workers[16], captures[16];
	const char *argv[] = {"ns3-ghost", "--wire", peer->peers->path, "--ghost", ghost,
			      "--workers", workers,  "--captures",      captures,  NULL};
	int capture_fds[PEER_EXTRA_MAX];
	struct peer_program program = {.name = "ghost",
				       .exe_fd = experiment->ghost_fd,
				       .argv = argv,
				       .uid = RIGHTS_GHOST_UID,
				       .timing = experiment->scenario->lag_ns > 0 ? PEER_TIMELY : PEER_FAST,
				       .log_fd = log_fd,
				       .control_fd = -1};
	pid_t pid;

	if (scenario_ghost_is_program(experiment->scenario, peer->peers->ghost))
		return program_spawn(experiment, peer->peers->path, log_fd);
	snprintf(ghost, sizeof(ghost), "%u", peer->peers->ghost);
	snprintf(workers, sizeof(workers), "%u", experiment->workers);
	snprintf(captures, sizeof(captures), "%d", PEER_EXTRA_FD);
	program.extra_fds = capture_fds;
	program.extra_count = find_captures(peer->peers, capture_fds);
	program.stdin_fd = memfd_with("ghostbridge-scenario", experiment->scenario->text);
	if (program.stdin_fd < 0)
		return program.stdin_fd;
	pid = peer_spawn(&program);
	close(program.stdin_fd);
	return pid;
}

static void start_peer(struct peer *peer)
{
	struct daemon *daemon = peer->peers->daemon;
	char name[32], log[64];
	int log_fd;
	pid_t pid;

	peer_name(peer, name);
	log_name(peer, log);
	log_fd = openat(daemon->experiment->rundir.fd, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (log_fd < 0) {
		daemon_fail(daemon, EXIT_HOST, "cannot write %s in the run directory: %s", log, strerror(errno));
		return;
	}
	peer->error[0] = '\0';
	peer->stopping = false;
	peer->under_way = 0;
	pid = peer->role == WIRE_ROLE_GHOST ? spawn_ghost(peer, log_fd) : spawn_shuttle(peer, log_fd);
	close(log_fd);
	if (pid < 0) {
		peer->is_over = true;
		daemon_fail(daemon, EXIT_HOST, "cannot start %s: %s", name, strerror((int)-pid));
		return;
	}
	peer->pid = pid;
	peer->state = PEER_STARTED;
}

static int fill_ports(struct peers *peers)
{
	const struct scenario *scenario = peers->daemon->scenario;

	for (uint32_t i = 0; i < peers->home.port_count; i++) {
		const struct scenario_end *end = scenario_find_port(scenario, peers->ghost, i);
		struct wire_port *port = &peers->ports[i];
		uint32_t offload;

		if (!end)
			return -EINVAL;
		peer_fill_port(scenario, end, port);
		port->tap_fd = lab_tap_fd(peers->daemon->lab, (uint32_t)(end - scenario->ends));
		port->arrivals_fd = lab_tap_arrivals_fd(peers->daemon->lab, (uint32_t)(end - scenario->ends));
		offload = lab_tap_offload(peers->daemon->lab, (uint32_t)(end - scenario->ends));
		port->offload = (offload & LAB_OFFLOAD_VNET ? (uint32_t)WIRE_OFFLOAD_VNET : 0) |
				(offload & LAB_OFFLOAD_USO ? (uint32_t)WIRE_OFFLOAD_USO : 0);
	}
	return 0;
}

int peers_open(struct peers *peers, struct daemon *daemon, uint32_t ghost, struct diag *diag)
{
	uint32_t count = scenario_port_count(daemon->scenario, ghost);
	uint32_t inner = scenario_inner_count(daemon->scenario, ghost);
	int fd, r;

	peers->daemon = daemon;
	peers->ghost = ghost;
	for (int side = 0; side < PEERS_SIDES; side++) {
		peers->side[side] = (struct peer){.peers = peers, .control = {.fd = -1}};
		peers->base[side] = calloc(count + inner, sizeof(*peers->base[side]));
	}
	peers->side[PEERS_SHUTTLE].role = WIRE_ROLE_SHUTTLE;
	peers->side[PEERS_GHOST].role = WIRE_ROLE_GHOST;
	peers->ports = calloc(count, sizeof(*peers->ports));
	if (!peers->ports || !peers->base[0] || !peers->base[1])
		return diag_set(diag, -ENOMEM, "out of memory");
	r = wire_home_open_ends(count, inner, wire_ring_size(count), &peers->home);
	if (r < 0)
		return diag_set(diag, r, "cannot make the wire of ghost %u with %u ports: %s", ghost, count,
				strerror(-r));
	peers->home.journal_fd[0] = record_journal_fd(&daemon->record, ghost);
	r = fill_ports(peers);
	if (r < 0)
		return diag_set(diag, r, "ghost %u has a port without an end", ghost);
	snprintf(peers->path, sizeof(peers->path), "%s/ghost-%u.sock", lab_state_dir(daemon->lab), ghost);
	fd = wire_listen(peers->path);
	if (fd < 0)
		return diag_set(diag, fd, "cannot listen at %s: %s", peers->path, strerror(-fd));
	r = loop_add(&daemon->loop, &peers->listener, fd, EPOLLIN, listener_ready, peers);
	if (r < 0) {
		close(fd);
		return diag_set(diag, r, "cannot watch %s", peers->path);
	}
	if (chown(peers->path, RIGHTS_GHOST_UID, RIGHTS_GHOST_UID) < 0 || chmod(peers->path, 0600) < 0)
		return diag_set(diag, -errno, "cannot give %s to the ghost: %s", peers->path, strerror(errno));
	for (int side = 0; side < PEERS_SIDES; side++)
		start_peer(&peers->side[side]);
	return 0;
}

/* Both processes of a wire that cannot be trusted are gone: count what it carried and make another. */
static void renew_wire(struct peers *peers)
{
	struct wire_home fresh;
	uint64_t behind = stats_get(&peers->home.stats[PEERS_GHOST]->behind_max_ns);
	int r;

	peers->rewire = false;
	r = wire_home_open_ends(peers->home.port_count, peers->home.stats_count - peers->home.port_count,
				peers->home.ring_size, &fresh);
	if (r < 0) {
		daemon_incident(peers->daemon, false, "cannot renew the wire of ghost %u: %s", peers->ghost,
				strerror(-r));
		peers->incidents++;
		return;
	}
	for (int side = 0; side < PEERS_SIDES; side++) {
		for (uint32_t i = 0; i < peers->home.stats_count; i++)
			tally_add(&peers->base[side][i], &stats_ports(peers->home.stats[side])[i]);
	}
	if (behind > peers->base_behind_max_ns)
		peers->base_behind_max_ns = behind;
	fresh.journal_fd[0] = peers->home.journal_fd[0];
	wire_home_close(&peers->home);
	peers->home = fresh;
	for (int side = 0; side < PEERS_SIDES; side++)
		start_peer(&peers->side[side]);
}

static void describe_end(const struct peer *peer, enum peer_state was, int status, char *ret, size_t size)
{
	char name[32], log[64], tail[768] = "";
	const struct peers *peers = peer->peers;
	const struct experiment *experiment = peers->daemon->experiment;

	peer_name(peer, name);
	log_name(peer, log);
	if (peer->role == WIRE_ROLE_GHOST && WIFEXITED(status) && !peer->error[0]) {
		rundir_tail(&experiment->rundir, log, tail, sizeof(tail));
		blame_text(experiment, peers->ghost, was, WEXITSTATUS(status), tail, ret, size);
		return;
	}
	if (WIFSIGNALED(status) && !peer->error[0])
		snprintf(ret, size, "%s was killed by signal %d", name, WTERMSIG(status));
	else if (peer->error[0])
		snprintf(ret, size, "%s: %s", name, peer->error);
	else {
		rundir_tail(&experiment->rundir, log, tail, sizeof(tail));
		snprintf(ret, size, "%s left with status %d%s%s", name, WEXITSTATUS(status), tail[0] ? ": " : "", tail);
	}
}

/* An end that nobody asked for. */
static void died(struct peer *peer, enum peer_state was, int status)
{
	struct peers *peers = peer->peers;
	struct peer *other = &peers->side[peer->role == WIRE_ROLE_GHOST ? PEERS_SHUTTLE : PEERS_GHOST];
	struct daemon *daemon = peers->daemon;
	bool wire_error = WIFEXITED(status) && WEXITSTATUS(status) == EX_DATAERR;
	bool is_program = peer->role == WIRE_ROLE_GHOST && scenario_ghost_is_program(daemon->scenario, peers->ghost);
	char what[768];

	/* Told to stop, and done with what it had to write. */
	if (is_program && daemon->is_ending && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	describe_end(peer, was, status, what, sizeof(what));
	/* What ends by itself before it ever ran would do so again: the user should read why. */
	if (!daemon->origin_ns && WIFEXITED(status) && !daemon->is_ending) {
		peer->is_over = true;
		daemon_fail(daemon, blame_exit(daemon->experiment, is_program, what), "%s", what);
		return;
	}
	peers->incidents++;
	/* A simulation that came to its end would only come to it again. */
	if (is_program && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		peer->is_over = true;
		daemon_incident(daemon, false, "%s", what);
		return;
	}
	peer->restarts++;
	if (daemon->is_ending || peer->restarts > PEERS_RESTARTS_MAX) {
		peer->is_over = true;
		daemon_incident(daemon, false, "%s%s", what,
				daemon->is_ending ? "" : "; it has been restarted often enough and stays down");
		if (!daemon->origin_ns)
			daemon_fail(daemon, EXIT_HOST, "%s", what);
		return;
	}
	daemon_incident(daemon, true, "%s", what);
	if (wire_error) {
		peers->rewire = true;
		other->stopping = true;
		peer_kill(other, SIGKILL);
	} else if (!peers->rewire) {
		start_peer(peer);
	}
}

bool peers_reaped(struct peers *peers, pid_t pid, int status)
{
	for (int side = 0; side < PEERS_SIDES; side++) {
		struct peer *peer = &peers->side[side];
		enum peer_state was;

		if (peer->pid != pid)
			continue;
		/* What it said last may still be in the socket. */
		if (peer->control.fd >= 0 && peer->state != PEER_STARTED) {
			struct wire_msg msg;
			struct timeval at_once = {.tv_usec = 1};

			setsockopt(peer->control.fd, SOL_SOCKET, SO_RCVTIMEO, &at_once, sizeof(at_once));
			while (wire_msg_receive(peer->control.fd, &msg, NULL, NULL) == 0) {
				if (msg.type == WIRE_MSG_ERROR)
					memcpy(peer->error, msg.text, sizeof(peer->error));
				else if (msg.type == WIRE_MSG_QUIESCED && peer->state == PEER_QUIESCING)
					peer->state = PEER_QUIESCED;
			}
		}
		loop_remove(&peers->daemon->loop, &peer->control);
		peer->pid = 0;
		was = peer->state;
		peer->state = PEER_DOWN;
		if (!peer->stopping)
			died(peer, was, status);
		if (peers->rewire && peers->side[0].pid == 0 && peers->side[1].pid == 0 && !peers->daemon->is_ending)
			renew_wire(peers);
		return true;
	}
	return false;
}

bool peers_are_ready(const struct peers *peers)
{
	return peers->side[PEERS_SHUTTLE].state == PEER_READY && peers->side[PEERS_GHOST].state == PEER_READY;
}

void peers_start(struct peers *peers, enum peers_side side)
{
	/* One that died since it was ready gets its START when its successor is. */
	if (peers->side[side].state != PEER_READY)
		return;
	peers->side[side].state = PEER_RUNNING;
	if (side == PEERS_GHOST)
		changes_announce(peers);
	peer_send(&peers->side[side], WIRE_MSG_START, peers->daemon->origin_ns);
}

void peers_snapshot(const struct peers *peers, enum peers_side side, uint32_t port, struct stats_port *ret)
{
	const struct stats_port *base = &peers->base[side][port];
	bool has_base = base->up.frames || base->down.frames || base->received;

	tally_copy(ret, &stats_ports(peers->home.stats[side])[port]);
	/* Adding drops the digest, which no longer covers everything; so only when there is something to add. */
	if (has_base)
		tally_add(ret, base);
}

uint64_t peers_behind_max_ns(const struct peers *peers)
{
	uint64_t behind =
		peers->home.stats[PEERS_GHOST] ? stats_get(&peers->home.stats[PEERS_GHOST]->behind_max_ns) : 0;

	return behind > peers->base_behind_max_ns ? behind : peers->base_behind_max_ns;
}

void peers_close(struct peers *peers)
{
	if (!peers->daemon)
		return;
	for (int side = 0; side < PEERS_SIDES; side++) {
		struct peer *peer = &peers->side[side];

		peer->stopping = true;
		peer_kill(peer, SIGKILL);
		loop_remove(&peers->daemon->loop, &peer->control);
		free(peers->base[side]);
		peers->base[side] = NULL;
	}
	loop_remove(&peers->daemon->loop, &peers->listener);
	if (peers->home.port_count)
		wire_home_close(&peers->home);
	free(peers->ports);
	peers->ports = NULL;
	peers->daemon = NULL;
}
