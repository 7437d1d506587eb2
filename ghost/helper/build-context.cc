/* SPDX-License-Identifier: GPL-2.0-only */
#include "build-context.h"

#include "../model/ghost-capture.h"
#include "../model/ghost-last-words.h"
#include "../model/ghost-settle.h"
#include "../model/ghost-wire.h"

#include "ns3/simulator.h"

#include <utility>

namespace ns3
{

namespace
{
/// Of Ethernet.
constexpr uint32_t HEADER_SIZE = 14;
} // namespace

BuildContext::BuildContext(const struct scenario& scenario, GhostWire* wire, GhostChanges* changes)
    : m_scenario(scenario)
    , m_wire(wire)
    , m_changes(changes)
{
}

const struct scenario&
BuildContext::GetScenario() const
{
    return m_scenario;
}

GhostWire*
BuildContext::GetWire() const
{
    return m_wire;
}

Ptr<Node>
BuildContext::GetNode(const struct scenario_end& end)
{
    if (scenario_node_is_real(&m_scenario.nodes[end.node]))
    {
        return CreateObject<Node>();
    }
    Ptr<Node>& node = m_nodes[end.node];
    if (!node)
    {
        node = CreateObject<Node>();
    }
    return node;
}

Ptr<GhostPort>
BuildContext::Attach(const struct scenario_end& end, Ptr<NetDevice> device, Ptr<GhostPort> port)
{
    if (!scenario_node_is_real(&m_scenario.nodes[end.node]))
    {
        return AttachNic(end, device, port);
    }
    int32_t index = m_wire->FindPort(end.port_name);
    if (index < 0)
    {
        throw BuildError(end.pos, std::string("the wire has no port ") + end.port_name);
    }
    port = GhostPort::Install(m_wire, static_cast<uint32_t>(index), device, port);
    RegisterState(end, port);
    return port;
}

Ptr<GhostPort>
BuildContext::AttachNic(const struct scenario_end& end, Ptr<NetDevice> device, Ptr<GhostPort> port)
{
    if (end.stats >= m_wire->GetNStats())
    {
        throw BuildError(end.pos, std::string("the wire has no counters for ") + end.port_name);
    }
    const struct scenario_link& link = m_scenario.links[end.link];
    Ptr<GhostSegment>& segment = m_segments[end.link];
    if (!segment)
    {
        segment = CreateObject<GhostSegment>();
    }
    Mac48Address address;
    address.CopyFrom(end.mac);
    device->SetAddress(address);
    Ptr<GhostNic> nic = CreateObject<GhostNic>();
    nic->SetAddress(address);
    device->GetNode()->AddDevice(nic);
    if (!port)
    {
        port = CreateObject<GhostPort>();
    }
    nic->Connect(port, static_cast<uint16_t>(link.mtu), segment);
    port->SetName(end.port_name);
    device->AggregateObject(port);
    port->Connect(nic,
                  m_wire->GetStats(end.stats),
                  !scenario_role_has_ip(m_scenario.nodes[end.node].role),
                  device);
    m_wire->AddInner(port);
    GhostLastWords::AddNode(port->GetContext(), std::string("port ") + end.port_name);
    m_nics[static_cast<uint32_t>(&end - m_scenario.ends)] = nic;
    if (scenario_node_is_replay(&m_scenario.nodes[end.node]))
    {
        AttachSource(end, port);
    }
    RegisterState(end, port);
    return port;
}

void
BuildContext::SetCaptures(int firstFd)
{
    m_firstCaptureFd = firstFd;
}

void
BuildContext::AttachSource(const struct scenario_end& end, Ptr<GhostPort> port)
{
    const struct scenario_node& node = m_scenario.nodes[end.node];
    std::unique_ptr<GhostSource> source;
    if (m_wire->IsLive())
    {
        int fd = m_firstCaptureFd + static_cast<int>(end.stats - m_wire->GetNPorts());
        if (m_firstCaptureFd < 0)
        {
            throw BuildError(node.replay->file_pos, "its file was not handed over");
        }
        try
        {
            source = std::make_unique<GhostCapture>(node.name, *node.replay, fd);
        }
        catch (const std::runtime_error& error)
        {
            throw BuildError(node.replay->filter_pos, error.what());
        }
    }
    m_wire->SetSource(end.stats,
                      PeekPointer(port),
                      HEADER_SIZE + m_scenario.links[end.link].mtu,
                      std::move(source));
}

Ptr<GhostNic>
BuildContext::GetNic(uint32_t end) const
{
    auto found = m_nics.find(end);
    return found == m_nics.end() ? nullptr : found->second;
}

const std::map<uint32_t, Ptr<Node>>&
BuildContext::GetSimulatedNodes() const
{
    return m_nodes;
}

void
BuildContext::RegisterState(const struct scenario_end& end, Ptr<GhostPort> port)
{
    m_changes->Register(end.link,
                        static_cast<uint32_t>(&end - m_scenario.ends),
                        "state",
                        [port](const struct scenario_change& change)
                        { port->SetDown(std::string(change.word) == "down"); });
}

void
BuildContext::OnChange(const struct scenario_link& link,
                       const struct scenario_end* end,
                       const std::string& key,
                       GhostChanges::Setter setter)
{
    m_changes->Register(static_cast<uint32_t>(&link - m_scenario.links),
                        end ? static_cast<uint32_t>(end - m_scenario.ends) : SCENARIO_NONE,
                        key,
                        std::move(setter));
}

void
BuildContext::Await(const struct scenario_pos& pos, std::function<std::string()> missing)
{
    m_awaited.push_back({pos, std::move(missing)});
}

void
BuildContext::AtStart(std::function<void()> action)
{
    m_start.push_back(std::move(action));
}

Time
BuildContext::Settle()
{
    size_t there = 0;
    std::string missing;
    auto isReady = [this, &there, &missing]()
    {
        missing.clear();
        for (there = 0; there < m_awaited.size() && missing.empty(); there += missing.empty())
        {
            missing = m_awaited[there].missing();
        }
        return missing.empty();
    };
    if (!m_awaited.empty() && GhostSettle::Run(isReady) != GhostSettle::READY)
    {
        throw BuildError(m_awaited[there].pos, missing);
    }
    GhostInvariant::SetStart(Simulator::Now());
    for (const auto& action : m_start)
    {
        action();
    }
    return Simulator::Now();
}

int64_t
BuildContext::StreamOf(const std::string& name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (char c : name)
    {
        hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
    }
    return static_cast<int64_t>(hash >> 2);
}

} // namespace ns3
