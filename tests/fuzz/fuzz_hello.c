/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_hello.c - arbitrary messages, with arbitrary fds, into wire_welcome() and wire_attach().
 *
 * The input is a list of messages. Each begins as the one that is due at that place and is then written over, cut or
 * given other fds, so that the fuzzer gets past the first check. Whatever comes: an end with an error that has a text
 * or a wire that can be used, and no fd more than before.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/wire/wire.h"

#define PORTS    2u
#define MESSAGES 6u
#define PATCHES  8u

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

struct change {
	uint8_t size;    /* of the message, less than whole when it is smaller */
	uint8_t fds;     /* low bits: how many; high bits: where in the list to begin */
	uint8_t patches; /* how many of the following count */
	uint8_t offset[PATCHES];
	uint8_t value[PATCHES];
};

static struct wire_home home;
static int spare_fd;
static uint8_t *memory;

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void prepare(void)
{
	if (memory)
		return;
	require(wire_home_open(PORTS, WIRE_RING_SIZE_MIN, &home) == 0);
	spare_fd = memfd_create("fuzz", MFD_CLOEXEC);
	memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, home.memory_fd, 0);
	require(spare_fd >= 0 && memory != MAP_FAILED);
}

/* Everything here stays below this many. */
static int open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 64; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* The message that is due as number @i of a hello, and how many fds go with it. */
static struct wire_msg proper(bool to_daemon, enum wire_role role, unsigned int i, unsigned int *ret_fds)
{
	struct wire_msg msg = wire_msg_make(to_daemon ? WIRE_MSG_HELLO : i == 0 ? WIRE_MSG_WELCOME : WIRE_MSG_PORT);

	*ret_fds = to_daemon ? 0 : i == 0 ? 4 : role == WIRE_ROLE_SHUTTLE;
	msg.arg = to_daemon ? (uint32_t)role : i == 0 ? PORTS : i - 1;
	msg.size = i == 0 ? WIRE_RING_SIZE_MIN : 1500;
	msg.value[2] = 1514;
	return msg;
}

static void send_changed(int fd, bool to_daemon, enum wire_role role, unsigned int i, const struct change *change)
{
	const int stats_fd = home.stats_fd[role == WIRE_ROLE_SHUTTLE ? 0 : 1];
	const int all[] = {home.memory_fd, home.bell_fd[0], home.bell_fd[1], stats_fd,        spare_fd,
			   spare_fd,       home.memory_fd,  stats_fd,        spare_fd,        home.bell_fd[1],
			   stats_fd,       home.memory_fd,  home.bell_fd[0], home.bell_fd[1], stats_fd};
	unsigned int fd_count;
	struct wire_msg msg = proper(to_daemon, role, i, &fd_count);

	for (unsigned int patch = 0; patch < change->patches % (PATCHES + 1); patch++)
		((uint8_t *)&msg)[change->offset[patch] % sizeof(msg)] ^= change->value[patch];
	if (change->fds & 15)
		fd_count = (change->fds & 15) - 1u;
	if (fd_count > 8)
		fd_count = 8;
	if (change->size == 0)
		require(wire_msg_send(fd, &msg, all + (change->fds >> 4) % 8, fd_count) == 0);
	else
		require(send(fd, &msg, change->size % (sizeof(msg) + 1), MSG_NOSIGNAL) >= 0);
}

static void use(struct wire *wire)
{
	require(wire->port_count == PORTS && wire->own_bell_fd >= 0 && wire->peer_bell_fd >= 0);
	for (uint32_t i = 0; i < wire->port_count; i++) {
		struct wire_record record;
		const uint8_t *frame;
		uint8_t *room;

		require(memchr(wire->ports[i].name, '\0', sizeof(wire->ports[i].name)) != NULL);
		require(wire->ports[i].frame_max >= WIRE_FRAME_MIN && wire->ports[i].frame_max <= WIRE_FRAME_MAX);
		require((wire->ports[i].tap_fd >= 0) == (wire->role == WIRE_ROLE_SHUTTLE));
		if (ring_c_peek(&wire->rx[i], &record, &frame) == 1)
			require(record.len <= WIRE_FRAME_MAX);
		if (ring_p_reserve(&wire->tx[i], wire->ports[i].frame_max, &room) == 1)
			memset(room, 1, wire->ports[i].frame_max);
	}
	stats_add(&wire->stats->wakeups, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static const struct wire_terms terms = {.experiment = "fuzz", .quantile = 0.99};
	struct wire_port ports[PORTS] = {{.frame_max = 1514, .tap_fd = -1}, {.frame_max = 1514, .tap_fd = -1}};
	struct diag diag = {.text = ""};
	bool to_daemon;
	enum wire_role role;
	int fds[2], before, r;
	uint8_t flags;
	uint32_t scribble;

	if (size < 5)
		return -1;
	prepare();
	before = open_fds();
	flags = input[0];
	memcpy(&scribble, input + 1, sizeof(scribble));
	input += 5;
	size -= 5;
	to_daemon = flags & 1;
	role = flags & 2 ? WIRE_ROLE_SHUTTLE : WIRE_ROLE_GHOST;
	require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	for (unsigned int i = 0; i < MESSAGES; i++) {
		struct change change = {.size = 0};

		if (i > PORTS && size == 0)
			break;
		memcpy(&change, input, size < sizeof(change) ? size : sizeof(change));
		input += size < sizeof(change) ? size : sizeof(change);
		size -= size < sizeof(change) ? size : sizeof(change);
		send_changed(fds[0], to_daemon, role, i, &change);
	}
	if (flags & 4)
		shutdown(fds[0], SHUT_WR);
	/* Something in the shared memory, as the peer of a restarted process may have left it. */
	memory[scribble % 8192] ^= (uint8_t)(scribble >> 24);
	if (to_daemon) {
		r = wire_welcome(&home, fds[1], role, flags & 8 ? getuid() + 1 : getuid(), &terms, ports, &diag);
		require(!(flags & 8) || r < 0);
		close(fds[1]);
	} else {
		struct wire wire;

		r = wire_attach(fds[1], role, 0, &wire, &diag);
		if (r == 0) {
			use(&wire);
			wire_detach(&wire);
		}
	}
	require(r == 0 || diag.text[0] != '\0');
	memory[scribble % 8192] ^= (uint8_t)(scribble >> 24);
	memset(memory + offsetof(struct wire_memory, shuttle), 0, 2 * sizeof(struct wire_inbox));
	close(fds[0]);
	require(open_fds() == before);
	return 0;
}
