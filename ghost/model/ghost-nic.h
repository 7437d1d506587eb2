/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_NIC_H
#define GHOST_NIC_H

#include "ghost-device.h"

#include "ns3/channel.h"
#include "ns3/mac48-address.h"
#include "ns3/traced-callback.h"

#include <vector>

namespace ns3
{

class GhostNic;
class GhostPort;

/**
 * \brief The link as protocol stacks see it: which of their interfaces it joins.
 *
 * ns-3's global routing walks channels from interface to interface. The devices that carry a link
 * are not the ones that have addresses, so their channel would lead it nowhere.
 */
class GhostSegment : public Channel
{
  public:
    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    /// Add an interface.
    void Add(Ptr<GhostNic> nic);

    // Inherited from Channel
    std::size_t GetNDevices() const override;
    Ptr<NetDevice> GetDevice(std::size_t i) const override;

  protected:
    void DoDispose() override;

  private:
    std::vector<Ptr<GhostNic>> m_nics; //!< in the order of the link's ends
};

/**
 * \brief Interface of a simulated node: what its IP stack or bridge sends and receives through.
 *
 * A link's own device cannot serve: stacks would send past the port, which keeps the link's queue,
 * delay, order and books. So a simulated node's end has a port like that of a container, and this
 * device is what stands where the container would.
 */
class GhostNic : public GhostDevice
{
  public:
    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    GhostNic();
    ~GhostNic() override;

    /**
     * \brief Join a port.
     * \param port sends what is sent here, and calls Receive
     * \param mtu bytes of layer 3
     * \param segment the link, on which this interface is entered
     */
    void Connect(Ptr<GhostPort> port, uint16_t mtu, Ptr<GhostSegment> segment);

    /**
     * \brief A frame has arrived.
     *
     * A node's IP stack does not get to see packets that ns-3's headers cannot be read from, as a
     * Linux host drops them on arrival: a wrong TCP option would end the simulation or stop it.
     *
     * \param packet payload without padding
     * \param protocol the frame's type or length field
     */
    void Receive(Ptr<const Packet> packet, uint16_t protocol, Mac48Address from, Mac48Address to);

    // Inherited from GhostDevice
    Ptr<Channel> GetChannel() const override;
    bool SendFrom(Ptr<Packet> packet,
                  const Address& from,
                  const Address& to,
                  uint16_t protocol) override;

  protected:
    void DoDispose() override;

  private:
    /// \return whether the node has no IP stack, or one that can read a packet's headers
    bool IsReadable(Ptr<const Packet> packet, uint16_t protocol) const;

    Ptr<GhostPort> m_port;       //!< where frames go
    Ptr<GhostSegment> m_segment; //!< what joins us to others
};

} // namespace ns3

#endif /* GHOST_NIC_H */
