/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-p2p-queue.h"

#include "ns3/codel-queue-disc.h"
#include "ns3/fq-codel-queue-disc.h"
#include "ns3/pie-queue-disc.h"
#include "ns3/red-queue-disc.h"

#include <cstring>

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostP2pQueue);

TypeId
GhostP2pQueue::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostP2pQueue")
                            .SetParent<Object>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostP2pQueue>();
    return tid;
}

void
GhostP2pQueue::DoDispose()
{
    m_tail.clear();
    if (m_disc)
    {
        m_disc->Dispose();
        m_disc = nullptr;
    }
    m_dropped = nullptr;
    Object::DoDispose();
}

void
GhostP2pQueue::SetDropCallback(DropCallback callback)
{
    m_dropped = std::move(callback);
}

void
GhostP2pQueue::SetDropTail(uint32_t frames, uint64_t bytes)
{
    m_limitFrames = frames;
    m_limitSize = bytes;
}

void
GhostP2pQueue::SetDisc(Ptr<QueueDisc> disc)
{
    m_disc = disc;
    m_discIsRed = DynamicCast<RedQueueDisc>(disc) != nullptr;
    disc->TraceConnectWithoutContext("DropBeforeEnqueue",
                                     MakeCallback(&GhostP2pQueue::DiscDropped, this));
    disc->TraceConnectWithoutContext("DropAfterDequeue",
                                     MakeCallback(&GhostP2pQueue::DiscDropped, this));
    disc->Initialize();
}

Ptr<QueueDisc>
GhostP2pQueue::GetDisc() const
{
    return m_disc;
}

void
GhostP2pQueue::SetLimit(uint32_t frames)
{
    m_limitFrames = frames;
    m_limitSize = 0;
    if (m_disc)
    {
        m_disc->SetMaxSize(QueueSize(QueueSizeUnit::PACKETS, frames));
    }
}

bool
GhostP2pQueue::IsFull() const
{
    return !m_disc && m_limitFrames && m_tail.size() >= m_limitFrames;
}

bool
GhostP2pQueue::IsEmpty() const
{
    return m_disc ? m_disc->GetNPackets() == 0 : m_tail.empty();
}

uint32_t
GhostP2pQueue::GetNFrames() const
{
    return m_disc ? m_disc->GetNPackets() : static_cast<uint32_t>(m_tail.size());
}

void
GhostP2pQueue::Enqueue(const GhostFrame& frame)
{
    if (m_disc)
    {
        m_disc->Enqueue(Create<GhostFrameItem>(frame));
        return;
    }
    uint64_t size = frame.packet->GetSize();
    if (IsFull() || (m_limitSize && m_tailSize + size > m_limitSize))
    {
        m_dropped(frame.packet, STATS_DROP_QUEUE);
        return;
    }
    m_tailSize += size;
    m_tail.push_back(frame);
}

bool
GhostP2pQueue::Dequeue(GhostFrame& frame)
{
    if (m_disc)
    {
        Ptr<QueueDiscItem> item = m_disc->Dequeue();
        if (!item)
        {
            return false;
        }
        frame = StaticCast<GhostFrameItem>(item)->GetFrame();
        return true;
    }
    if (m_tail.empty())
    {
        return false;
    }
    frame = m_tail.front();
    m_tail.pop_front();
    m_tailSize -= frame.packet->GetSize();
    return true;
}

void
GhostP2pQueue::Flush()
{
    GhostFrame frame;
    while (Dequeue(frame))
    {
        m_dropped(frame.packet, STATS_DROP_DOWN);
    }
}

void
GhostP2pQueue::DiscDropped(Ptr<const QueueDiscItem> item, const char* reason)
{
    // ns-3 says why in words. RED calls it forced when the average is too long; PIE, when there is
    // no room.
    bool full = std::strstr(reason, QueueDisc::INTERNAL_QUEUE_DROP) ||
                std::strstr(reason, CoDelQueueDisc::OVERLIMIT_DROP) ||
                std::strstr(reason, FqCoDelQueueDisc::OVERLIMIT_DROP) ||
                (!m_discIsRed && std::strstr(reason, PieQueueDisc::FORCED_DROP));
    m_dropped(item->GetPacket(), full ? STATS_DROP_QUEUE : STATS_DROP_AQM);
}

} // namespace ns3
