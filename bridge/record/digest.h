/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * digest.h - the running hash by which two runs are told apart: one number per port over everything that left it.
 *
 * XXH3 (xxHash 0.8, 64-bit result) of the hash so far, the frame's own hash, its time and its length, so that order,
 * time, length and every byte count. Header-only, used by the ghost on every delivered frame: some 30 ns for 1500
 * bytes.
 */
#ifndef RECORD_DIGEST_H
#define RECORD_DIGEST_H

#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/** digest_bytes() - The hash of one frame. Unseeded: with a seed every long frame would cost a new key of 192 bytes. */
static inline uint64_t digest_bytes(const void *frame, uint32_t len)
{
	return XXH3_64bits(frame, len);
}

/**
 * digest_frame() - Add one departed frame to a port's hash
 * @digest:	hash so far; 0 before the first frame
 * @time_ns:	simulated departure time
 * @hash:	digest_bytes() of the frame
 * @len:	bytes of the frame
 *
 * Return: the new hash
 */
static inline uint64_t digest_frame(uint64_t digest, uint64_t time_ns, uint64_t hash, uint32_t len)
{
	uint64_t link[4] = {digest, hash, time_ns, len};

	return XXH3_64bits(link, sizeof(link));
}

#endif /* RECORD_DIGEST_H */
