/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-medium.h"

#include "ns3/log.h"
#include "ns3/node.h"
#include "ns3/simulator.h"

#include <algorithm>

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
    Object::DoDispose();
}

void
GhostMedium::Configure(DataRate rate, Time gap, uint32_t queueLength)
{
    m_rate = rate;
    m_gap = gap;
    m_queueLength = queueLength;
}

uint32_t
GhostMedium::Add(Ptr<NetDevice> device)
{
    m_stations.push_back({device, {}});
    return static_cast<uint32_t>(m_stations.size() - 1);
}

bool
GhostMedium::Send(
    uint32_t index, Ptr<Packet> packet, Mac48Address from, Mac48Address to, uint16_t type)
{
    Station& station = m_stations[index];
    Frame frame{packet, from, to, type};
    if (m_waiting == 0 && Simulator::Now() >= m_freeAt)
    {
        Transmit(station, frame);
        return true;
    }
    if (station.frames.size() >= m_queueLength)
    {
        return false;
    }
    station.frames.push_back(frame);
    if (m_waiting++ == 0)
    {
        m_next = index;
        ScheduleGrant();
    }
    return true;
}

void
GhostMedium::Transmit(Station& station, const Frame& frame)
{
    uint32_t size = std::max(frame.packet->GetSize(), PAYLOAD_MIN) + OVERHEAD;
    m_freeAt = Simulator::Now() + m_rate.CalculateBytesTxTime(size) + m_gap;
    // The device's own queue is empty, or its gap is just over: it can't refuse.
    station.device->SendFrom(frame.packet, frame.from, frame.to, frame.type);
}

void
GhostMedium::ScheduleGrant()
{
    // Chosen now, so that the event runs in the context of the node it is about.
    while (m_stations[m_next].frames.empty())
    {
        m_next = (m_next + 1) % m_stations.size();
    }
    Simulator::ScheduleWithContext(m_stations[m_next].device->GetNode()->GetId(),
                                   m_freeAt - Simulator::Now(),
                                   &GhostMedium::Grant,
                                   this);
}

void
GhostMedium::Grant()
{
    Station& station = m_stations[m_next];
    Frame frame = station.frames.front();
    station.frames.pop_front();
    m_next = (m_next + 1) % m_stations.size();
    m_waiting--;
    Transmit(station, frame);
    if (m_waiting > 0)
    {
        ScheduleGrant();
    }
}

} // namespace ns3
