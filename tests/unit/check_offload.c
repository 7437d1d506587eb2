/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_offload.c - the segmenter and the coalescer against the kernel's own software segmentation.
 *
 * In a network namespace of its own the test makes two TAPs and a bridge between them. What is written into the first,
 * virtio header and super-frame, the kernel must cut in software, because the second takes no offload: what is read
 * there is what segment_next() has to write, byte for byte and in order. `check_offload measure` prints what a segment
 * and a frame cost.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bridge/shuttle/coalesce.h"
#include "bridge/shuttle/segment.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

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

static int vnet_fd = -1, plain_fd = -1; /* TAPs of the oracle */
static bool uso;
static const uint8_t macs[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
static uint64_t random_state = 88172645463325252u;

/* How much was compared with the kernel; shared by all processes that Check forks. */
static struct {
	uint64_t supers, segments, checksums, joined;
	uint64_t cut, put_together; /* super-frames of real sockets */
} * compared;

static uint32_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

static uint32_t below(uint32_t limit)
{
	return draw() % limit;
}

static bool one_in(uint32_t count)
{
	return below(count) == 0;
}

/* Plain RFC 1071, not the code under test. */
static uint32_t add_bytes(const uint8_t *bytes, uint32_t size, uint32_t sum)
{
	for (uint32_t i = 0; i < size; i++) {
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static uint32_t pseudo_sum(const uint8_t *frame, const struct headers *at, uint32_t size)
{
	uint8_t tail[8] = {0, 0, (uint8_t)(size >> 8), (uint8_t)size, 0, 0, 0, at->protocol};
	uint32_t sum = add_bytes(frame + at->network + (at->ipv6 ? 8 : 12), at->ipv6 ? 32 : 8, 0);

	return add_bytes(tail, 8, sum);
}

static uint32_t checksum_offset(const struct headers *at)
{
	return at->protocol == IPPROTO_TCP ? 16 : 6;
}

static void finish_ip(uint8_t *frame, const struct headers *at)
{
	if (at->ipv6)
		return;
	headers_put16(frame + at->network + 10, 0);
	headers_put16(frame + at->network + 10,
		      (uint16_t)~add_bytes(frame + at->network, at->transport - at->network, 0));
}

/* Complete the transport's checksum. */
static void finish_transport(uint8_t *frame, uint32_t len, const struct headers *at)
{
	uint8_t *field = frame + at->transport + checksum_offset(at);
	uint32_t size = len - at->transport, sum;

	headers_put16(field, 0);
	sum = add_bytes(frame + at->transport, size, pseudo_sum(frame, at, size));
	headers_put16(field, sum == 0xffff && at->protocol == IPPROTO_UDP ? 0xffff : (uint16_t)~sum);
}

static void fill(uint8_t *bytes, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)draw();
}

/* Network header with what follows it; @ip_size bytes in all. Return: offset of the transport header. */
static uint32_t build_network(const struct recipe *recipe, uint8_t *frame, uint32_t network, uint32_t ip_size)
{
	const uint8_t protocol = recipe->udp ? IPPROTO_UDP : IPPROTO_TCP;
	static const struct {
		uint32_t bit;
		uint8_t type;
	} extensions[] = {
		{EXT_HOP, IPPROTO_HOPOPTS}, {EXT_DESTINATION, IPPROTO_DSTOPTS}, {EXT_ROUTING, IPPROTO_ROUTING}};
	uint8_t *ip = frame + network, *next = ip + 6;
	uint32_t offset = network + 40;

	if (!recipe->ipv6) {
		memset(ip, 0, 20);
		ip[0] = (uint8_t)(0x40 | (20 + recipe->ip_options) / 4);
		ip[1] = recipe->tos;
		headers_put16(ip + 2, (uint16_t)ip_size);
		headers_put16(ip + 4, recipe->id);
		headers_put16(ip + 6, recipe->df ? 0x4000 : 0);
		ip[8] = recipe->ttl;
		ip[9] = protocol;
		headers_put32(ip + 12, 0x0a000001);
		headers_put32(ip + 16, 0x0a000002);
		memset(ip + 20, 1, recipe->ip_options); /* no operation */
		return network + 20 + recipe->ip_options;
	}
	headers_put32(ip, 0x60000000 | (uint32_t)recipe->tos << 20 | (recipe->flow & 0xfffff));
	headers_put16(ip + 4, (uint16_t)(ip_size - 40));
	ip[7] = recipe->ttl;
	memset(ip + 8, 0, 32);
	ip[8] = ip[24] = 0xfd;
	ip[23] = 1;
	ip[39] = 2;
	for (uint32_t i = 0; i < 3; i++) {
		if (!(recipe->extensions & extensions[i].bit))
			continue;
		*next = extensions[i].type;
		next = frame + offset;
		memset(next, 0, recipe->extension_size); /* all Pad1, or a routing header of type 0 that is used up */
		next[1] = (uint8_t)(recipe->extension_size / 8 - 1);
		offset += recipe->extension_size;
	}
	*next = protocol;
	return offset;
}

/* Make the frame, its transport checksum as in a virtio super-frame: only the pseudo header's sum. Return: bytes. */
static uint32_t build(const struct recipe *recipe, uint8_t *frame, struct virtio_net_hdr *header, struct headers *at)
{
	uint32_t network = 14 + 4 * recipe->tags, extensions = 0, network_size, transport_size;
	uint8_t *transport;

	memcpy(frame, macs, sizeof(macs));
	for (uint32_t tag = 0; tag < recipe->tags; tag++) {
		headers_put16(frame + 12 + 4 * tag, tag + 1 < recipe->tags ? 0x88a8 : 0x8100);
		headers_put16(frame + 14 + 4 * tag, (uint16_t)(0x6064 + tag));
	}
	headers_put16(frame + network - 2, recipe->ipv6 ? 0x86dd : 0x0800);
	for (uint32_t bit = 1; recipe->ipv6 && bit <= EXT_ROUTING; bit *= 2)
		extensions += recipe->extensions & bit ? recipe->extension_size : 0;
	network_size = recipe->ipv6 ? 40 + extensions : 20 + recipe->ip_options;
	transport_size = (recipe->udp ? 8 : 20 + recipe->tcp_options) + recipe->payload;

	*at = (struct headers){
		.network = network,
		.transport = build_network(recipe, frame, network, network_size + transport_size),
		.payload = network + network_size + transport_size - recipe->payload,
		.end = network + network_size + transport_size,
		.protocol = recipe->udp ? IPPROTO_UDP : IPPROTO_TCP,
		.ipv6 = recipe->ipv6,
	};
	transport = frame + at->transport;
	headers_put16(transport, recipe->port);
	headers_put16(transport + 2, 5001);
	if (recipe->udp) {
		headers_put16(transport + 4, (uint16_t)transport_size);
	} else {
		headers_put32(transport + 4, recipe->seq);
		headers_put32(transport + 8, recipe->ack);
		transport[12] = (uint8_t)((20 + recipe->tcp_options) / 4 << 4);
		transport[13] = recipe->flags;
		headers_put16(transport + 14, recipe->window);
		headers_put16(transport + 18, recipe->flags & URG ? 17 : 0);
		memset(transport + 20, recipe->stamp, recipe->tcp_options);
	}
	fill(frame + at->payload, recipe->payload);
	finish_ip(frame, at);
	headers_put16(transport + checksum_offset(at),
		      (uint16_t)add_bytes(macs, recipe->elsewhere ? 4 : 0, pseudo_sum(frame, at, transport_size)));

	memset(header, 0, sizeof(*header));
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->csum_start = (uint16_t)at->transport;
	header->csum_offset = (uint16_t)checksum_offset(at);
	header->hdr_len = (uint16_t)at->payload;
	header->gso_size = (uint16_t)recipe->gso_size;
	if (recipe->gso_size == 0)
		return at->end;
	header->gso_type = recipe->udp    ? VIRTIO_NET_HDR_GSO_UDP_L4
			   : recipe->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6
					  : VIRTIO_NET_HDR_GSO_TCPV4;
	if (recipe->flags & CWR && !recipe->udp)
		header->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	return at->end;
}

static struct recipe plain_recipe(void)
{
	return (struct recipe){.payload = 5000,
			       .gso_size = 1448,
			       .seq = 0xffffff00,
			       .ack = 7,
			       .window = 512,
			       .port = 40000,
			       .id = 0xfffe,
			       .df = true,
			       .flags = ACK,
			       .ttl = 64,
			       .extension_size = 8,
			       .stamp = 1};
}

static struct recipe random_recipe(void)
{
	struct recipe recipe = plain_recipe();

	recipe.ipv6 = draw() & 1;
	recipe.udp = one_in(3);
	recipe.df = draw() & 1;
	recipe.elsewhere = one_in(8);
	recipe.tags = one_in(3) ? below(3) : 0;
	recipe.ip_options = one_in(3) ? below(11) * 4 : 0;
	recipe.extensions = one_in(3) ? below(8) : 0;
	recipe.extension_size = 8 + below(8) * 8;
	recipe.tcp_options = below(11) * 4;
	recipe.gso_size = one_in(3) ? 1 + below(100) : one_in(4) ? 1 + below(9000) : 1 + below(1448);
	/* Sometimes exact multiples. */
	recipe.payload = 1 + recipe.gso_size * (1 + below(40)) + (one_in(2) ? below(recipe.gso_size) : 0);
	if (one_in(3))
		recipe.payload += recipe.gso_size - 1;
	if (recipe.payload > 65000)
		recipe.payload = 65000;
	recipe.seq = draw();
	recipe.ack = draw();
	recipe.flow = draw();
	recipe.id = (uint16_t)(one_in(2) ? 0xfff0 + below(16) : draw());
	recipe.window = (uint16_t)draw();
	recipe.port = (uint16_t)draw();
	recipe.flags = (uint8_t)draw();
	recipe.tos = (uint8_t)draw();
	recipe.ttl = (uint8_t)draw();
	recipe.stamp = (uint8_t)draw();
	return recipe;
}

/* The same bytes where any step outside is seen by AddressSanitizer. */
static uint8_t *exact_copy(const uint8_t *bytes, uint32_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, size);
	return copy;
}

static void write_mark(uint32_t number)
{
	uint8_t bytes[sizeof(struct virtio_net_hdr) + 60] = {0}, *frame = bytes + sizeof(struct virtio_net_hdr);

	memcpy(frame, macs, sizeof(macs));
	headers_put16(frame + 12, MARK_TYPE);
	headers_put32(frame + 14, number);
	ck_assert_int_eq(write(vnet_fd, bytes, sizeof(bytes)), sizeof(bytes));
}

/* Next of our frames from the plain TAP. Return: bytes, 0 when mark @number came instead. */
static uint32_t read_plain(uint8_t *frame, uint32_t number)
{
	struct pollfd poll_fd = {.fd = plain_fd, .events = POLLIN};

	for (;;) {
		ssize_t n = read(plain_fd, frame, FRAME_MAX);

		if (n < 0) {
			ck_assert_int_eq(errno, EAGAIN);
			ck_assert_msg(poll(&poll_fd, 1, WAIT_MS) > 0, "the kernel does not pass on what was written");
			continue;
		}
		if (n < 14 || memcmp(frame, macs, sizeof(macs)) != 0)
			continue;
		if (n >= 18 && headers_get16(frame + 12) == MARK_TYPE) {
			if (headers_get32(frame + 14) == number)
				return 0;
			continue;
		}
		return (uint32_t)n;
	}
}

static void dump(const char *title, const uint8_t *bytes, uint32_t len)
{
	fprintf(stderr, "%s, %u bytes:", title, len);
	for (uint32_t i = 0; i < len && i < 160; i++)
		fprintf(stderr, "%s%02x", i % 16 ? " " : "\n  ", bytes[i]);
	fprintf(stderr, "\n");
}

static void expect_same(const uint8_t *ours, uint32_t our_len, const uint8_t *theirs, uint32_t their_len,
			const char *what, uint32_t index)
{
	if (our_len == their_len && memcmp(ours, theirs, our_len) == 0)
		return;
	dump("ours", ours, our_len);
	dump("expected", theirs, their_len);
	ck_abort_msg("%s: frame %u differs", what, index);
}

static uint32_t next_mark(void)
{
	static uint32_t number;

	return ++number;
}

/* The kernel and the segmenter must make the same of it. */
static void compare_super(const uint8_t *frame, uint32_t len, const struct virtio_net_hdr *header, const char *what)
{
	static uint8_t bytes[sizeof(struct virtio_net_hdr) + FRAME_MAX], theirs[FRAME_MAX];
	uint8_t *copy = exact_copy(frame, len);
	uint32_t number = next_mark(), index = 0, our_len, their_len;
	struct segmenter segmenter;

	memcpy(bytes, header, sizeof(*header));
	memcpy(bytes + sizeof(*header), frame, len);
	ck_assert_msg(write(vnet_fd, bytes, sizeof(*header) + len) == (ssize_t)(sizeof(*header) + len),
		      "%s: the kernel refuses it: %s", what, strerror(errno));
	write_mark(number);
	ck_assert_msg(segment_begin(&segmenter, header, copy, len) == 0, "%s: refused", what);
	while ((our_len = segment_len(&segmenter)) != 0) {
		uint8_t *ours = malloc(our_len);

		segment_next(&segmenter, ours);
		their_len = read_plain(theirs, number);
		ck_assert_msg(their_len != 0, "%s: the kernel makes %u frames, not more", what, index);
		expect_same(ours, our_len, theirs, their_len, what, index);
		free(ours);
		index++;
	}
	ck_assert_msg(read_plain(theirs, number) == 0, "%s: the kernel makes more than %u frames", what, index);
	compared->segments += index;
	compared->supers++;
	free(copy);
}

static void compare_recipe(const struct recipe *recipe, const char *what)
{
	static uint8_t frame[FRAME_MAX];
	struct virtio_net_hdr header;
	struct headers at;
	uint32_t len;

	if (recipe->udp && (!uso || recipe->payload > recipe->gso_size * UDP_SEGMENTS_MAX))
		return;
	len = build(recipe, frame, &header, &at);
	compare_super(frame, len, &header, what);
}

/* Every kind of packet the rest of a recipe can be of. */
static void compare_kinds(const struct recipe *base, const char *what)
{
	for (uint32_t kind = 0; kind < 4; kind++) {
		struct recipe recipe = *base;
		char text[80];

		recipe.ipv6 = kind & 1;
		recipe.udp = kind & 2;
		snprintf(text, sizeof(text), "%s, %s over %s", what, recipe.udp ? "UDP" : "TCP",
			 recipe.ipv6 ? "IPv6" : "IPv4");
		compare_recipe(&recipe, text);
	}
}

START_TEST(sizes_are_as_the_kernels)
{
	static const uint32_t payloads[] = {2, 3, 100, 101, 1449, 2896, 2897, 4344, 9000, 32768, 65001, 65400};
	static const uint32_t sizes[] = {1, 2, 7, 8, 99, 100, 536, 1447, 1448, 8948};

	for (uint32_t i = 0; i < sizeof(payloads) / sizeof(*payloads); i++) {
		for (uint32_t j = 0; j < sizeof(sizes) / sizeof(*sizes); j++) {
			struct recipe recipe = plain_recipe();
			char what[64];

			recipe.payload = payloads[i];
			recipe.gso_size = sizes[j];
			/* A super-frame of tens of thousands of frames once is enough. */
			if (recipe.gso_size >= recipe.payload || recipe.payload / recipe.gso_size > 1500)
				continue;
			snprintf(what, sizeof(what), "%u bytes by %u", payloads[i], sizes[j]);
			compare_kinds(&recipe, what);
		}
	}
}
END_TEST

START_TEST(one_byte_each_is_as_the_kernels)
{
	struct recipe recipe = plain_recipe();

	recipe.payload = 65000;
	recipe.gso_size = 1;
	compare_recipe(&recipe, "65000 bytes by 1");
	recipe.ipv6 = true;
	recipe.payload = 20001;
	compare_recipe(&recipe, "20001 bytes by 1");
}
END_TEST

/* Less payload than one segment takes: one frame, nothing but the checksum done. */
START_TEST(a_single_segment_is_as_the_kernels)
{
	for (uint32_t payload = 1; payload <= 1400; payload += 37) {
		struct recipe recipe = plain_recipe();

		recipe.payload = payload;
		recipe.flags = ACK | PSH | FIN | CWR;
		compare_kinds(&recipe, "a single segment");
	}
}
END_TEST

START_TEST(tcp_headers_are_as_the_kernels)
{
	for (uint32_t options = 0; options <= 40; options += 4) {
		for (uint32_t flags = 0; flags < 256; flags++) {
			struct recipe recipe = plain_recipe();
			char what[64];

			recipe.tcp_options = options;
			recipe.flags = (uint8_t)flags;
			recipe.ipv6 = (flags + options) % 8 == 4;
			snprintf(what, sizeof(what), "%u bytes of options, flags %#x", options, flags);
			compare_recipe(&recipe, what);
		}
	}
}
END_TEST

START_TEST(cwr_without_its_mark_is_as_the_kernels)
{
	static uint8_t frame[FRAME_MAX];
	struct recipe recipe = plain_recipe();
	struct virtio_net_hdr header;
	struct headers at;
	uint32_t len;

	recipe.flags = ACK | CWR | ECE | PSH;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		recipe.ipv6 = ipv6;
		len = build(&recipe, frame, &header, &at);
		header.gso_type &= (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
		compare_super(frame, len, &header, "CWR without VIRTIO_NET_HDR_GSO_ECN");
		recipe.flags = ACK;
		len = build(&recipe, frame, &header, &at);
		header.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
		compare_super(frame, len, &header, "VIRTIO_NET_HDR_GSO_ECN without CWR");
		recipe.flags = ACK | CWR | ECE | PSH;
	}
}
END_TEST

/* No checksum to be finished: the kernel makes it anew, from the addresses. */
START_TEST(whole_checksums_are_as_the_kernels)
{
	static uint8_t frame[FRAME_MAX];

	for (uint32_t round = 0; round < 200; round++) {
		struct recipe recipe = random_recipe();
		struct virtio_net_hdr header;
		struct headers at;
		uint32_t len;

		recipe.udp = false;
		recipe.elsewhere = false;
		recipe.tags = 0; /* the kernel's own dissector is not asked about tags */
		if (recipe.gso_size >= recipe.payload)
			continue;
		len = build(&recipe, frame, &header, &at);
		finish_transport(frame, len, &at);
		header.flags = 0;
		header.csum_start = header.csum_offset = 0;
		compare_super(frame, len, &header, "a super-frame with a whole checksum");
	}
}
END_TEST

/* Segments that are passed over count as the others do. */
START_TEST(skipped_segments_count)
{
	static uint8_t frame[FRAME_MAX], other[FRAME_MAX];
	uint8_t segment[2000], other_segment[2000];
	struct segmenter segmenter, other_segmenter;
	struct recipe recipe = plain_recipe();
	struct virtio_net_hdr header;
	struct headers at;
	uint32_t len, count = 0;

	recipe.payload = 14481;
	recipe.flags = ACK | PSH | FIN | CWR;
	len = build(&recipe, frame, &header, &at);
	memcpy(other, frame, len);
	ck_assert_int_eq(segment_begin(&segmenter, &header, frame, len), 0);
	ck_assert_int_eq(segment_begin(&other_segmenter, &header, other, len), 0);
	while ((len = segment_len(&segmenter)) != 0) {
		ck_assert_uint_eq(segment_len(&other_segmenter), len);
		segment_next(&segmenter, segment);
		if (count++ % 3 != 1) {
			segment_skip(&other_segmenter);
			continue;
		}
		segment_next(&other_segmenter, other_segment);
		expect_same(other_segment, len, segment, len, "after a skipped one", count);
	}
	ck_assert_uint_eq(segment_len(&other_segmenter), 0);
	ck_assert_uint_eq(count, 11);
}
END_TEST

/* The reserved bits and the one of RFC 3540 (now Accurate ECN's). */
START_TEST(reserved_bits_are_as_the_kernels)
{
	static uint8_t frame[FRAME_MAX];
	struct recipe recipe = plain_recipe();
	struct virtio_net_hdr header;
	struct headers at;

	for (uint32_t bits = 1; bits < 16; bits++) {
		uint32_t len = build(&recipe, frame, &header, &at);

		frame[at.transport + 12] |= (uint8_t)bits;
		compare_super(frame, len, &header, "reserved bits of TCP");
		len = build(&recipe, frame, &header, &at);
		frame[at.network + 6] |= 0x80;
		compare_super(frame, len, &header, "reserved bit of IPv4");
	}
}
END_TEST

START_TEST(ip_headers_are_as_the_kernels)
{
	for (uint32_t tos = 0; tos < 256; tos++) {
		struct recipe recipe = plain_recipe();

		recipe.tos = (uint8_t)tos;
		recipe.df = tos & 1;
		recipe.id = (uint16_t)(0xfffa + tos % 8); /* wraps within the super-frame */
		recipe.flow = tos * 4099;
		recipe.ttl = (uint8_t)(255 - tos);
		compare_kinds(&recipe, "TOS and traffic class");
	}
	for (uint32_t options = 4; options <= 40; options += 4) {
		struct recipe recipe = plain_recipe();

		recipe.ip_options = options;
		compare_kinds(&recipe, "options of IPv4");
	}
	for (uint32_t extensions = 1; extensions < 8; extensions++) {
		for (uint32_t size = 8; size <= 72; size += 32) {
			struct recipe recipe = plain_recipe();

			recipe.ipv6 = true;
			recipe.extensions = extensions;
			recipe.extension_size = size;
			recipe.tcp_options = 12;
			compare_recipe(&recipe, "extension headers, TCP");
			recipe.udp = true;
			compare_recipe(&recipe, "extension headers, UDP");
		}
	}
}
END_TEST

/* Extension headers of hundreds of bytes: segment routing, for one. */
START_TEST(long_headers_are_as_the_kernels)
{
	struct recipe recipe = plain_recipe();

	recipe.ipv6 = true;
	recipe.tags = 2;
	recipe.tcp_options = 40;
	recipe.extensions = EXT_HOP | EXT_DESTINATION | EXT_ROUTING;
	for (recipe.extension_size = 80; recipe.extension_size <= 240; recipe.extension_size += 40)
		compare_recipe(&recipe, "long extension headers");
}
END_TEST

/* The first router's address stands in the header, the last one's in the checksum. */
START_TEST(source_routes_are_as_the_kernels)
{
	struct recipe recipe = plain_recipe();

	recipe.elsewhere = true;
	recipe.extensions = EXT_ROUTING;
	recipe.extension_size = 24;
	recipe.ip_options = 12;
	compare_kinds(&recipe, "a source route");
}
END_TEST

START_TEST(tags_are_as_the_kernels)
{
	for (uint32_t tags = 1; tags <= 2; tags++) {
		struct recipe recipe = plain_recipe();

		recipe.tags = tags;
		recipe.flags = ACK | PSH | CWR;
		for (recipe.payload = 2800; recipe.payload < 4500; recipe.payload += 101)
			compare_kinds(&recipe, "tags");
	}
}
END_TEST

/* Choose the payload so that every segment's checksum comes out as 0. */
START_TEST(checksums_of_zero_are_as_the_kernels)
{
	static uint8_t frame[FRAME_MAX];
	uint8_t segment[2000];
	uint32_t zeros = 0;

	for (uint32_t kind = 0; kind < 4; kind++) {
		for (uint32_t size = 2; size < 1449; size += 241) {
			struct recipe recipe = plain_recipe();
			struct segmenter segmenter;
			struct virtio_net_hdr header;
			struct headers at;
			uint8_t *copy;
			uint32_t len;

			recipe.ipv6 = kind & 1;
			recipe.udp = kind & 2;
			recipe.gso_size = size;
			recipe.payload = size * 4 + 2;
			len = build(&recipe, frame, &header, &at);
			copy = exact_copy(frame, len);
			ck_assert_int_eq(segment_begin(&segmenter, &header, copy, len), 0);
			for (uint32_t i = 0; segment_len(&segmenter) != 0; i++) {
				uint8_t *word = frame + at.payload + i * size;
				uint8_t *field = segment + at.transport + checksum_offset(&at);

				segment_next(&segmenter, segment);
				headers_put16(word, (uint16_t)add_bytes(field, 2, headers_get16(word)));
			}
			memcpy(copy, frame, len);
			ck_assert_int_eq(segment_begin(&segmenter, &header, copy, len), 0);
			while (segment_len(&segmenter) != 0) {
				uint32_t field = at.transport + checksum_offset(&at);

				segment_next(&segmenter, segment);
				ck_assert_uint_eq(headers_get16(segment + field), recipe.udp ? 0xffff : 0);
				zeros++;
			}
			free(copy);
			if (!recipe.udp || uso)
				compare_super(frame, len, &header, "a checksum of 0");
		}
	}
	ck_assert_uint_gt(zeros, 100);
}
END_TEST

START_TEST(random_super_frames_are_as_the_kernels)
{
	random_state += (uint64_t)_i;
	for (uint32_t round = 0; round < 1000; round++) {
		struct recipe recipe = random_recipe();
		char what[64];

		if (recipe.gso_size >= recipe.payload)
			continue;
		snprintf(what, sizeof(what), "random mix %d/%u", _i, round);
		compare_recipe(&recipe, what);
	}
}
END_TEST

/* Finish a checksum as the kernel does for a device that cannot. */
static void compare_checksum(const uint8_t *frame, uint32_t len, const struct virtio_net_hdr *header, const char *what)
{
	static uint8_t bytes[sizeof(struct virtio_net_hdr) + FRAME_MAX], theirs[FRAME_MAX];
	uint8_t *ours = exact_copy(frame, len);
	uint32_t number = next_mark(), their_len;
	ssize_t written;

	memcpy(bytes, header, sizeof(*header));
	memcpy(bytes + sizeof(*header), frame, len);
	written = write(vnet_fd, bytes, sizeof(*header) + len);
	write_mark(number);
	if (written < 0) {
		ck_assert_int_eq(errno, EINVAL);
		ck_assert_uint_eq(read_plain(theirs, number), 0);
	} else {
		ck_assert_msg(segment_finish_checksum(ours, len, header) == 0, "%s: refused", what);
		their_len = read_plain(theirs, number);
		expect_same(ours, len, theirs, their_len, what, 0);
		ck_assert_uint_eq(read_plain(theirs, number), 0);
		compared->checksums++;
	}
	free(ours);
}

START_TEST(finished_checksums_are_as_the_kernels)
{
	static uint8_t frame[FRAME_MAX];

	for (uint32_t round = 0; round < 1000; round++) {
		struct recipe recipe = random_recipe();
		struct virtio_net_hdr header;
		struct headers at;
		uint32_t len;

		recipe.gso_size = 0;
		recipe.payload = one_in(4) ? below(3) : below(2000);
		len = build(&recipe, frame, &header, &at);
		compare_checksum(frame, len, &header, "a checksum to be finished");
		if (recipe.payload >= 2) {
			uint8_t *copy = exact_copy(frame, len), *word = frame + at.payload;
			uint32_t field = at.transport + checksum_offset(&at);

			ck_assert_int_eq(segment_finish_checksum(copy, len, &header), 0);
			headers_put16(word, (uint16_t)add_bytes(copy + field, 2, headers_get16(word)));
			compare_checksum(frame, len, &header, "a checksum that comes out as 0");
			free(copy);
		}
		/* Not only TCP and UDP have checksums. */
		header.csum_start = (uint16_t)(14 + below(len - 14));
		header.csum_offset = (uint16_t)below(40);
		if (header.csum_start + header.csum_offset + 2u <= len)
			compare_checksum(frame, len, &header, "a checksum anywhere");
	}
}
END_TEST

/* Whatever is wrong: refused, and no byte outside of the frame looked at (AddressSanitizer watches). */
static void expect_refused(const uint8_t *frame, uint32_t len, const struct virtio_net_hdr *header, const char *what)
{
	uint8_t *copy = exact_copy(frame, len);
	struct segmenter segmenter;

	ck_assert_msg(segment_begin(&segmenter, header, copy, len) == -EINVAL, "%s: not refused", what);
	free(copy);
}

START_TEST(nonsense_is_refused)
{
	static uint8_t frame[FRAME_MAX];
	static const uint8_t types[] = {
		0, 2, 6, 7, 0x7f, 0x80, 0x82, VIRTIO_NET_HDR_GSO_UDP, VIRTIO_NET_HDR_GSO_UDP | 0x80};

	for (uint32_t kind = 0; kind < 12; kind++) {
		struct recipe recipe = plain_recipe();
		struct virtio_net_hdr header, wrong;
		struct headers at;
		uint32_t len;
		uint8_t saved;

		recipe.ipv6 = kind & 1;
		recipe.udp = kind & 2;
		recipe.tags = kind / 4;
		recipe.extensions = EXT_HOP | EXT_ROUTING;
		recipe.ip_options = 8;
		recipe.tcp_options = 12;
		len = build(&recipe, frame, &header, &at);

		/* Cut anywhere, the length field says more than there is. */
		for (uint32_t cut = 0; cut < len; cut += cut < at.payload + 2 ? 1 : 97)
			expect_refused(frame, cut, &header, "a truncated frame");
		for (uint32_t i = 0; i < sizeof(types); i++) {
			wrong = header;
			wrong.gso_type = types[i];
			expect_refused(frame, len, &wrong, "a type that is none");
		}
		wrong = header;
		wrong.flags = 0;
		if (recipe.udp)
			expect_refused(frame, len, &wrong, "UDP with nothing to be finished");
		wrong = header;
		wrong.gso_size = 0;
		expect_refused(frame, len, &wrong, "segments of nothing");
		for (int off = -30; off <= 30; off++) {
			wrong = header;
			wrong.csum_start = (uint16_t)(header.csum_start + off);
			if (off)
				expect_refused(frame, len, &wrong, "csum_start");
			wrong = header;
			wrong.csum_offset = (uint16_t)(header.csum_offset + off);
			if (off)
				expect_refused(frame, len, &wrong, "csum_offset");
		}
		wrong = header;
		wrong.csum_start = 0xffff;
		wrong.csum_offset = 0xffff;
		expect_refused(frame, len, &wrong, "csum_start and csum_offset");
		/* Another protocol than the frame's. */
		wrong.gso_type = recipe.udp ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_UDP_L4;
		wrong.csum_start = header.csum_start;
		wrong.csum_offset = header.csum_offset;
		expect_refused(frame, len, &wrong, "the other protocol");
		if (!recipe.udp) {
			wrong.gso_type = recipe.ipv6 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
			expect_refused(frame, len, &wrong, "the other IP");
			saved = frame[at.transport + 12];
			for (uint32_t words = 0; words < 5; words++) {
				frame[at.transport + 12] = (uint8_t)(words << 4);
				expect_refused(frame, len, &header, "a TCP header too short");
			}
			frame[at.transport + 12] = saved;
		}
		saved = frame[at.network];
		for (uint32_t byte = 0; byte < 256; byte++) {
			frame[at.network] = (uint8_t)byte;
			if (byte >> 4 != saved >> 4 || (!recipe.ipv6 && byte != saved))
				expect_refused(frame, len, &header, "version or header length of IP");
		}
		frame[at.network] = saved;
		if (!recipe.ipv6) {
			frame[at.network + 6] |= 0x20;
			expect_refused(frame, len, &header, "a fragment");
			frame[at.network + 6] &= 0xdf;
			frame[at.network + 7] = 1;
			expect_refused(frame, len, &header, "a later fragment");
			frame[at.network + 7] = 0;
		} else {
			for (uint32_t units = 2; units < 256; units++) {
				frame[at.network + 41] = (uint8_t)units;
				expect_refused(frame, len, &header, "a long extension header");
			}
			frame[at.network + 41] = 0;
		}
		frame[at.network - 2] = 0x12;
		expect_refused(frame, len, &header, "no IP at all");
		recipe.payload = 0;
		len = build(&recipe, frame, &header, &at);
		expect_refused(frame, len, &header, "no payload");
	}
}
END_TEST

START_TEST(checksums_outside_are_refused)
{
	static const uint16_t values[] = {0, 1, 57, 58, 59, 60, 61, 0x7fff, 0xfffe, 0xffff};
	uint8_t bytes[60] = {0};

	for (uint32_t i = 0; i < 10; i++) {
		for (uint32_t j = 0; j < 10; j++) {
			struct virtio_net_hdr header = {.csum_start = values[i], .csum_offset = values[j]};
			uint8_t *frame = exact_copy(bytes, sizeof(bytes));
			bool fits = (uint32_t)values[i] + values[j] + 2 <= sizeof(bytes);

			ck_assert_int_eq(segment_finish_checksum(frame, sizeof(bytes), &header), fits ? 0 : -EINVAL);
			free(frame);
		}
	}
}
END_TEST

/* A sequence of frames as it lies in a ring, and what the coalescer may do with each. */
struct stream {
	uint32_t count;
	uint8_t *frames[STREAM_MAX];
	uint32_t lens[STREAM_MAX];
	bool alone[STREAM_MAX]; /* must never be part of a super-frame */
};

static void stream_add(struct stream *stream, const uint8_t *frame, uint32_t len, bool alone)
{
	ck_assert_uint_lt(stream->count, STREAM_MAX);
	stream->frames[stream->count] = exact_copy(frame, len);
	stream->lens[stream->count] = len;
	stream->alone[stream->count++] = alone;
}

static void stream_clear(struct stream *stream)
{
	while (stream->count > 0)
		free(stream->frames[--stream->count]);
}

/* Whether @iov lies within frame @index, up to its end. */
static void expect_inside(const struct stream *stream, uint32_t index, const struct iovec *iov)
{
	const uint8_t *base = iov->iov_base, *frame = stream->frames[index];

	ck_assert_msg(base >= frame && base + iov->iov_len == frame + stream->lens[index],
		      "an iovec does not point at the end of frame %u", index);
}

/* One write: frames @first to @end of the stream and no others, in a form the kernel turns into the same bytes. */
static void check_written(const struct stream *stream, uint32_t first, uint32_t end, struct iovec *iov, int count,
			  size_t size)
{
	static uint8_t frame[FRAME_MAX];
	struct virtio_net_hdr header;
	struct segmenter segmenter;
	uint32_t len = 0;
	uint8_t *copy;

	ck_assert_uint_eq(iov[0].iov_len, sizeof(header));
	memcpy(&header, iov[0].iov_base, sizeof(header));
	for (int i = 1; i < count; i++) {
		memcpy(frame + len, iov[i].iov_base, iov[i].iov_len);
		len += (uint32_t)iov[i].iov_len;
	}
	ck_assert_uint_eq(size, sizeof(header) + len);
	if (header.gso_type == VIRTIO_NET_HDR_GSO_NONE) {
		ck_assert_uint_eq(end - first, 1);
		ck_assert_uint_eq(header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM, 0);
		expect_inside(stream, first, &iov[count - 1]);
		expect_same(frame, len, stream->frames[first], stream->lens[first], "passed on", first);
		return;
	}
	ck_assert_uint_ge(end - first, 2);
	ck_assert_uint_le(end - first, COALESCE_FRAMES_MAX);
	ck_assert_int_eq(count, (int)(2 + end - first));
	ck_assert_uint_le(len - 14, 65535 + 8);
	for (uint32_t i = first; i < end; i++) {
		ck_assert_msg(!stream->alone[i], "frame %u was joined", i);
		expect_inside(stream, i, &iov[2 + i - first]);
	}
	copy = exact_copy(frame, len);
	ck_assert_int_eq(segment_begin(&segmenter, &header, copy, len), 0);
	for (uint32_t i = first; i < end; i++) {
		uint32_t segment_size = segment_len(&segmenter);

		ck_assert_uint_ne(segment_size, 0);
		segment_next(&segmenter, frame);
		expect_same(frame, segment_size, stream->frames[i], stream->lens[i], "joined", i);
	}
	ck_assert_uint_eq(segment_len(&segmenter), 0);
	free(copy);
}

/* Through the coalescer, as port_down() does it, and with @kernel on into the TAP. Return: writes. */
static uint32_t coalesce(const struct stream *stream, bool udp, bool kernel)
{
	static uint8_t theirs[FRAME_MAX];
	static struct coalescer coalescer;
	uint32_t writes = 0, first = 0, number = next_mark();

	memset(&coalescer, 0, sizeof(coalescer));
	coalescer.udp = udp;
	for (uint32_t i = 0; i <= stream->count; i++) {
		if (i == stream->count || !coalesce_offer(&coalescer, stream->frames[i], stream->lens[i])) {
			struct iovec *iov;
			size_t size;
			int count;

			ck_assert_uint_gt(i, first);
			iov = coalesce_take(&coalescer, &count, &size);
			check_written(stream, first, i, iov, count, size);
			if (kernel)
				ck_assert_msg(writev(vnet_fd, iov, count) == (ssize_t)size,
					      "the kernel refuses frames %u to %u: %s", first, i, strerror(errno));
			writes++;
			first = i;
			if (i < stream->count)
				ck_assert(coalesce_offer(&coalescer, stream->frames[i], stream->lens[i]));
		}
	}
	if (!kernel)
		return writes;
	write_mark(number);
	for (uint32_t i = 0; i < stream->count; i++) {
		uint32_t their_len = read_plain(theirs, number);

		expect_same(stream->frames[i], stream->lens[i], theirs, their_len, "through the kernel", i);
		compared->joined++;
	}
	ck_assert_uint_eq(read_plain(theirs, number), 0);
	return writes;
}

/* Append segment of @recipe with complete checksums; the recipe moves on by it. */
static void stream_segment(struct stream *stream, struct recipe *recipe, bool alone)
{
	uint8_t frame[10000];
	struct virtio_net_hdr header;
	struct headers at;
	uint32_t len;

	recipe->gso_size = 0;
	len = build(recipe, frame, &header, &at);
	finish_transport(frame, len, &at);
	stream_add(stream, frame, len, alone);
	recipe->seq += recipe->payload;
	recipe->id++;
}

START_TEST(plain_flows_are_joined)
{
	for (uint32_t kind = 0; kind < 4; kind++) {
		struct stream stream = {.count = 0};
		struct recipe recipe = plain_recipe();

		recipe.ipv6 = kind & 1;
		recipe.udp = kind & 2;
		recipe.payload = 1448;
		recipe.tcp_options = 12;
		/* 45 segments of 1448 bytes fit into 65535. */
		for (uint32_t i = 0; i < 90; i++)
			stream_segment(&stream, &recipe, false);
		ck_assert_uint_eq(coalesce(&stream, true, false), 2);
		if (recipe.udp)
			ck_assert_uint_eq(coalesce(&stream, false, false), 90);
		stream_clear(&stream);
		/* And as many as there are iovecs. */
		recipe.payload = 9;
		for (uint32_t i = 0; i < COALESCE_FRAMES_MAX * 3; i++)
			stream_segment(&stream, &recipe, false);
		ck_assert_uint_eq(coalesce(&stream, true, false), 3);
		stream_clear(&stream);
	}
}
END_TEST

/* A byte of a header that must not be lost: where, and for which packets. */
START_TEST(differences_part)
{
	enum { NETWORK, TRANSPORT, LINK };
	static const struct {
		int base;
		uint32_t offset;
		int kinds; /* bit 0: TCPv4, 1: TCPv6, 2: UDPv4, 3: UDPv6 */
		const char *what;
	} bytes[] = {
		{LINK, 0, 15, "destination"},
		{LINK, 11, 15, "source"},
		{LINK, 15, 15, "tag"},
		{NETWORK, 1, 15, "TOS or traffic class"},
		{NETWORK, 3, 10, "flow label"},
		{NETWORK, 5, 5, "identification"},
		{NETWORK, 8, 5, "TTL"},
		{NETWORK, 7, 10, "hop limit"},
		{NETWORK, 12, 5, "source"},
		{NETWORK, 16, 5, "destination"},
		{NETWORK, 20, 5, "options"},
		{NETWORK, 23, 10, "source"},
		{NETWORK, 39, 10, "destination"},
		{NETWORK, 45, 10, "extension"},
		{TRANSPORT, 1, 15, "source port"},
		{TRANSPORT, 3, 15, "destination port"},
		{TRANSPORT, 7, 3, "sequence number"},
		{TRANSPORT, 11, 3, "acknowledgement"},
		{TRANSPORT, 15, 3, "window"},
		{TRANSPORT, 12, 3, "reserved bits"},
		{TRANSPORT, 19, 3, "urgent pointer"},
		{TRANSPORT, 25, 3, "options"},
	};

	for (uint32_t i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
		for (uint32_t kind = 0; kind < 4; kind++) {
			struct recipe recipe = plain_recipe();
			struct stream stream = {.count = 0};
			struct headers at;
			uint8_t *frame;

			if (!(bytes[i].kinds & 1 << kind))
				continue;
			recipe.ipv6 = kind & 1;
			recipe.udp = kind & 2;
			recipe.tags = 1;
			recipe.ip_options = 4;
			recipe.extensions = EXT_DESTINATION;
			recipe.tcp_options = 12;
			recipe.payload = 100;
			for (uint32_t j = 0; j < 5; j++)
				stream_segment(&stream, &recipe, false);
			ck_assert_uint_eq(coalesce(&stream, true, false), 1);
			frame = stream.frames[2];
			ck_assert(headers_parse(frame, stream.lens[2], stream.lens[2], &at));
			frame += bytes[i].base == NETWORK ? at.network : bytes[i].base == TRANSPORT ? at.transport : 0;
			frame[bytes[i].offset] ^= 1;
			finish_ip(stream.frames[2], &at);
			finish_transport(stream.frames[2], stream.lens[2], &at);
			/* Before it, by itself, after it; the odd one may start what follows. */
			ck_assert_msg(coalesce(&stream, true, false) == 3, "%s is not minded", bytes[i].what);
			stream_clear(&stream);
		}
	}
}
END_TEST

/* What a segmenter would not repeat in every segment, or no GRO joins: by itself, even among its like. */
START_TEST(odd_flags_are_not_joined)
{
	static const uint8_t flags[] = {SYN | ACK, RST | ACK, URG | ACK, CWR | ACK, 0, PSH, FIN};

	for (uint32_t i = 0; i < sizeof(flags); i++) {
		struct recipe recipe = plain_recipe();
		struct stream stream = {.count = 0};

		recipe.flags = flags[i];
		recipe.payload = 100;
		for (uint32_t j = 0; j < 5; j++)
			stream_segment(&stream, &recipe, true);
		ck_assert_uint_eq(coalesce(&stream, true, false), 5);
		stream_clear(&stream);
	}
}
END_TEST

enum trouble {
	NO_TROUBLE,
	SHORTER,
	LONGER,
	EMPTY,
	SEQ_GAP,
	SEQ_BACK,
	ID_SAME,
	ID_GAP,
	OTHER_ACK,
	OTHER_WINDOW,
	OTHER_STAMP,
	OTHER_TOS,
	OTHER_TTL,
	FLAG,
	ODD_FLAG,
	BAD_TRANSPORT_SUM,
	BAD_IP_SUM,
	BAD_PAYLOAD,
	BAD_LENGTH,
	NO_SUM,
	OTHER_ZERO,
	PADDING,
	ZERO_LENGTH,
	FRAGMENT,
	NOT_IP,
	REORDERED,
	REPEATED,
	TROUBLES,
};

/* Change the last frame's bytes; the recipe has its place in the flow. */
static void spoil(struct stream *stream, const struct headers *at, enum trouble trouble)
{
	uint32_t last = stream->count - 1, len = stream->lens[last];
	uint8_t *frame = stream->frames[last], *field = frame + at->transport + checksum_offset(at);

	switch (trouble) {
	case BAD_TRANSPORT_SUM:
		headers_put16(field, (uint16_t)(headers_get16(field) + 1 + below(0xfffd)));
		if (at->protocol == IPPROTO_UDP && headers_get16(field) == 0)
			headers_put16(field, 1);
		break;
	case BAD_IP_SUM:
		if (at->ipv6)
			return;
		frame[at->network + 10] ^= (uint8_t)(1 << below(8));
		break;
	case BAD_PAYLOAD:
		if (at->payload == len)
			return;
		frame[at->payload + below(len - at->payload)] ^= (uint8_t)(1 << below(8));
		break;
	case BAD_LENGTH:
		if (at->protocol != IPPROTO_UDP)
			return;
		frame[at->transport + 5] ^= 1;
		finish_transport(frame, len, at);
		break;
	case NO_SUM:
		if (at->protocol != IPPROTO_UDP)
			return;
		headers_put16(field, 0);
		break;
	case OTHER_ZERO: /* the zero that a sender does not write: as good, but not the same */
		if (len - at->payload < 2)
			return;
		headers_put16(frame + at->payload, (uint16_t)add_bytes(field, 2, headers_get16(frame + at->payload)));
		headers_put16(field, at->protocol == IPPROTO_TCP ? 0xffff : 0);
		break;
	case PADDING:
		frame = realloc(frame, len + 6);
		ck_assert_ptr_nonnull(frame);
		memset(frame + len, 0, 6);
		if (one_in(2))
			finish_transport(frame, len + 6, at); /* even if its checksum covers it */
		stream->frames[last] = frame;
		stream->lens[last] += 6;
		break;
	case ZERO_LENGTH:
		headers_put16(frame + at->network + (at->ipv6 ? 4 : 2), 0);
		finish_ip(frame, at);
		break;
	case FRAGMENT:
		if (at->ipv6)
			return;
		headers_put16(frame + at->network + 6, (uint16_t)(one_in(2) ? 0x2000 : 1 + below(100)));
		finish_ip(frame, at);
		break;
	case NOT_IP:
		headers_put16(frame + 12, 0x88b6);
		break;
	default:
		return;
	}
	stream->alone[last] = true;
}

/* One more segment of the flow, perhaps with something the matter. */
static void add_segment(struct stream *stream, struct recipe *flow, enum trouble trouble)
{
	static const uint8_t flags[] = {PSH, FIN, ECE, PSH | FIN}, odd_flags[] = {SYN, RST, URG, CWR, URG | PSH};
	struct recipe recipe = *flow;
	struct virtio_net_hdr header;
	struct headers at;
	uint8_t frame[20000];
	uint32_t size = flow->payload;
	bool alone = false;

	recipe.gso_size = 0;
	switch (trouble) {
	case SHORTER:
		recipe.payload = 1 + below(size);
		break;
	case LONGER:
		recipe.payload = size + 1 + below(100);
		break;
	case EMPTY:
		recipe.payload = 0;
		alone = true;
		break;
	case SEQ_GAP:
		recipe.seq += 1 + below(3000);
		break;
	case SEQ_BACK:
		recipe.seq -= size * (1 + below(3));
		break;
	case ID_SAME:
		recipe.id--;
		break;
	case ID_GAP:
		recipe.id = (uint16_t)(recipe.id + 1 + below(3));
		break;
	case OTHER_ACK:
		recipe.ack += 1448;
		break;
	case OTHER_WINDOW:
		recipe.window++;
		break;
	case OTHER_STAMP:
		recipe.stamp++;
		break;
	case OTHER_TOS:
		recipe.tos ^= (uint8_t)(1 + below(3)); /* also Congestion Experienced */
		break;
	case OTHER_TTL:
		recipe.ttl--;
		break;
	case FLAG:
		recipe.flags |= flags[below(4)];
		break;
	case ODD_FLAG:
		recipe.flags |= odd_flags[below(5)];
		alone = !recipe.udp;
		break;
	default:
		break;
	}
	stream_add(stream, frame, build(&recipe, frame, &header, &at), alone);
	finish_transport(stream->frames[stream->count - 1], stream->lens[stream->count - 1], &at);
	spoil(stream, &at, trouble);
	if (trouble == OTHER_ACK || trouble == OTHER_WINDOW || trouble == OTHER_STAMP) /* from now on */
		*flow = recipe;
	flow->payload = size;
	flow->seq = recipe.seq + recipe.payload;
	flow->id = (uint16_t)(recipe.id + 1);
	if (trouble == REPEATED)
		stream_add(stream, stream->frames[stream->count - 1], stream->lens[stream->count - 1], alone);
	if (trouble == REORDERED && stream->count >= 2) {
		uint32_t last = stream->count - 1, before = last - 1 - below(last < 4 ? last : 4);
		uint8_t *bytes = stream->frames[last];
		uint32_t len = stream->lens[last];
		bool flag = stream->alone[last];

		stream->frames[last] = stream->frames[before];
		stream->lens[last] = stream->lens[before];
		stream->alone[last] = stream->alone[before];
		stream->frames[before] = bytes;
		stream->lens[before] = len;
		stream->alone[before] = flag;
	}
}

/* Several flows in bursts, with troubles. */
static void random_stream(struct stream *stream)
{
	struct recipe flows[4];
	uint32_t flow = 0, often = 4 + below(40);

	for (uint32_t i = 0; i < 4; i++) {
		flows[i] = random_recipe();
		flows[i].elsewhere = false;
		flows[i].payload = one_in(4) ? 1 + below(30) : one_in(4) ? 8948 : 1 + below(1448);
		flows[i].flags = ACK;
		flows[i].extensions &= EXT_HOP | EXT_DESTINATION;
	}
	while (stream->count < STREAM_MAX / 2) {
		if (one_in(often))
			flow = below(4);
		add_segment(stream, &flows[flow], one_in(often) ? below(TROUBLES) : NO_TROUBLE);
	}
}

START_TEST(random_streams_stay_the_same)
{
	struct stream stream = {.count = 0};
	uint32_t frames = 0, writes = 0;

	random_state += (uint64_t)_i * 977;
	for (uint32_t round = 0; round < 100; round++) {
		random_stream(&stream);
		frames += stream.count;
		writes += coalesce(&stream, draw() & 1, false);
		stream_clear(&stream);
	}
	/* Or nothing was tested. */
	ck_assert_uint_lt(writes * 2, frames);
}
END_TEST

START_TEST(random_streams_stay_the_same_through_the_kernel)
{
	struct stream stream = {.count = 0};

	random_state += (uint64_t)_i * 1009;
	for (uint32_t round = 0; round < 100; round++) {
		random_stream(&stream);
		coalesce(&stream, uso, true);
		stream_clear(&stream);
	}
}
END_TEST

START_TEST(each_trouble_stays_the_same_through_the_kernel)
{
	struct stream stream = {.count = 0};

	for (enum trouble trouble = NO_TROUBLE; trouble < TROUBLES; trouble++) {
		for (uint32_t kind = 0; kind < 12; kind++) {
			struct recipe recipe = plain_recipe();

			recipe.ipv6 = kind & 1;
			recipe.udp = kind & 2;
			recipe.tags = kind / 4;
			recipe.tcp_options = 12;
			recipe.payload = 700;
			recipe.id = 0xfffd;
			for (uint32_t i = 0; i < 12; i++)
				add_segment(&stream, &recipe, i == 5 ? trouble : NO_TROUBLE);
			coalesce(&stream, uso, true);
			stream_clear(&stream);
		}
	}
}
END_TEST

static int open_tap(const char *name, short flags)
{
	struct ifreq request = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | flags)};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &request)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done || errno == ENOENT;
}

static bool set_up(int sock, const char *name, bool tap)
{
	struct ifreq request = {.ifr_flags = IFF_UP};

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (tap) {
		request.ifr_mtu = MTU;
		if (ioctl(sock, SIOCSIFMTU, &request))
			return false;
		request.ifr_qlen = QUEUE_FRAMES;
		if (ioctl(sock, SIOCSIFTXQLEN, &request))
			return false;
		request.ifr_ifindex = (int)if_nametoindex(name);
		strncpy(request.ifr_name, "oracle", IFNAMSIZ - 1);
		if (ioctl(sock, SIOCBRADDIF, &request))
			return false;
		strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	}
	request.ifr_flags = IFF_UP;
	return ioctl(sock, SIOCSIFFLAGS, &request) == 0;
}

/* TAP, bridge, TAP, and nothing that speaks by itself. Return: NULL, or what stands in the way. */
static const char *make_oracle(void)
{
	const unsigned int tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	int sock;

	if (geteuid() != 0)
		return "needs root";
	if (unshare(CLONE_NEWNET))
		return "no network namespace can be created here";
	if (!put_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1") ||
	    !put_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"))
		return "/proc/sys cannot be written";
	/* The firewall of a bridge, where there is one, looks into IP packets. */
	put_file("/proc/sys/net/bridge/bridge-nf-call-iptables", "0");
	put_file("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "0");
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	vnet_fd = open_tap("vnet", IFF_VNET_HDR);
	plain_fd = open_tap("plain", 0);
	if (vnet_fd < 0 || plain_fd < 0)
		return "no TAP can be opened; try `modprobe tun`";
	uso = ioctl(vnet_fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0;
	if (!uso && ioctl(vnet_fd, TUNSETOFFLOAD, tcp))
		return "the kernel knows no TCP segmentation offload of TAPs";
	if (sock < 0 || ioctl(sock, SIOCBRADDBR, "oracle"))
		return "no bridge can be created; try `modprobe bridge`";
	if (!put_file("/sys/class/net/oracle/bridge/multicast_snooping", "0") || !set_up(sock, "vnet", true) ||
	    !set_up(sock, "plain", true) || !set_up(sock, "oracle", false))
		return "the bridge cannot be set up";
	close(sock);
	return NULL;
}

/* What a failed test has left. */
static void clear_oracle(void)
{
	static uint8_t frame[FRAME_MAX];

	while (read(plain_fd, frame, sizeof(frame)) > 0)
		;
}

/* Both ports forward from the moment a frame has come through. */
START_TEST(the_oracle_speaks)
{
	struct pollfd poll_fd = {.fd = plain_fd, .events = POLLIN};
	uint32_t number = 0;
	uint8_t frame[FRAME_MAX];

	do
		write_mark(++number);
	while (poll(&poll_fd, 1, 20) <= 0 && number < WAIT_MS / 20);
	ck_assert_uint_eq(read_plain(frame, number), 0);
}
END_TEST

/* A network namespace with a TAP in it, for good: the process stays inside. Return: the TAP. */
static int make_host(bool ipv6, uint8_t number)
{
	const unsigned int tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	struct ifreq request = {.ifr_name = "end"};
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd, sock;

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	put_file("/proc/sys/net/ipv6/conf/default/accept_dad", "0"); /* the address is good at once */
	fd = open_tap("end", IFF_VNET_HDR);
	sock = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert(fd >= 0 && sock >= 0);
	ck_assert_int_eq(ioctl(fd, TUNSETOFFLOAD, tcp), 0);
	request.ifr_flags = IFF_UP;
	ck_assert_int_eq(ioctl(sock, SIOCSIFFLAGS, &request), 0);
	if (ipv6) {
		struct {
			struct in6_addr address;
			uint32_t prefix_len;
			int index;
		} request6 = {.prefix_len = 64, .index = (int)if_nametoindex("end")};

		request6.address.s6_addr[0] = 0xfd;
		request6.address.s6_addr[15] = number;
		ck_assert_int_eq(ioctl(sock, SIOCSIFADDR, &request6), 0);
	} else {
		address.sin_addr.s_addr = htonl(0x0a000000u + number);
		memcpy(&request.ifr_addr, &address, sizeof(address));
		ck_assert_int_eq(ioctl(sock, SIOCSIFADDR, &request), 0);
	}
	close(sock);
	return fd;
}

/* Read what waits on a TAP, as frames a wire would carry. */
static void read_frames(int fd, struct stream *stream)
{
	static uint8_t bytes[sizeof(struct virtio_net_hdr) + FRAME_MAX], segment[FRAME_MAX];
	uint8_t *frame = bytes + sizeof(struct virtio_net_hdr);
	struct virtio_net_hdr header;
	struct segmenter segmenter;
	uint32_t len;
	ssize_t n;

	while (stream->count < STREAM_MAX - 64 && (n = read(fd, bytes, sizeof(bytes))) > 0) {
		memcpy(&header, bytes, sizeof(header));
		len = (uint32_t)n - (uint32_t)sizeof(header);
		if (header.gso_type == VIRTIO_NET_HDR_GSO_NONE) {
			if (header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
				ck_assert_int_eq(segment_finish_checksum(frame, len, &header), 0);
			stream_add(stream, frame, len, false);
			continue;
		}
		ck_assert_int_eq(segment_begin(&segmenter, &header, frame, len), 0);
		compared->cut++;
		while ((len = segment_len(&segmenter)) != 0) {
			segment_next(&segmenter, segment);
			stream_add(stream, segment, len, false);
		}
	}
}

static void write_frames(int fd, struct stream *stream)
{
	static struct coalescer coalescer;
	struct iovec *iov;
	size_t size;
	int count;

	for (uint32_t i = 0; i <= stream->count; i++) {
		if (i < stream->count && coalesce_offer(&coalescer, stream->frames[i], stream->lens[i]))
			continue;
		if (coalescer.count > 0) {
			compared->put_together += coalescer.count > 1;
			iov = coalesce_take(&coalescer, &count, &size);
			ck_assert_int_eq(writev(fd, iov, count), (ssize_t)size);
		}
		if (i < stream->count)
			ck_assert(coalesce_offer(&coalescer, stream->frames[i], stream->lens[i]));
	}
	stream_clear(stream);
}

/* A perfect wire between two TAPs, until killed. */
static void pump(const int fds[2])
{
	static struct stream stream;

	for (;;) {
		struct pollfd poll_fds[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};

		poll(poll_fds, 2, -1);
		for (int i = 0; i < 2; i++) {
			read_frames(fds[i], &stream);
			write_frames(fds[!i], &stream);
		}
	}
}

/* An address of IPv6 is usable only when the kernel has got round to it. */
static void wait_until_bound(int sock, const struct sockaddr *address, socklen_t size)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int tries = 0;

	while (bind(sock, address, size)) {
		ck_assert_int_eq(errno, EADDRNOTAVAIL);
		ck_assert_int_lt(++tries, WAIT_MS);
		nanosleep(&pause, NULL);
	}
}

static uint8_t pattern(uint64_t position)
{
	return (uint8_t)(position * 0x9e3779b97f4a7c15u >> 56);
}

/* Send @size bytes from one socket to the other and compare them. */
static void transfer(int from, int to, uint64_t size)
{
	uint64_t sent = 0, received = 0;
	static uint8_t out[65536], in[65536];

	while (received < size) {
		struct pollfd poll_fds[2] = {{.fd = to, .events = POLLIN},
					     {.fd = from, .events = sent < size ? POLLOUT : 0}};
		ssize_t n;

		ck_assert_msg(poll(poll_fds, 2, WAIT_MS) > 0, "nothing comes any more");
		if (poll_fds[1].revents & POLLOUT) {
			uint64_t count = size - sent < sizeof(out) ? size - sent : sizeof(out);

			for (uint64_t i = 0; i < count; i++)
				out[i] = pattern(sent + i);
			n = send(from, out, count, MSG_DONTWAIT | MSG_NOSIGNAL);
			ck_assert_int_gt(n, 0);
			sent += (uint64_t)n;
		}
		if (poll_fds[0].revents) {
			n = recv(to, in, sizeof(in), MSG_DONTWAIT);
			ck_assert_int_gt(n, 0);
			for (ssize_t i = 0; i < n; i++)
				if (in[i] != pattern(received + (uint64_t)i))
					ck_abort_msg("byte %" PRIu64 " has changed", received + (uint64_t)i);
			received += (uint64_t)n;
		}
	}
}

static struct tcp_info socket_info(int sock)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	ck_assert_int_eq(getsockopt(sock, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	return info;
}

/* Two hosts, TCP both ways: nothing lost, changed, reordered or of another size by cutting and joining. */
START_TEST(tcp_notices_nothing)
{
	const uint64_t size = 32u << 20;
	const bool ipv6 = _i;
	struct sockaddr_in6 address6[2] = {{.sin6_family = AF_INET6, .sin6_port = htons(5001)}};
	struct sockaddr_in address4[2] = {{.sin_family = AF_INET, .sin_port = htons(5001)}};
	const socklen_t address_size = ipv6 ? sizeof(*address6) : sizeof(*address4);
	const struct sockaddr *addresses[2];
	struct tcp_info info[2];
	int fds[2], listener, socks[2];
	pid_t pid;

	for (uint8_t i = 0; i < 2; i++) {
		address6[i] = address6[0];
		address6[i].sin6_addr.s6_addr[0] = 0xfd;
		address6[i].sin6_addr.s6_addr[15] = (uint8_t)(i + 1);
		address4[i] = address4[0];
		address4[i].sin_addr.s_addr = htonl(0x0a000001u + i);
		addresses[i] = ipv6 ? (struct sockaddr *)&address6[i] : (struct sockaddr *)&address4[i];
	}
	fds[0] = make_host(ipv6, 1);
	listener = socket(addresses[0]->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	wait_until_bound(listener, addresses[0], address_size);
	ck_assert_int_eq(listen(listener, 1), 0);
	fds[1] = make_host(ipv6, 2);
	socks[0] = socket(addresses[1]->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	wait_until_bound(socks[0], addresses[1], address_size);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pump(fds);
		_exit(1);
	}
	ck_assert_int_eq(connect(socks[0], addresses[0], address_size), 0);
	socks[1] = accept(listener, NULL, NULL);
	ck_assert_int_ge(socks[1], 0);
	transfer(socks[0], socks[1], size);
	transfer(socks[1], socks[0], size);
	for (int i = 0; i < 2; i++) {
		info[i] = socket_info(socks[i]);
		ck_assert_uint_eq(info[i].tcpi_bytes_received, size);
		ck_assert_uint_eq(info[i].tcpi_rcv_ooopack, 0);
		ck_assert_uint_eq(info[i].tcpi_reord_seen, 0);
	}
	/* A pump that waits for a CPU has the sender's timer send again; what came twice beyond that is our doing. */
	for (int i = 0; i < 2; i++)
		ck_assert_uint_le(info[i].tcpi_dsack_dups, info[i].tcpi_total_retrans);
	ck_assert_uint_eq(info[0].tcpi_rcv_mss, info[1].tcpi_snd_mss);
	ck_assert_uint_eq(info[1].tcpi_rcv_mss, info[0].tcpi_snd_mss);
	/* Or nothing was tested. A joined frame counts as one in tcpi_segs_in, so there is less to say of that. */
	ck_assert_uint_gt(compared->cut, 0);
	ck_assert_uint_gt(compared->put_together, 0);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void keep_least(double *least, double value)
{
	if (*least == 0 || value < *least)
		*least = value;
}

/* The least of many rounds, beside a copy of the same payload: what nothing can be faster than. */
static void measure(uint32_t payload)
{
	enum { COUNT = 40, ROUNDS = 2000 };
	static uint8_t frame[FRAME_MAX], super[FRAME_MAX], ring[COUNT][2048];
	static struct coalescer coalescer;
	double copy = 0, cut = 0, joined = 0, lone = 0;
	struct recipe recipe = plain_recipe();
	struct virtio_net_hdr header;
	struct segmenter segmenter;
	struct headers at;
	uint32_t len;

	recipe.gso_size = payload;
	recipe.payload = payload * COUNT;
	recipe.tcp_options = 12;
	len = build(&recipe, frame, &header, &at);
	memset(&coalescer, 0, sizeof(coalescer));
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t segment_size = at.payload + payload;
		double start;
		size_t size;
		int count;

		memcpy(super, frame, len);
		start = now_ns();
		for (uint32_t i = 0; i < COUNT; i++)
			memcpy(ring[i], super + at.payload + i * payload, payload);
		keep_least(&copy, now_ns() - start);
		start = now_ns();
		/* Check's assertions cost more than what is measured. */
		if (segment_begin(&segmenter, &header, super, len))
			ck_abort();
		for (uint32_t i = 0; segment_len(&segmenter) != 0; i++)
			segment_next(&segmenter, ring[i]);
		keep_least(&cut, now_ns() - start);
		start = now_ns();
		for (uint32_t i = 0; i < COUNT; i++)
			if (!coalesce_offer(&coalescer, ring[i], segment_size))
				ck_abort();
		coalesce_take(&coalescer, &count, &size);
		keep_least(&joined, now_ns() - start);
		start = now_ns();
		for (uint32_t i = 0; i < COUNT; i++) {
			coalesce_offer(&coalescer, ring[i], segment_size);
			coalesce_take(&coalescer, &count, &size);
		}
		keep_least(&lone, now_ns() - start);
	}
	printf("%4u bytes of payload: copy %.0f ns, segment_next %.0f ns, coalesce_offer %.0f ns joined, %.0f ns "
	       "alone\n",
	       payload, copy / COUNT, cut / COUNT, joined / COUNT, lone / COUNT);
}

START_TEST(costs)
{
	measure(64);
	measure(536);
	measure(1448);
}
END_TEST

int main(int argc, char **argv)
{
	const bool measuring = argc == 2 && strcmp(argv[1], "measure") == 0;
	const char *obstacle = measuring ? NULL : make_oracle();
	Suite *suite = suite_create("offload");
	SRunner *runner;
	TCase *tcase;
	int failed;

	if (measuring) {
		tcase = tcase_create("costs");
		tcase_set_timeout(tcase, 60);
		tcase_add_test(tcase, costs);
		suite_add_tcase(suite, tcase);
		runner = srunner_create(suite);
		srunner_run_all(runner, CK_SILENT);
		failed = srunner_ntests_failed(runner);
		srunner_free(runner);
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	tcase = tcase_create("alone");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, nonsense_is_refused);
	tcase_add_test(tcase, checksums_outside_are_refused);
	tcase_add_test(tcase, skipped_segments_count);
	tcase_add_test(tcase, plain_flows_are_joined);
	tcase_add_test(tcase, differences_part);
	tcase_add_test(tcase, odd_flags_are_not_joined);
	tcase_add_loop_test(tcase, random_streams_stay_the_same, 0, 4);
	suite_add_tcase(suite, tcase);
	if (!obstacle) {
		tcase = tcase_create("kernel");
		tcase_add_checked_fixture(tcase, clear_oracle, NULL);
		tcase_set_timeout(tcase, 60);
		tcase_add_test(tcase, the_oracle_speaks);
		tcase_add_test(tcase, sizes_are_as_the_kernels);
		tcase_add_test(tcase, one_byte_each_is_as_the_kernels);
		tcase_add_test(tcase, a_single_segment_is_as_the_kernels);
		tcase_add_test(tcase, tcp_headers_are_as_the_kernels);
		tcase_add_test(tcase, cwr_without_its_mark_is_as_the_kernels);
		tcase_add_test(tcase, whole_checksums_are_as_the_kernels);
		tcase_add_test(tcase, reserved_bits_are_as_the_kernels);
		tcase_add_test(tcase, ip_headers_are_as_the_kernels);
		tcase_add_test(tcase, long_headers_are_as_the_kernels);
		tcase_add_test(tcase, source_routes_are_as_the_kernels);
		tcase_add_test(tcase, tags_are_as_the_kernels);
		tcase_add_test(tcase, checksums_of_zero_are_as_the_kernels);
		tcase_add_loop_test(tcase, random_super_frames_are_as_the_kernels, 0, 4);
		tcase_add_test(tcase, finished_checksums_are_as_the_kernels);
		tcase_add_test(tcase, each_trouble_stays_the_same_through_the_kernel);
		tcase_add_loop_test(tcase, random_streams_stay_the_same_through_the_kernel, 0, 4);
		tcase_add_loop_test(tcase, tcp_notices_nothing, 0, 2);
		suite_add_tcase(suite, tcase);
	}
	compared = mmap(NULL, sizeof(*compared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (compared == MAP_FAILED)
		return EXIT_FAILURE;
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (failed)
		return EXIT_FAILURE;
	if (obstacle) {
		fprintf(stderr, "check_offload: SKIPPED, NOTHING WAS COMPARED WITH THE KERNEL: %s\n", obstacle);
		return 77;
	}
	printf("as the kernel's: %" PRIu64 " super-frames in %" PRIu64 " segments, %" PRIu64 " checksums, %" PRIu64
	       " coalesced frames\n",
	       compared->supers, compared->segments, compared->checksums, compared->joined);
	if (!uso)
		fprintf(stderr, "check_offload: UDP WAS NOT COMPARED: this kernel is older than 6.2\n");
	return EXIT_SUCCESS;
}
