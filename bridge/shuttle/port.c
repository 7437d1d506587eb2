/* SPDX-License-Identifier: GPL-2.0-only */
/* port.c - see port.h. */
#include "bridge/shuttle/port.h"

#include <stdlib.h>
#include <time.h>

/* A frame leaves the simulation when the clock has come that far; more than lag and a second ahead is nonsense. */
#define DEPARTURE_AHEAD_MAX_NS 1000000000u

uint64_t port_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int port_init(struct port *port, struct wire *wire, uint32_t index)
{
	*port = (struct port){
		.wire = wire,
		.stats = &stats_ports(wire->stats)[index],
		.index = index,
		.frame_max = wire->ports[index].frame_max,
		.tap_fd = wire->ports[index].tap_fd,
		.offload = wire->ports[index].offload,
	};
	if (port->offload & WIRE_OFFLOAD_VNET) {
		port->super = malloc(SEGMENT_SUPER_MAX);
		if (!port->super)
			return -ENOMEM;
	}
	return port->wire->ports[index].arrivals_fd
		       ? arrivals_map(&port->arrivals, port->wire->ports[index].arrivals_fd)
		       : 0;
}

void port_done(struct port *port)
{
	arrivals_unmap(&port->arrivals);
	free(port->super);
	port->super = NULL;
}

static void count_drop(struct stats_dir *dir, enum stats_drop cause)
{
	stats_add(&dir->drops[cause], 1);
}

/* Bytes to reserve for one frame: one more than the longest, to tell a longer one from it. */
static uint32_t frame_room(const struct port *port)
{
	return port->frame_max + WIRE_TAGS_MAX * WIRE_TAG_SIZE + 1;
}

/* Room in the ring. Return: 1; 0: blocked, the inbox will tell; -EPROTO. */
static int reserve(struct port *port, uint32_t len, uint8_t **ret)
{
	struct ring *ring = &port->wire->tx[port->index];
	int r = ring_p_reserve(ring, len, ret);

	if (r == 0) {
		/* The ghost should see what there is before we ask it for room. */
		wire_flush_tx(port->wire, port->index);
		if (ring_p_want_space(ring, len))
			r = ring_p_reserve(ring, len, ret);
	}
	if (r == 0) {
		stats_add(&port->stats->stalls, 1);
		port->blocked = true;
	}
	return r;
}

/* Count a frame that lies in the reserved room, and hand it on if the link takes it. */
static void commit(struct port *port, const uint8_t *frame, uint32_t len, uint64_t now)
{
	stats_add(&port->stats->up.frames, 1);
	stats_add(&port->stats->up.bytes, len);
	if (len < WIRE_FRAME_MIN)
		count_drop(&port->stats->up, STATS_DROP_RUNT);
	else if (!wire_frame_allowed(frame, len, port->frame_max))
		count_drop(&port->stats->up, STATS_DROP_OVERSIZE);
	else
		ring_p_commit(&port->wire->tx[port->index], len, now);
}

/* Go on cutting the super-frame at hand. Return: as reserve(); 1 when it is all cut. */
static int cut(struct port *port)
{
	uint32_t len;

	while ((len = segment_len(&port->segmenter)) != 0) {
		uint8_t *frame;
		int r;

		if (len > frame_room(port)) {
			/* A segment size beyond the mtu: no wire would carry these frames. */
			commit(port, port->segmenter.frame, len, port->cut_ns);
			segment_skip(&port->segmenter);
			continue;
		}
		r = reserve(port, len, &frame);
		if (r != 1)
			return r;
		segment_next(&port->segmenter, frame);
		commit(port, frame, len, port->cut_ns);
	}
	port->cutting = false;
	return 1;
}

/* Read one frame, or super-frame, with a virtio header. Return: 1, 0 when nothing waits or it is blocked, -EPROTO. */
static int read_vnet(struct port *port, uint8_t *room)
{
	const uint32_t room_size = frame_room(port);
	struct virtio_net_hdr header;
	struct iovec iov[3] = {
		{&header, sizeof(header)},
		{room, room_size},
		{port->super + room_size, SEGMENT_SUPER_MAX - room_size},
	};
	ssize_t n = readv(port->tap_fd, iov, 3);
	uint32_t len;
	uint64_t time;

	if (n < (ssize_t)sizeof(header))
		return 0;
	len = (uint32_t)((size_t)n - sizeof(header));
	time = arrivals_take(&port->arrivals, len, port_clock_ns());
	if (header.gso_type == VIRTIO_NET_HDR_GSO_NONE) {
		if (header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && len <= room_size)
			segment_finish_checksum(room, len, &header);
		commit(port, room, len, time);
		return 1;
	}
	/* Make it one piece again, in memory that only we can write. */
	memcpy(port->super, room, len < room_size ? len : room_size);
	if (segment_begin(&port->segmenter, &header, port->super, len) < 0) {
		stats_add(&port->stats->up.frames, 1);
		stats_add(&port->stats->up.bytes, len);
		count_drop(&port->stats->up, STATS_DROP_OVERSIZE);
		return 1;
	}
	port->cutting = true;
	port->cut_ns = time;
	return cut(port);
}

int port_up(struct port *port, unsigned int batch)
{
	int state = PORT_MORE, r = 1;

	if (port->cutting) {
		port->cut_ns = port_clock_ns(); /* the rest of it could not enter before */
		r = cut(port);
	}
	for (unsigned int i = 0; r == 1 && i < batch; i++) {
		uint8_t *frame;

		r = reserve(port, frame_room(port), &frame);
		if (r != 1)
			break;
		arrivals_ask(&port->arrivals);
		if (port->super) {
			r = read_vnet(port, frame);
		} else {
			ssize_t n = read(port->tap_fd, frame, frame_room(port));

			/* EAGAIN: nothing waits. Else: the interface is down or gone; poll tells when it is back. */
			r = n > 0;
			if (n > 0)
				commit(port, frame, (uint32_t)n,
				       arrivals_take(&port->arrivals, (uint64_t)n, port_clock_ns()));
		}
		if (r == 0 && !port->cutting)
			arrivals_none(&port->arrivals);
	}
	if (r < 0)
		state = -EPROTO;
	else if (r == 0)
		state = port->blocked ? PORT_BLOCKED : PORT_IDLE;
	wire_flush_tx(port->wire, port->index);
	return state;
}

/* Frames handed to one write, and when each was due. */
struct written {
	uint32_t count;
	uint64_t bytes;
	uint64_t due_ns[COALESCE_FRAMES_MAX];
};

static void account_write(struct port *port, struct written *written, bool whole, int err)
{
	if (whole) {
		uint64_t now = port_clock_ns();

		stats_add(&port->stats->down.frames, written->count);
		stats_add(&port->stats->down.bytes, written->bytes);
		for (uint32_t i = 0; i < written->count; i++)
			stats_hist_add(&port->stats->late, now - written->due_ns[i], port->wire->budget_ns);
	} else {
		bool down = err == EIO || err == EBADFD || err == ENETDOWN;

		stats_add(&port->stats->down.drops[down ? STATS_DROP_TAP_DOWN : STATS_DROP_TAP_ERROR], written->count);
	}
	written->count = 0;
	written->bytes = 0;
}

/* Write what the coalescer holds, if anything. */
static void write_held(struct port *port, struct coalescer *coalescer, struct written *written)
{
	struct iovec *iov;
	size_t size;
	ssize_t n;
	int count;

	if (written->count == 0)
		return;
	iov = coalesce_take(coalescer, &count, &size);
	n = writev(port->tap_fd, iov, count);
	account_write(port, written, n == (ssize_t)size, errno);
}

int port_down(struct port *port, unsigned int batch, uint64_t origin_ns, struct coalescer *coalescer,
	      uint64_t *ret_due_ns)
{
	struct ring *ring = &port->wire->rx[port->index];
	struct written written = {.count = 0};
	uint64_t now = port_clock_ns();
	int state = PORT_MORE;

	coalescer->udp = port->offload & WIRE_OFFLOAD_USO;
	for (unsigned int i = 0; i < batch; i++) {
		struct wire_record record;
		const uint8_t *frame;
		uint64_t due;
		int r;

		r = ring_c_peek(ring, &record, &frame);
		if (r <= 0) {
			state = r < 0 ? r : PORT_IDLE;
			break;
		}
		due = origin_ns + record.time_ns;
		if (due > now)
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
		if (port->super && !coalesce_offer(coalescer, frame, record.len)) {
			write_held(port, coalescer, &written);
			coalesce_offer(coalescer, frame, record.len);
		}
		written.due_ns[written.count++] = due;
		written.bytes += record.len;
		if (!port->super) {
			ssize_t n = write(port->tap_fd, frame, record.len);

			account_write(port, &written, n == (ssize_t)record.len, errno);
		}
		ring_c_release(ring);
	}
	write_held(port, coalescer, &written);
	wire_flush_rx(port->wire, port->index);
	return state;
}
