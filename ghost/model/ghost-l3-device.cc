/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-l3-device.h"

#include "ghost-port.h"
#include "ghost-tag.h"

#include "bridge/wire/stats.h"

#include "ns3/node.h"
#include "ns3/packet.h"
#include "ns3/simulator.h"

#include <cstring>

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostL3Device);

namespace
{
constexpr uint16_t TYPE_IPV4 = 0x0800;
constexpr uint16_t TYPE_ARP = 0x0806;
/// RFC 826 for Ethernet and IPv4.
constexpr uint32_t ARP_SIZE = 28;
constexpr uint8_t ARP_REQUEST[8] = {0, 1, 8, 0, 6, 4, 0, 1};
constexpr uint32_t IPV4_SIZE_MIN = 20;
constexpr uint32_t UDP_SIZE = 8;
constexpr uint32_t TCP_SIZE_MIN = 20;
constexpr uint8_t PROTOCOL_TCP = 6;
constexpr uint8_t PROTOCOL_UDP = 17;

uint32_t
GetUint16(const uint8_t* bytes)
{
    return static_cast<uint32_t>(bytes[0] << 8 | bytes[1]);
}

/**
 * Length of the IPv4 packet at the beginning of a buffer, or 0 if it is none. The core network
 * reads ports of UDP and TCP, so their headers must be there as well (unless in a later fragment).
 */
uint32_t
CheckIpv4(const uint8_t* bytes, uint32_t size)
{
    if (size < IPV4_SIZE_MIN || bytes[0] >> 4 != 4)
    {
        return 0;
    }
    uint32_t header = (bytes[0] & 15u) * 4;
    uint32_t len = GetUint16(bytes + 2);
    if (header < IPV4_SIZE_MIN || len < header || len > size)
    {
        return 0;
    }
    uint32_t payload = len - header;
    if (GetUint16(bytes + 6) & 0x1fff)
    {
        return len;
    }
    if (bytes[9] == PROTOCOL_UDP && payload < UDP_SIZE)
    {
        return 0;
    }
    if (bytes[9] == PROTOCOL_TCP)
    {
        uint32_t tcp = payload >= TCP_SIZE_MIN ? (bytes[header + 12] >> 4) * 4u : 0;
        if (tcp < TCP_SIZE_MIN || tcp > payload)
        {
            return 0;
        }
    }
    return len;
}
} // namespace

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

bool
GhostL3Device::AnswerArp(Ptr<const Packet> packet)
{
    uint8_t arp[ARP_SIZE];
    if (packet->CopyData(arp, ARP_SIZE) < ARP_SIZE ||
        std::memcmp(arp, ARP_REQUEST, sizeof(ARP_REQUEST)))
    {
        return false;
    }
    auto asked = m_neighbours->find(Ipv4Address::Deserialize(arp + 24));
    if (asked == m_neighbours->end() || asked->second == m_address)
    {
        return false;
    }
    uint8_t answer[ARP_SIZE];
    std::memcpy(answer, ARP_REQUEST, sizeof(ARP_REQUEST));
    answer[7] = 2;
    asked->second.CopyTo(answer + 8);
    std::memcpy(answer + 14, arp + 24, 4);
    std::memcpy(answer + 18, arp + 8, 10);
    Simulator::ScheduleNow(
        &GhostL3Device::Receive, this, Create<Packet>(answer, ARP_SIZE), TYPE_ARP, asked->second);
    return true;
}

bool
GhostL3Device::SendIpv4(Ptr<const Packet> packet)
{
    uint32_t size = packet->GetSize();
    std::vector<uint8_t> bytes(size);
    packet->CopyData(bytes.data(), size);
    uint32_t len = CheckIpv4(bytes.data(), size);
    if (!len)
    {
        return Refuse(STATS_DROP_UNSUPPORTED);
    }
    Ipv4Address to = Ipv4Address::Deserialize(bytes.data() + 16);
    if (to.IsBroadcast() || to.IsMulticast())
    {
        return Refuse(STATS_DROP_UNSUPPORTED);
    }
    // A new packet: tags of ours would not survive the radio's cutting and joining.
    int32_t cause = m_sender(
        Create<Packet>(bytes.data(), len), Ipv4Address::Deserialize(bytes.data() + 12), to);
    return cause < 0 || Refuse(static_cast<uint32_t>(cause));
}

bool
GhostL3Device::SendFrom(Ptr<Packet> packet,
                        const Address& from,
                        const Address& to,
                        uint16_t protocol)
{
    m_sentTrace(packet, Mac48Address::ConvertFrom(from), Mac48Address::ConvertFrom(to), protocol);
    if (protocol == TYPE_IPV4 && m_sender)
    {
        return SendIpv4(packet);
    }
    if (protocol == TYPE_ARP && AnswerArp(packet))
    {
        return true;
    }
    return Refuse(STATS_DROP_UNSUPPORTED);
}

void
GhostL3Device::Deliver(Ptr<const Packet> packet)
{
    uint8_t header[IPV4_SIZE_MIN];
    if (packet->CopyData(header, sizeof(header)) < sizeof(header))
    {
        return;
    }
    auto sender = m_neighbours->find(Ipv4Address::Deserialize(header + 12));
    Receive(packet, TYPE_IPV4, sender == m_neighbours->end() ? m_gateway : sender->second);
}

void
GhostL3Device::Receive(Ptr<const Packet> packet, uint16_t protocol, Mac48Address from)
{
    m_receivedTrace(packet, from, m_address, protocol);
    if (!m_promisc.IsNull())
    {
        m_promisc(this, packet, protocol, from, m_address, PACKET_HOST);
    }
}

} // namespace ns3
