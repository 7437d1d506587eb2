/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_RADIOTAP_H
#define GHOST_RADIOTAP_H

#include "ns3/packet.h"
#include "ns3/wifi-phy.h"

#include <vector>

namespace ns3
{

/**
 * \brief A Wi-Fi frame as a monitor's capture has it: radiotap header and 802.11 frame without FCS.
 * \param packet as WifiPhy's monitor traces give it: with FCS, and in an A-MPDU with its delimiter
 * \param timeNs of the frame
 * \param frequency of the channel, MHz
 * \param vector how it is sent
 * \param mpdu its place in an A-MPDU
 * \param station whom of a multi-user PPDU it is for
 * \param power what the receiver measured; nullptr: sent here
 * \return bytes of link type IEEE802_11_RADIOTAP
 *
 * Fields: radiotap.org/fields/defined.
 */
std::vector<uint8_t> GhostRadiotap(Ptr<const Packet> packet,
                                   uint64_t timeNs,
                                   uint16_t frequency,
                                   const WifiTxVector& vector,
                                   const MpduInfo& mpdu,
                                   uint16_t station,
                                   const SignalNoiseDbm* power);

} // namespace ns3

#endif /* GHOST_RADIOTAP_H */
