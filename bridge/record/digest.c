/* SPDX-License-Identifier: GPL-2.0-only */
/* digest.c - see digest.h. XXH3 gives the same number whatever instructions it is made of. */
#include "bridge/record/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Up to here XXH3 takes no vector instructions. */
#define SHORT_MAX 240u

uint64_t digest_bytes(const void *frame, uint32_t len)
{
#ifdef DIGEST_AVX2
	if (len > SHORT_MAX && __builtin_cpu_supports("avx2"))
		return digest_bytes_avx2(frame, len);
#endif
	return XXH3_64bits(frame, len);
}

uint64_t digest_frame(uint64_t digest, uint64_t time_ns, uint64_t hash, uint32_t len)
{
	uint64_t link[4] = {digest, hash, time_ns, len};

	return XXH3_64bits(link, sizeof(link));
}

uint64_t digest_input(uint64_t digest, uint64_t time_ns, uint32_t port, const void *data, uint32_t size)
{
	uint64_t link[4] = {digest, digest_bytes(data, size), time_ns, (uint64_t)port << 32 | size};

	return XXH3_64bits(link, sizeof(link));
}
