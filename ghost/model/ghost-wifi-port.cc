/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-wifi-port.h"

#include "ghost-tag.h"
#include "ghost-wire.h"

#include "ns3/packet.h"

#include <vector>

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
                            .SetParent<GhostStationPort>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostWifiPort>();
    return tid;
}

void
GhostWifiPort::DoDispose()
{
    m_ledger = nullptr;
    m_distribution = nullptr;
    m_silence = nullptr;
    m_phy = nullptr;
    GhostStationPort::DoDispose();
}

void
GhostWifiPort::SetLedger(Ptr<GhostLedger> ledger)
{
    m_ledger = ledger;
    m_ledgerPort = ledger->AddPort(m_stats, Mac48Address::ConvertFrom(m_device->GetAddress()));
}

void
GhostWifiPort::SetDistribution(Ptr<GhostDistribution> distribution)
{
    m_distribution = distribution;
}

void
GhostWifiPort::SetSilence(Ptr<GhostSilence> silence, Ptr<WifiPhy> phy)
{
    m_silence = silence;
    m_phy = phy;
}

void
GhostWifiPort::SetDown(bool down)
{
    GhostStationPort::SetDown(down);
    m_ledger->SetDown(m_ledgerPort, down);
    m_silence->SetDown(PeekPointer(m_phy), down);
}

void
GhostWifiPort::SetOther(Mac48Address other)
{
    GhostStationPort::SetOther(other);
    m_ledger->SetOther(m_ledgerPort, other);
}

uint32_t
GhostWifiPort::GetLedgerPort() const
{
    return m_ledgerPort;
}

void
GhostWifiPort::Announce(Mac48Address station)
{
    // LLC header and information field of an XID response (IEEE 802.2 clause 5.4.1.1.2): class I.
    static const uint8_t xid[] = {0x00, 0x01, 0xaf, 0x81, 0x01, 0x00};
    Ptr<Packet> packet = Create<Packet>(xid, sizeof(xid));
    packet->AddPacketTag(GhostTag(sizeof(xid), sizeof(xid)));
    Deliver(packet, GhostTag::LOCAL_EXPERIMENTAL, station, Mac48Address::GetBroadcast());
}

void
GhostWifiPort::SetMesh()
{
    m_mesh = true;
}

uint32_t
GhostWifiPort::GetAccessPoint(Mac48Address bssid)
{
    return m_distribution ? m_distribution->Associated(m_address, m_ledgerPort, bssid) : 0;
}

int64_t
GhostWifiPort::GetInFlight() const
{
    return m_ledger ? m_ledger->GetOpen(m_ledgerPort) : 0;
}

bool
GhostWifiPort::Transmit(Ptr<Packet> packet, Mac48Address from, Mac48Address to, uint16_t type)
{
    if (DropUnassociated())
    {
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
    if (m_ledger->Knows(packet->GetUid()))
    {
        // A simulated switch hands it from one access point of the link to another: it is sent a
        // second time.
        std::vector<uint8_t> bytes(packet->GetSize());
        packet->CopyData(bytes.data(), packet->GetSize());
        Ptr<Packet> again = Create<Packet>(bytes.data(), packet->GetSize());
        GhostTag tag;
        if (packet->PeekPacketTag(tag))
        {
            again->AddPacketTag(tag);
        }
        packet = again;
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
    if (IsForOthers(type, to))
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

} // namespace ns3
