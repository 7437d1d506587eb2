/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-medium.h"

#include "ns3/log.h"
#include "ns3/node.h"
#include "ns3/simulator.h"

#include <algorithm>
#include <utility>

namespace ns3
{

NS_LOG_COMPONENT_DEFINE("GhostMedium");

NS_OBJECT_ENSURE_REGISTERED(GhostMedium);

namespace
{
/// Header and FCS, which the device adds.
constexpr uint32_t OVERHEAD = 18;
/// What the device pads a shorter payload to.
constexpr uint32_t PAYLOAD_MIN = 46;
} // namespace

TypeId
GhostMedium::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostMedium")
                            .SetParent<Object>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostMedium>();
    return tid;
}

void
GhostMedium::DoDispose()
{
    m_stations.clear();
    m_whenFree.clear();
    Object::DoDispose();
}

void
GhostMedium::Configure(DataRate rate, Time gap, uint32_t queueLength)
{
    m_rate = rate;
    m_airTimes = {};
    m_gap = gap;
    m_queueLength = queueLength;
}

void
GhostMedium::WhenFree(std::function<void()> action)
{
    if (m_transmitting)
    {
        m_whenFree.push_back(std::move(action));
    }
    else
    {
        action();
    }
}

uint32_t
GhostMedium::Clear(uint32_t index)
{
    uint32_t count = static_cast<uint32_t>(m_stations[index].frames.size());
    m_stations[index].frames.clear();
    m_waiting -= count;
    return count;
}

uint32_t
GhostMedium::Add(Ptr<NetDevice> device)
{
    m_stations.push_back({device, {}, 0});
    return static_cast<uint32_t>(m_stations.size() - 1);
}

uint64_t
GhostMedium::GetNumber() const
{
    return m_number;
}

uint64_t
GhostMedium::GetSending() const
{
    return m_sending;
}

uint64_t
GhostMedium::GetOnAir() const
{
    return m_onAir;
}

bool
GhostMedium::IsFull(uint32_t index) const
{
    return m_stations[index].frames.size() >= m_queueLength;
}

bool
GhostMedium::Send(
    uint32_t index, Ptr<Packet> packet, Mac48Address from, Mac48Address to, uint16_t type)
{
    Station& station = m_stations[index];
    Frame frame{std::move(packet), from, to, type, ++station.entered};
    Time now = Simulator::Now();
    if (!m_transmitting && !m_granting && now >= m_freeAt)
    {
        Transmit(index, frame, now);
        return true;
    }
    if (station.frames.size() >= m_queueLength)
    {
        return false;
    }
    station.frames.push_back(std::move(frame));
    m_waiting++;
    if (!m_transmitting && !m_granting)
    {
        m_next = index;
        ScheduleGrant(); // in the gap after the last frame
    }
    return true;
}

Time
GhostMedium::GetAirTime(uint32_t size)
{
    AirTime& last = m_airTimes[size % m_airTimes.size()];
    if (last.size != size)
    {
        last = {size, m_rate.CalculateBytesTxTime(size)};
    }
    return last.time;
}

void
GhostMedium::Transmit(uint32_t index, const Frame& frame, Time start)
{
    uint32_t size = std::max(frame.packet->GetSize(), PAYLOAD_MIN) + OVERHEAD;
    m_freeAt = start + GetAirTime(size) + m_gap;
    m_transmitting = true;
    m_number = frame.number;
    m_sending = frame.packet->GetUid();
    // The device's queue is empty: it can't refuse.
    m_stations[index].device->SendFrom(frame.packet, frame.from, frame.to, frame.type);
}

GhostMedium::Frame
GhostMedium::Dequeue()
{
    Station& station = m_stations[m_next];
    Frame frame = std::move(station.frames.front());
    station.frames.pop_front();
    m_waiting--;
    m_next = (m_next + 1) % m_stations.size();
    return frame;
}

void
GhostMedium::ChooseNext()
{
    while (m_stations[m_next].frames.empty())
    {
        m_next = (m_next + 1) % m_stations.size();
    }
}

void
GhostMedium::Transmitted(uint32_t index)
{
    m_transmitting = false;
    m_onAir = m_sending;
    for (const auto& action : std::exchange(m_whenFree, {}))
    {
        action();
    }
    if (m_waiting == 0)
    {
        return;
    }
    ChooseNext();
    if (m_next == index)
    {
        // The device itself waits for the gap and goes on, without an event of ours.
        Transmit(index, Dequeue(), m_freeAt);
    }
    else
    {
        ScheduleGrant();
    }
}

void
GhostMedium::ScheduleGrant()
{
    m_granting = true;
    // In the context of the node that it is about.
    Simulator::ScheduleWithContext(m_stations[m_next].device->GetNode()->GetId(),
                                   m_freeAt - Simulator::Now(),
                                   &GhostMedium::Grant,
                                   this);
}

void
GhostMedium::Grant()
{
    m_granting = false;
    if (m_waiting == 0)
    {
        return; // what waited was thrown away
    }
    ChooseNext();
    uint32_t index = m_next;
    Transmit(index, Dequeue(), Simulator::Now());
}

} // namespace ns3
