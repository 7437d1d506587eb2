/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_PORT_H
#define GHOST_PORT_H

#include "ghost-invariants.h"
#include "ghost-medium.h"
#include "ghost-nic.h"
#include "ghost-p2p-device.h"

#include "ns3/mac48-address.h"
#include "ns3/net-device.h"
#include "ns3/nstime.h"
#include "ns3/object.h"

#include <memory>
#include <string>

struct stats_port;

namespace ns3
{

class GhostWire;

/**
 * \brief One container interface at a simulated device: what TapBridge is, without the tap.
 *
 * Frames from the wire are sent from the device with the container's source address; what the
 * device receives goes to the wire, filtered as a NIC would unless promiscuous. Every frame comes
 * out byte for byte as it went in. The port sits beside the device's protocol stack, if any: it
 * takes the device's promiscuous receive callback.
 *
 * The end of a simulated node is a port as well, with a GhostNic in the place of the container, so
 * that queues, delays, order and books of a link are the same whoever is at its ends.
 */
class GhostPort : public Object
{
  public:
    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    GhostPort() = default;

    /**
     * \brief Make a port at a device.
     * \param wire the live wire, borrowed
     * \param index the port's index on it
     * \param device where frames enter the simulation, on a node; gets the port's MAC address as
     * its own
     * \param port to use, of a subclass; nullptr: a new one; lives as long as the device
     * \return the port
     */
    static Ptr<GhostPort>
    Install(GhostWire* wire, uint32_t index, Ptr<NetDevice> device, Ptr<GhostPort> port = nullptr);

    /**
     * \brief Whether a device can have a port.
     * \param device on a node
     * \return empty, or why it can't and what could
     */
    static std::string WhyNot(Ptr<NetDevice> device);

    /**
     * \brief Join a port of the wire and a device.
     * \param wire the live wire, borrowed
     * \param index the port's index on it
     * \param device where frames enter the simulation; must be on a node. If it doesn't support
     * SendFrom, frames from other addresses than its own are dropped as foreign-mac,
     * unless a subclass translates them.
     */
    void Connect(GhostWire* wire, uint32_t index, Ptr<NetDevice> device);

    /**
     * \brief Join the interface of a simulated node and a device.
     * \param nic whose frames are sent, and who gets those received
     * \param stats counters of this end, borrowed
     * \param promiscuous whether it gets frames for other stations, too
     * \param device as for a wire
     */
    void
    Connect(Ptr<GhostNic> nic, struct stats_port& stats, bool promiscuous, Ptr<NetDevice> device);

    /// Take nothing more from a simulated node: the run is about to end.
    void Close();

    /**
     * \brief Hear what the device receives, or let it pass uncounted: the run has not begun.
     * \param listens whether to; a port does from Connect on
     */
    void SetListening(bool listens);

    /**
     * \brief Hold received frames back by a constant time before they leave.
     * \param tail the part of the link's propagation delay that the device's channel doesn't model
     * \param lag of the experiment: what the shuttle adds is taken off; for a simulated node there
     * is none
     */
    void SetTail(Time tail, Time lag);

    /// \return by how much later than the device has it a frame arrives here
    Time GetTail() const;

    /// \param name of the end, "h1.eth0"
    void SetName(const std::string& name);
    /// \return that name
    const std::string& GetName() const;

    /// \return whether it is the port of that interface of a simulated node
    bool IsFor(Ptr<GhostNic> nic) const;

    /**
     * \brief Send through the arbiter of a segment instead of at once.
     * \param medium which the device was added to
     * \param station its index there
     */
    void SetMedium(Ptr<GhostMedium> medium, uint32_t station);

    /**
     * \brief Say how many devices receive what this one transmits, for the books on frames.
     * \param peers 0, the default, if the device doesn't call CountTransmitted: then a frame counts
     * as transmitted when the device has accepted it
     */
    void SetPeers(uint32_t peers);

    /**
     * \brief Cut the port off its link, or join it again.
     * \param down frames of the container are dropped, those that wait at the medium as well, and
     * so is what arrives; all of them are counted as "down"
     */
    virtual void SetDown(bool down);

    /**
     * \brief Check that frames depart no closer than they may.
     * \param spacing of the end's line, or of the medium that it shares
     */
    void SetSpacing(std::shared_ptr<GhostSpacing> spacing);

    /// Whether a frame of this port came in its turn, where somebody else looks at that.
    void NoteOrder(bool holds);

    /// The device finished sending a frame; connect to its trace source.
    void CountTransmitted(Ptr<const Packet> packet);

    /// The device gave a frame up; connect to its trace source.
    void CountMediumDrop(Ptr<const Packet> packet);

    /// A device or link that says what becomes of each frame gave one up, with an enum stats_drop.
    void CountDrop(Ptr<const Packet> packet, uint32_t cause);

    /// Such a link made a second one of a frame.
    void CountDuplicated(Ptr<const Packet> packet);

    /**
     * \brief Send from a device that says by itself what it drops, and why.
     * \param device has accepted whatever it is given; its trace sources are connected here
     */
    void SetLine(Ptr<GhostP2pDevice> device);

    /**
     * \brief Send a frame of the container from the device, at the simulator's current time.
     * \param frame in shared memory; each byte is read once
     * \param len at least an Ethernet header
     */
    virtual void Inject(const uint8_t* frame, uint32_t len);

    /// \return whether the interface's carrier depends on the simulation
    virtual bool HasCarrier() const;

    /**
     * \brief Send a frame of a simulated node from the device.
     * \param packet payload; taken over
     * \param type type or length field, host order
     * \return false if it was dropped at once
     */
    bool SendFrame(Ptr<Packet> packet, Mac48Address from, Mac48Address to, uint16_t type);

    /**
     * \brief Say why the frame is refused that the device was just given; "queue" if it doesn't.
     * \param cause an enum stats_drop
     */
    void Refuse(uint32_t cause);

    /// \return the end's counters
    struct stats_port& GetStats() const;

    /// \return the node's id
    uint32_t GetContext() const;

    /**
     * \brief Balance of this port's frames inside the simulation.
     * \return may be negative: only the sum over a link's ports tells what is under way
     */
    virtual int64_t GetInFlight() const;

  protected:
    void DoDispose() override;

    /// Promiscuous receive callback of the device.
    virtual bool Receive(Ptr<NetDevice> device,
                         Ptr<const Packet> packet,
                         uint16_t protocol,
                         const Address& from,
                         const Address& to,
                         NetDevice::PacketType type);

    /// A device with a line gave a frame up on its way out.
    void CountReceiveDrop(Ptr<const Packet> packet, uint32_t cause);

    /**
     * \brief Whether the container's NIC would not take a received frame.
     * \param type what it is to the device
     * \param to its destination
     */
    bool IsForOthers(NetDevice::PacketType type, const Address& to) const;

    /**
     * \brief The container sends with another address than the device's, and gets frames for it
     * from now on.
     * \param other an address of one station
     */
    virtual void SetOther(Mac48Address other);

    /// Take the device's receive callback.
    virtual void ConnectDevice(Ptr<NetDevice> device, struct stats_port& stats, bool promiscuous);

    /// Hand a frame to the link. \return false if its queue is full: counted
    virtual bool Transmit(Ptr<Packet> packet, Mac48Address from, Mac48Address to, uint16_t type);

    /// Hand a received frame to the simulated node.
    void DeliverToNic(const Ptr<const Packet>& packet,
                      uint16_t protocol,
                      const Address& from,
                      const Address& to);

    /// Write a received frame to the wire.
    void Deliver(const Ptr<const Packet>& packet,
                 uint16_t protocol,
                 const Address& from,
                 const Address& to);

    /**
     * \brief Change a received frame before it leaves; nothing here.
     * \param frame whole, on its way out
     * \param len bytes
     */
    virtual void Rewrite(uint8_t* frame, uint32_t len);

    GhostWire* m_wire{nullptr};   //!< borrowed; nullptr for a simulated node
    Ptr<GhostNic> m_nic;          //!< interface of a simulated node, or nullptr
    bool m_closed{false};         //!< see Close
    uint32_t m_refusal{0};        //!< see Refuse
    uint32_t m_index{0};          //!< on the wire
    Ptr<NetDevice> m_device;      //!< where frames enter
    bool m_down{false};           //!< see SetDown
    bool m_sendFrom{false};       //!< the device can send from any address
    Mac48Address m_address;       //!< the device's
    Mac48Address m_other;         //!< see SetOther; the device's while there is none
    bool m_promiscuous{false};    //!< deliver other stations' frames too
    struct stats_port* m_stats{}; //!< counters in shared memory

  private:
    /// Check what the device sends; CSMA.
    void CheckSent(Ptr<const Packet> packet, uint64_t now);

    /// \return number of a frame that arrived, checked to be the one that was sent; CSMA
    uint64_t CheckArrived(Ptr<const Packet> packet);

    /// Check the order in which frames leave the tail; CSMA.
    void CheckOut(uint64_t number);

    uint32_t m_context{0};      //!< node id
    std::string m_name;         //!< see SetName
    Time m_tail;                //!< see SetTail
    Ptr<GhostMedium> m_medium;  //!< see SetMedium; may be nullptr
    uint32_t m_station{0};      //!< index on it
    Ptr<GhostP2pDevice> m_line; //!< see SetLine; may be nullptr
    uint32_t m_peers{0};        //!< see SetPeers
    int64_t m_sent{0};          //!< injected and accepted by the device, not yet transmitted
    int64_t m_copies{0};        //!< transmitted x peers - received
    int64_t m_held{0};          //!< in the tail

    std::shared_ptr<GhostSpacing> m_spacing; //!< see SetSpacing; may be nullptr
    GhostOrder m_sentOrder;                  //!< at the medium
    GhostOrder m_tailOrder;                  //!< in the tail
    bool m_copy{false};                      //!< the next one transmitted is a duplicate
    uint64_t m_arrived{0};                   //!< frames, each of which has a number in the tail
    uint64_t m_settled{0};                   //!< up to this number, another tail was in force
};

} // namespace ns3

#endif /* GHOST_PORT_H */
