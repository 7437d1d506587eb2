/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-timetable.h"

#include "ghost-changes.h"

#include <algorithm>
#include <iterator>

namespace ns3
{

void
GhostTimetable::Plan(const GhostChanges& changes, uint32_t ghost)
{
    const struct scenario& scenario = changes.GetScenario();
    for (size_t i = 0; i < scenario.change_count; i++)
    {
        const struct scenario_change& change = scenario.changes[i];
        if (scenario.links[change.link].ghost == ghost)
        {
            char text[SCENARIO_CHANGE_TEXT_SIZE];
            scenario_change_print(&scenario, &change, text, sizeof(text));
            m_planned.push_back({change.at_ns, {JOURNAL_CHANGE_PLANNED, text, i, &change}});
        }
    }
    Update();
}

void
GhostTimetable::AddPlanned(uint64_t atNs, uint64_t number, const std::string& text)
{
    m_planned.push_back({atNs, {JOURNAL_CHANGE_PLANNED, text, number, nullptr}});
    Update();
}

void
GhostTimetable::SetStart(uint64_t startNs)
{
    m_startNs = startNs;
    Update();
}

void
GhostTimetable::SetOrigin(uint64_t originNs)
{
    m_originNs = originNs;
    Update();
}

void
GhostTimetable::Add(uint64_t stampNs, uint64_t number, const std::string& text)
{
    auto at = m_live.end();
    while (at != m_live.begin() && std::prev(at)->stampNs > stampNs)
    {
        --at;
    }
    m_live.insert(at, Live{stampNs, number, text});
    Update();
}

void
GhostTimetable::AddClose(uint64_t timeNs)
{
    m_closeNs = timeNs;
    Update();
}

uint64_t
GhostTimetable::GetNextPlanned() const
{
    return HasPlanned() ? m_planned[m_plannedNext].atNs + m_startNs : GhostInput::NEVER;
}

void
GhostTimetable::Update()
{
    uint64_t live = GhostInput::NEVER;
    if (!m_live.empty() && m_originNs)
    {
        live = m_live.front().stampNs - std::min(m_live.front().stampNs, m_originNs);
    }
    m_nextNs = std::min({GetNextPlanned(), live, m_closeNs});
}

GhostTimetable::Change
GhostTimetable::Take()
{
    if (GetNextPlanned() == m_nextNs)
    {
        return TakePlanned();
    }
    Change change{JOURNAL_CHANGE_CLOSE, "simulated nodes fall silent: the run is over", 0, nullptr};
    if (m_closeNs == m_nextNs)
    {
        m_closeNs = GhostInput::NEVER;
    }
    else
    {
        change = {JOURNAL_CHANGE_LIVE, m_live.front().text, m_live.front().number, nullptr};
        m_live.pop_front();
    }
    Update();
    return change;
}

bool
GhostTimetable::HasPlanned() const
{
    return m_plannedNext < m_planned.size();
}

GhostTimetable::Change
GhostTimetable::TakePlanned()
{
    size_t taken = m_plannedNext++;
    Update();
    return m_planned[taken].change;
}

size_t
GhostTimetable::GetNPlanned() const
{
    return m_plannedNext;
}

} // namespace ns3
