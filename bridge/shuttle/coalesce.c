/* SPDX-License-Identifier: GPL-2.0-only */
/* coalesce.c - see coalesce.h. */
#include "bridge/shuttle/coalesce.h"

#include <netinet/in.h>
#include <stddef.h>

#include "bridge/shuttle/segment.h"

#define TCP_FIN 0x01u
#define TCP_PSH 0x08u
#define TCP_ACK 0x10u
#define TCP_ECE 0x40u

#define TCP_CHECKSUM 16u
#define UDP_CHECKSUM 6u

#define IP_SIZE_MAX 65535u

/* Whether a frame may be part of a super-frame at all; @copy holds its first @readable bytes. */
static bool may_join(const struct coalescer *coalescer, const uint8_t *copy, uint32_t readable, const uint8_t *frame,
		     uint32_t len, struct headers *headers)
{
	const uint8_t *transport;
	uint32_t size;
	uint64_t sum;

	/* Ethernet padding would end up inside the flow. */
	if (!headers_parse(copy, readable, len, headers) || headers->end != len || headers->payload == len)
		return false;
	transport = copy + headers->transport;
	size = len - headers->transport;
	if (headers->protocol == IPPROTO_TCP) {
		if (transport[13] & ~(TCP_ACK | TCP_PSH | TCP_FIN | TCP_ECE) || !(transport[13] & TCP_ACK))
			return false;
	} else if (!coalescer->udp || headers_get16(transport + UDP_CHECKSUM) == 0 ||
		   headers_get16(transport + 4) != size) {
		return false;
	}
	/* Header bytes from the copy, so that what was checked is what is written. */
	sum = headers_sum(frame + headers->payload, len - headers->payload, 0);
	if ((headers->payload - headers->transport) % 2)
		return false;
	sum = headers_sum(transport, headers->payload - headers->transport, sum);
	return headers_fold(sum + headers_pseudo_sum(copy, headers, size)) == 0xffff;
}

/* Headers with everything blanked that may differ between segments of one flow. */
static void blank(uint8_t *copy, const struct headers *headers)
{
	uint8_t *ip = copy + headers->network, *transport = copy + headers->transport;

	if (headers->ipv6) {
		headers_put16(ip + 4, 0);
	} else {
		headers_put16(ip + 2, 0);
		headers_put16(ip + 4, 0);
		headers_put16(ip + 10, 0);
	}
	if (headers->protocol == IPPROTO_TCP) {
		headers_put32(transport + 4, 0);
		transport[13] &= (uint8_t) ~(TCP_PSH | TCP_FIN);
		headers_put16(transport + TCP_CHECKSUM, 0);
	} else {
		headers_put16(transport + 4, 0);
		headers_put16(transport + UDP_CHECKSUM, 0);
	}
}

static bool follows(const struct coalescer *coalescer, const uint8_t *copy, const struct headers *headers,
		    uint32_t payload_size)
{
	uint8_t ours[COALESCE_HEADERS_MAX], theirs[COALESCE_HEADERS_MAX];

	if (coalescer->closed || coalescer->count == COALESCE_FRAMES_MAX || payload_size > coalescer->gso_size ||
	    headers->payload - headers->network + coalescer->payload_size + payload_size > IP_SIZE_MAX)
		return false;
	if (memcmp(headers, &coalescer->headers, offsetof(struct headers, end)) != 0 ||
	    headers->protocol != coalescer->headers.protocol || headers->ipv6 != coalescer->headers.ipv6)
		return false;
	if (!headers->ipv6 && headers_get16(copy + headers->network + 4) != coalescer->next_id)
		return false;
	if (headers->protocol == IPPROTO_TCP && headers_get32(copy + headers->transport + 4) != coalescer->next_seq)
		return false;
	memcpy(ours, coalescer->first, headers->payload);
	memcpy(theirs, copy, headers->payload);
	blank(ours, headers);
	blank(theirs, headers);
	return memcmp(ours, theirs, headers->payload) == 0;
}

bool coalesce_offer(struct coalescer *coalescer, const uint8_t *frame, uint32_t len)
{
	uint32_t readable = len < COALESCE_HEADERS_MAX ? len : COALESCE_HEADERS_MAX, payload_size;
	struct headers headers;
	uint8_t copy[COALESCE_HEADERS_MAX];
	bool joinable;

	memcpy(copy, frame, readable);
	joinable = may_join(coalescer, copy, readable, frame, len, &headers);
	if (coalescer->count > 0 && (!joinable || !follows(coalescer, copy, &headers, len - headers.payload)))
		return false;

	memset(&coalescer->header, 0, sizeof(coalescer->header));
	if (coalescer->count == 0) {
		coalescer->iov[0] = (struct iovec){&coalescer->header, sizeof(coalescer->header)};
		coalescer->payload_size = 0;
		coalescer->closed = !joinable;
		if (!joinable) {
			/* As it is, headers included, straight from where it lies. */
			coalescer->iov[1] = (struct iovec){(void *)frame, len};
			coalescer->iov[2] = (struct iovec){NULL, 0};
			coalescer->headers.payload = 0;
			coalescer->count = 1;
			coalescer->payload_size = len;
			return true;
		}
		memcpy(coalescer->first, copy, headers.payload);
		coalescer->headers = headers;
		coalescer->gso_size = len - headers.payload;
		coalescer->iov[1] = (struct iovec){coalescer->joined, headers.payload};
	}
	payload_size = len - headers.payload;
	coalescer->iov[2 + coalescer->count] = (struct iovec){(void *)(frame + headers.payload), payload_size};
	coalescer->payload_size += payload_size;
	coalescer->count++;
	if (!headers.ipv6)
		coalescer->next_id = (uint16_t)(headers_get16(copy + headers.network + 4) + 1);
	if (headers.protocol == IPPROTO_TCP) {
		coalescer->next_seq = headers_get32(copy + headers.transport + 4) + payload_size;
		coalescer->last_flags = copy[headers.transport + 13];
	}
	coalescer->closed = payload_size < coalescer->gso_size ||
			    (headers.protocol == IPPROTO_TCP && coalescer->last_flags & (TCP_PSH | TCP_FIN));
	return true;
}

/* Make the joined headers those of one long packet whose checksum the kernel finishes for each segment. */
static void join_headers(struct coalescer *coalescer)
{
	const struct headers *at = &coalescer->headers;
	uint8_t *ip = coalescer->joined + at->network, *transport = coalescer->joined + at->transport;
	uint32_t ip_size = at->payload - at->network + coalescer->payload_size;
	uint32_t transport_size = at->payload - at->transport + coalescer->payload_size;
	uint32_t field;

	if (at->ipv6) {
		headers_put16(ip + 4, (uint16_t)(ip_size - 40));
	} else {
		headers_put16(ip + 2, (uint16_t)ip_size);
		headers_put16(ip + 10, 0);
		headers_put16(ip + 10, (uint16_t)~headers_fold(headers_sum(ip, at->transport - at->network, 0)));
	}
	if (at->protocol == IPPROTO_TCP) {
		transport[13] |= coalescer->last_flags & (TCP_PSH | TCP_FIN);
		field = TCP_CHECKSUM;
		coalescer->header.gso_type = at->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	} else {
		headers_put16(transport + 4, (uint16_t)transport_size);
		field = UDP_CHECKSUM;
		coalescer->header.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	}
	headers_put16(transport + field, headers_fold(headers_pseudo_sum(coalescer->joined, at, transport_size)));
	coalescer->header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	coalescer->header.csum_start = (uint16_t)at->transport;
	coalescer->header.csum_offset = (uint16_t)field;
	coalescer->header.gso_size = (uint16_t)coalescer->gso_size;
	coalescer->header.hdr_len = (uint16_t)at->payload;
}

struct iovec *coalesce_take(struct coalescer *coalescer, int *ret_count, size_t *ret_size)
{
	uint32_t count = coalescer->count;

	coalescer->count = 0;
	*ret_size = sizeof(coalescer->header) + coalescer->payload_size + coalescer->headers.payload;
	if (coalescer->headers.payload == 0) {
		*ret_count = 2;
		return coalescer->iov;
	}
	memcpy(coalescer->joined, coalescer->first, coalescer->headers.payload);
	if (count > 1)
		join_headers(coalescer);
	else
		coalescer->header.flags = VIRTIO_NET_HDR_F_DATA_VALID; /* checked in may_join() */
	*ret_count = (int)(2 + count);
	return coalescer->iov;
}
