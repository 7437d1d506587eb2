/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SCENARIO_BUILDER_H
#define SCENARIO_BUILDER_H

#include "bridge/scenario/scenario.h"

#include <string>

namespace ns3
{

class BuildContext;
class GhostChanges;
class GhostWire;

/**
 * \brief Builds the links of one ghost from a scenario: one ghost node per attached interface.
 *
 * Random streams are numbered from stable names (link and port), so that neither the packing of
 * islands into ghosts nor an unrelated link changes what a link does.
 */
class ScenarioBuilder
{
  public:
    /**
     * \param scenario borrowed
     * \param ghost which ghost to build
     * \param wire its wire, borrowed; outlives the simulation
     * \param changes gets the setters of what can change, borrowed; outlives the simulation
     */
    ScenarioBuilder(const struct scenario& scenario,
                    uint32_t ghost,
                    GhostWire* wire,
                    GhostChanges* changes);

    /// See BuildContext::SetCaptures.
    void SetCaptures(int firstFd);

    /**
     * \brief Build all links of this ghost, and simulate until they are usable.
     * \return an empty string, or what is wrong
     */
    std::string Build();

  private:
    /// Build one link with the builder of its kind.
    static void BuildLink(BuildContext& context, const struct scenario_link& link);

    const struct scenario& m_scenario; //!< borrowed
    uint32_t m_ghost;                  //!< whose links to build
    GhostWire* m_wire;                 //!< borrowed
    GhostChanges* m_changes;           //!< borrowed
    int m_firstCaptureFd{-1};          //!< see SetCaptures
};

} // namespace ns3

#endif /* SCENARIO_BUILDER_H */
