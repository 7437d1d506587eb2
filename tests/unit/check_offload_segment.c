/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_offload_segment.c - what the segmenter makes of super-frames, and what it refuses.
 */
#include "tests/unit/check_offload.h"

#include <errno.h>

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

void offload_segment_alone_tests(TCase *tcase)
{
	tcase_add_test(tcase, nonsense_is_refused);
	tcase_add_test(tcase, checksums_outside_are_refused);
	tcase_add_test(tcase, skipped_segments_count);
}

void offload_segment_kernel_tests(TCase *tcase)
{
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
}
