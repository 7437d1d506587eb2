/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * headers.h - where the headers of a frame lie, and the Internet checksum. Shared by the segmenter (up) and the
 * coalescer (down); pure functions on private or shared bytes, each byte read once.
 */
#ifndef SHUTTLE_HEADERS_H
#define SHUTTLE_HEADERS_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define HEADERS_TAGS_MAX 2u

/* What the offload code needs to know of a TCP or UDP frame; offsets in bytes from the destination address. */
struct headers {
	uint32_t network;   /* IPv4 or IPv6 header */
	uint32_t transport; /* TCP or UDP header */
	uint32_t payload;   /* first byte after it */
	uint32_t end;       /* first byte after the IP packet: Ethernet padding follows */
	uint8_t protocol;   /* IPPROTO_TCP or IPPROTO_UDP */
	bool ipv6;
};

static inline uint16_t headers_get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline uint32_t headers_get32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline void headers_put16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

static inline void headers_put32(uint8_t *bytes, uint32_t value)
{
	headers_put16(bytes, (uint16_t)(value >> 16));
	headers_put16(bytes + 2, (uint16_t)value);
}

/**
 * headers_network() - Offset of the network header behind at most two VLAN tags
 * @frame:	@len bytes
 * @ret_type:	its EtherType
 *
 * Return: offset, or 0 when the frame is too short
 */
uint32_t headers_network(const uint8_t *frame, uint32_t len, uint16_t *ret_type);

/**
 * headers_parse() - Find the headers of a whole, unfragmented TCP or UDP packet
 * @frame:	private copy of the frame's first @readable bytes
 * @readable:	bytes that may be looked at; headers that do not end within them are not found
 * @len:	length of the whole frame, at least @readable
 * @ret:	filled when true is returned
 *
 * IPv6 extension headers that every segment repeats (hop-by-hop, routing, destination options) are walked over.
 *
 * Return: false for anything else
 */
bool headers_parse(const uint8_t *frame, uint32_t readable, uint32_t len, struct headers *ret);

/**
 * headers_sum() - One's complement sum of bytes (RFC 1071), not folded
 * @sum:	sum so far of an even number of bytes
 */
uint64_t headers_sum(const void *bytes, uint32_t size, uint64_t sum);

/** headers_fold() - Fold a sum to 16 bits, host order of the big-endian value, not inverted. */
static inline uint16_t headers_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff); /* 33 bits */
	sum = (sum >> 16) + (sum & 0xffff);     /* 18 */
	sum = (sum >> 16) + (sum & 0xffff);     /* 17 */
	sum = (sum >> 16) + (sum & 0xffff);
	return be16toh((uint16_t)sum);
}

/** headers_pseudo_sum() - Sum of the pseudo header for @size bytes of transport header and payload. */
uint64_t headers_pseudo_sum(const uint8_t *frame, const struct headers *headers, uint32_t size);

#endif /* SHUTTLE_HEADERS_H */
