/* SPDX-License-Identifier: GPL-2.0-only */
/* segment.c - see segment.h. */
#include "bridge/shuttle/segment.h"

#include <errno.h>
#include <netinet/in.h>

#define TCP_FIN 0x01u
#define TCP_PSH 0x08u
#define TCP_CWR 0x80u

#define TCP_CHECKSUM 16u /* offsets within the transport header */
#define UDP_CHECKSUM 6u

/* What the virtio header must say of a frame with these headers. */
static bool fits(const struct virtio_net_hdr *header, const struct headers *at)
{
	uint16_t field = at->protocol == IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM;

	switch (header->gso_type) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN:
		if (at->protocol != IPPROTO_TCP || at->ipv6)
			return false;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
	case VIRTIO_NET_HDR_GSO_TCPV6 | VIRTIO_NET_HDR_GSO_ECN:
		if (at->protocol != IPPROTO_TCP || !at->ipv6)
			return false;
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		if (at->protocol != IPPROTO_UDP || !(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
			return false;
		break;
	default:
		return false;
	}
	/* Without the flag the two fields mean nothing. */
	return !(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) ||
	       (header->csum_start == at->transport && header->csum_offset == field);
}

int segment_begin(struct segmenter *segmenter, const struct virtio_net_hdr *header, uint8_t *frame, uint32_t len)
{
	struct segmenter cut = {.frame = frame, .size = header->gso_size};
	const uint8_t *transport;

	if (cut.size == 0 || len > SEGMENT_SUPER_MAX || !headers_parse(frame, len, len, &cut.headers) ||
	    !fits(header, &cut.headers) || cut.headers.payload == len)
		return -EINVAL;
	transport = frame + cut.headers.transport;
	cut.headers.end = len; /* the length field is rewritten for every segment */
	if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		uint32_t size = len - cut.headers.transport;

		/*
		 * The pseudo header's sum as the sender made it, with the length taken off: with a source route it is
		 * not of the addresses in the IP header.
		 */
		cut.pseudo = headers_sum(transport + header->csum_offset, 2, 0);
		cut.pseudo += htons((uint16_t)~size);
	} else {
		cut.pseudo = headers_pseudo_sum(frame, &cut.headers, 0);
	}
	if (!cut.headers.ipv6)
		cut.id = headers_get16(frame + cut.headers.network + 4);
	if (cut.headers.protocol == IPPROTO_TCP) {
		cut.seq = headers_get32(transport + 4);
		cut.flags = transport[13];
	}
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
	headers_put16(ip + 4, (uint16_t)(segmenter->id + segmenter->index));
	headers_put16(ip + 10, 0);
	headers_put16(ip + 10, checksum(headers_sum(ip, segmenter->headers.transport - segmenter->headers.network, 0)));
}

void segment_next(struct segmenter *segmenter, uint8_t *ret)
{
	const struct headers *at = &segmenter->headers;
	uint32_t len = segment_len(segmenter), size = len - at->payload, transport_size = len - at->transport;
	bool last = at->payload + segmenter->done + size == at->end;
	uint8_t *frame = segmenter->frame, *transport = frame + at->transport;
	const uint8_t *payload = frame + at->payload + segmenter->done;
	uint64_t sum = segmenter->pseudo + htons((uint16_t)transport_size);

	/* Headers are made where they lie, in private memory: no check depends on what a peer may change. */
	write_network(segmenter, frame + at->network, len - at->network);
	if (at->protocol == IPPROTO_TCP) {
		uint8_t flags = segmenter->flags;

		if (!last)
			flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
		if (segmenter->index > 0)
			flags &= (uint8_t)~TCP_CWR;
		headers_put32(transport + 4, segmenter->seq + segmenter->done);
		transport[13] = flags;
		headers_put16(transport + TCP_CHECKSUM, 0);
	} else {
		headers_put16(transport + 4, (uint16_t)transport_size);
		headers_put16(transport + UDP_CHECKSUM, 0);
	}
	sum = headers_sum(transport, at->payload - at->transport, sum);
	sum = headers_sum(payload, size, sum);
	if (at->protocol == IPPROTO_TCP) {
		headers_put16(transport + TCP_CHECKSUM, checksum(sum));
	} else {
		uint16_t value = checksum(sum);

		headers_put16(transport + UDP_CHECKSUM, value ? value : 0xffff); /* 0 would mean "none" (RFC 768) */
	}
	memcpy(ret, frame, at->payload);
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
	/* 0 would mean "none" for UDP; for the others both are as good, and this is what the kernel does. */
	headers_put16(frame + field, value ? value : 0xffff);
	return 0;
}
