/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-device.h"

#include "ns3/channel.h"
#include "ns3/node.h"
#include "ns3/packet.h"
#include "ns3/trace-source-accessor.h"

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostDevice);

TypeId
GhostDevice::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostDevice")
                            .SetParent<NetDevice>()
                            .SetGroupName("Ghostbridge")
                            .AddTraceSource("FrameSent",
                                            "A frame is sent here",
                                            MakeTraceSourceAccessor(&GhostDevice::m_sentTrace),
                                            "ns3::GhostDevice::FrameTracedCallback")
                            .AddTraceSource("FrameReceived",
                                            "A frame has come here, for whomever it is",
                                            MakeTraceSourceAccessor(&GhostDevice::m_receivedTrace),
                                            "ns3::GhostDevice::FrameTracedCallback");
    return tid;
}

void
GhostDevice::DoDispose()
{
    m_node = nullptr;
    m_receive.Nullify();
    m_promisc.Nullify();
    NetDevice::DoDispose();
}

void
GhostDevice::HandOver(Ptr<const Packet> packet,
                      uint16_t protocol,
                      Mac48Address from,
                      Mac48Address to)
{
    m_receivedTrace(packet, from, to, protocol);
    PacketType type = PACKET_OTHERHOST;
    if (to == m_address)
    {
        type = PACKET_HOST;
    }
    else if (to.IsBroadcast())
    {
        type = PACKET_BROADCAST;
    }
    else if (to.IsGroup())
    {
        type = PACKET_MULTICAST;
    }
    if (!m_promisc.IsNull())
    {
        m_promisc(this, packet, protocol, from, to, type);
    }
    if (type != PACKET_OTHERHOST && !m_receive.IsNull())
    {
        m_receive(this, packet, protocol, from);
    }
}

bool
GhostDevice::Send(Ptr<Packet> packet, const Address& to, uint16_t protocol)
{
    return SendFrom(packet, m_address, to, protocol);
}

void
GhostDevice::SetIfIndex(const uint32_t index)
{
    m_ifIndex = index;
}

uint32_t
GhostDevice::GetIfIndex() const
{
    return m_ifIndex;
}

Ptr<Channel>
GhostDevice::GetChannel() const
{
    return nullptr;
}

void
GhostDevice::SetAddress(Address address)
{
    m_address = Mac48Address::ConvertFrom(address);
}

Address
GhostDevice::GetAddress() const
{
    return m_address;
}

bool
GhostDevice::SetMtu(const uint16_t mtu)
{
    m_mtu = mtu;
    return true;
}

uint16_t
GhostDevice::GetMtu() const
{
    return m_mtu;
}

bool
GhostDevice::IsLinkUp() const
{
    return true;
}

void
GhostDevice::AddLinkChangeCallback(Callback<void> callback)
{
    // It never changes.
}

bool
GhostDevice::IsBroadcast() const
{
    return true;
}

Address
GhostDevice::GetBroadcast() const
{
    return Mac48Address::GetBroadcast();
}

bool
GhostDevice::IsMulticast() const
{
    return true;
}

Address
GhostDevice::GetMulticast(Ipv4Address group) const
{
    return Mac48Address::GetMulticast(group);
}

Address
GhostDevice::GetMulticast(Ipv6Address group) const
{
    return Mac48Address::GetMulticast(group);
}

bool
GhostDevice::IsBridge() const
{
    return false;
}

bool
GhostDevice::IsPointToPoint() const
{
    return false;
}

Ptr<Node>
GhostDevice::GetNode() const
{
    return m_node;
}

void
GhostDevice::SetNode(Ptr<Node> node)
{
    m_node = node;
}

bool
GhostDevice::NeedsArp() const
{
    return true;
}

void
GhostDevice::SetReceiveCallback(NetDevice::ReceiveCallback callback)
{
    m_receive = callback;
}

void
GhostDevice::SetPromiscReceiveCallback(NetDevice::PromiscReceiveCallback callback)
{
    m_promisc = callback;
}

bool
GhostDevice::SupportsSendFrom() const
{
    return true;
}

} // namespace ns3
