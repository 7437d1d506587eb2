/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-p2p-device.h"

#include "ghost-p2p-channel.h"

#include "ns3/log.h"
#include "ns3/node.h"
#include "ns3/simulator.h"
#include "ns3/trace-source-accessor.h"

#include <algorithm>

namespace ns3
{

NS_LOG_COMPONENT_DEFINE("GhostP2pDevice");

NS_OBJECT_ENSURE_REGISTERED(GhostP2pDevice);

namespace
{
constexpr uint64_t NS_PER_S = 1000000000;
} // namespace

TypeId
GhostP2pDevice::GetTypeId()
{
    static TypeId tid =
        TypeId("ns3::GhostP2pDevice")
            .SetParent<GhostDevice>()
            .SetGroupName("Ghostbridge")
            .AddConstructor<GhostP2pDevice>()
            .AddTraceSource("Transmitted",
                            "A frame was sent that will arrive",
                            MakeTraceSourceAccessor(&GhostP2pDevice::m_transmittedTrace),
                            "ns3::Packet::TracedCallback")
            .AddTraceSource("Duplicated",
                            "The link made a second one of a frame; both count as transmitted",
                            MakeTraceSourceAccessor(&GhostP2pDevice::m_duplicatedTrace),
                            "ns3::Packet::TracedCallback")
            .AddTraceSource("Drop",
                            "A frame that was to be sent will not arrive, and why",
                            MakeTraceSourceAccessor(&GhostP2pDevice::m_dropTrace),
                            "ns3::GhostP2pDevice::DropTracedCallback")
            .AddTraceSource("RxDrop",
                            "A frame arrived where the link is down",
                            MakeTraceSourceAccessor(&GhostP2pDevice::m_rxDropTrace),
                            "ns3::GhostP2pDevice::DropTracedCallback");
    return tid;
}

GhostP2pDevice::GhostP2pDevice()
    : m_queue(CreateObject<GhostP2pQueue>())
    , m_line(CreateObject<GhostP2pLine>())
    , m_rate(100000000)
{
    m_queue->SetDropCallback([this](Ptr<const Packet> packet, enum stats_drop cause)
                             { Drop(packet, cause); });
}

void
GhostP2pDevice::DoDispose()
{
    m_next.Cancel();
    m_queue->Dispose();
    m_line->Dispose();
    m_partial = GhostFrame();
    m_channel = nullptr;
    GhostDevice::DoDispose();
}

void
GhostP2pDevice::Attach(Ptr<GhostP2pChannel> channel)
{
    m_channel = channel;
    channel->Attach(this);
}

void
GhostP2pDevice::SetDataRate(DataRate rate)
{
    m_rate = rate;
    m_trace = GhostRateTrace();
    m_fraction = 0;
}

DataRate
GhostP2pDevice::GetDataRate() const
{
    return m_rate;
}

void
GhostP2pDevice::SetTrace(GhostRateTrace trace)
{
    m_trace = std::move(trace);
}

bool
GhostP2pDevice::HasTrace() const
{
    return !m_trace.IsEmpty();
}

Ptr<GhostP2pQueue>
GhostP2pDevice::GetQueue() const
{
    return m_queue;
}

Ptr<GhostP2pLine>
GhostP2pDevice::GetLine() const
{
    return m_line;
}

void
GhostP2pDevice::CheckOrder(struct stats_check& stats, uint32_t flows, bool far)
{
    m_order = GhostOrder(flows);
    m_orderStats = &stats;
    m_orderFar = far;
}

void
GhostP2pDevice::Pass(const GhostFrame& frame)
{
    GhostInvariant::Note(*m_orderStats,
                         m_order.Pass(frame.number, frame.flow),
                         static_cast<uint64_t>(Simulator::Now().GetNanoSeconds()));
}

void
GhostP2pDevice::Drop(Ptr<const Packet> packet, enum stats_drop cause)
{
    m_dropTrace(packet, cause);
}

void
GhostP2pDevice::SetLinkUp(bool up)
{
    if (up == m_up)
    {
        return;
    }
    m_up = up;
    if (!up)
    {
        m_queue->Flush();
        if (m_partialLeft)
        {
            Drop(m_partial.packet, STATS_DROP_DOWN);
            m_partial = GhostFrame();
            m_partialLeft = 0;
        }
    }
    m_linkChange();
}

bool
GhostP2pDevice::IsFull() const
{
    return m_up && m_queue->IsFull();
}

bool
GhostP2pDevice::SendFrom(Ptr<Packet> packet,
                         const Address& source,
                         const Address& dest,
                         uint16_t protocolNumber)
{
    if (!m_up)
    {
        Drop(packet, STATS_DROP_DOWN);
        return true;
    }
    GhostFrame frame{
        packet, Mac48Address::ConvertFrom(source), Mac48Address::ConvertFrom(dest), protocolNumber};
    frame.number = ++m_entered;
    if (m_order.GetNFlows() > 1)
    {
        // As FqCoDel chooses the queue.
        frame.flow = GhostFrameItem(frame).Hash(0) % m_order.GetNFlows();
    }
    bool waits = m_next.IsRunning();
    bool idle = !waits && m_trace.IsEmpty() && Simulator::Now() >= m_freeAt;
    if (idle && !m_queue->GetDisc())
    {
        Transmit(frame);
        return true;
    }
    // A discipline sees every frame, or its averages would be wrong.
    m_queue->Enqueue(frame);
    if (idle)
    {
        TransmitNext();
    }
    else if (!waits)
    {
        ScheduleNext();
    }
    return true;
}

void
GhostP2pDevice::ScheduleNext()
{
    if (m_queue->IsEmpty() && !m_partialLeft)
    {
        return;
    }
    Time now = Simulator::Now();
    if (m_trace.IsEmpty())
    {
        m_next = Simulator::Schedule(
            std::max(m_freeAt - now, Time(0)), &GhostP2pDevice::TransmitNext, this);
        return;
    }
    uint32_t count;
    Time at = m_trace.NextAfter(now, count);
    m_next = Simulator::Schedule(at - now, &GhostP2pDevice::UseOpportunities, this, count);
}

void
GhostP2pDevice::TransmitNext()
{
    GhostFrame frame;
    // There may be none: the link went down, or the discipline gave the rest up.
    if (m_queue->Dequeue(frame))
    {
        Transmit(frame);
        ScheduleNext();
    }
}

void
GhostP2pDevice::Transmit(const GhostFrame& frame)
{
    Time now = Simulator::Now();
    if (now > m_freeAt)
    {
        m_fraction = 0;
    }
    // In whole numbers, with what is below a ns carried on to the next frame: long trains have the
    // exact rate.
    uint64_t bytes =
        std::max(frame.packet->GetSize(), PAYLOAD_MIN) + FRAME_OVERHEAD + PREAMBLE_SIZE;
    uint64_t rate = m_rate.GetBitRate();
    Time sent = now + NanoSeconds((bytes * 8 * NS_PER_S + m_fraction) / rate);
    uint64_t busy = (bytes + GAP_SIZE) * 8 * NS_PER_S + m_fraction;
    m_freeAt = now + NanoSeconds(busy / rate);
    m_fraction = busy % rate;
    Launch(frame, sent);
}

void
GhostP2pDevice::UseOpportunities(uint32_t count)
{
    uint32_t room = count * GhostRateTrace::OPPORTUNITY_SIZE;
    while (room > 0)
    {
        if (!m_partialLeft)
        {
            if (!m_queue->Dequeue(m_partial))
            {
                break; // the rest of the opportunity is lost
            }
            m_partialLeft = m_partial.packet->GetSize() + GhostRateTrace::PACKET_OVERHEAD;
        }
        uint32_t used = std::min(room, m_partialLeft);
        room -= used;
        m_partialLeft -= used;
        if (!m_partialLeft)
        {
            Launch(m_partial, Simulator::Now());
            m_partial = GhostFrame();
        }
    }
    ScheduleNext();
}

void
GhostP2pDevice::Launch(const GhostFrame& frame, Time sent)
{
    m_sentTrace(frame.packet, frame.from, frame.to, frame.type);
    GhostP2pLine::Fate fate = m_line->Decide(sent);
    if (fate.lost)
    {
        Drop(frame.packet, STATS_DROP_LOSS);
        return;
    }
    if (fate.corrupt)
    {
        m_line->Corrupt(frame.packet);
    }
    if (m_orderStats && !m_orderFar)
    {
        Pass(frame);
    }
    m_transmittedTrace(frame.packet);
    Ptr<GhostP2pDevice> peer = m_channel->GetPeer(this);
    uint32_t context = peer->GetNode()->GetId();
    Time wait = fate.arrival - Simulator::Now();
    Simulator::ScheduleWithContext(context, wait, [peer, frame]() { peer->Receive(frame); });
    if (fate.duplicated)
    {
        GhostFrame copy = frame;
        copy.packet = frame.packet->Copy();
        m_duplicatedTrace(copy.packet);
        m_transmittedTrace(copy.packet);
        Simulator::ScheduleWithContext(context, wait, [peer, copy]() { peer->Receive(copy); });
    }
}

void
GhostP2pDevice::Receive(const GhostFrame& frame)
{
    GhostP2pDevice* sender = PeekPointer(m_channel->GetPeer(this));
    if (sender->m_orderStats && sender->m_orderFar)
    {
        sender->Pass(frame);
    }
    if (!m_up)
    {
        m_rxDropTrace(frame.packet, STATS_DROP_DOWN);
        return;
    }
    HandOver(frame.packet, frame.type, frame.from, frame.to);
}

Ptr<Channel>
GhostP2pDevice::GetChannel() const
{
    return m_channel;
}

bool
GhostP2pDevice::IsLinkUp() const
{
    return m_up && m_channel && m_channel->GetNDevices() == 2;
}

void
GhostP2pDevice::AddLinkChangeCallback(Callback<void> callback)
{
    m_linkChange.ConnectWithoutContext(callback);
}

} // namespace ns3
