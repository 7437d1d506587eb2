/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_LAST_WORDS_H
#define GHOST_LAST_WORDS_H

#include <cstdint>
#include <string>

namespace ns3
{

class SimulatorImpl;

/**
 * \brief Makes a process that dies inside ns-3 say why and where, as the last line of its log.
 *
 * Whatever ends in std::terminate (NS_FATAL_ERROR, NS_ABORT, NS_ASSERT, an exception nobody
 * catches) or in a signal of the CPU or of abort() leaves one line, PLACE: WHAT, and exit status 70
 * (EX_SOFTWARE). WHAT is ns-3's own message, read along as it goes to std::cerr. PLACE is
 *  - while building, what SetPlace said, "scenario:7:3: link lan";
 *  - while running, the node whose event it was and the time, "port h1.eth0: at 1.5 s in node 3".
 */
class GhostLastWords
{
  public:
    /// From now on. Once per process.
    static void Install();

    /**
     * \brief Say what is being built.
     * \param place goes before the message; "" if nothing is
     */
    static void SetPlace(const std::string& place);

    /**
     * \brief Say what a node is.
     * \param context the node's id
     * \param name "port h1.eth0"; the first name counts
     */
    static void AddNode(uint32_t context, const std::string& name);

    /**
     * \brief Say what runs.
     * \param engine borrowed; nullptr: nothing any more
     */
    static void SetEngine(const SimulatorImpl* engine);
};

} // namespace ns3

#endif /* GHOST_LAST_WORDS_H */
