/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-l3-device.h"

#include "ghost-l3-packet.h"
#include "ghost-port.h"

#include "bridge/wire/stats.h"

#include "ns3/node.h"
#include "ns3/packet.h"
#include "ns3/simulator.h"

#include <vector>

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostL3Device);

TypeId
GhostL3Device::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostL3Device")
                            .SetParent<GhostDevice>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostL3Device>();
    return tid;
}

GhostL3Device::GhostL3Device() = default;

GhostL3Device::~GhostL3Device() = default;

void
GhostL3Device::DoDispose()
{
    m_sender = nullptr;
    m_port = nullptr;
    GhostDevice::DoDispose();
}

void
GhostL3Device::Configure(std::shared_ptr<const Neighbours> neighbours,
                         Mac48Address gateway,
                         Sender sender)
{
    m_neighbours = std::move(neighbours);
    m_gateway = gateway;
    m_sender = std::move(sender);
}

void
GhostL3Device::SetPort(GhostPort* port)
{
    m_port = port;
    m_port->SetPeers(1);
}

void
GhostL3Device::Answered(Ptr<const Packet> packet)
{
    if (m_port)
    {
        m_port->CountTransmitted(packet);
    }
}

bool
GhostL3Device::Refuse(uint32_t cause)
{
    if (m_port)
    {
        m_port->Refuse(cause);
    }
    return false;
}

const Mac48Address*
GhostL3Device::FindOther(const Ipv6Address& address) const
{
    auto found = m_neighbours->find(address);
    return found == m_neighbours->end() || found->second == m_address ? nullptr : &found->second;
}

bool
GhostL3Device::AnswerArp(Ptr<const Packet> packet)
{
    std::vector<uint8_t> bytes(packet->GetSize());
    packet->CopyData(bytes.data(), packet->GetSize());
    Ipv6Address target;
    if (!GhostL3Packet::ReadArp(bytes.data(), packet->GetSize(), target))
    {
        return false;
    }
    const Mac48Address* mac = FindOther(target);
    if (!mac)
    {
        return false;
    }
    Answered(packet);
    Simulator::ScheduleNow(&GhostL3Device::Receive,
                           this,
                           GhostL3Packet::MakeArpReply(bytes.data(), *mac),
                           GhostL3Packet::TYPE_ARP,
                           *mac,
                           m_address);
    return true;
}

bool
GhostL3Device::AnswerSolicitation(Ptr<const Packet> packet,
                                  const uint8_t* bytes,
                                  const Ipv6Address& target)
{
    const Mac48Address* mac = FindOther(target);
    if (!mac)
    {
        return Refuse(STATS_DROP_UNSUPPORTED);
    }
    Answered(packet);
    Mac48Address to = m_address;
    Ptr<Packet> answer = GhostL3Packet::MakeAdvertisement(bytes, *mac, to);
    Simulator::ScheduleNow(
        &GhostL3Device::Receive, this, answer, GhostL3Packet::TYPE_IPV6, *mac, to);
    return true;
}

bool
GhostL3Device::SendIp(Ptr<const Packet> packet, uint16_t protocol)
{
    uint32_t size = packet->GetSize();
    std::vector<uint8_t> bytes(size);
    packet->CopyData(bytes.data(), size);
    uint32_t len = GhostL3Packet::Check(bytes.data(), size, protocol);
    if (!len)
    {
        return Refuse(STATS_DROP_UNSUPPORTED);
    }
    Ipv6Address to;
    if (protocol == GhostL3Packet::TYPE_IPV6 &&
        GhostL3Packet::ReadSolicitation(bytes.data(), len, to))
    {
        return AnswerSolicitation(packet, bytes.data(), to);
    }
    to = GhostL3Packet::GetDestination(bytes.data(), protocol);
    if (!GhostL3Packet::IsUnicast(to))
    {
        return Refuse(STATS_DROP_UNSUPPORTED);
    }
    // A new packet: packet tags of ours would not survive the radio's cutting and joining.
    int32_t cause = m_sender(Create<Packet>(bytes.data(), len), to, protocol);
    return cause < 0 || Refuse(static_cast<uint32_t>(cause));
}

bool
GhostL3Device::SendFrom(Ptr<Packet> packet,
                        const Address& from,
                        const Address& to,
                        uint16_t protocol)
{
    m_sentTrace(packet, Mac48Address::ConvertFrom(from), Mac48Address::ConvertFrom(to), protocol);
    if (m_sender && (protocol == GhostL3Packet::TYPE_IPV4 || protocol == GhostL3Packet::TYPE_IPV6))
    {
        return SendIp(packet, protocol);
    }
    if (m_neighbours && protocol == GhostL3Packet::TYPE_ARP && AnswerArp(packet))
    {
        return true;
    }
    return Refuse(STATS_DROP_UNSUPPORTED);
}

void
GhostL3Device::Deliver(Ptr<const Packet> packet, uint16_t protocol)
{
    uint8_t header[GhostL3Packet::HEADER_SIZE] = {};
    packet->CopyData(header, sizeof(header));
    auto sender = m_neighbours->find(GhostL3Packet::GetSource(header, protocol));
    Receive(
        packet, protocol, sender == m_neighbours->end() ? m_gateway : sender->second, m_address);
}

void
GhostL3Device::Receive(Ptr<const Packet> packet,
                       uint16_t protocol,
                       Mac48Address from,
                       Mac48Address to)
{
    m_receivedTrace(packet, from, to, protocol);
    if (!m_promisc.IsNull())
    {
        m_promisc(
            this, packet, protocol, from, to, to == m_address ? PACKET_HOST : PACKET_MULTICAST);
    }
}

} // namespace ns3
