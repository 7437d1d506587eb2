/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_capture_rewrite.c - addresses of frames rewritten.
 *
 * Checksums are judged by summing up everything that RFC 1071, 768, 9293, 4443 and 8200 say they cover, in no way as
 * the rewriter does it: it only ever adds differences.
 */
#include "tests/unit/check_capture.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/capture/rewrite.h"

static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 0xa}, mac_b[6] = {2, 0, 0, 0, 0, 0xb};
static const uint8_t new_mac_a[6] = {2, 0x67, 1, 2, 3, 0xa}, new_mac_b[6] = {2, 0x67, 0xff, 0xff, 0xff, 0xb};
static const uint8_t ip_a[4] = {192, 0, 2, 1}, ip_b[4] = {192, 0, 2, 2};
static const uint8_t new_ip_a[4] = {10, 0, 0, 1}, new_ip_b[4] = {255, 255, 0, 0};
static const uint8_t ip6_a[16] = {0x20, 1, 0xd, 0xb8, [15] = 1}, ip6_b[16] = {0x20, 1, 0xd, 0xb8, [13] = 9, 9, 2};
static const uint8_t new_ip6_a[16] = {0xfd, [13] = 7, 7, 1}, new_ip6_b[16] = {0xfd, [15] = 2};

static struct rewrite *table(bool back)
{
	struct rewrite *rewrite = rewrite_new();

	ck_assert_ptr_nonnull(rewrite);
	ck_assert_int_eq(rewrite_add_mac(rewrite, back ? new_mac_a : mac_a, back ? mac_a : new_mac_a), 0);
	ck_assert_int_eq(rewrite_add_mac(rewrite, back ? new_mac_b : mac_b, back ? mac_b : new_mac_b), 0);
	ck_assert_int_eq(rewrite_add_ip(rewrite, 4, back ? new_ip_a : ip_a, back ? ip_a : new_ip_a), 0);
	ck_assert_int_eq(rewrite_add_ip(rewrite, 4, back ? new_ip_b : ip_b, back ? ip_b : new_ip_b), 0);
	ck_assert_int_eq(rewrite_add_ip(rewrite, 16, back ? new_ip6_a : ip6_a, back ? ip6_a : new_ip6_a), 0);
	ck_assert_int_eq(rewrite_add_ip(rewrite, 16, back ? new_ip6_b : ip6_b, back ? ip6_b : new_ip6_b), 0);
	return rewrite;
}

struct packet {
	uint8_t data[2048];
	size_t len;
};

static uint8_t *put(struct packet *packet, const void *data, size_t len)
{
	uint8_t *at = packet->data + packet->len;

	ck_assert(packet->len + len <= sizeof(packet->data));
	memmove(at, data, len);
	packet->len += len;
	return at;
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* One's complement sum over bytes, RFC 1071. */
static uint32_t sum(const uint8_t *at, size_t len, uint32_t total)
{
	for (size_t i = 0; i < len; i++)
		total += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

/* Sum over pseudo header and transport; 0xffff when the checksum is right, and to be complemented to make it so. */
static uint32_t transport_sum(const uint8_t *src, const uint8_t *dst, size_t size, uint8_t proto, const uint8_t *at,
			      size_t len)
{
	return sum(at, len, sum(src, size, sum(dst, size, (uint32_t)(proto + len))));
}

static void ethernet(struct packet *packet, int tags, uint16_t type)
{
	packet->len = 0;
	put(packet, mac_b, 6);
	put(packet, mac_a, 6);
	for (int i = 0; i < tags; i++)
		put(packet, i ? "\x81\x00\x00\x05" : "\x88\xa8\x00\x07", 4);
	put16(put(packet, "..", 2), type);
}

/* An IPv4 header for @len bytes to come; @offset as in the header, flags included. */
static uint8_t *ipv4(struct packet *packet, uint8_t proto, size_t len, uint16_t offset)
{
	uint8_t header[24] = {0x46, 0, 0, 0, 0x12, 0x34, 0, 0, 64, proto, [20] = 1, 1, 1, 1}; /* with an option */

	put16(header + 2, len + sizeof(header));
	put16(header + 6, offset);
	memcpy(header + 12, ip_a, 4);
	memcpy(header + 16, ip_b, 4);
	put16(header + 10, ~sum(header, sizeof(header), 0));
	return put(packet, header, sizeof(header));
}

static uint8_t *ipv6(struct packet *packet, uint8_t proto, size_t len, const uint8_t *dst)
{
	uint8_t header[40] = {0x60, 0, 0, 0, 0, 0, proto, 64};

	put16(header + 4, len);
	memcpy(header + 8, ip6_a, 16);
	memcpy(header + 24, dst, 16);
	return put(packet, header, sizeof(header));
}

/* A transport of @len bytes, its checksum (at @at) right for these addresses. */
static void transport(struct packet *packet, uint8_t proto, size_t len, size_t at, const uint8_t *src,
		      const uint8_t *dst, size_t size)
{
	uint8_t *start = packet->data + packet->len, bytes[1024];
	uint32_t right;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	if (proto == 17)
		put16(bytes + 4, len);
	put16(bytes + at, 0);
	put(packet, bytes, len);
	right = ~transport_sum(src, dst, size, proto, start, len) & 0xffff;
	put16(start + at, right || proto != 17 ? right : 0xffff);
}

/* Whether every checksum of an IP packet is right; those of what it quotes are looked at by @quoted. */
static void check_ip(const uint8_t *at, bool quoted)
{
	bool four = at[0] >> 4 == 4;
	size_t header = four ? (at[0] & 15u) * 4u : 40, len = (size_t)(four ? at[2] << 8 | at[3] : at[4] << 8 | at[5]);
	uint8_t proto = four ? at[9] : at[6];
	const uint8_t *body = at + header;

	len -= four ? header : 0;
	if (four)
		ck_assert_uint_eq(sum(at, header, 0), 0xffff);
	if (proto == 1)
		ck_assert_uint_eq(sum(body, len, 0), 0xffff);
	else if (four)
		ck_assert_uint_eq(transport_sum(at + 12, at + 16, 4, proto, body, len), 0xffff);
	else
		ck_assert_uint_eq(transport_sum(at + 8, at + 24, 16, proto, body, len), 0xffff);
	if (quoted)
		check_ip(body + 8, false);
}

/* Rewrite; back again it must be what it was. */
static struct packet rewritten(const struct packet *packet)
{
	struct rewrite *there = table(false), *back = table(true);
	struct packet result = *packet, again;

	rewrite_frame(there, result.data, result.len);
	again = result;
	rewrite_frame(back, again.data, again.len);
	ck_assert_mem_eq(again.data, packet->data, packet->len);
	ck_assert_mem_eq(result.data, new_mac_b, 6);
	ck_assert_mem_eq(result.data + 6, new_mac_a, 6);
	rewrite_free(there);
	rewrite_free(back);
	return result;
}

static const struct {
	uint8_t proto;
	size_t len, at;
} transports[] = {{6, 20, 16}, {6, 533, 16}, {17, 8, 6}, {17, 101, 6}, {33, 40, 6}};

START_TEST(rewrite_transports)
{
	size_t len = transports[_i].len, at = transports[_i].at;
	uint8_t proto = transports[_i].proto;
	struct packet packet, result;

	for (int tags = 0; tags <= 2; tags++) {
		size_t start = 14 + 4u * (size_t)tags;

		ethernet(&packet, tags, 0x0800);
		ipv4(&packet, proto, len, 0x4000);
		transport(&packet, proto, len, at, ip_a, ip_b, 4);
		check_ip(packet.data + start, false);
		put(&packet, "padding", 7);
		result = rewritten(&packet);
		ck_assert_mem_eq(result.data + start + 12, new_ip_a, 4);
		ck_assert_mem_eq(result.data + start + 16, new_ip_b, 4);
		check_ip(result.data + start, false);
		ck_assert_mem_eq(result.data + start + 24 + at + 2, packet.data + start + 24 + at + 2,
				 len - at - 2 + 7);

		ethernet(&packet, tags, 0x86dd);
		ipv6(&packet, proto, len, ip6_b);
		transport(&packet, proto, len, at, ip6_a, ip6_b, 16);
		check_ip(packet.data + start, false);
		result = rewritten(&packet);
		ck_assert_mem_eq(result.data + start + 8, new_ip6_a, 16);
		ck_assert_mem_eq(result.data + start + 24, new_ip6_b, 16);
		check_ip(result.data + start, false);
	}
}
END_TEST

/* What was wrong stays as wrong as it was, and what was none stays none. */
START_TEST(rewrite_keeps)
{
	struct packet packet, result;

	ethernet(&packet, 0, 0x0800);
	ipv4(&packet, 17, 50, 0);
	transport(&packet, 17, 50, 6, ip_a, ip_b, 4);
	put16(packet.data + 14 + 24 + 6, 0);
	result = rewritten(&packet);
	ck_assert_mem_eq(result.data + 14 + 24, packet.data + 14 + 24, 50);
	ck_assert_uint_eq(sum(result.data + 14, 24, 0), 0xffff);

	/* a later fragment has no ports and no checksum */
	ethernet(&packet, 0, 0x0800);
	ipv4(&packet, 6, 50, 0x2005);
	put(&packet, packet.data, 50);
	result = rewritten(&packet);
	ck_assert_mem_eq(result.data + 14 + 24, packet.data + 14 + 24, 50);

	/* of a first fragment, or a frame cut short, the checksum counts what is not there */
	for (size_t cut = 20; cut < 100; cut += 7) {
		struct packet whole;

		ethernet(&packet, 0, 0x0800);
		ipv4(&packet, 6, 100, 0x2000);
		transport(&packet, 6, 100, 16, ip_a, ip_b, 4);
		whole = rewritten(&packet);
		check_ip(whole.data + 14, false);
		packet.len -= cut;
		result = rewritten(&packet);
		ck_assert_mem_eq(result.data, whole.data, result.len < 14 + 24 + 18 ? 14 + 24 : result.len);
	}
}
END_TEST

START_TEST(rewrite_arp)
{
	static const uint8_t kind[8] = {0, 1, 8, 0, 6, 4, 0, 2};
	struct packet packet, result;

	ethernet(&packet, 1, 0x0806);
	put(&packet, kind, 8);
	put(&packet, mac_a, 6);
	put(&packet, ip_a, 4);
	put(&packet, mac_b, 6);
	put(&packet, ip_b, 4);
	put(&packet, mac_b, 6); /* padding is no address */
	result = rewritten(&packet);
	ck_assert_mem_eq(result.data + 26, new_mac_a, 6);
	ck_assert_mem_eq(result.data + 32, new_ip_a, 4);
	ck_assert_mem_eq(result.data + 36, new_mac_b, 6);
	ck_assert_mem_eq(result.data + 42, new_ip_b, 4);
	ck_assert_mem_eq(result.data + 46, mac_b, 6);
}
END_TEST

/* An ICMP error of @type about a UDP datagram. */
START_TEST(rewrite_icmp)
{
	static const uint8_t types[] = {3, 5, 11, 12};
	struct packet packet, result;
	uint8_t *icmp;

	ethernet(&packet, 0, 0x0800);
	ipv4(&packet, 1, 8 + 24 + 30, 0);
	icmp = put(&packet, "????\xc0\x00\x02\x02", 8); /* a redirect's gateway is ip_b */
	icmp[0] = types[_i];
	ipv4(&packet, 17, 30, 0);
	transport(&packet, 17, 30, 6, ip_a, ip_b, 4);
	put16(icmp + 2, 0);
	put16(icmp + 2, ~sum(icmp, 8 + 24 + 30, 0));
	check_ip(packet.data + 14, true);
	result = rewritten(&packet);
	check_ip(result.data + 14, true);
	ck_assert_mem_eq(result.data + 14 + 24 + 4, types[_i] == 5 ? new_ip_b : ip_b, 4);
	ck_assert_mem_eq(result.data + 14 + 24 + 8 + 12, new_ip_a, 4);
	/* an echo quotes nothing, whatever it carries */
	packet.data[14 + 24] = 8;
	result = rewritten(&packet);
	ck_assert_mem_eq(result.data + 14 + 24, packet.data + 14 + 24, 62);
}
END_TEST

/* A solicitation for ip6_b, with the sender's MAC, to the group of ip6_b. */
START_TEST(rewrite_nd)
{
	static const uint8_t group[16] = {0xff, 2, [11] = 1, 0xff, 9, 9, 2};
	static const uint8_t new_group[16] = {0xff, 2, [11] = 1, 0xff, 0, 0, 2};
	static const uint8_t types[] = {135, 136, 137};
	uint8_t type = types[_i];
	size_t len = type == 137 ? 48 : 32, option = len - 8;
	struct packet packet, result;
	uint8_t *icmp;

	ethernet(&packet, 0, 0x86dd);
	ipv6(&packet, 58, len, group);
	icmp = put(&packet, (const uint8_t[8]){type}, 8);
	put(&packet, ip6_b, 16);
	if (type == 137)
		put(&packet, ip6_a, 16);
	put(&packet, type == 135 ? "\x01\x01" : "\x02\x01", 2);
	put(&packet, mac_a, 6);
	put16(icmp + 2, ~transport_sum(ip6_a, group, 16, 58, icmp, len));
	check_ip(packet.data + 14, false);
	memcpy(packet.data, mac_b, 6);
	result = rewritten(&packet);
	check_ip(result.data + 14, false);
	ck_assert_mem_eq(result.data + 14 + 24, new_group, 16);
	ck_assert_mem_eq(result.data + 54 + 8, new_ip6_b, 16);
	if (type == 137)
		ck_assert_mem_eq(result.data + 54 + 24, new_ip6_a, 16);
	ck_assert_mem_eq(result.data + 54 + option + 2, new_mac_a, 6);

	/* the group's own MAC */
	memcpy(packet.data, "\x33\x33\xff\x09\x09\x02", 6);
	struct rewrite *rewrite = table(false);
	rewrite_frame(rewrite, packet.data, packet.len);
	rewrite_free(rewrite);
	ck_assert_mem_eq(packet.data, "\x33\x33\xff\x00\x00\x02", 6);
}
END_TEST

START_TEST(rewrite_icmpv6_error)
{
	struct packet packet, result;
	uint8_t *icmp;

	ethernet(&packet, 0, 0x86dd);
	ipv6(&packet, 58, 8 + 40 + 25, ip6_b);
	icmp = put(&packet, "\x01\x04\x00\x00\x00\x00\x00\x00", 8);
	ipv6(&packet, 17, 25, ip6_b);
	transport(&packet, 17, 25, 6, ip6_a, ip6_b, 16);
	put16(icmp + 2, ~transport_sum(ip6_a, ip6_b, 16, 58, icmp, 8 + 40 + 25));
	check_ip(packet.data + 14, true);
	result = rewritten(&packet);
	check_ip(result.data + 14, true);
	ck_assert_mem_eq(result.data + 54 + 8 + 8, new_ip6_a, 16);
}
END_TEST

START_TEST(rewrite_mld)
{
	static const uint8_t all[16] = {0xff, 2, [15] = 0x16}, group[16] = {0xff, 2, [11] = 1, 0xff, 0, 0, 1};
	struct packet packet, result;
	uint8_t *icmp, *hop;

	/* hop-by-hop, then a report of ip6_a's group */
	ethernet(&packet, 0, 0x86dd);
	ipv6(&packet, 0, 8 + 28, all);
	hop = put(&packet, "\x3a\x00\x05\x02\x00\x00\x01\x00", 8);
	icmp = put(&packet, "\x8f\x00\x00\x00\x00\x00\x00\x01\x04\x00\x00\x00", 12);
	put(&packet, group, 16);
	put16(icmp + 2, ~transport_sum(ip6_a, all, 16, 58, icmp, 28));
	(void)hop;
	result = rewritten(&packet);
	ck_assert_uint_eq(transport_sum(result.data + 22, all, 16, 58, result.data + 62, 28), 0xffff);
	ck_assert_mem_eq(result.data + 62 + 12 + 13, new_ip6_a + 13, 3);
}
END_TEST

/* The destination of a packet that is on its way by a routing header is not the one that TCP counts. */
START_TEST(rewrite_routed)
{
	struct packet packet, result;
	uint8_t *start;

	for (uint8_t left = 0; left <= 1; left++) {
		ethernet(&packet, 0, 0x86dd);
		ipv6(&packet, 43, 24 + 60, ip6_b);
		start = put(&packet, (const uint8_t[8]){6, 2, 2, left}, 8);
		put(&packet, ip6_a, 16);
		transport(&packet, 6, 60, 16, ip6_a, left ? ip6_a : ip6_b, 16);
		result = rewritten(&packet);
		start = result.data + 54;
		ck_assert_mem_eq(start + 8, ip6_a, 16); /* as it was */
		ck_assert_uint_eq(transport_sum(result.data + 22, left ? ip6_a : new_ip6_b, 16, 6, start + 24, 60),
				  0xffff);
	}
}
END_TEST

/* Frames of any bytes: nothing outside of them is touched, and a way back there is. */
START_TEST(rewrite_anything)
{
	static const uint8_t types[][2] = {{8, 0}, {8, 6}, {0x86, 0xdd}, {0x81, 0}, {0x88, 0xa8}};
	struct rewrite *rewrite = table(false);
	struct packet packet;
	uint8_t before;

	srandom(1);
	for (int i = 0; i < 200000; i++) {
		packet.len = (size_t)random() % 200;
		for (size_t j = 0; j < packet.len + 1; j++)
			packet.data[j] = (uint8_t)(random() & random());
		if (packet.len > 14)
			memcpy(packet.data + 12, types[random() % 5], 2);
		if (packet.len > 15)
			packet.data[14] = random() & 1 ? 0x45 : 0x60;
		before = packet.data[packet.len];
		rewrite_frame(rewrite, packet.data, packet.len);
		ck_assert_uint_eq(packet.data[packet.len], before);
	}
	rewrite_free(rewrite);
	rewrite_free(NULL);
}
END_TEST

TCase *capture_rewrite_tests(void)
{
	TCase *tcase = tcase_create("rewrite");

	tcase_add_loop_test(tcase, rewrite_transports, 0, sizeof(transports) / sizeof(transports[0]));
	tcase_add_test(tcase, rewrite_keeps);
	tcase_add_test(tcase, rewrite_arp);
	tcase_add_loop_test(tcase, rewrite_icmp, 0, 4);
	tcase_add_loop_test(tcase, rewrite_nd, 0, 3);
	tcase_add_test(tcase, rewrite_icmpv6_error);
	tcase_add_test(tcase, rewrite_mld);
	tcase_add_test(tcase, rewrite_routed);
	tcase_add_test(tcase, rewrite_anything);
	return tcase;
}
