/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-wifi-port.h"

#include "ghost-tag.h"
#include "ghost-wire.h"

#include "ns3/packet.h"

#include <algorithm>
#include <cstring>

namespace ns3
{

namespace
{
/// Type fields up to here are lengths (IEEE 802.3 clause 3.2.6).
constexpr uint16_t LENGTH_MAX = 1500;
} // namespace

NS_OBJECT_ENSURE_REGISTERED(GhostWifiPort);

TypeId
GhostWifiPort::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostWifiPort")
                            .SetParent<GhostPort>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostWifiPort>();
    return tid;
}

void
GhostWifiPort::DoDispose()
{
    m_ledger = nullptr;
    m_station = nullptr;
    GhostPort::DoDispose();
}

void
GhostWifiPort::SetLedger(Ptr<GhostLedger> ledger)
{
    Mac48Address address = Mac48Address::ConvertFrom(m_device->GetAddress());
    m_ledger = ledger;
    m_ledgerPort = ledger->AddPort(m_stats, address);

    m_nat.SetAddress(address);
}

void
GhostWifiPort::SetStation(Ptr<StaWifiMac> mac)
{
    m_station = mac;
    SetCarrier(false);
    mac->TraceConnectWithoutContext("Assoc", MakeCallback(&GhostWifiPort::Associated, this));
    mac->TraceConnectWithoutContext("DeAssoc", MakeCallback(&GhostWifiPort::Disassociated, this));
}

void
GhostWifiPort::SetMesh()
{
    m_mesh = true;
}

void
GhostWifiPort::SetCarrier(bool up)
{
    if (m_wire)
    {
        m_wire->SetCarrier(m_index, up);
    }
}

void
GhostWifiPort::Associated(Mac48Address bssid)
{
    SetCarrier(true);
}

void
GhostWifiPort::Disassociated(Mac48Address bssid)
{
    SetCarrier(false);
}

bool
GhostWifiPort::HasCarrier() const
{
    return m_station != nullptr;
}

int64_t
GhostWifiPort::GetInFlight() const
{
    return m_ledger ? m_ledger->GetOpen(m_ledgerPort) : 0;
}

void
GhostWifiPort::Inject(const uint8_t* frame, uint32_t len)
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
GhostWifiPort::Transmit(Ptr<Packet> packet, Mac48Address from, Mac48Address to, uint16_t type)
{
    if (m_station && !m_station->IsAssociated())
    {
        stats_add(&m_stats->up.drops[STATS_DROP_UNASSOCIATED], 1);
        return false;
    }
    if (type <= LENGTH_MAX)
    {
        // LLC/SNAP can't say a length: ns-3 would take it for a type.
        packet->AddPacketTag(GhostTag(type, static_cast<uint16_t>(packet->GetSize())));
        type = GhostTag::LOCAL_EXPERIMENTAL;
    }
    if (m_mesh && to.IsGroup() && !to.IsBroadcast())
    {
        packet->AddPacketTag(GhostGroupTag(to));
        to = Mac48Address::GetBroadcast();
    }
    uint64_t uid = packet->GetUid();
    m_ledger->Begin(uid, m_ledgerPort, to);
    bool taken =
        m_sendFrom ? m_device->SendFrom(packet, from, to, type) : m_device->Send(packet, to, type);
    m_ledger->Handed(uid, taken);
    return taken;
}

bool
GhostWifiPort::Receive(Ptr<NetDevice> device,
                       Ptr<const Packet> packet,
                       uint16_t protocol,
                       const Address& from,
                       const Address& to,
                       NetDevice::PacketType type)
{
    // What isn't for us is booked as filtered when the frame's entry is closed.
    if (type == NetDevice::PACKET_OTHERHOST && !m_promiscuous)
    {
        return true;
    }
    if (m_ledger->Deliver(packet->GetUid(), m_ledgerPort))
    {
        GhostGroupTag group;
        bool isGroup = m_mesh && packet->PeekPacketTag(group);
        Deliver(packet, protocol, from, isGroup ? Address(group.GetGroup()) : to);
    }
    return true;
}

void
GhostWifiPort::Rewrite(uint8_t* frame, uint32_t len)
{
    if (!m_sendFrom)
    {
        m_nat.Inbound(frame, len);
    }
}

} // namespace ns3
