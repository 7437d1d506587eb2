/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * digest.h - the running hash by which two runs are told apart: one number per port over everything that left it.
 *
 * XXH3 (xxHash 0.8, 64-bit result) of the hash so far, the frame's own hash, its time and its length, so that order,
 * time, length and every byte count. The ghost makes it of every frame that it delivers: some 50 ns for 1500 bytes
 * with AVX2, 80 ns without.
 */
#ifndef RECORD_DIGEST_H
#define RECORD_DIGEST_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** digest_bytes() - The hash of one frame. Unseeded: with a seed every long frame would cost a new key of 192 bytes. */
uint64_t digest_bytes(const void *frame, uint32_t len);

/** digest_bytes_avx2() - The same by other instructions; for digest_bytes(), and only where the processor has them. */
uint64_t digest_bytes_avx2(const void *frame, uint32_t len);

/**
 * digest_frame() - Add one departed frame to a port's hash
 * @digest:	hash so far; 0 before the first frame
 * @time_ns:	simulated departure time
 * @hash:	digest_bytes() of the frame
 * @len:	bytes of the frame
 *
 * Return: the new hash
 */
uint64_t digest_frame(uint64_t digest, uint64_t time_ns, uint64_t hash, uint32_t len);

/**
 * digest_input() - Add one thing that entered a simulation to the hash of all that did
 * @digest:	hash so far; 0 before the first
 * @time_ns:	simulated time of its injection
 * @port:	where; UINT32_MAX: a change
 * @data:	@size bytes, the frame or the change's text
 *
 * Return: the new hash
 */
uint64_t digest_input(uint64_t digest, uint64_t time_ns, uint32_t port, const void *data, uint32_t size);

#ifdef __cplusplus
}
#endif

#endif /* RECORD_DIGEST_H */
