/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-changes.h"

#include "ns3/log.h"
#include "ns3/simulator.h"

#include <exception>
#include <utility>

namespace ns3
{

NS_LOG_COMPONENT_DEFINE("GhostChanges");

GhostChanges::GhostChanges(const struct scenario& scenario)
    : m_scenario(scenario)
{
}

void
GhostChanges::Register(uint32_t link, uint32_t end, const std::string& key, Setter setter)
{
    m_setters[{link, end, key}] = std::move(setter);
}

bool
GhostChanges::Has(uint32_t link, uint32_t end, const std::string& key) const
{
    if (m_setters.count({link, end, key}))
    {
        return true;
    }
    const struct scenario_link& of = m_scenario.links[link];
    bool all = end == SCENARIO_NONE && of.end_count > 0;
    for (uint32_t i = of.first_end; all && i < of.first_end + of.end_count; i++)
    {
        all = m_setters.count({link, i, key}) > 0;
    }
    return all;
}

std::string
GhostChanges::Apply(const struct scenario_change& change)
{
    char text[SCENARIO_CHANGE_TEXT_SIZE];
    scenario_change_print(&m_scenario, &change, text, sizeof(text));
    NS_LOG_FUNCTION(this << text);
    if (!Has(change.link, change.end, change.key))
    {
        return std::string(text) + ": the simulated link has no such thing to set";
    }
    try
    {
        auto setter = m_setters.find({change.link, change.end, change.key});
        if (setter != m_setters.end())
        {
            setter->second(change);
        }
        else
        {
            const struct scenario_link& of = m_scenario.links[change.link];
            for (uint32_t i = of.first_end; i < of.first_end + of.end_count; i++)
            {
                m_setters.at({change.link, i, change.key})(change);
            }
        }
    }
    catch (const std::exception& error)
    {
        return std::string(text) + ": " + error.what();
    }
    if (m_observer)
    {
        m_observer(static_cast<uint64_t>(Simulator::Now().GetNanoSeconds()), text);
    }
    return "";
}

std::string
GhostChanges::Apply(const std::string& text)
{
    struct scenario_change change;
    char error[512] = "";
    int r = scenario_change_parse(&m_scenario, text.c_str(), &change, error, sizeof(error));
    if (r < 0)
    {
        return error[0] ? error : "out of memory";
    }
    return Apply(change);
}

void
GhostChanges::SetObserver(Observer observer)
{
    m_observer = std::move(observer);
}

const struct scenario&
GhostChanges::GetScenario() const
{
    return m_scenario;
}

} // namespace ns3
