/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-rate-trace.h"

#include <algorithm>

namespace ns3
{

namespace
{
constexpr uint64_t NS_PER_MS = 1000000;
}

GhostRateTrace::GhostRateTrace(std::vector<uint32_t> times)
    : m_times(std::move(times))
{
}

bool
GhostRateTrace::IsEmpty() const
{
    return m_times.empty();
}

Time
GhostRateTrace::NextAfter(Time now, uint32_t& count) const
{
    uint64_t period = m_times.back();
    uint64_t ms = static_cast<uint64_t>(now.GetNanoSeconds()) / NS_PER_MS;
    uint32_t phase = static_cast<uint32_t>(ms % period);
    // There always is one: the last is the period.
    auto first = std::upper_bound(m_times.begin(), m_times.end(), phase);
    auto end = std::upper_bound(first, m_times.end(), *first);
    count = static_cast<uint32_t>(end - first);
    if (*first == period)
    {
        // The end of one round is time 0 of the next.
        count += static_cast<uint32_t>(std::upper_bound(m_times.begin(), m_times.end(), 0u) -
                                       m_times.begin());
    }
    return NanoSeconds((ms - phase + *first) * NS_PER_MS);
}

} // namespace ns3
