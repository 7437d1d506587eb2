/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-settle.h"

#include "ns3/simulator.h"

namespace ns3
{

GhostSettle::Outcome
GhostSettle::Run(const std::function<bool()>& isReady)
{
    for (Time end = Seconds(2);; end += Seconds(1))
    {
        Simulator::Stop(end - Simulator::Now());
        Simulator::Run();
        if (Simulator::Now() < end)
        {
            return STOPPED;
        }
        if (isReady())
        {
            return READY;
        }
        if (end >= GetMax())
        {
            return LATE;
        }
    }
}

Time
GhostSettle::GetMax()
{
    return Seconds(10);
}

} // namespace ns3
