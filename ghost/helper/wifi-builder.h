/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WIFI_BUILDER_H
#define WIFI_BUILDER_H

#include "../model/ghost-silence.h"
#include "build-context.h"

#include "ns3/propagation-loss-model.h"
#include "ns3/wifi-mac.h"
#include "ns3/wifi-net-device.h"
#include "ns3/yans-wifi-channel.h"

namespace ns3
{

/**
 * \brief The medium of a Wi-Fi link: propagation delay at the speed of light, loss and fading.
 * \param link whose keys say which
 * \param silence comes behind all other losses
 * \return the channel, random streams assigned
 */
Ptr<YansWifiChannel> CreateWifiMedium(const struct scenario_link& link, Ptr<GhostSilence> silence);

/**
 * \brief Propagation loss as a link's key `propagation` says.
 * \param loss the key
 * \param frequency Hz, unless the key has one
 */
Ptr<PropagationLossModel>
CreateLossModel(const struct scenario_wifi_propagation& loss, double frequency);

/**
 * \brief Put an end where the file says, and let it move from the ready barrier on.
 * \param context of the ghost
 * \param link the link
 * \param end one of its ends
 * \param device the end's radio
 */
void PlaceWifiDevice(BuildContext& context,
                     const struct scenario_link& link,
                     const struct scenario_end& end,
                     Ptr<WifiNetDevice> device);

/**
 * \brief Let a receiver's reordering begin where the sender's numbering is.
 * \param mac of a device, configured; nothing is done without QoS
 *
 * ns-3's sender waits 1 ms for the answer to its request for block acknowledgement, then goes on
 * without. When the answer comes after all, the agreement holds from there on, but the receiver
 * still counts from the frame that was next at the request: it waits for frames that it has had,
 * acknowledges what comes and keeps it, until 64 frames later. A BlockAckReq before anything else
 * tells it the first frame (IEEE 802.11-2016 clause 10.24.7.6.2), as it does after frames that were
 * given up.
 */
void MendAgreements(Ptr<WifiMac> mac);

} // namespace ns3

#endif /* WIFI_BUILDER_H */
