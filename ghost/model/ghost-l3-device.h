/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_L3_DEVICE_H
#define GHOST_L3_DEVICE_H

#include "ghost-device.h"

#include "ns3/ipv6-address.h"
#include "ns3/mac48-address.h"

#include <functional>
#include <map>
#include <memory>

namespace ns3
{

class GhostPort;

/**
 * \brief An Ethernet interface to a link that carries IP packets only.
 *
 * What LTE's devices are given must be IP, or they end the program. This device stands before such
 * a link: it takes the Ethernet header off and puts one on, and answers ARP and neighbour
 * solicitations in the place of those at the other ends, whom no broadcast reaches. Whatever else
 * is sent is refused and counted.
 */
class GhostL3Device : public GhostDevice
{
  public:
    /// Who is on the link, and the MAC address of each; an IPv4 address is mapped into IPv6.
    using Neighbours = std::map<Ipv6Address, Mac48Address>;

    /**
     * Takes an IP packet of an EtherType onto the link; returns an enum stats_drop, or -1 when it
     * is on its way: then the link tells the port what becomes of it.
     */
    using Sender =
        std::function<int32_t(Ptr<Packet> packet, const Ipv6Address& to, uint16_t protocol)>;

    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    GhostL3Device();
    ~GhostL3Device() override;

    /**
     * \brief Join the link.
     * \param neighbours of everybody on it, shared by its devices
     * \param gateway MAC address of packets whose sender is not on the link
     * \param sender to the link
     */
    void
    Configure(std::shared_ptr<const Neighbours> neighbours, Mac48Address gateway, Sender sender);

    /**
     * \brief Say who is to be told why a frame was refused, or that it has been answered.
     * \param port borrowed: it owns this device
     */
    void SetPort(GhostPort* port);

    /**
     * \brief A packet has come over the link.
     * \param packet an IP packet
     * \param protocol its EtherType
     */
    void Deliver(Ptr<const Packet> packet, uint16_t protocol);

    // Inherited from GhostDevice
    bool SendFrom(Ptr<Packet> packet,
                  const Address& from,
                  const Address& to,
                  uint16_t protocol) override;

  protected:
    void DoDispose() override;

  private:
    /// Count a frame that has been answered here.
    void Answered(Ptr<const Packet> packet);

    /// Count what can't be carried. \return false
    bool Refuse(uint32_t cause);

    /// \return MAC address of somebody else on the link, or nullptr
    const Mac48Address* FindOther(const Ipv6Address& address) const;

    /// Answer an ARP request in the place of who is asked for. \return false if it is for nobody
    /// here
    bool AnswerArp(Ptr<const Packet> packet);

    /// Likewise a neighbour solicitation. A probe for its own address is for nobody: it is free.
    bool
    AnswerSolicitation(Ptr<const Packet> packet, const uint8_t* bytes, const Ipv6Address& target);

    /// Send what is in an Ethernet frame's payload, without what follows the packet.
    bool SendIp(Ptr<const Packet> packet, uint16_t protocol);

    /// Hand a frame to the port.
    void Receive(Ptr<const Packet> packet, uint16_t protocol, Mac48Address from, Mac48Address to);

    std::shared_ptr<const Neighbours> m_neighbours; //!< on the link
    Mac48Address m_gateway;                         //!< of those beyond
    Sender m_sender;                                //!< to the link
    GhostPort* m_port{nullptr};                     //!< see SetPort
};

} // namespace ns3

#endif /* GHOST_L3_DEVICE_H */
