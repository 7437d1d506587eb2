/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_CHANGES_H
#define GHOST_CHANGES_H

#include "bridge/scenario/scenario.h"

#include <functional>
#include <map>
#include <string>
#include <tuple>

namespace ns3
{

/**
 * \brief Who sets what when a link changes while it runs.
 *
 * Builders of links register setters; inputs apply changes, at the simulator's current time. Every
 * change, be it of the scenario, of the command line or of a recording, goes through Apply.
 *
 * What GhostWire calls is virtual: it is in the installed library, which has no scenario module.
 */
class GhostChanges
{
  public:
    /// Sets one value; may throw std::exception with what is wrong and what would be right.
    using Setter = std::function<void(const struct scenario_change&)>;

    /// Told of every change that took effect: simulated time in ns, "LINK KEY=VALUE".
    using Observer = std::function<void(uint64_t timeNs, const std::string& text)>;

    /**
     * \param scenario borrowed
     */
    explicit GhostChanges(const struct scenario& scenario);
    virtual ~GhostChanges() = default;

    /**
     * \brief Register a setter.
     * \param link index in the scenario
     * \param end index in the scenario; SCENARIO_NONE for the link as a whole
     * \param key row of the scenario's table of what can change, "delay"
     * \param setter called at the time of the change
     *
     * A change of a whole link goes to the link's setter, or where there is none to those of all
     * its ends.
     */
    void Register(uint32_t link, uint32_t end, const std::string& key, Setter setter);

    /// Whether a change of this kind has a setter.
    bool Has(uint32_t link, uint32_t end, const std::string& key) const;

    /**
     * \brief Apply a change now.
     * \param change of the scenario, checked
     * \return empty, or why it has no effect
     */
    virtual std::string Apply(const struct scenario_change& change);

    /**
     * \brief Apply a change given as text now: how live changes and recordings enter.
     * \param text "LINK KEY=VALUE", see scenario_change_parse()
     * \return empty, or why it has no effect
     */
    virtual std::string Apply(const std::string& text);

    /**
     * \brief Set who is told of every change that took effect, for recording it.
     */
    void SetObserver(Observer observer);

    /// The changes that the scenario itself holds, of links that have setters here.
    virtual const struct scenario& GetScenario() const;

  private:
    using Place = std::tuple<uint32_t, uint32_t, std::string>; //!< link, end, key

    const struct scenario& m_scenario; //!< borrowed
    std::map<Place, Setter> m_setters; //!< who sets what
    Observer m_observer;               //!< may be empty
};

} // namespace ns3

#endif /* GHOST_CHANGES_H */
