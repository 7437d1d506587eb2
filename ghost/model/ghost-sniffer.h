/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_SNIFFER_H
#define GHOST_SNIFFER_H

namespace ns3
{

class GhostReplay;

/**
 * \brief Listens to every simulated device of a replay, as ns-3's own pcap traces do.
 */
class GhostSniffer
{
  public:
    /**
     * \brief Connect to all devices of all nodes that have a trace source for it.
     * \param replay where frames go, borrowed; outlives the simulation
     */
    static void Install(GhostReplay* replay);
};

} // namespace ns3

#endif /* GHOST_SNIFFER_H */
