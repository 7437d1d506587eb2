/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_offload.h - what the parts of the suite `offload` share: crafted packets, and the kernel that is asked.
 */
#ifndef TESTS_CHECK_OFFLOAD_H
#define TESTS_CHECK_OFFLOAD_H

#include <check.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/shuttle/coalesce.h"
#include "bridge/shuttle/segment.h"

#define MTU          65521 /* the longest a TAP can have */
#define QUEUE_FRAMES 100000
#define WAIT_MS      10000
#define MARK_TYPE    0x88b5 /* for local experiments; tells where the kernel's answer ends */
#define FRAME_MAX    70000u
#define STREAM_MAX   400u

#define UDP_SEGMENTS_MAX 128u /* the kernel's limit; more than that it neither makes nor takes */

#define FIN 0x01u
#define SYN 0x02u
#define RST 0x04u
#define PSH 0x08u
#define ACK 0x10u
#define URG 0x20u
#define ECE 0x40u
#define CWR 0x80u

#define EXT_HOP         1u
#define EXT_DESTINATION 2u
#define EXT_ROUTING     4u

/* One crafted packet; sizes in bytes. */
struct recipe {
	bool ipv6, udp, df, elsewhere; /* elsewhere: the pseudo header has another destination (source routes) */
	uint32_t tags;
	uint32_t ip_options;
	uint32_t extensions, extension_size; /* EXT_*; size of each */
	uint32_t tcp_options;
	uint32_t payload;
	uint32_t gso_size; /* 0: no super-frame */
	uint32_t seq, ack, flow;
	uint16_t id, window, port;
	uint8_t flags, tos, ttl, stamp; /* stamp: a byte of the options */
};

/* A sequence of frames as it lies in a ring, and what the coalescer may do with each. */
struct stream {
	uint32_t count;
	uint8_t *frames[STREAM_MAX];
	uint32_t lens[STREAM_MAX];
	bool alone[STREAM_MAX]; /* must never be part of a super-frame */
};

/* How much was compared with the kernel. */
struct compared {
	uint64_t supers, segments, checksums, joined;
	uint64_t cut, put_together; /* super-frames of real sockets */
};

extern const uint8_t macs[12];
extern uint64_t random_state; /* of draw() */

/* Shared by all processes that Check forks. */
extern struct compared *compared;

/* TAPs of the oracle, and whether it cuts UDP. */
extern int vnet_fd, plain_fd;
extern bool uso;

/* Crafted packets, and numbers that are the same in every run: check_offload_recipe.c */
uint32_t draw(void);
uint32_t below(uint32_t limit);
bool one_in(uint32_t count);
uint32_t add_bytes(const uint8_t *bytes, uint32_t size, uint32_t sum);
uint32_t checksum_offset(const struct headers *at);
void finish_ip(uint8_t *frame, const struct headers *at);
void finish_transport(uint8_t *frame, uint32_t len, const struct headers *at);
uint32_t build(const struct recipe *recipe, uint8_t *frame, struct virtio_net_hdr *header, struct headers *at);
struct recipe plain_recipe(void);
struct recipe random_recipe(void);
uint8_t *exact_copy(const uint8_t *bytes, uint32_t size);

/* What the kernel makes of them: check_offload_oracle.c */
void write_mark(uint32_t number);
uint32_t read_plain(uint8_t *frame, uint32_t number);
void expect_same(const uint8_t *ours, uint32_t our_len, const uint8_t *theirs, uint32_t their_len, const char *what,
		 uint32_t index);
uint32_t next_mark(void);
void compare_super(const uint8_t *frame, uint32_t len, const struct virtio_net_hdr *header, const char *what);
void compare_recipe(const struct recipe *recipe, const char *what);
void compare_kinds(const struct recipe *base, const char *what);
int open_tap(const char *name, short flags);
bool put_file(const char *path, const char *text);
const char *make_oracle(void);
void clear_oracle(void);
void offload_oracle_kernel_tests(TCase *tcase);

/* check_offload_segment.c */
void offload_segment_alone_tests(TCase *tcase);
void offload_segment_kernel_tests(TCase *tcase);

/* Sequences of frames: check_offload_coalesce.c */
void stream_add(struct stream *stream, const uint8_t *frame, uint32_t len, bool alone);
void stream_clear(struct stream *stream);
void offload_coalesce_alone_tests(TCase *tcase);
void offload_coalesce_kernel_tests(TCase *tcase);

/* check_offload_tcp.c */
void offload_tcp_kernel_tests(TCase *tcase);

#endif /* TESTS_CHECK_OFFLOAD_H */
