/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memory.cc - operator new and delete of ns3-ghost: free lists, one for each size.
 *
 * ns-3 makes some twenty objects for every frame (packet, events, list nodes) and throws them away
 * again; nothing of that needs a general allocator. Blocks of up to BLOCK_MAX bytes come from spans
 * of one size each, within one range of addresses, so that a block's address tells its size. What
 * is freed is the next to be used. Spans are never given back: a ghost's memory is as large as it
 * has been at most. Everything else, and what comes when the range is used up, is malloc's.
 *
 * Lists are per thread. A block may be freed by another thread than its own, whose list it joins.
 */
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <sys/mman.h>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // they have their own

namespace
{
constexpr std::size_t GRAIN = 16; // alignment, and step from size to size
constexpr std::size_t BLOCK_MAX = 512;
constexpr std::size_t CLASSES = BLOCK_MAX / GRAIN;
constexpr std::size_t SPAN_SIZE = 64 << 10;
constexpr std::size_t RANGE_SIZE = std::size_t{256}
                                   << 20; // of addresses; memory comes when touched
constexpr std::size_t SPANS = RANGE_SIZE / SPAN_SIZE;

struct Block
{
    Block* next;
};

/// Free blocks of one size, and what is left of its newest span.
struct FreeList
{
    Block* first;
    char* fresh;
    char* end;
};

std::atomic<std::uintptr_t> g_base; // of the range; 0: none yet
std::atomic<std::size_t> g_used;    // spans in use
unsigned char g_classOf[SPANS];     // of each span, written before its first block is handed out
thread_local FreeList g_free[CLASSES];

std::uintptr_t
GetRange()
{
    std::uintptr_t base = g_base.load(std::memory_order_acquire);
    if (base)
    {
        return base;
    }
    void* map = mmap(nullptr,
                     RANGE_SIZE,
                     PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                     -1,
                     0);
    if (map == MAP_FAILED)
    {
        return 0;
    }
    if (!g_base.compare_exchange_strong(base, reinterpret_cast<std::uintptr_t>(map)))
    {
        munmap(map, RANGE_SIZE); // another thread was faster
        return base;
    }
    return reinterpret_cast<std::uintptr_t>(map);
}

void*
Malloc(std::size_t size)
{
    for (;;)
    {
        if (void* block = std::malloc(size))
        {
            return block;
        }
        std::new_handler handler = std::get_new_handler();
        if (!handler)
        {
            throw std::bad_alloc();
        }
        handler();
    }
}

/// A block of a size of which none is free.
__attribute__((noinline)) void*
Grow(std::size_t index)
{
    FreeList& list = g_free[index];
    std::size_t size = (index + 1) * GRAIN;
    if (static_cast<std::size_t>(list.end - list.fresh) < size)
    {
        std::uintptr_t base = GetRange();
        std::size_t span = base ? g_used.load(std::memory_order_relaxed) : SPANS;
        while (span < SPANS && !g_used.compare_exchange_weak(span, span + 1))
        {
        }
        if (span >= SPANS)
        {
            return Malloc(size);
        }
        g_classOf[span] = static_cast<unsigned char>(index);
        list.fresh = reinterpret_cast<char*>(base + span * SPAN_SIZE);
        list.end = list.fresh + SPAN_SIZE;
    }
    void* block = list.fresh;
    list.fresh += size;
    return block;
}
} // namespace

void*
operator new(std::size_t size)
{
    std::size_t index = size ? (size - 1) / GRAIN : 0;
    if (index >= CLASSES)
    {
        return Malloc(size);
    }
    Block* block = g_free[index].first;
    if (!block)
    {
        return Grow(index);
    }
    g_free[index].first = block->next;
    return block;
}

void
operator delete(void* pointer) noexcept
{
    std::uintptr_t base = g_base.load(std::memory_order_relaxed);
    std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(pointer) - base;
    if (!base || offset >= RANGE_SIZE)
    {
        std::free(pointer);
        return;
    }
    FreeList& list = g_free[g_classOf[offset / SPAN_SIZE]];
    Block* block = static_cast<Block*>(pointer);
    block->next = list.first;
    list.first = block;
}

void
operator delete(void* pointer, std::size_t) noexcept
{
    operator delete(pointer);
}

#endif
