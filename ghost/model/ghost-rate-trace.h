/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_RATE_TRACE_H
#define GHOST_RATE_TRACE_H

#include "ns3/nstime.h"

#include <cstdint>
#include <vector>

namespace ns3
{

/**
 * \brief When a link whose rate changes can deliver, as mahimahi's mm-link reads it
 * (link_queue.cc): a list of times in ms, each an opportunity for OPPORTUNITY_SIZE bytes, repeated
 * for ever; the last time is the period. An opportunity at time t serves what was there before t;
 * what nobody uses is lost.
 */
class GhostRateTrace
{
  public:
    /// Bytes of one opportunity: a packet of 1500 and the header of mahimahi's TUN.
    static constexpr uint32_t OPPORTUNITY_SIZE = 1504;
    /// What a packet takes beside its layer 3 bytes: that header.
    static constexpr uint32_t PACKET_OVERHEAD = 4;

    GhostRateTrace() = default;

    /// \param times in ms, not decreasing; the last is above 0
    explicit GhostRateTrace(std::vector<uint32_t> times);

    /// \return whether there is no trace
    bool IsEmpty() const;

    /**
     * \brief The next opportunities.
     * \param now a time
     * \param count set to how many there are at the time returned, at least 1
     * \return the first time after now that has one
     */
    Time NextAfter(Time now, uint32_t& count) const;

  private:
    std::vector<uint32_t> m_times; //!< in ms
};

} // namespace ns3

#endif /* GHOST_RATE_TRACE_H */
