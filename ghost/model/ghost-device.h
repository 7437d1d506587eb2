/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_DEVICE_H
#define GHOST_DEVICE_H

#include "ns3/mac48-address.h"
#include "ns3/net-device.h"
#include "ns3/traced-callback.h"

namespace ns3
{

/**
 * \brief What every Ethernet interface of ours has in common: address, MTU, node, receivers.
 *
 * To a stack each is an Ethernet like any other, also a point-to-point one: it has broadcast, and
 * asks for addresses. A subclass says how frames leave, SendFrom.
 */
class GhostDevice : public NetDevice
{
  public:
    /// What FrameSent and FrameReceived say: payload, source, destination, type or length field.
    typedef void (*FrameTracedCallback)(Ptr<const Packet> packet,
                                        Mac48Address from,
                                        Mac48Address to,
                                        uint16_t type);

    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    // Inherited from NetDevice
    void SetIfIndex(const uint32_t index) override;
    uint32_t GetIfIndex() const override;
    /// \return nullptr: nothing that a stack could look at
    Ptr<Channel> GetChannel() const override;
    void SetAddress(Address address) override;
    Address GetAddress() const override;
    bool SetMtu(const uint16_t mtu) override;
    uint16_t GetMtu() const override;
    /// \return true: it never changes
    bool IsLinkUp() const override;
    void AddLinkChangeCallback(Callback<void> callback) override;
    bool IsBroadcast() const override;
    Address GetBroadcast() const override;
    bool IsMulticast() const override;
    Address GetMulticast(Ipv4Address group) const override;
    Address GetMulticast(Ipv6Address group) const override;
    bool IsBridge() const override;
    bool IsPointToPoint() const override;
    /// Like SendFrom, from the device's own address.
    bool Send(Ptr<Packet> packet, const Address& to, uint16_t protocol) override;
    Ptr<Node> GetNode() const override;
    void SetNode(Ptr<Node> node) override;
    bool NeedsArp() const override;
    void SetReceiveCallback(NetDevice::ReceiveCallback callback) override;
    void SetPromiscReceiveCallback(NetDevice::PromiscReceiveCallback callback) override;
    bool SupportsSendFrom() const override;

  protected:
    void DoDispose() override;

    /**
     * \brief Hand a frame to who listens: all to the promiscuous one, to the other those for it.
     * \param packet payload
     * \param protocol the frame's type or length field
     */
    void HandOver(Ptr<const Packet> packet, uint16_t protocol, Mac48Address from, Mac48Address to);

    Mac48Address m_address;                      //!< own
    NetDevice::ReceiveCallback m_receive;        //!< the node's
    NetDevice::PromiscReceiveCallback m_promisc; //!< a port's or a bridge's

    /// Fired by a subclass when a frame is sent.
    TracedCallback<Ptr<const Packet>, Mac48Address, Mac48Address, uint16_t> m_sentTrace;
    /// Fired when a frame has come, for whomever it is.
    TracedCallback<Ptr<const Packet>, Mac48Address, Mac48Address, uint16_t> m_receivedTrace;

  private:
    Ptr<Node> m_node;      //!< carries the device
    uint32_t m_ifIndex{0}; //!< on the node
    uint16_t m_mtu{1500};  //!< bytes of layer 3
};

} // namespace ns3

#endif /* GHOST_DEVICE_H */
