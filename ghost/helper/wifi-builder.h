/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WIFI_BUILDER_H
#define WIFI_BUILDER_H

#include "build-context.h"

#include "ns3/propagation-loss-model.h"
#include "ns3/wifi-net-device.h"
#include "ns3/yans-wifi-channel.h"

namespace ns3
{

/**
 * \brief The medium of a Wi-Fi link: propagation delay at the speed of light, loss and fading.
 * \param link whose keys say which
 * \return the channel, random streams assigned
 */
Ptr<YansWifiChannel> CreateWifiMedium(const struct scenario_link& link);

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

} // namespace ns3

#endif /* WIFI_BUILDER_H */
