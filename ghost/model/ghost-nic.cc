/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-nic.h"

#include "ghost-port.h"

#include "ns3/node.h"
#include "ns3/packet.h"

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
                            .SetParent<NetDevice>()
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
    m_node = nullptr;
    m_receive.Nullify();
    m_promiscReceive.Nullify();
    NetDevice::DoDispose();
}

void
GhostNic::Connect(Ptr<GhostPort> port, uint16_t mtu, Ptr<GhostSegment> segment)
{
    m_port = port;
    m_mtu = mtu;
    m_segment = segment;
    segment->Add(this);
}

void
GhostNic::Receive(Ptr<const Packet> packet, uint16_t protocol, Mac48Address from, Mac48Address to)
{
    PacketType type = PACKET_OTHERHOST;
    if (to.IsBroadcast())
    {
        type = PACKET_BROADCAST;
    }
    else if (to.IsGroup())
    {
        type = PACKET_MULTICAST;
    }
    else if (to == m_address)
    {
        type = PACKET_HOST;
    }
    if (!m_promiscReceive.IsNull())
    {
        m_promiscReceive(this, packet, protocol, from, to, type);
    }
    if (type != PACKET_OTHERHOST && !m_receive.IsNull())
    {
        m_receive(this, packet, protocol, from);
    }
}

bool
GhostNic::Send(Ptr<Packet> packet, const Address& to, uint16_t protocol)
{
    return SendFrom(packet, m_address, to, protocol);
}

bool
GhostNic::SendFrom(Ptr<Packet> packet, const Address& from, const Address& to, uint16_t protocol)
{
    return m_port &&
           m_port->SendFrame(
               packet, Mac48Address::ConvertFrom(from), Mac48Address::ConvertFrom(to), protocol);
}

void
GhostNic::SetIfIndex(const uint32_t index)
{
    m_ifIndex = index;
}

uint32_t
GhostNic::GetIfIndex() const
{
    return m_ifIndex;
}

Ptr<Channel>
GhostNic::GetChannel() const
{
    return m_segment;
}

void
GhostNic::SetAddress(Address address)
{
    m_address = Mac48Address::ConvertFrom(address);
}

Address
GhostNic::GetAddress() const
{
    return m_address;
}

bool
GhostNic::SetMtu(const uint16_t mtu)
{
    m_mtu = mtu;
    return true;
}

uint16_t
GhostNic::GetMtu() const
{
    return m_mtu;
}

bool
GhostNic::IsLinkUp() const
{
    return true;
}

void
GhostNic::AddLinkChangeCallback(Callback<void> callback)
{
    // It never changes.
}

bool
GhostNic::IsBroadcast() const
{
    return true;
}

Address
GhostNic::GetBroadcast() const
{
    return Mac48Address::GetBroadcast();
}

bool
GhostNic::IsMulticast() const
{
    return true;
}

Address
GhostNic::GetMulticast(Ipv4Address group) const
{
    return Mac48Address::GetMulticast(group);
}

Address
GhostNic::GetMulticast(Ipv6Address group) const
{
    return Mac48Address::GetMulticast(group);
}

bool
GhostNic::IsBridge() const
{
    return false;
}

bool
GhostNic::IsPointToPoint() const
{
    return false;
}

Ptr<Node>
GhostNic::GetNode() const
{
    return m_node;
}

void
GhostNic::SetNode(Ptr<Node> node)
{
    m_node = node;
}

bool
GhostNic::NeedsArp() const
{
    return true;
}

void
GhostNic::SetReceiveCallback(NetDevice::ReceiveCallback callback)
{
    m_receive = callback;
}

void
GhostNic::SetPromiscReceiveCallback(NetDevice::PromiscReceiveCallback callback)
{
    m_promiscReceive = callback;
}

bool
GhostNic::SupportsSendFrom() const
{
    return true;
}

} // namespace ns3
