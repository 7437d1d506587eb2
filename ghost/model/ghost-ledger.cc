/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-ledger.h"

#include "ns3/simulator.h"
#include "ns3/wifi-mac-queue.h"
#include "ns3/wifi-mpdu.h"

#include <algorithm>

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostLedger);

TypeId
GhostLedger::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostLedger")
                            .SetParent<Object>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostLedger>();
    return tid;
}

void
GhostLedger::DoDispose()
{
    m_entries.clear();
    m_lingering.clear();
    Object::DoDispose();
}

void
GhostLedger::SetLinger(Time linger, bool elsewhere)
{
    m_linger = linger;
    m_elsewhere = elsewhere;
}

void
GhostLedger::CheckOrder()
{
    m_checking = true;
}

uint32_t
GhostLedger::AddPort(struct stats_port* stats, Mac48Address address)
{
    NS_ABORT_IF(m_ports.size() >= PORTS_MAX);
    m_ports.push_back({stats, address, address});
    m_order = GhostOrder(static_cast<uint32_t>(m_ports.size() * m_ports.size() * (NO_TID + 1)));
    return static_cast<uint32_t>(m_ports.size() - 1);
}

void
GhostLedger::SetOther(uint32_t port, Mac48Address other)
{
    m_ports[port].other = other;
}

void
GhostLedger::Watch(Ptr<WifiMac> mac)
{
    for (AcIndex ac : {AC_BE, AC_BK, AC_VI, AC_VO, AC_BE_NQOS})
    {
        // A MAC has either the four or the last.
        if (mac->GetQosSupported() == (ac == AC_BE_NQOS))
        {
            continue;
        }
        Ptr<WifiMacQueue> queue = mac->GetTxopQueue(ac);
        queue->TraceConnectWithoutContext("Enqueue", MakeCallback(&GhostLedger::Enqueued, this));
        queue->TraceConnectWithoutContext("Dequeue", MakeCallback(&GhostLedger::Dequeued, this));
        queue->TraceConnectWithoutContext("Expired", MakeCallback(&GhostLedger::Expired, this));
        queue->TraceConnectWithoutContext("DropAfterDequeue",
                                          MakeCallback(&GhostLedger::ThrownOut, this));
    }
    mac->TraceConnectWithoutContext("DroppedMpdu", MakeCallback(&GhostLedger::Dropped, this));
    mac->TraceConnectWithoutContext("MacTxDrop", MakeCallback(&GhostLedger::Refused, this));
}

void
GhostLedger::SetDown(uint32_t port, bool down)
{
    Port& of = m_ports[port];
    if (of.down && !down)
    {
        of.up = static_cast<uint64_t>(Simulator::Now().GetNanoSeconds());
    }
    of.down = down;
}

bool
GhostLedger::IsMeant(const Port& port, Mac48Address to)
{
    return port.address == to || port.other == to;
}

bool
GhostLedger::WasDown(const Port& port, uint64_t since)
{
    return port.down || port.up > since;
}

GhostLedger::Entry*
GhostLedger::Find(Ptr<const WifiMpdu> mpdu)
{
    if (!mpdu->GetHeader().HasData())
    {
        return nullptr;
    }
    auto it = m_entries.find(mpdu->GetPacket()->GetUid());
    return it == m_entries.end() ? nullptr : &it->second;
}

void
GhostLedger::Begin(uint64_t uid, uint32_t port, Mac48Address to)
{
    Entry entry;
    entry.to = to;
    entry.port = port;
    entry.number = ++m_number;
    entry.at = static_cast<uint64_t>(Simulator::Now().GetNanoSeconds());
    m_entries.emplace(uid, entry);
    m_ports[port].open++;
}

void
GhostLedger::Handed(uint64_t uid, bool taken)
{
    auto it = m_entries.find(uid);
    if (it == m_entries.end())
    {
        return;
    }
    it->second.handing = false;
    if (!taken)
    {
        it->second.cause = STATS_DROP_MEDIUM;
    }
    else if (!it->second.queued && !m_elsewhere && it->second.cause == STATS_DROP_COUNT)
    {
        it->second.cause = STATS_DROP_QUEUE; // ns-3 says nothing when a MAC's queue is full
    }
    Check(uid, it->second);
}

bool
GhostLedger::Deliver(uint64_t uid, uint32_t port)
{
    auto it = m_entries.find(uid);
    if (it == m_entries.end() || it->second.delivered >> port & 1 || it->second.port == port)
    {
        return false;
    }
    Entry& entry = it->second;
    if (entry.delivered == 0)
    {
        // Nobody can say any more that it was lost.
        stats_add(&m_ports[entry.port].stats->transmitted, 1);
    }
    entry.delivered |= uint64_t{1} << port;
    stats_add(&m_ports[port].stats->received, 1);
    if (m_checking && IsMeant(m_ports[port], entry.to))
    {
        NoteOrder(entry, port);
    }
    return true;
}

void
GhostLedger::NoteOrder(const Entry& entry, uint32_t port)
{
    std::size_t flow = (entry.port * m_ports.size() + port) * (NO_TID + 1) + entry.tid;
    GhostInvariant::Note(m_ports[port].stats->order,
                         m_order.Pass(entry.number, static_cast<uint32_t>(flow)),
                         static_cast<uint64_t>(Simulator::Now().GetNanoSeconds()));
}

bool
GhostLedger::Knows(uint64_t uid) const
{
    return m_entries.count(uid) > 0;
}

void
GhostLedger::Add(uint32_t from, uint32_t at)
{
    stats_add(&m_ports[from].stats->duplicated, 1);
    stats_add(&m_ports[from].stats->transmitted, 1);
    for (uint32_t port = 0; port < m_ports.size(); port++)
    {
        if (port != from)
        {
            stats_add(&m_ports[port].stats->received, 1);
            stats_add(&m_ports[port].stats->down.drops[STATS_DROP_FILTERED], port != at);
        }
    }
}

int64_t
GhostLedger::GetOpen(uint32_t port) const
{
    return m_ports[port].open;
}

void
GhostLedger::Enqueued(Ptr<const WifiMpdu> mpdu)
{
    if (Entry* entry = Find(mpdu))
    {
        if (!entry->queued && mpdu->GetHeader().IsQosData())
        {
            entry->tid = std::min(mpdu->GetHeader().GetQosTid(), NO_TID);
        }
        entry->holders++;
        entry->queued = true;
    }
}

void
GhostLedger::Dequeued(Ptr<const WifiMpdu> mpdu)
{
    Entry* entry = Find(mpdu);
    if (!entry)
    {
        return;
    }
    if (entry->expired > 0)
    {
        entry->expired--; // ns-3 cleans up, Expired has told
    }
    else if (entry->holders > 0)
    {
        entry->holders--;
        Check(mpdu->GetPacket()->GetUid(), *entry);
    }
}

void
GhostLedger::Expired(Ptr<const WifiMpdu> mpdu)
{
    Entry* entry = Find(mpdu);
    if (!entry)
    {
        return;
    }
    entry->cause = STATS_DROP_EXPIRED;
    // It may be out of the queue already, with Dequeued called, or stay in it to be cleaned up.
    if (mpdu->IsQueued() && entry->holders > 0)
    {
        entry->holders--;
        entry->expired++;
        Check(mpdu->GetPacket()->GetUid(), *entry);
    }
}

void
GhostLedger::Dropped(WifiMacDropReason reason, Ptr<const WifiMpdu> mpdu)
{
    Entry* entry = Find(mpdu);
    if (!entry)
    {
        return;
    }
    switch (reason)
    {
    case WIFI_MAC_DROP_FAILED_ENQUEUE:
        entry->cause = STATS_DROP_QUEUE;
        break;
    case WIFI_MAC_DROP_EXPIRED_LIFETIME:
    case WIFI_MAC_DROP_QOS_OLD_PACKET:
        entry->cause = STATS_DROP_EXPIRED;
        break;
    case WIFI_MAC_DROP_REACHED_RETRY_LIMIT:
        entry->cause = STATS_DROP_RETRIES;
        break;
    }
}

void
GhostLedger::ThrownOut(Ptr<const WifiMpdu> mpdu)
{
    // A station that loses its access point empties its queues, and says nothing of it.
    Entry* entry = Find(mpdu);
    if (entry && entry->cause == STATS_DROP_COUNT)
    {
        entry->cause = STATS_DROP_UNASSOCIATED;
    }
}

void
GhostLedger::Refused(Ptr<const Packet> packet)
{
    auto it = m_entries.find(packet->GetUid());
    if (it != m_entries.end())
    {
        it->second.cause = STATS_DROP_UNASSOCIATED;
    }
}

void
GhostLedger::Check(uint64_t uid, Entry& entry)
{
    if (entry.holders > 0 || entry.handing || entry.lingering)
    {
        return;
    }
    bool over = !entry.to.IsGroup() && entry.delivered != 0;
    // What its own device turned away never was on the air.
    over |= entry.delivered == 0 &&
            (entry.cause == STATS_DROP_QUEUE || entry.cause == STATS_DROP_UNASSOCIATED);
    if (over)
    {
        Close(uid, entry);
        m_entries.erase(uid);
        return;
    }
    entry.lingering = true;
    uint64_t due = static_cast<uint64_t>((Simulator::Now() + m_linger).GetNanoSeconds());
    m_lingering.emplace_back(uid, due);
    if (!m_sweeping)
    {
        m_sweeping = true;
        Simulator::Schedule(m_linger, &GhostLedger::Sweep, this);
    }
}

void
GhostLedger::Sweep()
{
    uint64_t now = static_cast<uint64_t>(Simulator::Now().GetNanoSeconds());
    m_sweeping = false;
    while (!m_lingering.empty() && m_lingering.front().second <= now)
    {
        uint64_t uid = m_lingering.front().first;
        m_lingering.pop_front();
        auto it = m_entries.find(uid);
        it->second.lingering = false;
        if (it->second.holders == 0)
        {
            Close(uid, it->second);
            m_entries.erase(it);
        }
    }
    if (!m_lingering.empty())
    {
        m_sweeping = true;
        Simulator::Schedule(
            NanoSeconds(m_lingering.front().second - now), &GhostLedger::Sweep, this);
    }
}

enum stats_drop
GhostLedger::GetCause(const Entry& entry) const
{
    auto meant = std::find_if(m_ports.begin(),
                              m_ports.end(),
                              [&entry](const Port& port) { return IsMeant(port, entry.to); });
    bool down = WasDown(m_ports[entry.port], entry.at);
    down |= meant != m_ports.end() && WasDown(*meant, entry.at);
    if (down && entry.cause != STATS_DROP_QUEUE)
    {
        return STATS_DROP_DOWN;
    }
    if (entry.cause != STATS_DROP_COUNT)
    {
        return entry.cause;
    }
    // Acknowledged by an access point that didn't send it on: its queue was full, or there is
    // nobody of that address.
    bool known = !m_elsewhere && meant != m_ports.end();
    return known ? STATS_DROP_QUEUE : STATS_DROP_MEDIUM;
}

void
GhostLedger::Close(uint64_t uid, const Entry& entry)
{
    Port& sender = m_ports[entry.port];
    sender.open--;
    bool lost = !entry.to.IsGroup() || entry.cause != STATS_DROP_COUNT;
    if (entry.delivered == 0 && (lost || WasDown(sender, entry.at)))
    {
        stats_add(&sender.stats->up.drops[GetCause(entry)], 1);
        return;
    }
    if (entry.delivered == 0)
    {
        stats_add(&sender.stats->transmitted, 1);
    }
    for (uint32_t port = 0; port < m_ports.size(); port++)
    {
        if (port == entry.port || entry.delivered >> port & 1)
        {
            continue;
        }
        bool meant = entry.to.IsGroup() || IsMeant(m_ports[port], entry.to);
        enum stats_drop cause = !meant                             ? STATS_DROP_FILTERED
                                : WasDown(m_ports[port], entry.at) ? STATS_DROP_DOWN
                                                                   : STATS_DROP_NOT_HEARD;
        stats_add(&m_ports[port].stats->received, 1);
        stats_add(&m_ports[port].stats->down.drops[cause], 1);
    }
}

} // namespace ns3
