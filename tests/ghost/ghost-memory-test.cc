/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The allocator of ns3-ghost, linked in the place of the usual one: blocks do not overlap, are
 * aligned, are used again, and may be freed by another thread; beyond its range malloc serves.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace
{
void
Check(bool ok, const char* what)
{
    if (!ok)
    {
        std::fprintf(stderr, "ghost-memory-test: %s\n", what);
        std::exit(1);
    }
}

/// A block that is full of its own number.
struct Filled
{
    unsigned char* bytes;
    size_t size;
    unsigned char fill;
};

Filled
Make(size_t size, unsigned char fill)
{
    auto* bytes = static_cast<unsigned char*>(::operator new(size));
    Check(reinterpret_cast<uintptr_t>(bytes) % 16 == 0, "a block is not aligned");
    std::memset(bytes, fill, size);
    return {bytes, size, fill};
}

void
Throw(const Filled& block, bool sized)
{
    for (size_t i = 0; i < block.size; i++)
    {
        Check(block.bytes[i] == block.fill, "a block was overwritten");
    }
    if (sized)
    {
        ::operator delete(block.bytes, block.size);
    }
    else
    {
        ::operator delete(block.bytes);
    }
}

void
Churn(uint32_t seed, std::vector<Filled>& left)
{
    std::mt19937 random(seed);
    for (uint32_t i = 0; i < 200000; i++)
    {
        if (left.size() < 500 && random() % 2)
        {
            size_t size = random() % (random() % 8 ? 100 : 2000);
            left.push_back(Make(size, static_cast<unsigned char>(random())));
        }
        else if (!left.empty())
        {
            size_t victim = random() % left.size();
            Throw(left[victim], random() % 2);
            left[victim] = left.back();
            left.pop_back();
        }
    }
}

/// More than the range holds. A sanitizer would need a GiB for it.
[[maybe_unused]] void
Exhaust()
{
    std::vector<Filled> blocks;
    for (uint32_t i = 0; i < (300u << 20) / 512; i++)
    {
        auto* bytes = static_cast<unsigned char*>(::operator new(512));
        bytes[0] = bytes[511] = static_cast<unsigned char>(i);
        blocks.push_back({bytes, 512, static_cast<unsigned char>(i)});
    }
    for (const Filled& block : blocks)
    {
        Check(block.bytes[0] == block.fill && block.bytes[511] == block.fill,
              "a block beyond the range was overwritten");
        ::operator delete(block.bytes);
    }
}
} // namespace

int
main()
{
    std::vector<Filled> here;
    std::vector<Filled> there;
    Churn(1, here);
    std::thread other([&there]() { Churn(2, there); });
    Churn(3, here);
    other.join();
    for (const Filled& block : there)
    {
        Throw(block, true);
    }
    for (const Filled& block : here)
    {
        Throw(block, false);
    }
    // The latest to be freed is the next to be used.
    void* block = ::operator new(48);
    ::operator delete(block);
    void* again = ::operator new(40);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    Check(again == block, "a freed block was not used again");
    Exhaust();
#endif
    ::operator delete(again);
    ::operator delete(nullptr);
    std::unique_ptr<char[]> small(new char[3]);
    std::printf("ok\n");
    return 0;
}
