/* SPDX-License-Identifier: GPL-2.0-only */
/* port.c - see port.h. */
#include "bridge/shuttle/port.h"

#include <time.h>

#define TAG_SIZE    4u
#define TAGS_MAX    2u
#define TYPE_8021Q  0x8100u
#define TYPE_8021AD 0x88a8u

/* A frame leaves the simulation when the clock has come that far; more than lag and a second ahead is nonsense. */
#define DEPARTURE_AHEAD_MAX_NS 1000000000u

uint64_t port_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void port_init(struct port *port, struct wire *wire, uint32_t index)
{
	*port = (struct port){
		.wire = wire,
		.stats = &stats_ports(wire->stats)[index],
		.index = index,
		.frame_max = wire->ports[index].frame_max,
		.tap_fd = wire->ports[index].tap_fd,
	};
}

bool port_frame_allowed(const uint8_t *frame, uint32_t len, uint32_t frame_max)
{
	uint32_t tags = 0;

	if (len <= frame_max)
		return true;
	while (tags < TAGS_MAX && len >= WIRE_FRAME_MIN + (tags + 1) * TAG_SIZE) {
		const uint8_t *type = frame + 12 + tags * TAG_SIZE;
		unsigned int value = (unsigned int)(type[0] << 8 | type[1]);

		if (value != TYPE_8021Q && value != TYPE_8021AD)
			break;
		tags++;
	}
	return len <= frame_max + tags * TAG_SIZE;
}

static void count_drop(struct stats_dir *dir, enum stats_drop cause)
{
	stats_add(&dir->drops[cause], 1);
}

/* Read and count frames nobody will take. */
static int discard_up(struct port *port, unsigned int batch)
{
	uint8_t scrap[WIRE_FRAME_MAX];

	for (unsigned int i = 0; i < batch; i++) {
		ssize_t n = read(port->tap_fd, scrap, sizeof(scrap));

		if (n <= 0)
			return PORT_IDLE;
		stats_add(&port->stats->up.frames, 1);
		stats_add(&port->stats->up.bytes, (uint64_t)n);
		count_drop(&port->stats->up, STATS_DROP_NO_GHOST);
	}
	return PORT_MORE;
}

int port_up(struct port *port, unsigned int batch, bool attached)
{
	struct ring *ring = &port->wire->tx[port->index];
	/* One byte more than the longest frame, to tell a longer one from it. */
	const uint32_t room = port->frame_max + TAGS_MAX * TAG_SIZE + 1;
	int state = PORT_MORE;

	if (!attached)
		return discard_up(port, batch);
	for (unsigned int i = 0; i < batch; i++) {
		uint8_t *frame;
		ssize_t n;
		int r;

		r = ring_p_reserve(ring, room, &frame);
		if (r == 0 && !ring_p_want_space(ring, room)) {
			stats_add(&port->stats->stalls, 1);
			port->blocked = true;
			state = PORT_BLOCKED;
			break;
		}
		if (r == 0)
			r = ring_p_reserve(ring, room, &frame);
		if (r != 1) {
			state = -EPROTO;
			break;
		}
		n = read(port->tap_fd, frame, room);
		if (n <= 0) {
			/* EAGAIN: nothing waits. Anything else: the interface is down or gone; poll tells when it is
			 * back. */
			state = PORT_IDLE;
			break;
		}
		stats_add(&port->stats->up.frames, 1);
		stats_add(&port->stats->up.bytes, (uint64_t)n);
		if ((size_t)n < WIRE_FRAME_MIN)
			count_drop(&port->stats->up, STATS_DROP_RUNT);
		else if (!port_frame_allowed(frame, (uint32_t)n, port->frame_max))
			count_drop(&port->stats->up, STATS_DROP_OVERSIZE);
		else
			ring_p_commit(ring, (uint32_t)n, port_clock_ns());
	}
	wire_flush_tx(port->wire, port->index);
	return state;
}

int port_down(struct port *port, unsigned int batch, uint64_t origin_ns, uint64_t *ret_due_ns)
{
	struct ring *ring = &port->wire->rx[port->index];
	int state = PORT_MORE;

	for (unsigned int i = 0; i < batch; i++) {
		struct wire_record record;
		const uint8_t *frame;
		uint64_t due, now;
		ssize_t n;
		int r;

		r = ring_c_peek(ring, &record, &frame);
		if (r <= 0) {
			state = r < 0 ? r : PORT_IDLE;
			break;
		}
		due = origin_ns + record.time_ns;
		now = port_clock_ns();
		if (due < origin_ns || due > now + port->wire->lag_ns + DEPARTURE_AHEAD_MAX_NS) {
			state = -EPROTO; /* it would be held for ever */
			break;
		}
		if (due > now) {
			*ret_due_ns = due;
			state = PORT_LATER;
			break;
		}
		n = write(port->tap_fd, frame, record.len);
		if (n == (ssize_t)record.len) {
			stats_add(&port->stats->down.frames, 1);
			stats_add(&port->stats->down.bytes, record.len);
			stats_hist_add(&port->stats->late, port_clock_ns() - due, port->wire->budget_ns);
		} else if (n < 0 && (errno == EIO || errno == EBADFD || errno == ENETDOWN)) {
			count_drop(&port->stats->down, STATS_DROP_TAP_DOWN);
		} else {
			count_drop(&port->stats->down, STATS_DROP_TAP_ERROR);
		}
		ring_c_release(ring);
	}
	wire_flush_rx(port->wire, port->index);
	return state;
}
