/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-p2p-channel.h"

#include "ghost-p2p-device.h"

#include "ns3/assert.h"

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostP2pChannel);

TypeId
GhostP2pChannel::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostP2pChannel")
                            .SetParent<Channel>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostP2pChannel>();
    return tid;
}

void
GhostP2pChannel::DoDispose()
{
    m_devices.fill(nullptr);
    Channel::DoDispose();
}

void
GhostP2pChannel::Attach(Ptr<GhostP2pDevice> device)
{
    NS_ASSERT(m_count < m_devices.size());
    m_devices[m_count++] = device;
}

Ptr<GhostP2pDevice>
GhostP2pChannel::GetPeer(const GhostP2pDevice* device) const
{
    return PeekPointer(m_devices[0]) == device ? m_devices[1] : m_devices[0];
}

std::size_t
GhostP2pChannel::GetNDevices() const
{
    return m_count;
}

Ptr<NetDevice>
GhostP2pChannel::GetDevice(std::size_t i) const
{
    return m_devices.at(i);
}

} // namespace ns3
