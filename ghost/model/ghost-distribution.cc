/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-distribution.h"

#include "ghost-wifi-port.h"

#include "ns3/wifi-remote-station-manager.h"

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostDistribution);

TypeId
GhostDistribution::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostDistribution")
                            .SetParent<Object>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostDistribution>();
    return tid;
}

void
GhostDistribution::DoDispose()
{
    m_ledger = nullptr;
    m_accessPoints.clear();
    Object::DoDispose();
}

void
GhostDistribution::SetLedger(Ptr<GhostLedger> ledger)
{
    m_ledger = ledger;
}

void
GhostDistribution::AddAccessPoint(Ptr<WifiMac> mac, GhostWifiPort* port, uint32_t end)
{
    m_accessPoints.push_back({mac, port, end});
}

void
GhostDistribution::Start()
{
    m_started = true;
}

uint32_t
GhostDistribution::Associated(Mac48Address station, uint32_t ledgerPort, Mac48Address bssid)
{
    uint32_t found = 0;
    for (const AccessPoint& point : m_accessPoints)
    {
        if (point.mac->GetAddress() != bssid)
        {
            point.mac->GetWifiRemoteStationManager()->RecordDisassociated(station);
            continue;
        }
        found = point.end + 1;
        // One alone has always been where its stations are.
        if (m_started && m_accessPoints.size() > 1)
        {
            m_ledger->Add(ledgerPort, point.port->GetLedgerPort());
            point.port->Announce(station);
        }
    }
    return found;
}

} // namespace ns3
