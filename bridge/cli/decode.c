/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decode.c - see decode.h.
 */
#include "bridge/cli/decode.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bridge/record/digest.h"

#define TYPE_IPV4 0x0800
#define TYPE_ARP  0x0806
#define TYPE_VLAN 0x8100
#define TYPE_QINQ 0x88a8
#define TYPE_IPV6 0x86dd

#define PROTO_ICMP   1
#define PROTO_TCP    6
#define PROTO_UDP    17
#define PROTO_ICMPV6 58

struct text {
	char *data;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text->data + text->len, text->size - text->len, fmt, args);
	va_end(args);
	if (n > 0)
		text->len = text->len + (size_t)n < text->size ? text->len + (size_t)n : text->size - 1;
}

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)be16(at) << 16 | be16(at + 2);
}

static void say_transport(struct text *text, uint8_t proto, const uint8_t *at, size_t size)
{
	if (proto == PROTO_TCP && size >= 20) {
		static const char flags[] = "FSRPAU";

		say(text, ", TCP %u > %u seq %u ack %u ", be16(at), be16(at + 2), be32(at + 4), be32(at + 8));
		for (int i = 0; i < 6; i++) {
			if (at[13] & 1 << i)
				say(text, "%c", flags[i]);
		}
		say(text, " win %u", be16(at + 14));
	} else if (proto == PROTO_UDP && size >= 8) {
		say(text, ", UDP %u > %u length %u", be16(at), be16(at + 2), be16(at + 4) >= 8 ? be16(at + 4) - 8 : 0);
	} else if (proto == PROTO_ICMP && size >= 8) {
		say(text, ", ICMP type %u code %u id %u seq %u", at[0], at[1], be16(at + 4), be16(at + 6));
	} else if (proto == PROTO_ICMPV6 && size >= 4) {
		say(text, ", ICMPv6 type %u code %u", at[0], at[1]);
	} else {
		say(text, ", protocol %u", proto);
	}
}

static void say_ip(struct text *text, uint16_t type, const uint8_t *at, size_t size)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	size_t header;

	if (type == TYPE_IPV4) {
		header = size >= 20 ? (at[0] & 0xfu) * 4u : 0;
		if (header < 20 || header > size) {
			say(text, ", IPv4, cut short");
			return;
		}
		inet_ntop(AF_INET, at + 12, from, sizeof(from));
		inet_ntop(AF_INET, at + 16, to, sizeof(to));
		say(text, ", IPv4 %s > %s id %u ttl %u", from, to, be16(at + 4), at[8]);
		if (be16(at + 6) & 0x1fff)
			say(text, ", fragment at %u", (be16(at + 6) & 0x1fffu) * 8u);
		else
			say_transport(text, at[9], at + header, size - header);
		return;
	}
	if (size < 40) {
		say(text, ", IPv6, cut short");
		return;
	}
	inet_ntop(AF_INET6, at + 8, from, sizeof(from));
	inet_ntop(AF_INET6, at + 24, to, sizeof(to));
	say(text, ", IPv6 %s > %s hop limit %u", from, to, at[7]);
	header = 40;
	if (at[6] == 0 && size >= 48) { /* hop-by-hop options, as in MLD */
		header += 8u + at[41] * 8u;
		if (header <= size)
			say_transport(text, at[40], at + header, size - header);
	} else {
		say_transport(text, at[6], at + header, size - header);
	}
}

void decode_frame(const uint8_t *frame, size_t size, char *ret, size_t ret_size)
{
	struct text text = {.data = ret, .size = ret_size};
	char from[INET_ADDRSTRLEN], to[INET_ADDRSTRLEN];
	size_t at = 14;
	uint16_t type;

	ret[0] = '\0';
	if (size < 14) {
		say(&text, "%zu bytes, shorter than an Ethernet header", size);
		return;
	}
	say(&text, "%02x:%02x:%02x:%02x:%02x:%02x > %02x:%02x:%02x:%02x:%02x:%02x", frame[6], frame[7], frame[8],
	    frame[9], frame[10], frame[11], frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]);
	type = be16(frame + 12);
	while ((type == TYPE_VLAN || type == TYPE_QINQ) && size >= at + 4) {
		say(&text, ", VLAN %u", be16(frame + at) & 0xfffu);
		type = be16(frame + at + 2);
		at += 4;
	}
	if (type == TYPE_IPV4 || type == TYPE_IPV6) {
		say_ip(&text, type, frame + at, size - at);
	} else if (type == TYPE_ARP && size >= at + 28) {
		inet_ntop(AF_INET, frame + at + 14, from, sizeof(from));
		inet_ntop(AF_INET, frame + at + 24, to, sizeof(to));
		if (be16(frame + at + 6) == 1)
			say(&text, ", ARP who has %s, tell %s", to, from);
		else
			say(&text, ", ARP operation %u, %s to %s", be16(frame + at + 6), from, to);
	} else if (type <= 1500) {
		say(&text, ", 802.3 length %u", type);
	} else {
		say(&text, ", type 0x%04x", type);
	}
}

void decode_by_hash(const struct recording *recording, uint64_t hash, uint32_t len, char *ret, size_t ret_size)
{
	struct recording cursor = *recording; /* shares everything but where it stands */
	struct recording_entry entry;

	ret[0] = '\0';
	recording_rewind(&cursor);
	while (recording_next(&cursor, &entry)) {
		if (entry.kind == JOURNAL_IN && entry.len == len && digest_bytes(entry.data, entry.len) == hash) {
			decode_frame(entry.data, entry.len, ret, ret_size);
			return;
		}
	}
}
