/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * segment.h - cuts a super-frame that the kernel handed over whole into the frames a wire would carry.
 *
 * Up direction only: a TAP with TSO and USO gives up to 64 KiB of one TCP or UDP flow per read(2), with a
 * virtio_net_hdr that says how to cut it. What comes out is, byte for byte, what the kernel's own software segmentation
 * makes (net/ipv4/tcp_offload.c, udp_offload.c, af_inet.c; tests compare): IPv4 identification counts up, FIN and PSH
 * stay with the last segment, CWR with the first, every checksum is complete.
 */
#ifndef SHUTTLE_SEGMENT_H
#define SHUTTLE_SEGMENT_H

#include <linux/virtio_net.h>

#include "bridge/shuttle/headers.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5 /* Linux 6.2; Debian 12's headers are older than the kernels it runs */
#endif

#define SEGMENT_SUPER_MAX (65535u + 14u + 8u) /* bytes of the longest super-frame */

struct segmenter {
	uint8_t *frame; /* the super-frame, private memory of the caller; its headers become each segment's in turn */
	struct headers headers;
	uint32_t size;   /* payload bytes of every segment but the last */
	uint32_t done;   /* payload bytes handed out */
	uint32_t index;  /* segments handed out */
	uint64_t pseudo; /* sum of the pseudo header without the length */
	uint32_t seq;    /* TCP: of the super-frame */
	uint16_t id;     /* IPv4: of the super-frame */
	uint8_t flags;   /* TCP: of the super-frame */
};

/**
 * segment_begin() - Check a super-frame
 * @frame:	@len bytes, destination address first; borrowed until the last segment_next(), which writes to its
 * headers
 * @header:	as read from the TAP, little-endian fields (TUNSETVNETLE) on a little-endian host
 *
 * Return: 0, or -EINVAL when the headers do not fit the virtio header: no frame can be made of it
 */
int segment_begin(struct segmenter *segmenter, const struct virtio_net_hdr *header, uint8_t *frame, uint32_t len);

/** segment_len() - Length of the frame segment_next() will write, bytes; 0 when there is none left. */
uint32_t segment_len(const struct segmenter *segmenter);

/**
 * segment_next() - Write the next frame
 * @ret:	room for segment_len() bytes; may be shared memory, nothing is read back from it
 */
void segment_next(struct segmenter *segmenter, uint8_t *ret);

/** segment_skip() - Pass over the next frame. */
void segment_skip(struct segmenter *segmenter);

/**
 * segment_finish_checksum() - Complete the checksum of a frame that came with VIRTIO_NET_HDR_F_NEEDS_CSUM
 * @frame:	@len bytes, changed in place
 *
 * Return: 0, or -EINVAL when the header points outside the frame
 */
int segment_finish_checksum(uint8_t *frame, uint32_t len, const struct virtio_net_hdr *header);

#endif /* SHUTTLE_SEGMENT_H */
