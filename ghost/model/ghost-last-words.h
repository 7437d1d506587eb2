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
 *
 * A simulation whose time stands still although the thread works without a pause ends likewise:
 * an event that never returns, or events that follow each other without delay, would not end by
 * themselves. Five times in a row that is looked at, after every second of processor time.
 */
class GhostLastWords
{
  public:
    /// From now on. Once per process, by the thread that simulates.
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

    /**
     * \brief Look more or less often whether time stands still.
     * \param tickMs of the simulating thread's processor time; Install says 1000
     */
    static void SetTick(uint32_t tickMs);

    /// The thread waits for something outside: time may stand still. Cheap.
    static void Pause()
    {
        m_pauses = m_pauses + 1;
    }

  private:
    static volatile uint64_t m_pauses; //!< see Pause; read by a signal handler of the same thread
};

} // namespace ns3

#endif /* GHOST_LAST_WORDS_H */
