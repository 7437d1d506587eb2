/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-slot.h"

#include <utility>

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostSlot);

TypeId
GhostSlot::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostSlot")
                            .SetParent<Queue<Packet>>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostSlot>();
    return tid;
}

void
GhostSlot::DoDispose()
{
    m_packet = nullptr;
    Queue<Packet>::DoDispose();
}

bool
GhostSlot::Enqueue(Ptr<Packet> packet)
{
    if (m_packet)
    {
        return false;
    }
    m_packet = std::move(packet);
    m_nPackets = 1;
    m_nBytes = m_packet->GetSize();
    return true;
}

Ptr<Packet>
GhostSlot::Dequeue()
{
    m_nPackets = 0;
    m_nBytes = 0;
    return std::exchange(m_packet, nullptr);
}

Ptr<Packet>
GhostSlot::Remove()
{
    return Dequeue();
}

Ptr<const Packet>
GhostSlot::Peek() const
{
    return m_packet;
}

} // namespace ns3
