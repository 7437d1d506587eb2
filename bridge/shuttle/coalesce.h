/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * coalesce.h - joins consecutive segments of one flow into a super-frame for one write(2).
 *
 * Down direction only, and only frames that are due now, so nobody waits for anybody. The rules are those of the
 * kernel's own GRO (net/ipv4/tcp_offload.c): same headers, sequence and IPv4 identification without a gap, equal sizes
 * but for a shorter last one, FIN, PSH and anything unusual end a super-frame. A segment whose checksum is wrong is
 * passed on by itself, as it is. The receiver's TCP sees what it would have seen. Payload is not copied: the iovecs
 * point at it.
 */
#ifndef SHUTTLE_COALESCE_H
#define SHUTTLE_COALESCE_H

#include <linux/virtio_net.h>
#include <sys/uio.h>

#include "bridge/shuttle/headers.h"

#define COALESCE_FRAMES_MAX  64u
#define COALESCE_HEADERS_MAX 256u

struct coalescer {
	bool udp;       /* the kernel takes UDP super-frames, too (USO, Linux 6.2) */
	uint32_t count; /* frames held; 0: none */
	bool closed;    /* nothing may follow */
	struct headers headers;
	uint32_t gso_size;                    /* payload bytes of the first frame */
	uint32_t payload_size;                /* of all frames */
	uint32_t next_seq;                    /* TCP */
	uint16_t next_id;                     /* IPv4 */
	uint8_t last_flags;                   /* TCP flags of the last frame */
	uint8_t joined[COALESCE_HEADERS_MAX]; /* headers of the first frame, on taking those of the super-frame */
	uint8_t same[COALESCE_HEADERS_MAX];   /* mask of what must be the same in all headers */
	struct virtio_net_hdr header;
	struct iovec iov[2 + COALESCE_FRAMES_MAX];
};

/**
 * coalesce_offer() - Hold one more frame
 * @frame:	@len bytes, in shared memory; not given back before coalesce_take()'s iovecs were written
 *
 * Return: true if it is held now; false if what is held must be taken and written first, then offer again: an empty
 * coalescer takes every frame
 */
bool coalesce_offer(struct coalescer *coalescer, const uint8_t *frame, uint32_t len);

/**
 * coalesce_take() - What is to be written for the frames held
 * @ret_count:	number of iovecs: virtio_net_hdr first, valid until the next offer
 * @ret_size:	bytes of all iovecs
 *
 * The coalescer is empty afterwards. Must not be called on an empty one.
 */
struct iovec *coalesce_take(struct coalescer *coalescer, int *ret_count, size_t *ret_size);

#endif /* SHUTTLE_COALESCE_H */
