/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_SILENCE_H
#define GHOST_SILENCE_H

#include "ns3/propagation-loss-model.h"

#include <vector>

namespace ns3
{

class WifiPhy;

/**
 * \brief The last loss on the way of a signal: radios that are down hear nothing and are not heard.
 *
 * ns-3's own way to switch a radio off (WifiPhy::SetOffMode) leaves MACs in states they do not get
 * out of. Here radio and MAC go on, in a void: a station loses its access point as one does that
 * has been carried away, and finds it again. It stands last, so that the random numbers of the
 * models before it are drawn whoever is down.
 */
class GhostSilence : public PropagationLossModel
{
  public:
    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    GhostSilence() = default;

    /**
     * \brief Cut a radio off, or let it be heard and hear again; frames on the air are finished.
     * \param phy of the channel, borrowed; its mobility model is its alone
     * \param down whether it is cut off
     */
    void SetDown(WifiPhy* phy, bool down);

  private:
    // Inherited from PropagationLossModel
    double
    DoCalcRxPower(double txPowerDbm, Ptr<MobilityModel> a, Ptr<MobilityModel> b) const override;
    int64_t DoAssignStreams(int64_t stream) override;

    std::vector<WifiPhy*> m_down; //!< those cut off, seldom any
};

} // namespace ns3

#endif /* GHOST_SILENCE_H */
