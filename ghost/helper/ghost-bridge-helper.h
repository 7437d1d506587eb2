/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_BRIDGE_HELPER_H
#define GHOST_BRIDGE_HELPER_H

#include "../model/ghost-port.h"

#include <string>

namespace ns3
{

/**
 * \brief Puts container interfaces at simulated devices.
 */
class GhostBridgeHelper
{
  public:
    /**
     * \param wire the wire whose ports are installed, borrowed
     */
    explicit GhostBridgeHelper(GhostWire* wire);

    /**
     * \brief Connect a device to a port of the wire.
     * \param node aggregates the port, which lives as long
     * \param device on that node; gets the port's MAC address as its own
     * \param port name, "h1.eth0"
     * \return the port, or nullptr when the wire has none of that name
     */
    Ptr<GhostPort> Install(Ptr<Node> node, Ptr<NetDevice> device, const std::string& port) const;

  private:
    GhostWire* m_wire; //!< borrowed
};

} // namespace ns3

#endif /* GHOST_BRIDGE_HELPER_H */
