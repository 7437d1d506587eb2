/* SPDX-License-Identifier: GPL-2.0-only */
/* segment.c - see segment.h. */
#include "bridge/shuttle/segment.h"

#include <errno.h>
#include <netinet/in.h>

#define TCP_FIN 0x01u
#define TCP_PSH 0x08u
#define TCP_CWR 0x80u

#define HEADERS_SIZE_MAX 256u /* Ethernet, two tags, IPv6 with some extension headers, TCP with all options */

#define TCP_CHECKSUM 16u /* offsets within the transport header */
#define UDP_CHECKSUM 6u

int segment_begin(struct segmenter *segmenter, const struct virtio_net_hdr *header, const uint8_t *frame, uint32_t len)
{
	struct segmenter cut = {.frame = frame, .size = header->gso_size};
	uint8_t protocol;
	bool ipv6;

	switch (header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		protocol = IPPROTO_TCP;
		ipv6 = false;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		protocol = IPPROTO_TCP;
		ipv6 = true;
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		protocol = IPPROTO_UDP;
		ipv6 = false; /* either: taken from the frame below */
		break;
	default:
		return -EINVAL;
	}
	if (cut.size == 0 || !headers_parse(frame, len, len, &cut.headers) || cut.headers.protocol != protocol ||
	    (protocol == IPPROTO_TCP && cut.headers.ipv6 != ipv6) || header->csum_start != cut.headers.transport)
		return -EINVAL;
	cut.headers.end = len; /* the length field is rewritten for every segment */
	if (cut.headers.payload >= len || cut.headers.payload > HEADERS_SIZE_MAX)
		return -EINVAL;
	cut.pseudo = headers_pseudo_sum(frame, &cut.headers, 0);
	*segmenter = cut;
	return 0;
}

uint32_t segment_len(const struct segmenter *segmenter)
{
	uint32_t left = segmenter->headers.end - segmenter->headers.payload - segmenter->done;

	if (left == 0)
		return 0;
	return segmenter->headers.payload + (left < segmenter->size ? left : segmenter->size);
}

/* One's complement of a folded sum, as it stands in a header. */
static uint16_t checksum(uint64_t sum)
{
	return (uint16_t)~headers_fold(sum);
}

static void write_network(const struct segmenter *segmenter, uint8_t *ip, uint32_t ip_size)
{
	if (segmenter->headers.ipv6) {
		headers_put16(ip + 4, (uint16_t)(ip_size - 40));
		return;
	}
	headers_put16(ip + 2, (uint16_t)ip_size);
	headers_put16(ip + 4, (uint16_t)(headers_get16(ip + 4) + segmenter->index));
	headers_put16(ip + 10, 0);
	headers_put16(ip + 10, checksum(headers_sum(ip, segmenter->headers.transport - segmenter->headers.network, 0)));
}

void segment_next(struct segmenter *segmenter, uint8_t *ret)
{
	const struct headers *at = &segmenter->headers;
	uint32_t len = segment_len(segmenter), size = len - at->payload, transport_size = len - at->transport;
	bool last = at->payload + segmenter->done + size == at->end;
	const uint8_t *payload = segmenter->frame + at->payload + segmenter->done;
	uint8_t headers[HEADERS_SIZE_MAX], *transport = headers + at->transport;
	uint64_t sum;

	/* Headers are made in private memory, so that no check depends on what a peer may change. */
	memcpy(headers, segmenter->frame, at->payload);
	write_network(segmenter, headers + at->network, len - at->network);
	if (at->protocol == IPPROTO_TCP) {
		headers_put32(transport + 4, headers_get32(transport + 4) + segmenter->done);
		if (!last)
			transport[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
		if (segmenter->index > 0)
			transport[13] &= (uint8_t)~TCP_CWR;
		headers_put16(transport + TCP_CHECKSUM, 0);
	} else {
		headers_put16(transport + 4, (uint16_t)transport_size);
		headers_put16(transport + UDP_CHECKSUM, 0);
	}
	sum = headers_sum(payload, size, 0);
	sum = headers_sum(transport, at->payload - at->transport, sum) + segmenter->pseudo;
	sum += htons((uint16_t)transport_size);
	if (at->protocol == IPPROTO_TCP) {
		headers_put16(transport + TCP_CHECKSUM, checksum(sum));
	} else {
		uint16_t value = checksum(sum);

		headers_put16(transport + UDP_CHECKSUM, value ? value : 0xffff); /* 0 would mean "none" (RFC 768) */
	}
	memcpy(ret, headers, at->payload);
	memcpy(ret + at->payload, payload, size);
	segmenter->done += size;
	segmenter->index++;
}

void segment_skip(struct segmenter *segmenter)
{
	segmenter->done += segment_len(segmenter) - segmenter->headers.payload;
	segmenter->index++;
}

int segment_finish_checksum(uint8_t *frame, uint32_t len, const struct virtio_net_hdr *header)
{
	uint32_t start = header->csum_start, field = start + header->csum_offset;
	uint16_t value;

	if (start >= len || field + 2 > len)
		return -EINVAL;
	/* The field holds the pseudo header's sum, so it is part of what is summed. */
	value = checksum(headers_sum(frame + start, len - start, 0));
	if (value == 0 && header->csum_offset == UDP_CHECKSUM)
		value = 0xffff;
	headers_put16(frame + field, value);
	return 0;
}
