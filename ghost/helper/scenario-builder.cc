/* SPDX-License-Identifier: GPL-2.0-only */
#include "scenario-builder.h"

#include "../model/ghost-last-words.h"
#include "../model/ghost-wire.h"
#include "build-context.h"

#include "ns3/node-list.h"
#include "ns3/simulator.h"

namespace ns3
{

ScenarioBuilder::ScenarioBuilder(const struct scenario& scenario,
                                 uint32_t ghost,
                                 GhostWire* wire,
                                 GhostChanges* changes)
    : m_scenario(scenario)
    , m_ghost(ghost)
    , m_wire(wire)
    , m_changes(changes)
{
}

void
ScenarioBuilder::SetCaptures(int firstFd)
{
    m_firstCaptureFd = firstFd;
}

std::string
ScenarioBuilder::Build()
{
    if (scenario_port_count(&m_scenario, m_ghost) != m_wire->GetNPorts())
    {
        return "the wire has " + std::to_string(m_wire->GetNPorts()) +
               " ports, the scenario's ghost " +
               std::to_string(scenario_port_count(&m_scenario, m_ghost));
    }
    BuildContext context(m_scenario, m_wire, m_changes);
    context.SetCaptures(m_firstCaptureFd);
    try
    {
        for (size_t i = 0; i < m_scenario.link_count; i++)
        {
            if (m_scenario.links[i].ghost == m_ghost)
            {
                BuildLink(context, m_scenario.links[i]);
            }
        }
        // Stacks and applications begin with the experiment, not before.
        m_wire->SetStart(static_cast<uint64_t>(context.Settle().GetNanoSeconds()));
        BuildSimulatedNodes(context);
        for (const auto& [index, node] : context.GetSimulatedNodes())
        {
            // What a node got after time 0, nobody else initializes.
            Simulator::ScheduleWithContext(node->GetId(), Time(0), &Node::Initialize, node);
        }
    }
    catch (const BuildError& error)
    {
        return error.what();
    }
    GhostLastWords::SetPlace("");
    return "";
}

void
ScenarioBuilder::BuildLink(BuildContext& context, const struct scenario_link& link)
{
    uint32_t first = NodeList::GetNNodes();
    GhostLastWords::SetPlace("scenario:" + std::to_string(link.pos.line) + ":" +
                             std::to_string(link.pos.column) + ": link " + link.name);
    switch (link.kind)
    {
    case SCENARIO_LINK_CSMA:
        BuildCsma(context, link);
        break;
    case SCENARIO_LINK_P2P:
        BuildP2p(context, link);
        break;
    case SCENARIO_LINK_WIFI:
        BuildWifi(context, link);
        break;
    case SCENARIO_LINK_LTE:
        BuildLte(context, link);
        break;
    case SCENARIO_LINK_GHOST: // in the user's program
    case SCENARIO_LINK_WIRE:
        break; // not simulated
    }
    // What has no port of its own, as a base station, is known by the first one of its link.
    for (uint32_t id = first; id < NodeList::GetNNodes(); id++)
    {
        GhostLastWords::AddNode(
            id, std::string("port ") + context.GetScenario().ends[link.first_end].port_name);
    }
}

} // namespace ns3
