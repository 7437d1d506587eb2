/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_INVARIANTS_H
#define GHOST_INVARIANTS_H

#include "ghost-rate-trace.h"

#include "bridge/wire/stats.h"

#include "ns3/nstime.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace ns3
{

/**
 * \brief What must hold of every link, looked at frame by frame while it runs.
 *
 * Models have mistakes, and so have ours. Two things can be known of a link from outside of it,
 * whatever its devices do: nobody sends faster than the rate (Mininet-HiFi looks at this after a
 * run, by the times at which its queues let packets go), and what goes in first comes out first.
 * They are checked in simulated time, so lateness cannot break them; and against the figures of
 * the scenario, not against those that the devices keep.
 *
 * A check costs some additions and a comparison, and never allocates. What was found is counted in
 * a struct stats_check.
 */
class GhostInvariant
{
  public:
    /// \param start simulated time of the barrier, from which "first" counts
    static void SetStart(Time start);

    /**
     * \brief Count a check.
     * \param stats counters
     * \param holds its outcome
     * \param now simulated time, ns
     */
    static void Note(struct stats_check& stats, bool holds, uint64_t now)
    {
        stats_add(&stats.checked, 1);
        if (__builtin_expect(!holds, 0))
        {
            Break(stats, now);
        }
    }

  private:
    /// It does not hold.
    static void Break(struct stats_check& stats, uint64_t now);

    static uint64_t m_start; //!< see SetStart
};

/**
 * \brief Frames leave a transmitter, or a shared medium, no closer than their size at its rate.
 */
class GhostSpacing
{
  public:
    /// What Depart() is told.
    enum Kind
    {
        LINE,   //!< the beginning of frames without header, on a line of its own
        SHARED, //!< the end of frames with header and FCS, whoever sends
    };

    /**
     * \param kind see there
     * \param rateBps as the scenario has it, above 0
     */
    GhostSpacing(Kind kind, uint64_t rateBps);

    /// \param trace of delivery opportunities, of a line
    explicit GhostSpacing(GhostRateTrace trace);

    /// \param rateBps for frames that begin from now on; takes the place of a trace
    void SetRate(uint64_t rateBps);

    /**
     * \brief A frame departs.
     * \param size of the packet, bytes
     * \param now simulated time, ns
     * \return whether it may
     */
    bool Depart(uint32_t size, uint64_t now)
    {
        if (__builtin_expect(!m_trace.IsEmpty(), 0))
        {
            return Use(size + GhostRateTrace::PACKET_OVERHEAD, now);
        }
        if (size != m_size)
        {
            Measure(size);
        }
        if (m_kind == LINE)
        {
            bool holds = now >= m_free;
            m_free = now + m_time;
            return holds;
        }
        // The first one has nobody before it; the first one after a change has a gap of the old
        // rate.
        bool holds = !m_any || now - m_last + ROUNDING_NS >= m_time - (m_changed ? m_gap : 0);
        m_any = true;
        m_changed = false;
        m_last = now;
        return holds;
    }

  private:
    /// ns-3 rounds the times of gap and frame each by itself.
    static constexpr uint64_t ROUNDING_NS = 2;

    /// How long a packet of a size takes, with preamble and gap.
    void Measure(uint32_t size);

    /// Whether the opportunities since the last departure suffice for so many bytes.
    bool Use(uint32_t bytes, uint64_t now);

    Kind m_kind;            //!< see there
    uint64_t m_rate;        //!< bit/s
    GhostRateTrace m_trace; //!< instead of m_rate
    uint32_t m_size{0};     //!< m_time is that of this size
    uint64_t m_time{0};     //!< ns
    uint64_t m_gap{0};      //!< share of it that comes before the frame
    uint64_t m_free{0};     //!< LINE: when the next may begin
    uint64_t m_last{0};     //!< SHARED and trace: the last departure
    bool m_any{false};      //!< there was one
    bool m_changed{false};  //!< the rate changed since
    uint32_t m_unused{0};   //!< trace: bytes that the last departure left of its moment
};

/**
 * \brief Frames come by in the order of their numbers, all of them or those of each flow.
 */
class GhostOrder
{
  public:
    /// \param flows how many there are
    explicit GhostOrder(uint32_t flows = 1)
        : m_last(std::max(flows, 1u), 0)
    {
    }

    /// \return how many flows there are
    uint32_t GetNFlows() const
    {
        return static_cast<uint32_t>(m_last.size());
    }

    /**
     * \brief A frame comes by.
     * \param number in the order of entering; a duplicate has that of its original
     * \param flow below GetNFlows()
     * \return whether its turn it is
     */
    bool Pass(uint64_t number, uint32_t flow = 0)
    {
        uint64_t& last = m_last[flow];
        bool holds = number >= last;
        last = std::max(last, number);
        return holds;
    }

  private:
    std::vector<uint64_t> m_last; //!< by flow
};

} // namespace ns3

#endif /* GHOST_INVARIANTS_H */
