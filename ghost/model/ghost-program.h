/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_PROGRAM_H
#define GHOST_PROGRAM_H

#include "ghost-replay.h"

#include "ns3/net-device.h"
#include "ns3/node.h"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace ns3
{

/**
 * \brief The wire of a user's own program: attached when first asked for, ready when
 * Simulator::Run begins.
 *
 * The daemon names the wire's socket in the environment variable GHOSTBRIDGE_WIRE. What the program
 * does wrong is written as the last line of its log, where the daemon reads it, and ends it.
 */
class GhostProgram : public GhostReplay
{
  public:
    /// The environment variable.
    static constexpr const char* WIRE_VARIABLE = "GHOSTBRIDGE_WIRE";

    /**
     * \brief The wire of this process.
     * \return attached; does not return without one
     */
    static GhostProgram& Get();

    /**
     * \brief Connect a device to a port.
     * \param node of the device
     * \param device gets the port's MAC address
     * \param port "h1.eth0"; does not return if that cannot be
     */
    void Install(Ptr<Node> node, Ptr<NetDevice> device, const std::string& port);

    /**
     * \brief Have a port awaited before the experiment begins.
     * \param port "h1.eth0"; does not return if there is none
     * \param isReady whether it can be used; nullptr: take it as it is
     */
    void Await(const std::string& port, std::function<bool()> isReady);

    // Inherited from GhostInput
    bool Begin() override;
    void End() override;

  protected:
    // Inherited from GhostWire: the ends of a link can be cut off; everything else is the program's
    std::string ApplyText(const std::string& text) override;

  private:
    explicit GhostProgram(const struct wire& wire);

    /// What a port waits for.
    struct Awaited
    {
        bool isAssociation;            //!< of its station, and nobody said otherwise
        std::function<bool()> isReady; //!< may be nullptr
    };

    /// \return index of a port; does not return if there is none. \param does what is done there
    uint32_t Find(const std::string& port, const std::string& does) const;

    /// Simulate, without the outside, until everything awaited is ready.
    void Settle();

    bool m_begun{false};                   //!< Begin was called
    bool m_hasStarted{false};              //!< and said START
    std::map<uint32_t, Awaited> m_awaited; //!< by port
};

} // namespace ns3

#endif /* GHOST_PROGRAM_H */
