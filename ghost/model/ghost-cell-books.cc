/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-cell-books.h"

#include "ghost-port.h"

#include "bridge/wire/stats.h"

#include "ns3/lte-rlc-header.h"
#include "ns3/simulator.h"

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostCellTag);
NS_OBJECT_ENSURE_REGISTERED(GhostCellBooks);

TypeId
GhostCellTag::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostCellTag")
                            .SetParent<Tag>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostCellTag>();
    return tid;
}

TypeId
GhostCellTag::GetInstanceTypeId() const
{
    return GetTypeId();
}

uint32_t
GhostCellTag::GetSerializedSize() const
{
    return 12;
}

void
GhostCellTag::Serialize(TagBuffer buffer) const
{
    buffer.WriteU64(m_number);
    buffer.WriteU32(m_sender);
}

void
GhostCellTag::Deserialize(TagBuffer buffer)
{
    m_number = buffer.ReadU64();
    m_sender = buffer.ReadU32();
}

void
GhostCellTag::Print(std::ostream& os) const
{
    os << "number=" << m_number << " sender=" << m_sender;
}

TypeId
GhostCellBooks::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostCellBooks")
                            .SetParent<Object>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostCellBooks>();
    return tid;
}

void
GhostCellBooks::DoDispose()
{
    m_timer.Cancel();
    m_look.clear();
    m_entries.clear();
    m_ports.clear();
    Object::DoDispose();
}

uint32_t
GhostCellBooks::AddPort(GhostPort* port)
{
    m_ports.push_back(port);
    return static_cast<uint32_t>(m_ports.size() - 1);
}

uint32_t
GhostCellBooks::AddLeg()
{
    m_legs.emplace_back();
    return static_cast<uint32_t>(m_legs.size() - 1);
}

void
GhostCellBooks::Mark(Ptr<Packet> packet, uint32_t sender)
{
    GhostCellTag tag;
    tag.m_number = ++m_number;
    tag.m_sender = sender;
    packet->AddByteTag(tag);
}

GhostCellBooks::Entries::iterator
GhostCellBooks::Find(Ptr<const Packet> packet)
{
    GhostCellTag tag;
    return packet->FindFirstMatchingByteTag(tag) ? m_entries.find(tag.m_number) : m_entries.end();
}

void
GhostCellBooks::Move(uint64_t number, Entry& entry, Place place)
{
    entry.place = place;
    entry.since = Simulator::Now();
    m_look.emplace_back(number, entry.since + MilliSeconds(PATIENCE_MS));
    if (!m_timer.IsRunning())
    {
        m_timer = Simulator::Schedule(MilliSeconds(PATIENCE_MS), &GhostCellBooks::LookAfter, this);
    }
}

void
GhostCellBooks::Enter(uint32_t leg, Ptr<const Packet> packet)
{
    GhostCellTag tag;
    if (packet->FindFirstMatchingByteTag(tag))
    {
        Entry& entry = m_entries[tag.m_number];
        entry.sender = tag.m_sender;
        entry.leg = leg;
        entry.turn = ++m_turn;
        Move(tag.m_number, entry, Place::BEFORE);
    }
}

void
GhostCellBooks::Queue(Ptr<const Packet> packet)
{
    auto it = Find(packet);
    if (it != m_entries.end())
    {
        it->second.place = Place::QUEUE;
    }
}

void
GhostCellBooks::Transmit(Ptr<const Packet> pdu)
{
    std::vector<uint64_t> numbers;
    uint64_t last = 0;
    uint32_t end = 0;
    ByteTagIterator it = pdu->GetByteTagIterator();
    while (it.HasNext())
    {
        ByteTagIterator::Item item = it.Next();
        if (item.GetTypeId() != GhostCellTag::GetTypeId())
        {
            continue;
        }
        GhostCellTag tag;
        item.GetTag(tag);
        numbers.push_back(tag.m_number);
        if (item.GetEnd() >= end)
        {
            end = item.GetEnd();
            last = tag.m_number;
        }
    }
    if (numbers.empty())
    {
        return; // signalling
    }
    LteRlcHeader header;
    pdu->PeekHeader(header);
    bool whole = !(header.GetFramingInfo() & LteRlcHeader::NO_LAST_BYTE);
    for (uint64_t number : numbers)
    {
        auto entry = m_entries.find(number);
        if (entry != m_entries.end() && (whole || number != last))
        {
            Move(number, entry->second, Place::AIR);
        }
    }
}

GhostCellBooks::Entries::iterator
GhostCellBooks::Close(Entries::iterator it, uint32_t cause)
{
    m_ports[it->second.sender]->CountDrop(nullptr, cause);
    return m_entries.erase(it);
}

void
GhostCellBooks::Forget(uint32_t leg)
{
    for (auto it = m_entries.begin(); it != m_entries.end();)
    {
        bool lost = it->second.leg == leg && it->second.place == Place::QUEUE;
        it = lost ? Close(it, STATS_DROP_UNASSOCIATED) : std::next(it);
    }
}

bool
GhostCellBooks::Leave(Ptr<const Packet> packet)
{
    auto it = Find(packet);
    if (it == m_entries.end())
    {
        return false;
    }
    const Entry& entry = it->second;
    m_ports[entry.sender]->NoteOrder(m_legs[entry.leg].Pass(entry.turn));
    m_entries.erase(it);
    return true;
}

void
GhostCellBooks::Deliver(Ptr<const Packet> packet)
{
    GhostCellTag tag;
    if (packet->FindFirstMatchingByteTag(tag))
    {
        m_ports[tag.m_sender]->CountTransmitted(packet);
    }
}

void
GhostCellBooks::Drop(Ptr<const Packet> packet, uint32_t cause)
{
    auto it = Find(packet);
    if (it != m_entries.end())
    {
        Close(it, cause);
    }
}

void
GhostCellBooks::Refuse(Ptr<const Packet> packet)
{
    auto it = Find(packet);
    if (it != m_entries.end())
    {
        m_entries.erase(it);
    }
}

std::size_t
GhostCellBooks::GetOpen() const
{
    return m_entries.size();
}

void
GhostCellBooks::LookAfter()
{
    Time now = Simulator::Now();
    while (!m_look.empty() && m_look.front().second <= now)
    {
        auto it = m_entries.find(m_look.front().first);
        m_look.pop_front();
        if (it == m_entries.end() || it->second.place == Place::QUEUE ||
            it->second.since + MilliSeconds(PATIENCE_MS) > now)
        {
            continue;
        }
        Close(it, it->second.place == Place::AIR ? STATS_DROP_RADIO : STATS_DROP_UNASSOCIATED);
    }
    if (!m_look.empty())
    {
        m_timer =
            Simulator::Schedule(m_look.front().second - now, &GhostCellBooks::LookAfter, this);
    }
}

} // namespace ns3
