/* SPDX-License-Identifier: GPL-2.0-only */
#include "build-context.h"

#include "../model/ghost-wire.h"
#include "ghost-bridge-helper.h"

namespace ns3
{

BuildContext::BuildContext(const struct scenario& scenario, GhostWire* wire)
    : m_scenario(scenario)
    , m_wire(wire)
{
}

const struct scenario&
BuildContext::GetScenario() const
{
    return m_scenario;
}

Ptr<Node>
BuildContext::GetNode(const struct scenario_end&)
{
    return CreateObject<Node>();
}

Ptr<GhostPort>
BuildContext::Attach(const struct scenario_end& end, Ptr<NetDevice> device)
{
    Ptr<GhostPort> port =
        GhostBridgeHelper(m_wire).Install(device->GetNode(), device, end.port_name);
    if (!port)
    {
        throw BuildError(end.pos, std::string("the wire has no port ") + end.port_name);
    }
    return port;
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
