/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rewrite.c - see rewrite.h.
 *
 * Every write goes through put(), which knows the checksums that cover the place, from the inside out: an address
 * quoted in an ICMP error is covered by the quoted packet's checksums, and those and itself by that of the error.
 */
#include "bridge/capture/rewrite.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP  0x0806
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8

#define PROTO_HOPOPTS  0
#define PROTO_ICMP     1
#define PROTO_TCP      6
#define PROTO_UDP      17
#define PROTO_DCCP     33
#define PROTO_ROUTING  43
#define PROTO_FRAGMENT 44
#define PROTO_AH       51
#define PROTO_ICMPV6   58
#define PROTO_DSTOPTS  60
#define PROTO_MOBILITY 135
#define PROTO_UDPLITE  136

#define EXTENSIONS_MAX 16 /* headers looked through before the transport's */

struct pair {
	uint8_t from[16], to[16];
};

struct table {
	struct pair *pairs;
	size_t count;
	size_t size; /* bytes of an address */
};

struct rewrite {
	struct table mac, ipv4, ipv6;
};

/* A checksum that covers what is being written, and those that cover the checksum. */
struct cover {
	uint8_t *sum;
	bool zero_is_none; /* UDP */
	const struct cover *outer;
};

struct rewrite *rewrite_new(void)
{
	struct rewrite *rewrite = calloc(1, sizeof(*rewrite));

	if (rewrite) {
		rewrite->mac.size = 6;
		rewrite->ipv4.size = 4;
		rewrite->ipv6.size = 16;
	}
	return rewrite;
}

void rewrite_free(struct rewrite *rewrite)
{
	if (!rewrite)
		return;
	free(rewrite->mac.pairs);
	free(rewrite->ipv4.pairs);
	free(rewrite->ipv6.pairs);
	free(rewrite);
}

static int add(struct table *table, const uint8_t *from, const uint8_t *to)
{
	struct pair *pairs = realloc(table->pairs, (table->count + 1) * sizeof(*pairs));

	if (!pairs)
		return -ENOMEM;
	table->pairs = pairs;
	memcpy(pairs[table->count].from, from, table->size);
	memcpy(pairs[table->count].to, to, table->size);
	table->count++;
	return 0;
}

int rewrite_add_mac(struct rewrite *rewrite, const uint8_t from[6], const uint8_t to[6])
{
	return add(&rewrite->mac, from, to);
}

/* The group that a node joins for an address of its own, and the group's MAC (RFC 4291 2.7.1, RFC 2464 7). */
static void solicited_node(const uint8_t *addr, uint8_t group[16], uint8_t mac[6])
{
	static const uint8_t prefix[13] = {0xff, 0x02, [11] = 0x01, 0xff};

	memcpy(group, prefix, sizeof(prefix));
	memcpy(group + 13, addr + 13, 3);
	mac[0] = mac[1] = 0x33;
	memcpy(mac + 2, group + 12, 4);
}

int rewrite_add_ip(struct rewrite *rewrite, size_t size, const uint8_t *from, const uint8_t *to)
{
	uint8_t groups[2][16], macs[2][6];
	int r;

	if (size == 4)
		return add(&rewrite->ipv4, from, to);
	solicited_node(from, groups[0], macs[0]);
	solicited_node(to, groups[1], macs[1]);
	r = add(&rewrite->ipv6, from, to);
	if (r == 0)
		r = add(&rewrite->ipv6, groups[0], groups[1]);
	if (r == 0)
		r = add(&rewrite->mac, macs[0], macs[1]);
	return r;
}

static const uint8_t *find(const struct table *table, const uint8_t *addr)
{
	for (size_t i = 0; i < table->count; i++)
		if (!memcmp(table->pairs[i].from, addr, table->size))
			return table->pairs[i].to;
	return NULL;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* RFC 1624, equation 3: HC' = ~(~HC + ~m + m'). */
static uint16_t adjust(uint16_t sum, uint16_t old, uint16_t new)
{
	uint32_t total = (uint16_t)~sum + (uint32_t)(uint16_t)~old + new;

	total = (total & 0xffff) + (total >> 16);
	total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

static void put16(uint8_t *at, uint16_t new, const struct cover *cover);

/* 16 bits that @cover's sum counts have changed, and are not counted by what covers the sum. */
static void adjust_sum(const struct cover *cover, uint16_t old, uint16_t new)
{
	uint16_t sum = get16(cover->sum);

	if (!sum && cover->zero_is_none)
		return;
	sum = adjust(sum, old, new);
	/* All zeros would say that there is none (RFC 768). */
	put16(cover->sum, cover->zero_is_none && !sum ? 0xffff : sum, cover->outer);
}

/* Write 16 bits that @cover and all around it count. */
static void put16(uint8_t *at, uint16_t new, const struct cover *cover)
{
	uint16_t old = get16(at);

	at[0] = (uint8_t)(new >> 8);
	at[1] = (uint8_t)(new & 0xff);
	for (; cover && old != new; cover = cover->outer)
		adjust_sum(cover, old, new);
}

/*
 * Replace an address, at an even place of what @cover counts.
 * @pseudo:	whose pseudo header has the address as well; NULL: none
 */
static void put(const struct table *table, uint8_t *at, const struct cover *cover, const struct cover *pseudo)
{
	const uint8_t *to = find(table, at);

	for (size_t i = 0; to && i < table->size; i += 2) {
		if (pseudo)
			adjust_sum(pseudo, get16(at + i), get16(to + i));
		put16(at + i, get16(to + i), cover);
	}
}

/* Where a transport's checksum is, if it counts the addresses. Return: false if it does not, or is not there. */
static bool find_sum(uint8_t proto, uint8_t *at, size_t len, struct cover *ret)
{
	size_t offset;

	switch (proto) {
	case PROTO_TCP:
		offset = 16;
		break;
	case PROTO_UDP:
	case PROTO_UDPLITE:
	case PROTO_DCCP:
		offset = 6;
		break;
	case PROTO_ICMPV6:
		offset = 2;
		break;
	default:
		return false;
	}
	if (len < offset + 2)
		return false;
	ret->sum = at + offset;
	ret->zero_is_none = proto == PROTO_UDP;
	return true;
}

static void rewrite_ip(const struct rewrite *rewrite, uint8_t *at, size_t len, const struct cover *outer, int depth);

/* Options of Neighbour Discovery (RFC 4861 4.6): link-layer addresses. */
static void rewrite_options(const struct rewrite *rewrite, uint8_t *at, size_t len, const struct cover *cover)
{
	while (len >= 8 && at[1] && len >= at[1] * 8u) {
		size_t size = at[1] * 8u;

		if ((at[0] == 1 || at[0] == 2) && size == 8)
			put(&rewrite->mac, at + 2, cover, NULL);
		at += size;
		len -= size;
	}
}

/* Groups of an MLDv2 report (RFC 3810 5.2). Their sources are other nodes' addresses. */
static void rewrite_report(const struct rewrite *rewrite, uint8_t *at, size_t len, const struct cover *cover)
{
	unsigned int left = get16(at + 6);

	for (at += 8, len -= 8; left > 0 && len >= 20; left--) {
		size_t size = 20 + get16(at + 2) * 16u + at[1] * 4u;

		put(&rewrite->ipv6, at + 4, cover, NULL);
		for (size_t i = 20; i + 16 <= 20 + get16(at + 2) * 16u && i + 16 <= len; i += 16)
			put(&rewrite->ipv6, at + i, cover, NULL);
		if (size > len)
			return;
		at += size;
		len -= size;
	}
}

static void rewrite_icmpv6(const struct rewrite *rewrite, uint8_t *at, size_t len, const struct cover *cover, int depth)
{
	if (len < 8)
		return;
	switch (at[0]) {
	case 1: /* errors quote what caused them */
	case 2:
	case 3:
	case 4:
		rewrite_ip(rewrite, at + 8, len - 8, cover, depth + 1);
		break;
	case 130: /* MLD: query, report, done */
	case 131:
	case 132:
		if (len >= 24)
			put(&rewrite->ipv6, at + 8, cover, NULL);
		break;
	case 133: /* router solicitation */
		rewrite_options(rewrite, at + 8, len - 8, cover);
		break;
	case 134: /* router advertisement */
		if (len >= 16)
			rewrite_options(rewrite, at + 16, len - 16, cover);
		break;
	case 135: /* neighbour solicitation, advertisement */
	case 136:
		if (len < 24)
			break;
		put(&rewrite->ipv6, at + 8, cover, NULL);
		rewrite_options(rewrite, at + 24, len - 24, cover);
		break;
	case 137: /* redirect */
		if (len < 40)
			break;
		put(&rewrite->ipv6, at + 8, cover, NULL);
		put(&rewrite->ipv6, at + 24, cover, NULL);
		rewrite_options(rewrite, at + 40, len - 40, cover);
		break;
	case 143:
		rewrite_report(rewrite, at, len, cover);
		break;
	default:
		break;
	}
}

static void rewrite_icmp(const struct rewrite *rewrite, uint8_t *at, size_t len, const struct cover *outer, int depth)
{
	struct cover cover = {.sum = at + 2, .outer = outer};

	if (len < 8)
		return;
	switch (at[0]) {
	case 3: /* unreachable */
	case 4:
	case 5: /* redirect, to a gateway */
	case 11:
	case 12:
		if (at[0] == 5)
			put(&rewrite->ipv4, at + 4, &cover, NULL);
		rewrite_ip(rewrite, at + 8, len - 8, &cover, depth + 1);
		break;
	default:
		break;
	}
}

static void rewrite_ipv4(const struct rewrite *rewrite, uint8_t *at, size_t len, const struct cover *outer, int depth)
{
	struct cover header = {.sum = at + 10, .outer = outer}, transport = {.outer = outer};
	size_t header_len = (at[0] & 15u) * 4u;
	bool has_sum = false;

	if (len < 20 || header_len < 20 || header_len > len)
		return;
	if (get16(at + 2) >= header_len && get16(at + 2) < len)
		len = get16(at + 2); /* the rest is padding */
	/* Only a first fragment has the transport's header. */
	if (!(get16(at + 6) & 0x1fff)) {
		has_sum = at[9] != PROTO_ICMPV6 && find_sum(at[9], at + header_len, len - header_len, &transport);
		if (at[9] == PROTO_ICMP)
			rewrite_icmp(rewrite, at + header_len, len - header_len, outer, depth);
	}
	put(&rewrite->ipv4, at + 12, &header, has_sum ? &transport : NULL);
	put(&rewrite->ipv4, at + 16, &header, has_sum ? &transport : NULL);
}

/*
 * Skip extension headers (RFC 8200 4). Return: the transport's protocol, or 0 where there is none to be found.
 * @ret_routed:	the destination in the header is not the one that the transport counts
 */
static uint8_t skip_extensions(const uint8_t *at, size_t len, size_t *ret_offset, bool *ret_routed)
{
	uint8_t next = at[6];
	size_t offset = 40, size;

	*ret_routed = false;
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		switch (next) {
		case PROTO_HOPOPTS:
		case PROTO_ROUTING:
		case PROTO_FRAGMENT:
		case PROTO_AH:
		case PROTO_DSTOPTS:
		case PROTO_MOBILITY:
			break;
		default:
			*ret_offset = offset;
			return next;
		}
		if (offset + 8 > len)
			return 0;
		size = next == PROTO_FRAGMENT ? 8
		       : next == PROTO_AH     ? (at[offset + 1] + 2u) * 4u
					      : (at[offset + 1] + 1u) * 8u;
		if (next == PROTO_FRAGMENT && get16(at + offset + 2) & 0xfff8)
			return 0;
		*ret_routed |= next == PROTO_ROUTING && at[offset + 3];
		next = at[offset];
		offset += size;
		if (offset > len)
			return 0;
	}
	return 0;
}

static void rewrite_ipv6(const struct rewrite *rewrite, uint8_t *at, size_t len, const struct cover *outer, int depth)
{
	struct cover transport = {.outer = outer};
	size_t offset = 0;
	bool has_sum, routed;
	uint8_t proto;

	if (len < 40)
		return;
	if (get16(at + 4) && get16(at + 4) + 40u < len)
		len = get16(at + 4) + 40u;
	proto = skip_extensions(at, len, &offset, &routed);
	has_sum = proto && find_sum(proto, at + offset, len - offset, &transport);
	put(&rewrite->ipv6, at + 8, outer, has_sum ? &transport : NULL);
	put(&rewrite->ipv6, at + 24, outer, has_sum && !routed ? &transport : NULL);
	if (has_sum && proto == PROTO_ICMPV6)
		rewrite_icmpv6(rewrite, at + offset, len - offset, &transport, depth);
}

/* @outer: what counts the packet's bytes, where it is quoted in another. */
static void rewrite_ip(const struct rewrite *rewrite, uint8_t *at, size_t len, const struct cover *outer, int depth)
{
	/* An error never quotes an error. */
	if (depth > 1 || !len)
		return;
	if (at[0] >> 4 == 4)
		rewrite_ipv4(rewrite, at, len, outer, depth);
	else if (at[0] >> 4 == 6)
		rewrite_ipv6(rewrite, at, len, outer, depth);
}

static void rewrite_arp(const struct rewrite *rewrite, uint8_t *at, size_t len)
{
	/* of Ethernet and IPv4 */
	static const uint8_t kind[6] = {0, 1, 8, 0, 6, 4};

	if (len < 28 || memcmp(at, kind, sizeof(kind)) != 0)
		return;
	put(&rewrite->mac, at + 8, NULL, NULL);
	put(&rewrite->ipv4, at + 14, NULL, NULL);
	put(&rewrite->mac, at + 18, NULL, NULL);
	put(&rewrite->ipv4, at + 24, NULL, NULL);
}

void rewrite_frame(const struct rewrite *rewrite, uint8_t *frame, size_t len)
{
	size_t type = 12;

	if (len < 14)
		return;
	put(&rewrite->mac, frame, NULL, NULL);
	put(&rewrite->mac, frame + 6, NULL, NULL);
	while (len >= type + 6 && (get16(frame + type) == ETHERTYPE_VLAN || get16(frame + type) == ETHERTYPE_QINQ))
		type += 4;
	frame += type + 2;
	len -= type + 2;
	switch (get16(frame - 2)) {
	case ETHERTYPE_ARP:
		rewrite_arp(rewrite, frame, len);
		break;
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6:
		rewrite_ip(rewrite, frame, len, NULL, 0);
		break;
	default:
		break;
	}
}
