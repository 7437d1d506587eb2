/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_offload.c - any virtio header and super-frame through the segmenter, any frames through the coalescer.
 *
 * Nothing is read or written outside (every buffer is as long as it must be), what is cut has the length it should
 * have, and what the coalescer makes of frames gives the same frames when it is cut. The first byte chooses: cut what
 * follows and join the pieces again, or join frames made by the steps that follow (see struct step), which know how to
 * continue a flow and to complete a checksum: chance would take long to find either.
 */
#include <netinet/in.h>
#include <stdlib.h>

#include "bridge/shuttle/coalesce.h"
#include "bridge/shuttle/segment.h"

#define FRAMES_MAX 160u
#define LEN_MAX    4096u

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

struct frames {
	uint32_t count;
	uint8_t *bytes[FRAMES_MAX];
	uint32_t lens[FRAMES_MAX];
};

enum {
	STEP_AGAIN = 1,    /* start with the frame before instead of with zeros */
	STEP_FOLLOW = 2,   /* go on by its payload in sequence number and identification */
	STEP_COMPLETE = 4, /* make lengths and checksums right */
	STEP_RESIZE = 8,   /* take the length below, else the one of the frame before */
	STEP_ZERO = 16,    /* make the checksum come out as the zero that nobody writes */
	STEP_NO_LEN = 32,  /* with 0 for the length in the IP header */
};

/* How to make one frame; @patch bytes of input follow, written from @offset on. */
struct step {
	uint8_t what;
	uint8_t patch;
	uint16_t offset;
	uint16_t len;
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static uint8_t *exact(const uint8_t *bytes, uint32_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	require(copy != NULL);
	if (size)
		memcpy(copy, bytes, size);
	return copy;
}

static void frames_add(struct frames *frames, uint8_t *bytes, uint32_t len)
{
	frames->bytes[frames->count] = bytes;
	frames->lens[frames->count++] = len;
}

/* One write stands for frames @first to @end. */
static void check_written(const struct frames *frames, uint32_t first, uint32_t end, const struct iovec *iov, int count,
			  size_t size)
{
	struct virtio_net_hdr header;
	struct segmenter segmenter;
	uint32_t len = (uint32_t)(size - sizeof(header)), at = 0;
	uint8_t *super = malloc(len ? len : 1);

	require(super && count >= 2 && iov[0].iov_len == sizeof(header) && size >= sizeof(header));
	memcpy(&header, iov[0].iov_base, sizeof(header));
	for (int i = 1; i < count; i++) {
		require(iov[i].iov_len <= len - at);
		memcpy(super + at, iov[i].iov_base, iov[i].iov_len);
		at += (uint32_t)iov[i].iov_len;
	}
	require(at == len);
	if (header.gso_type == VIRTIO_NET_HDR_GSO_NONE) {
		require(end - first == 1 && !(header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM));
		require(len == frames->lens[first] && memcmp(super, frames->bytes[first], len) == 0);
	} else {
		require(end - first >= 2 && end - first <= COALESCE_FRAMES_MAX && len <= SEGMENT_SUPER_MAX);
		require(segment_begin(&segmenter, &header, super, len) == 0);
		for (uint32_t i = first; i < end; i++) {
			uint8_t *segment;

			require(segment_len(&segmenter) == frames->lens[i]);
			segment = malloc(frames->lens[i]);
			segment_next(&segmenter, segment);
			require(memcmp(segment, frames->bytes[i], frames->lens[i]) == 0);
			free(segment);
		}
		require(segment_len(&segmenter) == 0);
	}
	free(super);
}

static void join(struct frames *frames, bool udp)
{
	static struct coalescer coalescer;
	uint32_t first = 0;

	coalescer.udp = udp;
	for (uint32_t i = 0; i <= frames->count; i++) {
		struct iovec *iov;
		size_t size;
		int count;

		if (i < frames->count && coalesce_offer(&coalescer, frames->bytes[i], frames->lens[i]))
			continue;
		if (i == 0)
			break; /* there are no frames */
		require(i > first && coalescer.count == i - first);
		iov = coalesce_take(&coalescer, &count, &size);
		check_written(frames, first, i, iov, count, size);
		first = i;
		if (i < frames->count)
			require(coalesce_offer(&coalescer, frames->bytes[i], frames->lens[i]));
	}
	while (frames->count > 0)
		free(frames->bytes[--frames->count]);
}

static void cut(const uint8_t *input, uint32_t size, bool udp)
{
	struct frames frames = {.count = 0};
	struct virtio_net_hdr header;
	struct segmenter segmenter;
	uint32_t total = 0, len, count = 0;
	uint8_t *frame;

	if (size < sizeof(header))
		return;
	memcpy(&header, input, sizeof(header));
	size -= (uint32_t)sizeof(header);
	frame = exact(input + sizeof(header), size);
	segment_finish_checksum(frame, size, &header);
	memcpy(frame, input + sizeof(header), size);
	if (segment_begin(&segmenter, &header, frame, size) == 0) {
		uint32_t headers = segmenter.headers.payload;

		while ((len = segment_len(&segmenter)) != 0) {
			uint8_t *segment;

			require(len > headers && len - headers <= header.gso_size);
			total += len - headers;
			count++;
			if (frames.count == FRAMES_MAX) {
				segment_skip(&segmenter);
				continue;
			}
			segment = malloc(len);
			segment_next(&segmenter, segment);
			frames_add(&frames, segment, len);
		}
		require(total == size - headers);
		require(count == (total + header.gso_size - 1u) / header.gso_size);
	}
	free(frame);
	join(&frames, udp);
}

/* Make what @step asks of @frame. */
static void finish(uint8_t *frame, uint32_t len, const struct step *step, uint32_t payload_before)
{
	struct headers at;
	uint8_t *ip, *transport, *field;
	uint16_t type, sum;

	if (step->what & STEP_COMPLETE) {
		uint32_t network = headers_network(frame, len, &type);
		bool given = !(step->what & STEP_NO_LEN);

		if (network && type == 0x0800 && len >= network + 20)
			headers_put16(frame + network + 2, (uint16_t)(given ? len - network : 0));
		else if (network && type == 0x86dd && len >= network + 40)
			headers_put16(frame + network + 4, (uint16_t)(given ? len - network - 40 : 0));
	}
	if (!headers_parse(frame, len, len, &at))
		return;
	ip = frame + at.network;
	transport = frame + at.transport;
	field = transport + (at.protocol == IPPROTO_TCP ? 16 : 6);
	if (step->what & STEP_FOLLOW) {
		if (!at.ipv6)
			headers_put16(ip + 4, (uint16_t)(headers_get16(ip + 4) + 1));
		if (at.protocol == IPPROTO_TCP)
			headers_put32(transport + 4, headers_get32(transport + 4) + payload_before);
	}
	if (!(step->what & STEP_COMPLETE))
		return;
	if (at.protocol == IPPROTO_UDP)
		headers_put16(transport + 4, (uint16_t)(len - at.transport));
	if (!at.ipv6) {
		headers_put16(ip + 10, 0);
		headers_put16(ip + 10, (uint16_t)~headers_fold(headers_sum(ip, at.transport - at.network, 0)));
	}
	headers_put16(field, 0);
	sum = (uint16_t)~headers_fold(
		headers_sum(transport, len - at.transport, headers_pseudo_sum(frame, &at, len - at.transport)));
	headers_put16(field, sum || at.protocol == IPPROTO_TCP ? sum : 0xffff);
	if (step->what & STEP_ZERO && len - at.payload >= 2) {
		headers_put16(frame + at.payload,
			      headers_fold(headers_sum(field, 2, headers_sum(frame + at.payload, 2, 0))));
		headers_put16(field, at.protocol == IPPROTO_TCP ? 0xffff : 0);
	}
}

static void make(const uint8_t *input, uint32_t size, bool udp)
{
	struct frames frames = {.count = 0};
	struct step step;

	while (size >= sizeof(step) && frames.count < FRAMES_MAX) {
		uint8_t *before = frames.count ? frames.bytes[frames.count - 1] : NULL, *frame;
		uint32_t before_len = before ? frames.lens[frames.count - 1] : 0, len, patch, payload_before = 0;
		struct headers at;

		memcpy(&step, input, sizeof(step));
		input += sizeof(step);
		size -= (uint32_t)sizeof(step);
		len = step.what & STEP_RESIZE || !before ? step.len % LEN_MAX : before_len;
		frame = calloc(1, len ? len : 1);
		if (step.what & STEP_AGAIN && before) {
			memcpy(frame, before, len < before_len ? len : before_len);
			if (headers_parse(before, before_len, before_len, &at))
				payload_before = at.end - at.payload;
		}
		patch = step.patch < size ? step.patch : size;
		if (step.offset < len)
			memcpy(frame + step.offset, input, patch < len - step.offset ? patch : len - step.offset);
		input += patch;
		size -= patch;
		finish(frame, len, &step, payload_before);
		frames_add(&frames, frame, len);
	}
	join(&frames, udp);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	if (size < 1 || size > 100000)
		return 0;
	if (input[0] & 1)
		cut(input + 1, (uint32_t)size - 1, input[0] & 2);
	else
		make(input + 1, (uint32_t)size - 1, input[0] & 2);
	return 0;
}
