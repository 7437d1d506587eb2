/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_offload_coalesce.c - what the coalescer joins, and that the kernel cuts it into the same again.
 */
#include "tests/unit/check_offload.h"

#include <errno.h>

void stream_add(struct stream *stream, const uint8_t *frame, uint32_t len, bool alone)
{
	ck_assert_uint_lt(stream->count, STREAM_MAX);
	stream->frames[stream->count] = exact_copy(frame, len);
	stream->lens[stream->count] = len;
	stream->alone[stream->count++] = alone;
}

void stream_clear(struct stream *stream)
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

void offload_coalesce_alone_tests(TCase *tcase)
{
	tcase_add_test(tcase, plain_flows_are_joined);
	tcase_add_test(tcase, differences_part);
	tcase_add_test(tcase, odd_flags_are_not_joined);
	tcase_add_loop_test(tcase, random_streams_stay_the_same, 0, 4);
}

void offload_coalesce_kernel_tests(TCase *tcase)
{
	tcase_add_test(tcase, each_trouble_stays_the_same_through_the_kernel);
	tcase_add_loop_test(tcase, random_streams_stay_the_same_through_the_kernel, 0, 4);
}
