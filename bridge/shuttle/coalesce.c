/* SPDX-License-Identifier: GPL-2.0-only */
/* coalesce.c - see coalesce.h. */
#include "bridge/shuttle/coalesce.h"

#include <netinet/in.h>

#include "bridge/shuttle/segment.h"

#define TCP_FIN 0x01u
#define TCP_PSH 0x08u
#define TCP_ACK 0x10u
#define TCP_ECE 0x40u

#define TCP_CHECKSUM 16u
#define UDP_CHECKSUM 6u

#define IP_SIZE_MAX 65535u

/*
 * Whether a checksum that verifies is also the one a segmenter will write: of the two zeros of one's complement it
 * never writes this one (RFC 1624, section 3).
 */
static bool canonical(const uint8_t *field)
{
	return headers_get16(field) != 0xffff;
}

/* Whether the IP header comes out the same when it is made anew: lengths given, checksum right. */
static bool network_sound(const uint8_t *ip, const struct headers *headers)
{
	uint32_t size = headers->transport - headers->network;

	if (headers->ipv6)
		return headers_get16(ip + 4) != 0;
	return headers_get16(ip + 2) != 0 && canonical(ip + 10) && headers_fold(headers_sum(ip, size, 0)) == 0xffff;
}

/* Whether a frame may be part of a super-frame by its headers; @copy holds its first @readable bytes. */
static bool may_join(const struct coalescer *coalescer, const uint8_t *copy, uint32_t readable, uint32_t len,
		     struct headers *headers)
{
	const uint8_t *transport;

	/* Ethernet padding would end up inside the flow. */
	if (!headers_parse(copy, readable, len, headers) || headers->end != len || headers->payload == len ||
	    !network_sound(copy + headers->network, headers))
		return false;
	transport = copy + headers->transport;
	if (headers->protocol == IPPROTO_TCP)
		return transport[13] & TCP_ACK && !(transport[13] & ~(TCP_ACK | TCP_PSH | TCP_FIN | TCP_ECE)) &&
		       canonical(transport + TCP_CHECKSUM);
	return coalescer->udp && headers_get16(transport + UDP_CHECKSUM) != 0 &&
	       headers_get16(transport + 4) == len - headers->transport;
}

/* Header bytes from the private @copy, so that what was checked is what is written. */
static bool transport_sound(const uint8_t *copy, const struct headers *headers, const uint8_t *payload,
			    uint32_t payload_size)
{
	uint32_t size = headers->payload - headers->transport;
	uint64_t sum = headers_pseudo_sum(copy, headers, size + payload_size);

	sum = headers_sum(copy + headers->transport, size, sum);
	return headers_fold(headers_sum(payload, payload_size, sum)) == 0xffff;
}

/* Fill the mask of what must be the same in headers of one flow's segments. */
static void make_mask(uint8_t *same, const struct headers *headers)
{
	uint8_t *ip = same + headers->network, *transport = same + headers->transport;

	memset(same, 0xff, headers->payload);
	if (headers->ipv6) {
		headers_put16(ip + 4, 0);
	} else {
		headers_put32(ip + 2, 0); /* length and identification */
		headers_put16(ip + 10, 0);
	}
	if (headers->protocol == IPPROTO_TCP) {
		headers_put32(transport + 4, 0);
		transport[13] = (uint8_t) ~(TCP_PSH | TCP_FIN);
		headers_put16(transport + TCP_CHECKSUM, 0);
	} else {
		headers_put32(transport + 4, 0); /* length and checksum */
	}
}

/* By words: every frame comes through here. */
static bool equal(const uint8_t *left, const uint8_t *right, const uint8_t *mask, uint32_t size)
{
	uint64_t difference = 0, l, r, m;
	uint32_t i = 0;

	for (; i + sizeof(l) <= size; i += sizeof(l)) {
		memcpy(&l, left + i, sizeof(l));
		memcpy(&r, right + i, sizeof(r));
		memcpy(&m, mask + i, sizeof(m));
		difference |= (l ^ r) & m;
	}
	for (; i < size; i++)
		difference |= (left[i] ^ right[i]) & mask[i];
	return difference == 0;
}

/* Whether a frame goes on where the held ones end. */
static bool follows(const struct coalescer *coalescer, const uint8_t *copy, const struct headers *headers,
		    uint32_t payload_size)
{
	if (payload_size > coalescer->gso_size ||
	    headers->payload - headers->network + coalescer->payload_size + payload_size > IP_SIZE_MAX)
		return false;
	if (!headers->ipv6 && headers_get16(copy + headers->network + 4) != coalescer->next_id)
		return false;
	if (headers->protocol == IPPROTO_TCP && headers_get32(copy + headers->transport + 4) != coalescer->next_seq)
		return false;
	/* Equal bytes mean equal headers: nothing that says where they lie is masked. */
	return headers->payload == coalescer->headers.payload &&
	       equal(copy, coalescer->joined, coalescer->same, headers->payload);
}

bool coalesce_offer(struct coalescer *coalescer, const uint8_t *frame, uint32_t len)
{
	uint32_t readable = len < COALESCE_HEADERS_MAX ? len : COALESCE_HEADERS_MAX, payload_size;
	struct headers headers;
	uint8_t copy[COALESCE_HEADERS_MAX];
	bool joinable;

	if (coalescer->count > 0 && (coalescer->closed || coalescer->count == COALESCE_FRAMES_MAX))
		return false;
	memcpy(copy, frame, readable);
	joinable = may_join(coalescer, copy, readable, len, &headers);
	payload_size = joinable ? len - headers.payload : 0;
	if (coalescer->count > 0) {
		const struct iovec *first = &coalescer->iov[2];

		/* The first frame's payload is looked at only now: by itself it goes out as it is, right or wrong. */
		if (!joinable || !follows(coalescer, copy, &headers, payload_size) ||
		    (coalescer->count == 1 && !transport_sound(coalescer->joined, &coalescer->headers, first->iov_base,
							       (uint32_t)first->iov_len)) ||
		    !transport_sound(copy, &headers, frame + headers.payload, payload_size))
			return false;
	} else {
		coalescer->iov[0] = (struct iovec){&coalescer->header, sizeof(coalescer->header)};
		coalescer->payload_size = 0;
		coalescer->closed = !joinable;
		if (!joinable) {
			/* As it is, headers included, straight from where it lies. */
			coalescer->iov[1] = (struct iovec){(void *)frame, len};
			coalescer->headers.payload = 0;
			coalescer->count = 1;
			coalescer->payload_size = len;
			return true;
		}
		memcpy(coalescer->joined, copy, headers.payload);
		make_mask(coalescer->same, &headers);
		coalescer->headers = headers;
		coalescer->gso_size = len - headers.payload;
		coalescer->iov[1] = (struct iovec){coalescer->joined, headers.payload};
	}
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
	memset(&coalescer->header, 0, sizeof(coalescer->header));
	*ret_size = sizeof(coalescer->header) + coalescer->payload_size + coalescer->headers.payload;
	if (coalescer->headers.payload == 0) {
		*ret_count = 2;
		return coalescer->iov;
	}
	if (count > 1)
		join_headers(coalescer);
	*ret_count = (int)(2 + count);
	return coalescer->iov;
}
