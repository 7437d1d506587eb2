/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-invariants.h"

namespace ns3
{

namespace
{
constexpr uint64_t NS_PER_S = 1000000000;
/// Header and FCS, and what a shorter payload is padded to, IEEE 802.3 clause 3.
constexpr uint32_t FRAME_OVERHEAD = 18;
constexpr uint32_t PAYLOAD_MIN = 46;
/// Preamble with start frame delimiter, and interpacket gap, clauses 3.1.1 and 4.4.2.
constexpr uint32_t PREAMBLE_AND_GAP = 20;
} // namespace

uint64_t GhostInvariant::m_start = 0;

void
GhostInvariant::SetStart(Time start)
{
    m_start = static_cast<uint64_t>(start.GetNanoSeconds());
}

void
GhostInvariant::Break(struct stats_check& stats, uint64_t now)
{
    if (stats_get(&stats.broken) == 0)
    {
        stats_add(&stats.first_ns, now > m_start ? now - m_start : 0);
    }
    stats_add(&stats.broken, 1);
}

GhostSpacing::GhostSpacing(Kind kind, uint64_t rateBps)
    : m_kind(kind)
    , m_rate(rateBps)
{
}

GhostSpacing::GhostSpacing(GhostRateTrace trace)
    : m_kind(LINE)
    , m_rate(1)
    , m_trace(std::move(trace))
{
}

void
GhostSpacing::SetRate(uint64_t rateBps)
{
    m_rate = rateBps;
    m_trace = GhostRateTrace();
    m_size = 0; // no frame has that
    m_changed = true;
}

void
GhostSpacing::Measure(uint32_t size)
{
    uint64_t bytes = size;
    if (m_kind == LINE)
    {
        bytes = std::max(size, PAYLOAD_MIN) + FRAME_OVERHEAD;
    }
    m_size = size;
    m_gap = PREAMBLE_AND_GAP * 8 * NS_PER_S / m_rate;
    // Rounded down, as a transmitter may that carries the rest on to the next frame.
    m_time = (bytes + PREAMBLE_AND_GAP) * 8 * NS_PER_S / m_rate;
}

bool
GhostSpacing::Use(uint32_t bytes, uint64_t now)
{
    if (m_any && now == m_last)
    {
        bool holds = bytes <= m_unused;
        m_unused -= std::min(bytes, m_unused);
        return holds;
    }
    uint32_t count;
    Time moment = NanoSeconds(now);
    if (now == 0 || m_trace.NextAfter(moment - NanoSeconds(1), count) != moment)
    {
        return false; // no opportunity at all
    }
    // A frame uses all there is from where it begins. So what it had of earlier moments was less
    // than its size; and for one that fits into an opportunity that is at most what the last
    // departure left, if that was the opportunity just before this one.
    uint64_t here = uint64_t{count} * GhostRateTrace::OPPORTUNITY_SIZE;
    uint64_t before = std::min(m_unused, bytes - 1);
    uint64_t at = m_last;
    while (before < bytes)
    {
        at = static_cast<uint64_t>(m_trace.NextAfter(NanoSeconds(at), count).GetNanoSeconds());
        if (at >= now)
        {
            break;
        }
        before += uint64_t{count} * GhostRateTrace::OPPORTUNITY_SIZE;
    }
    if (before >= bytes && bytes <= GhostRateTrace::OPPORTUNITY_SIZE)
    {
        before = 0; // it did not begin as early as that
    }
    bool holds = before + here >= bytes;
    uint64_t used = bytes - std::min<uint64_t>(before, bytes);
    m_unused = static_cast<uint32_t>(here - std::min(here, used));
    m_any = true;
    m_last = now;
    return holds;
}

} // namespace ns3
