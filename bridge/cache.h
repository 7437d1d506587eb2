/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cache.h - fetching memory into the processor's caches ahead of its use, where another core had it last
 *
 * Who comes to a line that lies in another core's cache waits for it some hundred cycles. Asked for while there is
 * something else to do, it is there in time. Nothing but time depends on it. Compiles as C11 and C++17.
 */
#ifndef BRIDGE_CACHE_H
#define BRIDGE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE 64u

/** cache_fetch() - @size bytes from @at will be read. */
static inline void cache_fetch(const uint8_t *at, size_t size)
{
	for (size_t i = 0; i < size; i += CACHE_LINE)
		__builtin_prefetch(at + i);
}

/** cache_fetch_own() - @size bytes from @at will be written: nobody else shall have a copy by then. */
static inline void cache_fetch_own(uint8_t *at, size_t size)
{
	for (size_t i = 0; i < size; i += CACHE_LINE) {
#ifdef __x86_64__
		/* The compiler would take an instruction that only reads, unless told to build for newer processors. */
		__asm__ volatile("prefetchw %0" : : "m"(at[i]));
#else
		__builtin_prefetch(at + i, 1);
#endif
	}
}

#endif /* BRIDGE_CACHE_H */
