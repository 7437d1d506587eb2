/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_NIC_H
#define GHOST_NIC_H

#include "ns3/channel.h"
#include "ns3/mac48-address.h"
#include "ns3/net-device.h"
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
class GhostNic : public NetDevice
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
     * \param packet payload without padding
     * \param protocol the frame's type or length field
     */
    void Receive(Ptr<const Packet> packet, uint16_t protocol, Mac48Address from, Mac48Address to);

    // Inherited from NetDevice
    void SetIfIndex(const uint32_t index) override;
    uint32_t GetIfIndex() const override;
    Ptr<Channel> GetChannel() const override;
    void SetAddress(Address address) override;
    Address GetAddress() const override;
    bool SetMtu(const uint16_t mtu) override;
    uint16_t GetMtu() const override;
    bool IsLinkUp() const override;
    void AddLinkChangeCallback(Callback<void> callback) override;
    bool IsBroadcast() const override;
    Address GetBroadcast() const override;
    bool IsMulticast() const override;
    Address GetMulticast(Ipv4Address group) const override;
    Address GetMulticast(Ipv6Address group) const override;
    bool IsBridge() const override;
    bool IsPointToPoint() const override;
    bool Send(Ptr<Packet> packet, const Address& to, uint16_t protocol) override;
    bool SendFrom(Ptr<Packet> packet,
                  const Address& from,
                  const Address& to,
                  uint16_t protocol) override;
    Ptr<Node> GetNode() const override;
    void SetNode(Ptr<Node> node) override;
    bool NeedsArp() const override;
    void SetReceiveCallback(NetDevice::ReceiveCallback callback) override;
    void SetPromiscReceiveCallback(NetDevice::PromiscReceiveCallback callback) override;
    bool SupportsSendFrom() const override;

  protected:
    void DoDispose() override;

  private:
    Ptr<GhostPort> m_port;                              //!< where frames go
    Ptr<GhostSegment> m_segment;                        //!< what joins us to others
    Ptr<Node> m_node;                                   //!< ours
    Mac48Address m_address;                             //!< from the scenario
    uint16_t m_mtu{1500};                               //!< bytes of layer 3
    uint32_t m_ifIndex{0};                              //!< on the node
    NetDevice::ReceiveCallback m_receive;               //!< the node's
    NetDevice::PromiscReceiveCallback m_promiscReceive; //!< a bridge's
};

} // namespace ns3

#endif /* GHOST_NIC_H */
