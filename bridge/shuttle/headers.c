/* SPDX-License-Identifier: GPL-2.0-only */
/* headers.c - see headers.h. */
#include "bridge/shuttle/headers.h"

#include <netinet/in.h>

#define ETHER_SIZE 14u
#define TAG_SIZE   4u

uint32_t headers_network(const uint8_t *frame, uint32_t len, uint16_t *ret_type)
{
	uint32_t offset = ETHER_SIZE;

	if (len < ETHER_SIZE)
		return 0;
	*ret_type = headers_get16(frame + 12);
	for (unsigned int tags = 0; tags < HEADERS_TAGS_MAX && (*ret_type == 0x8100 || *ret_type == 0x88a8); tags++) {
		if (len < offset + TAG_SIZE)
			return 0;
		*ret_type = headers_get16(frame + offset + 2);
		offset += TAG_SIZE;
	}
	return offset;
}

static bool parse_ipv4(const uint8_t *frame, uint32_t readable, uint32_t len, struct headers *headers)
{
	const uint8_t *ip = frame + headers->network;
	uint32_t size, total;

	if (readable < headers->network + 20 || ip[0] >> 4 != 4)
		return false;
	size = (ip[0] & 15u) * 4u;
	total = headers_get16(ip + 2);
	/* A fragment has no transport header of its own. */
	if (size < 20 || (headers_get16(ip + 6) & 0x3fff) != 0)
		return false;
	headers->transport = headers->network + size;
	/* The length field of a super-frame may be 0 when the packet is longer than 65535 (BIG TCP). */
	headers->end = total ? headers->network + total : len;
	headers->protocol = ip[9];
	headers->ipv6 = false;
	return true;
}

static bool parse_ipv6(const uint8_t *frame, uint32_t readable, uint32_t len, struct headers *headers)
{
	const uint8_t *ip = frame + headers->network;
	uint32_t offset = headers->network + 40, payload;
	uint8_t next;

	if (readable < offset || ip[0] >> 4 != 6)
		return false;
	payload = headers_get16(ip + 4);
	next = ip[6];
	while (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS) {
		if (readable < offset + 8)
			return false;
		next = frame[offset];
		offset += 8u + frame[offset + 1] * 8u;
	}
	headers->transport = offset;
	headers->end = payload ? headers->network + 40 + payload : len;
	headers->protocol = next;
	headers->ipv6 = true;
	return true;
}

bool headers_parse(const uint8_t *frame, uint32_t readable, uint32_t len, struct headers *ret)
{
	struct headers headers;
	uint16_t type;
	bool found;

	headers.network = headers_network(frame, readable, &type);
	if (headers.network == 0 || (type != 0x0800 && type != 0x86dd))
		return false;
	found = type == 0x0800 ? parse_ipv4(frame, readable, len, &headers)
			       : parse_ipv6(frame, readable, len, &headers);
	if (!found)
		return false;
	if (headers.protocol == IPPROTO_TCP) {
		if (readable < headers.transport + 20)
			return false;
		headers.payload = headers.transport + (frame[headers.transport + 12] >> 4) * 4u;
		if (headers.payload < headers.transport + 20)
			return false;
	} else if (headers.protocol == IPPROTO_UDP) {
		headers.payload = headers.transport + 8;
	} else {
		return false;
	}
	if (headers.payload > readable || headers.payload > headers.end || headers.end > len)
		return false;
	*ret = headers;
	return true;
}

uint64_t headers_sum(const void *bytes, uint32_t size, uint64_t sum)
{
	const uint8_t *at = bytes;
	uint64_t lanes[4] = {0};

	/*
	 * 32-bit words in 64-bit lanes cannot overflow for any frame, and compilers turn this into vector code. Words
	 * are summed in host order; the one's complement sum is the same but for byte order (RFC 1071, section 2B).
	 */
	while (size >= 16) {
		uint32_t words[4];

		memcpy(words, at, sizeof(words));
		for (int i = 0; i < 4; i++)
			lanes[i] += words[i];
		at += 16;
		size -= 16;
	}
	sum += lanes[0] + lanes[1] + lanes[2] + lanes[3];
	while (size >= 4) {
		uint32_t word;

		memcpy(&word, at, sizeof(word));
		sum += word;
		at += 4;
		size -= 4;
	}
	if (size >= 2) {
		uint16_t word;

		memcpy(&word, at, sizeof(word));
		sum += word;
		at += 2;
		size -= 2;
	}
	if (size) {
		uint16_t word = 0;

		memcpy(&word, at, 1);
		sum += word;
	}
	return sum;
}

uint64_t headers_pseudo_sum(const uint8_t *frame, const struct headers *headers, uint32_t size)
{
	const uint8_t *ip = frame + headers->network;
	uint64_t sum = headers->ipv6 ? headers_sum(ip + 8, 32, 0) : headers_sum(ip + 12, 8, 0);

	/* Length and protocol as 32-bit and 16-bit big-endian numbers, summed in host order like the rest. */
	return sum + htobe16((uint16_t)(size >> 16)) + htobe16((uint16_t)size) + htobe16(headers->protocol);
}
