/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-station-port.h"

#include "ghost-wire.h"

#include <algorithm>
#include <cstring>

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostStationPort);

TypeId
GhostStationPort::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostStationPort")
                            .SetParent<GhostPort>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostStationPort>();
    return tid;
}

void
GhostStationPort::DoDispose()
{
    m_station = nullptr;
    GhostPort::DoDispose();
}

void
GhostStationPort::ConnectDevice(Ptr<NetDevice> device, struct stats_port& stats, bool promiscuous)
{
    GhostPort::ConnectDevice(device, stats, promiscuous);
    m_nat.SetAddress(m_address);
}

void
GhostStationPort::SetStation(Ptr<StaWifiMac> mac)
{
    m_station = mac;
    SetCarrier(false);
    mac->TraceConnectWithoutContext("Assoc", MakeCallback(&GhostStationPort::Associated, this));
    mac->TraceConnectWithoutContext("DeAssoc",
                                    MakeCallback(&GhostStationPort::Disassociated, this));
}

void
GhostStationPort::SetCarrier(bool up, uint32_t ap)
{
    if (m_wire)
    {
        m_wire->SetCarrier(m_index, up, ap);
    }
}

void
GhostStationPort::Associated(Mac48Address bssid)
{
    SetCarrier(true, GetAccessPoint(bssid));
}

void
GhostStationPort::Disassociated(Mac48Address bssid)
{
    SetCarrier(false);
}

uint32_t
GhostStationPort::GetAccessPoint(Mac48Address bssid)
{
    return 0;
}

bool
GhostStationPort::HasCarrier() const
{
    return m_station != nullptr;
}

bool
GhostStationPort::DropUnassociated()
{
    if (!m_station || m_station->IsAssociated())
    {
        return false;
    }
    stats_add(&m_stats->up.drops[STATS_DROP_UNASSOCIATED], 1);
    return true;
}

void
GhostStationPort::Inject(const uint8_t* frame, uint32_t len)
{
    const uint8_t* data = frame;
    if (!m_sendFrom)
    {
        // The shuttle could change shared memory under our hands: work on a copy.
        std::memcpy(m_scratch.data(), frame, std::min<size_t>(len, m_scratch.size()));
        if (!m_nat.Outbound(m_scratch.data(), len))
        {
            stats_add(&m_stats->up.drops[STATS_DROP_FOREIGN], 1);
            return;
        }
        data = m_scratch.data();
    }
    GhostPort::Inject(data, len);
}

bool
GhostStationPort::Transmit(Ptr<Packet> packet, Mac48Address from, Mac48Address to, uint16_t type)
{
    return !DropUnassociated() && GhostPort::Transmit(packet, from, to, type);
}

void
GhostStationPort::Rewrite(uint8_t* frame, uint32_t len)
{
    if (!m_sendFrom)
    {
        m_nat.Inbound(frame, len);
    }
}

} // namespace ns3
