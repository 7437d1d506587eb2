/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-port.h"

#include "ghost-last-words.h"
#include "ghost-medium.h"
#include "ghost-nic.h"
#include "ghost-p2p-device.h"
#include "ghost-tag.h"
#include "ghost-wire.h"

#include "bridge/record/digest.h"

#include "ns3/assert.h"
#include "ns3/frame-exchange-manager.h"
#include "ns3/log.h"
#include "ns3/mac48-address.h"
#include "ns3/node.h"
#include "ns3/packet.h"
#include "ns3/simulator.h"
#include "ns3/wifi-mac.h"
#include "ns3/wifi-net-device.h"

namespace ns3
{

NS_LOG_COMPONENT_DEFINE("GhostPort");

NS_OBJECT_ENSURE_REGISTERED(GhostPort);

namespace
{
constexpr uint32_t HEADER_SIZE = 14;
/// What CSMA pads a shorter payload to (IEEE 802.3, 64 bytes less header and FCS).
constexpr uint32_t PAYLOAD_MIN = 46;
/// Type fields up to here are lengths for CSMA.
constexpr uint16_t LENGTH_MAX = 1500;
} // namespace

TypeId
GhostPort::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostPort")
                            .SetParent<Object>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostPort>();
    return tid;
}

void
GhostPort::DoDispose()
{
    m_device = nullptr;
    m_medium = nullptr;
    m_nic = nullptr;
    m_line = nullptr;
    Object::DoDispose();
}

std::string
GhostPort::WhyNot(Ptr<NetDevice> device)
{
    std::string type = device->GetInstanceTypeId().GetName();
    if (device->GetObject<GhostPort>())
    {
        return "the device is installed at another port already; a device has one";
    }
    if (!Mac48Address::IsMatchingType(device->GetAddress()))
    {
        return type + " has no 48-bit MAC address and carries no Ethernet frames; install one that "
                      "does, such as CsmaNetDevice or WifiNetDevice, on a node that routes";
    }
    // Anything but IP, ARP to begin with, is a fatal error there
    // (PointToPointNetDevice::EtherToPpp).
    if (type == "ns3::PointToPointNetDevice")
    {
        return type + " carries IPv4 and IPv6 only, no ARP; install a CsmaNetDevice, or use a link "
                      "of kind p2p";
    }
    return "";
}

Ptr<GhostPort>
GhostPort::Install(GhostWire* wire, uint32_t index, Ptr<NetDevice> device, Ptr<GhostPort> port)
{
    Mac48Address address;
    address.CopyFrom(wire->GetPort(index).mac);
    device->SetAddress(address);
    if (Ptr<WifiNetDevice> wifi = DynamicCast<WifiNetDevice>(device))
    {
        // What acknowledges frames has taken a copy of the address that the device had.
        for (uint8_t link = 0; link < wifi->GetMac()->GetNLinks(); link++)
        {
            wifi->GetMac()->GetFrameExchangeManager(link)->SetAddress(address);
        }
    }
    if (!port)
    {
        port = CreateObject<GhostPort>();
    }
    device->AggregateObject(port);
    port->Connect(wire, index, device);
    return port;
}

void
GhostPort::Connect(GhostWire* wire, uint32_t index, Ptr<NetDevice> device)
{
    NS_LOG_FUNCTION(this << index << device);
    m_wire = wire;
    m_index = index;
    m_name = wire->GetPort(index).name;
    ConnectDevice(device, wire->GetStats(index), wire->GetPort(index).promiscuous);
    wire->SetHandler(index, this);
    GhostLastWords::AddNode(m_context, std::string("port ") + wire->GetPort(index).name);
}

void
GhostPort::Connect(Ptr<GhostNic> nic,
                   struct stats_port& stats,
                   bool promiscuous,
                   Ptr<NetDevice> device)
{
    NS_LOG_FUNCTION(this << nic << device);
    m_nic = nic;
    ConnectDevice(device, stats, promiscuous);
}

void
GhostPort::ConnectDevice(Ptr<NetDevice> device, struct stats_port& stats, bool promiscuous)
{
    m_device = device;
    m_context = device->GetNode()->GetId();
    m_promiscuous = promiscuous;
    m_stats = &stats;
    m_sendFrom = device->SupportsSendFrom();
    m_address = Mac48Address::ConvertFrom(device->GetAddress());
    m_other = m_address;
    SetListening(true);
}

void
GhostPort::SetListening(bool listens)
{
    if (listens)
    {
        m_device->SetPromiscReceiveCallback(MakeCallback(&GhostPort::Receive, this));
        return;
    }
    m_device->SetPromiscReceiveCallback([](Ptr<NetDevice>,
                                           Ptr<const Packet>,
                                           uint16_t,
                                           const Address&,
                                           const Address&,
                                           NetDevice::PacketType) { return true; });
}

void
GhostPort::Close()
{
    m_closed = true;
}

void
GhostPort::SetTail(Time tail, Time lag)
{
    if (!m_nic)
    {
        tail -= std::min(tail, lag);
    }
    if (tail < m_tail)
    {
        m_settled = m_arrived; // those may be overtaken
    }
    m_tail = tail;
}

Time
GhostPort::GetTail() const
{
    return m_tail;
}

void
GhostPort::SetName(const std::string& name)
{
    m_name = name;
}

const std::string&
GhostPort::GetName() const
{
    return m_name;
}

bool
GhostPort::IsFor(Ptr<GhostNic> nic) const
{
    return nic && m_nic == nic;
}

void
GhostPort::SetMedium(Ptr<GhostMedium> medium, uint32_t station)
{
    m_medium = medium;
    m_station = station;
}

void
GhostPort::SetPeers(uint32_t peers)
{
    m_peers = peers;
}

void
GhostPort::SetDown(bool down)
{
    m_down = down;
    if (m_line)
    {
        m_line->SetLinkUp(!down);
    }
    if (down && m_medium)
    {
        uint32_t dropped = m_medium->Clear(m_station);
        m_sent -= dropped;
        stats_add(&m_stats->up.drops[STATS_DROP_DOWN], dropped);
    }
}

void
GhostPort::SetSpacing(std::shared_ptr<GhostSpacing> spacing)
{
    m_spacing = std::move(spacing);
}

void
GhostPort::NoteOrder(bool holds)
{
    GhostInvariant::Note(
        m_stats->order, holds, static_cast<uint64_t>(Simulator::Now().GetNanoSeconds()));
}

void
GhostPort::CheckSent(Ptr<const Packet> packet, uint64_t now)
{
    bool holds = packet->GetUid() == m_medium->GetSending();
    holds &= m_sentOrder.Pass(m_medium->GetNumber());
    GhostInvariant::Note(m_stats->order, holds, now);
}

uint64_t
GhostPort::CheckArrived(Ptr<const Packet> packet)
{
    m_arrived++;
    if (__builtin_expect(packet->GetUid() != m_medium->GetOnAir(), 0))
    {
        NoteOrder(false);
    }
    return m_arrived;
}

void
GhostPort::CheckOut(uint64_t number)
{
    if (number > m_settled)
    {
        NoteOrder(m_tailOrder.Pass(number));
    }
}

void
GhostPort::CountTransmitted(Ptr<const Packet> packet)
{
    if (m_copy)
    {
        m_copy = false; // leaves with its original
    }
    else if (m_spacing)
    {
        uint64_t now = static_cast<uint64_t>(Simulator::Now().GetNanoSeconds());
        GhostInvariant::Note(m_stats->spacing, m_spacing->Depart(packet->GetSize(), now), now);
        if (m_medium)
        {
            CheckSent(packet, now);
        }
    }
    m_sent--;
    m_copies += m_peers;
    stats_add(&m_stats->transmitted, 1);
    if (m_medium)
    {
        m_medium->Transmitted(m_station);
    }
}

void
GhostPort::CountMediumDrop(Ptr<const Packet> packet)
{
    m_sent--;
    stats_add(&m_stats->up.drops[STATS_DROP_MEDIUM], 1);
}

void
GhostPort::SetLine(Ptr<GhostP2pDevice> device)
{
    m_line = device;
    m_peers = 1;
    device->TraceConnectWithoutContext("Transmitted",
                                       MakeCallback(&GhostPort::CountTransmitted, this));
    device->TraceConnectWithoutContext("Duplicated",
                                       MakeCallback(&GhostPort::CountDuplicated, this));
    device->TraceConnectWithoutContext("Drop", MakeCallback(&GhostPort::CountDrop, this));
    device->TraceConnectWithoutContext("RxDrop", MakeCallback(&GhostPort::CountReceiveDrop, this));
}

void
GhostPort::CountDrop(Ptr<const Packet> packet, uint32_t cause)
{
    m_sent--;
    stats_add(&m_stats->up.drops[cause], 1);
}

void
GhostPort::CountReceiveDrop(Ptr<const Packet> packet, uint32_t cause)
{
    m_copies--;
    stats_add(&m_stats->received, 1);
    stats_add(&m_stats->down.drops[cause], 1);
}

void
GhostPort::CountDuplicated(Ptr<const Packet> packet)
{
    m_sent++;
    m_copy = true;
    stats_add(&m_stats->duplicated, 1);
}

bool
GhostPort::HasCarrier() const
{
    return false;
}

struct stats_port&
GhostPort::GetStats() const
{
    return *m_stats;
}

uint32_t
GhostPort::GetContext() const
{
    return m_context;
}

int64_t
GhostPort::GetInFlight() const
{
    return (m_peers ? m_sent + m_copies : 0) + m_held;
}

void
GhostPort::Inject(const uint8_t* frame, uint32_t len)
{
    if (m_down)
    {
        stats_add(&m_stats->up.drops[STATS_DROP_DOWN], 1);
        return;
    }
    if ((m_medium && m_medium->IsFull(m_station)) || (m_line && m_line->IsFull()))
    {
        // In an overload most frames end here: don't make a packet first.
        stats_add(&m_stats->up.drops[STATS_DROP_QUEUE], 1);
        return;
    }
    Mac48Address to;
    Mac48Address from;
    to.CopyFrom(frame);
    from.CopyFrom(frame + 6);
    if (!m_sendFrom && from != m_address)
    {
        stats_add(&m_stats->up.drops[STATS_DROP_FOREIGN], 1);
        return;
    }
    // Its own address does not take the other one back: a bridge in the container sends with both.
    if (from != m_address && from != m_other && !from.IsGroup())
    {
        SetOther(from);
    }
    uint16_t type = static_cast<uint16_t>(frame[12] << 8 | frame[13]);
    uint32_t payload = len - HEADER_SIZE;
    Transmit(Create<Packet>(frame + HEADER_SIZE, payload), from, to, type);
}

void
GhostPort::SetOther(Mac48Address other)
{
    m_other = other;
}

bool
GhostPort::IsForOthers(NetDevice::PacketType type, const Address& to) const
{
    return type == NetDevice::PACKET_OTHERHOST && !m_promiscuous &&
           Mac48Address::ConvertFrom(to) != m_other;
}

bool
GhostPort::SendFrame(Ptr<Packet> packet, Mac48Address from, Mac48Address to, uint16_t type)
{
    if (m_closed || !m_device)
    {
        return false;
    }
    stats_add(&m_stats->up.frames, 1);
    stats_add(&m_stats->up.bytes, HEADER_SIZE + packet->GetSize());
    if (m_down)
    {
        stats_add(&m_stats->up.drops[STATS_DROP_DOWN], 1);
        return false;
    }
    return Transmit(packet, from, to, type);
}

void
GhostPort::Refuse(uint32_t cause)
{
    m_refusal = cause;
}

bool
GhostPort::Transmit(Ptr<Packet> packet, Mac48Address from, Mac48Address to, uint16_t type)
{
    uint32_t payload = packet->GetSize();
    uint16_t protocol = type;
    if (type <= LENGTH_MAX || payload < PAYLOAD_MIN)
    {
        packet->AddPacketTag(GhostTag(type, static_cast<uint16_t>(payload)));
        protocol = type <= LENGTH_MAX ? GhostTag::LOCAL_EXPERIMENTAL : type;
    }
    m_sent++;
    m_refusal = STATS_DROP_QUEUE;
    bool accepted = m_medium     ? m_medium->Send(m_station, packet, from, to, protocol)
                    : m_sendFrom ? m_device->SendFrom(packet, from, to, protocol)
                                 : m_device->Send(packet, to, protocol);
    if (!accepted)
    {
        m_sent--;
        stats_add(&m_stats->up.drops[m_refusal], 1);
    }
    else if (!m_peers)
    {
        m_sent--;
        stats_add(&m_stats->transmitted, 1);
    }
    return accepted;
}

bool
GhostPort::Receive(Ptr<NetDevice> device,
                   Ptr<const Packet> packet,
                   uint16_t protocol,
                   const Address& from,
                   const Address& to,
                   NetDevice::PacketType type)
{
    m_copies--;
    stats_add(&m_stats->received, 1);
    uint64_t number = m_medium ? CheckArrived(packet) : 0;
    if (m_down)
    {
        stats_add(&m_stats->down.drops[STATS_DROP_DOWN], 1);
        return true;
    }
    if (IsForOthers(type, to))
    {
        stats_add(&m_stats->down.drops[STATS_DROP_FILTERED], 1);
        return true;
    }
    if (m_tail.IsZero())
    {
        if (m_medium)
        {
            CheckOut(number);
        }
        Deliver(packet, protocol, from, to);
        return true;
    }
    m_held++;
    // The device hands its own copy on to the node's stack, so ours must be one of its own.
    Ptr<const Packet> copy = packet->Copy();
    Simulator::Schedule(m_tail,
                        [this, copy, protocol, from, to, number]()
                        {
                            m_held--;
                            CheckOut(number);
                            Deliver(copy, protocol, from, to);
                        });
    return true;
}

void
GhostPort::DeliverToNic(const Ptr<const Packet>& packet,
                        uint16_t protocol,
                        const Address& from,
                        const Address& to)
{
    if (m_closed)
    {
        // Nobody will look at it; it has arrived all the same.
        stats_add(&m_stats->down.frames, 1);
        stats_add(&m_stats->down.bytes, HEADER_SIZE + packet->GetSize());
        return;
    }
    Ptr<Packet> copy = packet->Copy();
    GhostTag tag;
    if (copy->RemovePacketTag(tag))
    {
        protocol = tag.GetType();
        if (copy->GetSize() > tag.GetLength())
        {
            copy->RemoveAtEnd(copy->GetSize() - tag.GetLength());
        }
    }
    stats_add(&m_stats->down.frames, 1);
    stats_add(&m_stats->down.bytes, HEADER_SIZE + copy->GetSize());
    m_nic->Receive(copy, protocol, Mac48Address::ConvertFrom(from), Mac48Address::ConvertFrom(to));
}

void
GhostPort::Deliver(const Ptr<const Packet>& packet,
                   uint16_t protocol,
                   const Address& from,
                   const Address& to)
{
    if (m_down)
    {
        // Cut off while the frame was in the tail: it has not arrived yet.
        stats_add(&m_stats->down.drops[STATS_DROP_DOWN], 1);
        return;
    }
    if (m_nic)
    {
        DeliverToNic(packet, protocol, from, to);
        return;
    }
    uint32_t payload = packet->GetSize();
    uint16_t type = protocol;
    if (packet->GetPacketTagIterator().HasNext()) // seldom, and cheaper to ask than for one type
    {
        GhostTag tag;
        if (packet->PeekPacketTag(tag))
        {
            type = tag.GetType();
            payload = std::min<uint32_t>(payload, tag.GetLength());
        }
    }
    uint32_t len = HEADER_SIZE + payload;
    uint8_t* frame = m_wire->Reserve(m_index, len);
    if (!frame)
    {
        return; // the run is over, or has not begun
    }
    to.CopyTo(frame);
    from.CopyTo(frame + 6);
    frame[12] = static_cast<uint8_t>(type >> 8);
    frame[13] = static_cast<uint8_t>(type);
    packet->CopyData(frame + HEADER_SIZE, payload);
    Rewrite(frame, len);
    uint64_t departure = m_wire->GetWireTime();
    uint64_t hash = digest_bytes(frame, len);
    m_stats->digest = digest_frame(m_stats->digest, departure, hash, len);
    stats_add(&m_stats->down.frames, 1);
    stats_add(&m_stats->down.bytes, len);
    m_wire->Commit(m_index, len, departure, hash);
}

void
GhostPort::Rewrite(uint8_t* frame, uint32_t len)
{
}

} // namespace ns3
