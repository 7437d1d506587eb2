/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_SETTLE_H
#define GHOST_SETTLE_H

#include "ns3/nstime.h"

#include <functional>

namespace ns3
{

/**
 * \brief The part of a simulation before the ready barrier, in which links become usable.
 */
class GhostSettle
{
  public:
    /// How it went.
    enum Outcome
    {
        READY,   //!< everything is there
        LATE,    //!< given up
        STOPPED, //!< the simulation was stopped
    };

    /**
     * \brief Simulate without input, as fast as it goes, until everything is there.
     * \param isReady asked after 2 s, so that nearly every experiment begins at the same simulated
     * time (beacons come every 102.4 ms), then after each further second, for the last time after
     * GetMax
     */
    static Outcome Run(const std::function<bool()>& isReady);

    /// \return simulated time after which it gives up: 10 s
    static Time GetMax();
};

} // namespace ns3

#endif /* GHOST_SETTLE_H */
