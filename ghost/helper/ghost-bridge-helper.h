/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_BRIDGE_HELPER_H
#define GHOST_BRIDGE_HELPER_H

#include "ns3/net-device-container.h"
#include "ns3/net-device.h"
#include "ns3/node.h"

#include <functional>
#include <string>
#include <vector>

namespace ns3
{

/**
 * \brief Puts interfaces of containers at simulated devices, where TapBridgeHelper put taps.
 *
 * \code
 *   GhostBridgeHelper helper;
 *   helper.Install (nodes.Get (0), devices.Get (0), "h1.eth0");
 * \endcode
 *
 * The program is named in a scenario, `ghost: ./prog`, and has one device for each end of the
 * scenario's links of kind ghost. It needs no other set-up: the simulation runs in real time by
 * GhostSimulatorImpl whatever SimulatorImplementationType says, Simulator::Run () waits until
 * every container is ready, and returns when the experiment ends or Simulator::Stop () says so.
 *
 * A device gets the MAC address of the container's interface. Devices that support SendFrom
 * (CSMA, a Wi-Fi access point) send frames from any address. Others (a Wi-Fi station, ad hoc) send
 * from that one only, and what comes from another address in or behind the container is
 * translated, as wireless client bridges do.
 *
 * The experiment begins when every Wi-Fi station of an infrastructure network that has a container
 * is associated, see Await, and the interface has carrier as long as it is.
 *
 * What cannot be (no such port, a device that cannot carry Ethernet frames) ends the program with
 * a message that `ghostbridge run` shows together with the scenario's line. So does making a
 * helper in a program that ghostbridge did not start.
 */
class GhostBridgeHelper
{
  public:
    /// Attaches to ghostbridge, the first time.
    GhostBridgeHelper();

    /**
     * \brief Connect a device to an interface of a container.
     * \param node that has the device
     * \param device where the container's frames enter the simulation
     * \param port container and interface, "h1.eth0"
     */
    void Install(Ptr<Node> node, Ptr<NetDevice> device, const std::string& port) const;

    /**
     * \brief The same for a node known to ns3::Names.
     * \param nodeName the node's name
     * \param device on that node
     * \param port container and interface
     */
    void Install(const std::string& nodeName, Ptr<NetDevice> device, const std::string& port) const;

    /**
     * \brief The same for a device known to ns3::Names.
     * \param node that has the device
     * \param deviceName the device's name
     * \param port container and interface
     */
    void Install(Ptr<Node> node, const std::string& deviceName, const std::string& port) const;

    /**
     * \brief The same for a node and a device known to ns3::Names.
     * \param nodeName the node's name
     * \param deviceName the device's name
     * \param port container and interface
     */
    void Install(const std::string& nodeName,
                 const std::string& deviceName,
                 const std::string& port) const;

    /**
     * \brief Connect several devices, each to the port of the same place in the list.
     * \param devices on any nodes
     * \param ports as many as devices
     */
    void Install(const NetDeviceContainer& devices, const std::vector<std::string>& ports) const;

    /**
     * \brief Let the experiment begin when a port can be used, as this program understands it.
     * \param port container and interface, "h1.eth0"
     * \param isReady asked when 2 s have been simulated, then after every further second; if it
     * still says no after 10 s the program ends, with the scenario's line
     *
     * Until everything awaited is ready, Simulator::Run () simulates without containers, as fast as
     * it goes: events of the program at 1 s are over when the first step begins, and what devices
     * receive for containers is dropped. Association of a station is awaited without being asked
     * to; \p isReady takes the place of that, and with nullptr nothing is awaited for this port.
     */
    void Await(const std::string& port, std::function<bool()> isReady) const;

    /**
     * \brief What the scenario wants a device for.
     * \return names of all ports, in the order of the file
     */
    std::vector<std::string> GetPorts() const;
};

} // namespace ns3

#endif /* GHOST_BRIDGE_HELPER_H */
