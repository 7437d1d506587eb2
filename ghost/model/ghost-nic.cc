/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-nic.h"

#include "ghost-l3-packet.h"
#include "ghost-port.h"

#include "ns3/ipv4.h"
#include "ns3/node.h"
#include "ns3/packet.h"

#include <vector>

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostSegment);
NS_OBJECT_ENSURE_REGISTERED(GhostNic);

TypeId
GhostSegment::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostSegment")
                            .SetParent<Channel>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostSegment>();
    return tid;
}

void
GhostSegment::Add(Ptr<GhostNic> nic)
{
    m_nics.push_back(nic);
}

std::size_t
GhostSegment::GetNDevices() const
{
    return m_nics.size();
}

Ptr<NetDevice>
GhostSegment::GetDevice(std::size_t i) const
{
    return m_nics[i];
}

void
GhostSegment::DoDispose()
{
    m_nics.clear();
    Channel::DoDispose();
}

TypeId
GhostNic::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostNic")
                            .SetParent<GhostDevice>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostNic>();
    return tid;
}

GhostNic::GhostNic() = default;

GhostNic::~GhostNic() = default;

void
GhostNic::DoDispose()
{
    m_port = nullptr;
    if (m_segment)
    {
        m_segment->Dispose(); // holds us
    }
    m_segment = nullptr;
    GhostDevice::DoDispose();
}

void
GhostNic::Connect(Ptr<GhostPort> port, uint16_t mtu, Ptr<GhostSegment> segment)
{
    m_port = port;
    SetMtu(mtu);
    m_segment = segment;
    segment->Add(this);
}

void
GhostNic::Receive(Ptr<const Packet> packet, uint16_t protocol, Mac48Address from, Mac48Address to)
{
    if (IsReadable(packet, protocol))
    {
        HandOver(packet, protocol, from, to);
    }
}

bool
GhostNic::IsReadable(Ptr<const Packet> packet, uint16_t protocol) const
{
    if ((protocol != GhostL3Packet::TYPE_IPV4 && protocol != GhostL3Packet::TYPE_IPV6) ||
        !GetNode()->GetObject<Ipv4>())
    {
        return true;
    }
    std::vector<uint8_t> bytes(packet->GetSize());
    packet->CopyData(bytes.data(), packet->GetSize());
    return GhostL3Packet::Check(bytes.data(), packet->GetSize(), protocol) > 0;
}

bool
GhostNic::SendFrom(Ptr<Packet> packet, const Address& from, const Address& to, uint16_t protocol)
{
    Mac48Address source = Mac48Address::ConvertFrom(from);
    Mac48Address destination = Mac48Address::ConvertFrom(to);
    m_sentTrace(packet, source, destination, protocol);
    return m_port && m_port->SendFrame(packet, source, destination, protocol);
}

Ptr<Channel>
GhostNic::GetChannel() const
{
    return m_segment;
}

} // namespace ns3
