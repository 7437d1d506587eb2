/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_SNIFFER_H
#define GHOST_SNIFFER_H

namespace ns3
{

class GhostReplay;

/**
 * \brief Listens to every simulated device of a replay, as ns-3's own pcap traces do.
 *
 * Wi-Fi devices are heard in monitor mode, with a radiotap header; everything of Ethernet as a
 * capture in a container would show it: without padding that ns-3 added, without FCS, and with the
 * type or length field that the frame came with.
 */
class GhostSniffer
{
  public:
    /**
     * \brief Connect to all devices of all nodes that let themselves be listened to.
     * \param replay where frames go, borrowed; outlives the simulation
     */
    static void Install(GhostReplay* replay);
};

} // namespace ns3

#endif /* GHOST_SNIFFER_H */
