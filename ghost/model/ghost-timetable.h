/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_TIMETABLE_H
#define GHOST_TIMETABLE_H

#include "ghost-input.h"

#include "bridge/record/journal.h"

#include <list>
#include <string>
#include <vector>

struct scenario;
struct scenario_change;

namespace ns3
{

class GhostChanges;

/**
 * \brief What is still to change in a ghost's links, and when.
 *
 * Three sources in one order: the scenario's changes at their times; those that the daemon sends,
 * by stamp, then in the order in which they came; and the end of the simulated nodes. At equal
 * times they come in that order.
 */
class GhostTimetable
{
  public:
    /// One change, taken out.
    struct Change
    {
        enum journal_change kind; //!< where it is from
        std::string text;         //!< "LINK KEY=VALUE"
        uint64_t number;          //!< the scenario's index of it, or the daemon's number
        const struct scenario_change* planned; //!< as Plan read it; else nullptr
    };

    /**
     * \brief Enter the scenario's changes.
     * \param changes has the scenario, borrowed
     * \param ghost whose links are meant
     */
    void Plan(const GhostChanges& changes, uint32_t ghost);

    /**
     * \brief Enter a change of the scenario where there is only the daemon to tell of it.
     * \param atNs since the start; not before that of the last one
     * \param number index in the scenario
     * \param text "LINK KEY=VALUE"
     */
    void AddPlanned(uint64_t atNs, uint64_t number, const std::string& text);

    /// \param startNs simulated time that the scenario's times count from
    void SetStart(uint64_t startNs);

    /// \param originNs monotonic time of simulated 0; before it is known no stamp is a time
    void SetOrigin(uint64_t originNs);

    /**
     * \brief Enter a change that the daemon sent.
     * \param stampNs monotonic
     * \param number the daemon's
     * \param text "LINK KEY=VALUE"
     */
    void Add(uint64_t stampNs, uint64_t number, const std::string& text);

    /// \param timeNs simulated; when simulated nodes fall silent
    void AddClose(uint64_t timeNs);

    /// Whether simulated nodes are still to fall silent.
    bool IsClosing() const
    {
        return m_closeNs != GhostInput::NEVER;
    }

    /// Simulated time of the next change, or GhostInput::NEVER.
    uint64_t GetNext() const
    {
        return m_nextNs;
    }

    /// Take the next change; there must be one.
    Change Take();

    /// Whether the scenario has a change left.
    bool HasPlanned() const;

    /// Take the scenario's next change, whatever else comes before it; there must be one.
    Change TakePlanned();

    /// How many of the scenario's changes were taken.
    size_t GetNPlanned() const;

  private:
    /// A change that the daemon sent.
    struct Live
    {
        uint64_t stampNs; //!< monotonic
        uint64_t number;  //!< the daemon's, in the order they were made
        std::string text; //!< "LINK KEY=VALUE"
    };

    /// A change of the scenario.
    struct Planned
    {
        uint64_t atNs; //!< since the start
        Change change; //!< to be taken
    };

    /// Simulated time of the scenario's next change, or NEVER.
    uint64_t GetNextPlanned() const;

    /// Find m_nextNs again.
    void Update();

    std::vector<Planned> m_planned;        //!< of this ghost's links, by time
    size_t m_plannedNext{0};               //!< the first that is left
    std::list<Live> m_live;                //!< by stamp, then as they came
    uint64_t m_startNs{0};                 //!< see SetStart
    uint64_t m_originNs{0};                //!< see SetOrigin; 0: not known
    uint64_t m_closeNs{GhostInput::NEVER}; //!< see AddClose
    uint64_t m_nextNs{GhostInput::NEVER};  //!< see GetNext
};

} // namespace ns3

#endif /* GHOST_TIMETABLE_H */
