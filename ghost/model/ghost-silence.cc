/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-silence.h"

#include "ns3/mobility-model.h"
#include "ns3/wifi-phy.h"

#include <algorithm>
#include <limits>

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostSilence);

TypeId
GhostSilence::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostSilence")
                            .SetParent<PropagationLossModel>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostSilence>();
    return tid;
}

void
GhostSilence::SetDown(WifiPhy* phy, bool down)
{
    m_down.erase(std::remove(m_down.begin(), m_down.end(), phy), m_down.end());
    if (down)
    {
        m_down.push_back(phy);
    }
}

double
GhostSilence::DoCalcRxPower(double txPowerDbm, Ptr<MobilityModel> a, Ptr<MobilityModel> b) const
{
    for (WifiPhy* phy : m_down)
    {
        Ptr<MobilityModel> place = phy->GetMobility();
        if (place == a || place == b)
        {
            return -std::numeric_limits<double>::infinity();
        }
    }
    return txPowerDbm;
}

int64_t
GhostSilence::DoAssignStreams(int64_t stream)
{
    return 0;
}

} // namespace ns3
