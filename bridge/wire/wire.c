/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire.c - making, handing over and mapping the memory of one wire. Nothing here is on the way of a frame.
 */
#include "bridge/wire/wire.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define POPULATE_SIZE (64u << 10) /* of each ring */

#define MEMORY_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

enum { FD_MEMORY, FD_BELL_SHUTTLE, FD_BELL_GHOST, FD_STATS, FD_COUNT, FD_MAX = FD_COUNT + WIRE_JOURNALS };

static uint64_t align_up(uint64_t value, uint64_t step)
{
	return (value + step - 1) / step * step;
}

static uint64_t rings_offset(uint32_t port_count)
{
	return align_up(sizeof(struct wire_memory) + 2ull * port_count * sizeof(struct wire_ring_ctl), 4096);
}

static uint64_t memory_size(uint32_t port_count, uint32_t ring_size)
{
	return rings_offset(port_count) + 2ull * port_count * ring_size;
}

static bool geometry_is_sane(uint32_t port_count, uint32_t ring_size)
{
	return port_count >= 1 && port_count <= WIRE_PORTS_MAX && ring_size >= WIRE_RING_SIZE_MIN &&
	       ring_size <= WIRE_RING_SIZE_MAX && (ring_size & (ring_size - 1)) == 0;
}

/* A memfd whose size nobody can change any more, so that no peer can make us run into SIGBUS. */
static int sealed_memfd(const char *name, uint64_t size)
{
	int fd, ret;

	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, MEMORY_SEALS) < 0) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

/* Bytes of a memfd that somebody else made, if it is sealed. */
static int sealed_size(int fd, uint64_t *ret)
{
	struct stat status;
	int seals;

	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & MEMORY_SEALS) != MEMORY_SEALS || fstat(fd, &status) < 0)
		return -EPROTO;
	*ret = (uint64_t)status.st_size;
	return 0;
}

/* Map it, after checking that it is exactly this long. */
static int map_sealed(int fd, uint64_t size, void **ret)
{
	uint64_t actual;
	void *map;

	if (sealed_size(fd, &actual) < 0 || actual != size)
		return -EPROTO;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	*ret = map;
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int wire_home_open(uint32_t port_count, uint32_t ring_size, struct wire_home *ret)
{
	return wire_home_open_ends(port_count, 0, ring_size, ret);
}

int wire_home_open_ends(uint32_t port_count, uint32_t end_count, uint32_t ring_size, struct wire_home *ret)
{
	struct wire_home home = {.port_count = port_count,
				 .stats_count = port_count + end_count,
				 .ring_size = ring_size,
				 .memory_fd = -1,
				 .bell_fd = {-1, -1},
				 .stats_fd = {-1, -1},
				 .journal_fd = {-1, -1}};
	struct wire_memory *memory;
	int r;

	if (!geometry_is_sane(port_count, ring_size) || end_count > WIRE_ENDS_MAX)
		return -EINVAL;
	r = home.memory_fd = sealed_memfd("ghostbridge-wire", memory_size(port_count, ring_size));
	if (r < 0)
		goto fail;
	memory = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE, MAP_SHARED, home.memory_fd, 0);
	if (memory == MAP_FAILED) {
		r = -errno;
		goto fail;
	}
	memory->version = WIRE_VERSION;
	memory->port_count = port_count;
	memory->ring_size = ring_size;
	memory->rings_offset = rings_offset(port_count);
	memory->total_size = memory_size(port_count, ring_size);
	memory->magic = WIRE_MAGIC;
	munmap(memory, sizeof(*memory));
	for (int side = 0; side < 2; side++) {
		struct stats *stats;

		r = home.bell_fd[side] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (r < 0) {
			r = -errno;
			goto fail;
		}
		r = home.stats_fd[side] = sealed_memfd("ghostbridge-stats", stats_size(home.stats_count));
		if (r < 0)
			goto fail;
		stats = mmap(NULL, stats_size(home.stats_count), PROT_READ | PROT_WRITE, MAP_SHARED,
			     home.stats_fd[side], 0);
		if (stats == MAP_FAILED) {
			r = -errno;
			goto fail;
		}
		stats->port_count = port_count;
		home.stats[side] = stats;
		mprotect(stats, stats_size(home.stats_count), PROT_READ);
	}
	*ret = home;
	return 0;
fail:
	wire_home_close(&home);
	return r;
}

void wire_home_close(struct wire_home *home)
{
	if (!home)
		return;
	for (int side = 0; side < 2; side++) {
		if (home->stats[side])
			munmap(home->stats[side], stats_size(home->stats_count));
		home->stats[side] = NULL;
		close_fd(&home->stats_fd[side]);
		close_fd(&home->bell_fd[side]);
	}
	close_fd(&home->memory_fd);
}

static int refuse(int control_fd, struct diag *diag, int err, const char *why)
{
	struct wire_msg msg = wire_msg_make(WIRE_MSG_REFUSE);

	snprintf(msg.text, sizeof(msg.text), "%s", why);
	wire_msg_send(control_fd, &msg, NULL, 0);
	return diag_set(diag, err, "refused a peer of the wire: %s", why);
}

int wire_welcome(struct wire_home *home, int control_fd, enum wire_role role, uid_t uid, const struct wire_terms *terms,
		 const struct wire_port *ports, struct diag *diag)
{
	int side = role == WIRE_ROLE_SHUTTLE ? 0 : 1;
	int fds[FD_MAX] = {home->memory_fd, home->bell_fd[0], home->bell_fd[1], home->stats_fd[side]};
	size_t fd_count = FD_COUNT;
	const struct timeval patience = {.tv_sec = 1};
	struct ucred peer;
	socklen_t peer_size = sizeof(peer);
	struct wire_msg msg;
	size_t name_len;
	int r;

	if (getsockopt(control_fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_size) < 0)
		return diag_set(diag, -errno, "cannot tell who is at the wire's other end");
	/* A peer must not be able to hold the daemon up, neither by silence nor by not reading. */
	if (setsockopt(control_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(control_fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return diag_set(diag, -errno, "cannot limit the wait for a peer");
	/* Read before refusing anybody: closing a socket with data unread makes the kernel drop the refusal. */
	r = wire_msg_receive(control_fd, &msg, NULL, NULL);
	if (peer.uid != uid)
		return refuse(control_fd, diag, -EPERM, "this wire belongs to another user");
	if (r == -EAGAIN)
		return refuse(control_fd, diag, -ETIMEDOUT, "the peer did not say HELLO");
	if (r == -EPROTONOSUPPORT)
		return refuse(control_fd, diag, r, "the peer speaks another version of the wire protocol");
	if (r < 0 || msg.type != WIRE_MSG_HELLO || msg.arg != (uint32_t)role)
		return refuse(control_fd, diag, -EPROTO, "the peer did not begin with a HELLO of its role");

	for (int i = 0; role == WIRE_ROLE_GHOST && i < WIRE_JOURNALS; i++) {
		if (home->journal_fd[i] < 0)
			continue;
		/* It would pass over a journal that it cannot map, and nobody would know. */
		if (msg.value[0] != WIRE_JOURNAL_FORMAT)
			return refuse(control_fd, diag, -EPROTONOSUPPORT,
				      "this program cannot be recorded or replayed: build it anew with the "
				      "ghostbridge-ns3 of this ghostbridge, or run without --record");
		fds[fd_count++] = home->journal_fd[i];
	}

	home->epoch++;
	msg = wire_msg_make(WIRE_MSG_WELCOME);
	msg.arg = home->port_count;
	msg.size = home->ring_size;
	msg.value[0] = terms->lag_ns;
	msg.value[1] = terms->budget_ns;
	msg.value[2] = home->epoch;
	msg.value[3] = (uint64_t)(terms->quantile * 1e9);
	snprintf(msg.text, sizeof(msg.text), "%s", terms->experiment);
	r = wire_msg_send(control_fd, &msg, fds, fd_count);
	for (uint32_t i = 0; r == 0 && i < home->port_count; i++) {
		bool with_tap = role == WIRE_ROLE_SHUTTLE && ports[i].tap_fd >= 0;
		const int port_fds[] = {ports[i].tap_fd, ports[i].arrivals_fd};

		msg = wire_msg_make(WIRE_MSG_PORT);
		msg.arg = i;
		msg.size = ports[i].mtu;
		for (int byte = 0; byte < 6; byte++)
			msg.value[0] = msg.value[0] << 8 | ports[i].mac[byte];
		msg.value[1] = ports[i].promiscuous;
		msg.value[2] = ports[i].frame_max;
		msg.value[3] = ports[i].offload;
		name_len = (size_t)snprintf(msg.text, sizeof(msg.text), "%s", ports[i].name);
		if (name_len + 1 < sizeof(msg.text))
			snprintf(msg.text + name_len + 1, sizeof(msg.text) - name_len - 1, "%s", ports[i].link);
		r = wire_msg_send(control_fd, &msg, port_fds, !with_tap ? 0 : ports[i].arrivals_fd ? 2 : 1);
	}
	if (r == -EAGAIN)
		return diag_set(diag, -ETIMEDOUT, "the peer does not read what it is told");
	return r < 0 ? diag_set(diag, r, "the peer left during the hello") : 0;
}

/* Wait for one message of @type from the daemon, with its fds. */
static int expect_msg(int control_fd, enum wire_msg_type type, int timeout_ms, struct wire_msg *ret, int *ret_fds,
		      size_t *fd_count, struct diag *diag)
{
	struct pollfd poll_fd = {.fd = control_fd, .events = POLLIN};
	int r;

	do {
		r = poll(&poll_fd, 1, timeout_ms);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return diag_set(diag, -errno, "cannot wait for the daemon");
	if (r == 0)
		return diag_set(diag, -ETIMEDOUT, "the daemon did not answer within %d ms", timeout_ms);
	r = wire_msg_receive(control_fd, ret, ret_fds, fd_count);
	if (r < 0)
		return diag_set(diag, r, "the daemon's answer is not a message of wire version %u", WIRE_VERSION);
	if (ret->type == WIRE_MSG_REFUSE)
		return diag_set(diag, -ECONNREFUSED, "the daemon refused: %s", ret->text);
	if (ret->type != (uint32_t)type)
		return diag_set(diag, -EPROTO, "the daemon sent message %u where %u was due", ret->type, type);
	return 0;
}

/* Take page faults now, not with the first frames; kernels before 5.14 cannot, and take them then. */
static void populate(void *memory, size_t size)
{
	uintptr_t start = (uintptr_t)memory & ~(uintptr_t)4095;

	if (madvise((void *)start, (uintptr_t)memory + size - start, MADV_POPULATE_WRITE) < 0)
		return;
}

/* Map and check the shared memory, then set up all rings; geometry is the welcome's, never the memory's own. */
static int map_memory(struct wire *wire, int memory_fd, uint32_t ring_size, struct diag *diag)
{
	uint64_t size = memory_size(wire->port_count, ring_size);
	struct wire_ring_ctl *ctl;
	uint8_t *data;
	void *map;
	int r;

	r = map_sealed(memory_fd, size, &map);
	if (r < 0)
		return diag_set(diag, r, "the wire's memory is not a sealed memfd of %llu bytes",
				(unsigned long long)size);
	wire->memory = map;
	wire->memory_size = size;
	if (wire->memory->magic != WIRE_MAGIC || wire->memory->version != WIRE_VERSION ||
	    wire->memory->port_count != wire->port_count || wire->memory->ring_size != ring_size ||
	    wire->memory->rings_offset != rings_offset(wire->port_count) || wire->memory->total_size != size)
		return diag_set(diag, -EPROTO, "the wire's memory does not begin with the header that was announced");

	wire->tx = calloc(wire->port_count, sizeof(*wire->tx));
	wire->rx = calloc(wire->port_count, sizeof(*wire->rx));
	if (!wire->tx || !wire->rx)
		return diag_set(diag, -ENOMEM, "out of memory");
	ctl = (struct wire_ring_ctl *)(wire->memory + 1);
	data = (uint8_t *)map + rings_offset(wire->port_count);
	for (uint32_t i = 0; i < wire->port_count; i++) {
		uint32_t tx = 2 * i + (wire->role == WIRE_ROLE_SHUTTLE ? 0 : 1);
		uint32_t rx = 2 * i + (wire->role == WIRE_ROLE_SHUTTLE ? 1 : 0);

		r = ring_init_producer(&wire->tx[i], &ctl[tx], data + (uint64_t)tx * ring_size, ring_size);
		populate(data + (uint64_t)tx * ring_size, POPULATE_SIZE);
		populate(data + (uint64_t)rx * ring_size, POPULATE_SIZE);
		if (r == 0)
			r = ring_init_consumer(&wire->rx[i], &ctl[rx], data + (uint64_t)rx * ring_size, ring_size);
		if (r < 0)
			return diag_set(diag, r, "port %u: ring indices make no sense", i);
	}
	return 0;
}

int wire_attach(int control_fd, enum wire_role role, int timeout_ms, struct wire *ret, struct diag *diag)
{
	struct wire wire = {
		.role = role, .control_fd = control_fd, .own_bell_fd = -1, .peer_bell_fd = -1, .journal_fd = {-1, -1}};
	int fds[FD_MAX] = {-1, -1, -1, -1, -1, -1};
	size_t fd_count = role == WIRE_ROLE_GHOST ? FD_MAX : FD_COUNT;
	struct wire_msg msg = wire_msg_make(WIRE_MSG_HELLO);
	size_t name_len;
	uint32_t ring_size;
	uint64_t size;
	void *map;
	int r;

	msg.arg = role;
	if (role == WIRE_ROLE_GHOST)
		msg.value[0] = WIRE_JOURNAL_FORMAT;
	r = wire_msg_send(control_fd, &msg, NULL, 0);
	if (r < 0) {
		diag_set(diag, r, "cannot reach the daemon");
		goto fail;
	}
	r = expect_msg(control_fd, WIRE_MSG_WELCOME, timeout_ms, &msg, fds, &fd_count, diag);
	if (r < 0)
		goto fail;
	if (fd_count < FD_COUNT || !geometry_is_sane(msg.arg, msg.size)) {
		r = diag_set(diag, -EPROTO, "the daemon's welcome has %zu fds, %u ports, rings of %u bytes", fd_count,
			     msg.arg, msg.size);
		goto fail;
	}
	wire.port_count = wire.stats_count = msg.arg;
	ring_size = msg.size;
	wire.lag_ns = msg.value[0];
	wire.budget_ns = msg.value[1];
	wire.epoch = msg.value[2];
	wire.quantile = (double)msg.value[3] / 1e9;
	memcpy(wire.experiment, msg.text, sizeof(wire.experiment));
	wire.own_bell_fd = fds[role == WIRE_ROLE_SHUTTLE ? FD_BELL_SHUTTLE : FD_BELL_GHOST];
	wire.peer_bell_fd = fds[role == WIRE_ROLE_SHUTTLE ? FD_BELL_GHOST : FD_BELL_SHUTTLE];
	fds[FD_BELL_SHUTTLE] = fds[FD_BELL_GHOST] = -1;
	for (size_t i = FD_COUNT; i < fd_count; i++) {
		wire.journal_fd[i - FD_COUNT] = fds[i];
		fds[i] = -1;
	}

	wire.ports = calloc(wire.port_count, sizeof(*wire.ports));
	if (!wire.ports) {
		r = diag_set(diag, -ENOMEM, "out of memory");
		goto fail;
	}
	for (uint32_t i = 0; i < wire.port_count; i++)
		wire.ports[i].tap_fd = -1;
	for (uint32_t i = 0; i < wire.port_count; i++) {
		struct wire_port *port = &wire.ports[i];
		int port_fds[2] = {-1, -1};
		size_t port_fd_count = 2;

		r = expect_msg(control_fd, WIRE_MSG_PORT, timeout_ms, &msg, port_fds, &port_fd_count, diag);
		port->tap_fd = port_fds[0];
		port->arrivals_fd = port_fds[1] >= 0 ? port_fds[1] : 0;
		if (r < 0)
			goto fail;
		if (msg.arg != i || (role == WIRE_ROLE_SHUTTLE) != (port_fd_count > 0) ||
		    msg.value[2] < WIRE_FRAME_MIN || msg.value[2] > WIRE_FRAME_MAX - 8) {
			r = diag_set(diag, -EPROTO, "the daemon announced port %u where %u was due", msg.arg, i);
			goto fail;
		}
		name_len = strlen(msg.text); /* there is a NUL: wire_msg_receive() looked */
		memcpy(port->name, msg.text, name_len);
		if (name_len + 1 < sizeof(msg.text))
			memcpy(port->link, msg.text + name_len + 1, sizeof(msg.text) - name_len - 2);
		for (int byte = 0; byte < 6; byte++)
			port->mac[byte] = (uint8_t)(msg.value[0] >> (8 * (5 - byte)));
		port->promiscuous = msg.value[1] != 0;
		port->mtu = msg.size;
		port->frame_max = (uint32_t)msg.value[2];
		port->offload = (uint32_t)msg.value[3];
	}

	r = map_memory(&wire, fds[FD_MEMORY], ring_size, diag);
	if (r < 0)
		goto fail;
	wire.own_inbox = role == WIRE_ROLE_SHUTTLE ? &wire.memory->shuttle : &wire.memory->ghost;
	wire.peer_inbox = role == WIRE_ROLE_SHUTTLE ? &wire.memory->ghost : &wire.memory->shuttle;
	/* How many simulated ends it is for follows from its length. */
	r = sealed_size(fds[FD_STATS], &size);
	if (!r && size > stats_size(wire.port_count) && size <= stats_size(wire.port_count + WIRE_ENDS_MAX))
		wire.stats_count = (uint32_t)((size - sizeof(struct stats)) / sizeof(struct stats_port));
	r = map_sealed(fds[FD_STATS], stats_size(wire.stats_count), &map);
	if (r < 0) {
		diag_set(diag, r, "the counters' memory is not a sealed memfd of %zu bytes",
			 stats_size(wire.stats_count));
		goto fail;
	}
	wire.stats = map;
	populate(map, stats_size(wire.stats_count));
	/* Whatever the predecessor of a restarted process slept through. */
	for (uint32_t word = 0; word < WIRE_WORDS; word++) {
		__atomic_store_n(&wire.own_inbox->data[word], UINT64_MAX, __ATOMIC_RELAXED);
		__atomic_store_n(&wire.own_inbox->space[word], UINT64_MAX, __ATOMIC_RELAXED);
	}
	close_fd(&fds[FD_MEMORY]);
	close_fd(&fds[FD_STATS]);
	*ret = wire;
	return 0;
fail:
	for (int i = 0; i < FD_MAX; i++)
		close_fd(&fds[i]);
	wire_detach(&wire);
	return r;
}

void wire_detach(struct wire *wire)
{
	if (!wire)
		return;
	for (uint32_t i = 0; wire->ports && i < wire->port_count; i++) {
		close_fd(&wire->ports[i].tap_fd);
		if (wire->ports[i].arrivals_fd)
			close(wire->ports[i].arrivals_fd);
	}
	if (wire->stats)
		munmap(wire->stats, stats_size(wire->stats_count));
	if (wire->memory)
		munmap(wire->memory, wire->memory_size);
	free(wire->ports);
	free(wire->tx);
	free(wire->rx);
	for (int i = 0; i < WIRE_JOURNALS; i++)
		close_fd(&wire->journal_fd[i]);
	close_fd(&wire->own_bell_fd);
	close_fd(&wire->peer_bell_fd);
	close_fd(&wire->control_fd);
	wire->stats = NULL;
	wire->memory = NULL;
	wire->ports = NULL;
	wire->tx = wire->rx = NULL;
	wire->port_count = 0;
}

void wire_awake(struct wire *wire, bool rung)
{
	uint64_t count;

	__atomic_store_n(&wire->own_inbox->sleeping, 0, __ATOMIC_RELAXED);
	if (rung && read(wire->own_bell_fd, &count, sizeof(count)) < 0)
		return; /* EAGAIN: only one read is needed, and it was done */
}

bool wire_frame_allowed(const uint8_t *frame, uint32_t len, uint32_t frame_max)
{
	uint32_t tags = 0;

	if (len <= frame_max)
		return true;
	while (tags < WIRE_TAGS_MAX && len >= WIRE_FRAME_MIN + (tags + 1) * WIRE_TAG_SIZE) {
		const uint8_t *type = frame + 12 + tags * WIRE_TAG_SIZE;
		unsigned int value = (unsigned int)(type[0] << 8 | type[1]);

		if (value != 0x8100 && value != 0x88a8)
			break;
		tags++;
	}
	return len <= frame_max + tags * WIRE_TAG_SIZE;
}
