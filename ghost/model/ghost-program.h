/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_PROGRAM_H
#define GHOST_PROGRAM_H

#include "ghost-replay.h"

#include "ns3/net-device.h"
#include "ns3/node.h"

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

    // Inherited from GhostInput
    bool Begin() override;
    void End() override;

  protected:
    // Inherited from GhostWire: the ends of a link can be cut off; everything else is the program's
    std::string ApplyText(const std::string& text) override;

  private:
    explicit GhostProgram(const struct wire& wire);

    bool m_begun{false};      //!< Begin was called
    bool m_hasStarted{false}; //!< and said START
};

} // namespace ns3

#endif /* GHOST_PROGRAM_H */
