/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decode.h - one frame in one line, for a person.
 */
#ifndef CLI_DECODE_H
#define CLI_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "bridge/record/recording.h"

/** decode_frame() - Ethernet, VLAN tags, ARP, IPv4 or IPv6, then UDP, TCP or ICMP; as far as the bytes go. */
void decode_frame(const uint8_t *frame, size_t size, char *ret, size_t ret_size);

/** decode_by_hash() - The same of the frame that entered a recording and has this hash; "" when there is none. */
void decode_by_hash(const struct recording *recording, uint64_t hash, uint32_t len, char *ret, size_t ret_size);

#endif /* CLI_DECODE_H */
