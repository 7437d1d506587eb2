/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_CELL_BOOKS_H
#define GHOST_CELL_BOOKS_H

#include "ghost-invariants.h"

#include "ns3/event-id.h"
#include "ns3/nstime.h"
#include "ns3/object.h"
#include "ns3/packet.h"
#include "ns3/tag.h"

#include <deque>
#include <map>
#include <utility>
#include <vector>

namespace ns3
{

class GhostPort;

/**
 * \brief The number of a packet in a cell. A byte tag, for it is cut up and joined with the packet.
 */
class GhostCellTag : public Tag
{
  public:
    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    // Inherited from Tag
    TypeId GetInstanceTypeId() const override;
    uint32_t GetSerializedSize() const override;
    void Serialize(TagBuffer buffer) const override;
    void Deserialize(TagBuffer buffer) override;
    void Print(std::ostream& os) const override;

    uint64_t m_number{0}; //!< of the packet, from 1
    uint32_t m_sender{0}; //!< whose it is, see GhostCellBooks::AddPort
};

/**
 * \brief The books of an LTE cell: every packet is delivered, or dropped with its cause.
 *
 * ns-3 says nothing of a packet that is lost on the radio. So each packet has a number, and is
 * followed on its legs, up or down between one user and the base station: into the queue of the
 * radio bearer and, PDU by PDU, out of it (GhostBearerTap). One that is on the air arrives within
 * PATIENCE or is lost ("radio"); one in the queue waits as long as the scheduler lets it, or is
 * lost with the connection ("unassociated"). What has been given up is given up: should it
 * come all the same, Leave says so.
 */
class GhostCellBooks : public Object
{
  public:
    /**
     * How long a packet may be under way outside of a queue. HARQ sends it four times at most, some
     * 8 ms apart (TS 36.321, 5.3.2 and 5.4.2), and the receiver puts it into order in at most two
     * rounds of t-Reordering (TS 36.322, 5.1.2.2), which has 100 ms in ns-3.
     */
    static constexpr int64_t PATIENCE_MS = 500;

    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    /**
     * \brief Make a sender known.
     * \param port borrowed; told what became of each packet
     * \return its number
     */
    uint32_t AddPort(GhostPort* port);

    /// \return the number of a new leg
    uint32_t AddLeg();

    /**
     * \brief Mark a packet that a port sends.
     * \param packet with no such mark yet
     * \param sender see AddPort
     */
    void Mark(Ptr<Packet> packet, uint32_t sender);

    /// A marked packet sets out on a leg.
    void Enter(uint32_t leg, Ptr<const Packet> packet);

    /// It is about to be put into a radio bearer's queue.
    void Queue(Ptr<const Packet> packet);

    /// A PDU of RLC's unacknowledged mode goes on the air, with all or part of some packets.
    void Transmit(Ptr<const Packet> pdu);

    /// The connection is lost, and with it what waits in the leg's queue.
    void Forget(uint32_t leg);

    /**
     * \brief A packet has come to the end of its leg, to which all came in the order of setting
     * out.
     *
     * RLC's unacknowledged mode puts them in order (TS 36.322, 5.1.2.2), and there is one bearer.
     * \return false if it must not go on: it has been given up, or nobody of this link sent it
     */
    bool Leave(Ptr<const Packet> packet);

    /// It is delivered, after Leave.
    void Deliver(Ptr<const Packet> packet);

    /// A packet on a leg is dropped, with an enum stats_drop.
    void Drop(Ptr<const Packet> packet, uint32_t cause);

    /// Take back that it entered: whoever sent it is told so.
    void Refuse(Ptr<const Packet> packet);

    /// \return how many packets are on their legs
    std::size_t GetOpen() const;

  protected:
    void DoDispose() override;

  private:
    /// Where a packet is.
    enum class Place
    {
        BEFORE, //!< on its way to the radio bearer, if there is one
        QUEUE,  //!< all or part of it waits there
        AIR     //!< all of it has been sent
    };

    /// A packet on a leg.
    struct Entry
    {
        uint32_t sender; //!< whose it is
        uint32_t leg;    //!< where it is
        uint64_t turn;   //!< in the order of setting out on it
        Place place;     //!< and how far
        Time since;      //!< when it came there
    };

    using Entries = std::map<uint64_t, Entry>;

    /// \return a packet's entry, or the end
    Entries::iterator Find(Ptr<const Packet> packet);

    /// Put a packet where it stays PATIENCE at most.
    void Move(uint64_t number, Entry& entry, Place place);

    /// Give up what has been under way for too long.
    void LookAfter();

    /// Book a packet as dropped. \return the next
    Entries::iterator Close(Entries::iterator it, uint32_t cause);

    std::vector<GhostPort*> m_ports;              //!< see AddPort
    std::vector<GhostOrder> m_legs;               //!< see AddLeg
    Entries m_entries;                            //!< by number
    std::deque<std::pair<uint64_t, Time>> m_look; //!< which to look after, and when
    EventId m_timer;                              //!< for that
    uint64_t m_number{0};                         //!< of the last packet
    uint64_t m_turn{0};                           //!< of the last one on any leg
};

} // namespace ns3

#endif /* GHOST_CELL_BOOKS_H */
