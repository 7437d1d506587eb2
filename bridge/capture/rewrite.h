/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rewrite.h - replace MAC and IP addresses in an Ethernet frame, and keep its checksums as right as they were.
 *
 * Addresses are replaced where they stand as addresses: Ethernet source and destination, also behind VLAN tags; ARP;
 * IPv4 and IPv6 headers; the targets and link-layer options of Neighbour Discovery; the groups of MLD; and the packet
 * that an ICMP or ICMPv6 error quotes. For an IPv6 address that is replaced its solicited-node group, and that group's
 * MAC, are replaced too. Payloads of UDP and TCP (DHCP, DNS, ...) and tunnels are left alone.
 *
 * Checksums are updated by the difference (RFC 1624), not computed anew: a wrong one stays wrong, and fragments and
 * frames of which the end is missing need no more than their beginning.
 */
#ifndef CAPTURE_REWRITE_H
#define CAPTURE_REWRITE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rewrite;

/** rewrite_new() - A table that replaces nothing yet. Return: NULL without memory; rewrite_free() frees it. */
struct rewrite *rewrite_new(void);
void rewrite_free(struct rewrite *rewrite);

/** rewrite_add_mac() - Have one MAC replaced; of two for the same the first counts. Return: 0 or -ENOMEM */
int rewrite_add_mac(struct rewrite *rewrite, const uint8_t from[6], const uint8_t to[6]);

/** rewrite_add_ip() - Have one address replaced. @size: 4 or 16, bytes of both. Return: 0 or -ENOMEM */
int rewrite_add_ip(struct rewrite *rewrite, size_t size, const uint8_t *from, const uint8_t *to);

/** rewrite_frame() - Replace in place; a frame of any bytes and length will do. */
void rewrite_frame(const struct rewrite *rewrite, uint8_t *frame, size_t len);

#ifdef __cplusplus
}
#endif

#endif /* CAPTURE_REWRITE_H */
