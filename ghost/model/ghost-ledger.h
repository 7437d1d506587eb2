/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_LEDGER_H
#define GHOST_LEDGER_H

#include "ghost-invariants.h"

#include "ns3/mac48-address.h"
#include "ns3/nstime.h"
#include "ns3/object.h"
#include "ns3/packet.h"
#include "ns3/wifi-mac.h"

#include "bridge/wire/stats.h"

#include <deque>
#include <unordered_map>
#include <vector>

namespace ns3
{

class WifiMpdu;

/**
 * \brief The books of one Wi-Fi link: what became of every frame, at every port.
 *
 * On a wireless link a sender doesn't know who got a frame: a broadcast reaches some, an
 * acknowledgement gets lost, an access point sends a frame on. So every frame is followed by its
 * packet's uid through the queues of all MACs of the link until no queue holds it any more. Then
 * it is booked in the terms that all links share (bridge/experiment/tally.h): transmitted, with a
 * copy for each other port that is received, or dropped with its cause; a port that a frame wasn't
 * for, filtered it; one that it was for and that didn't get it, has not heard it.
 */
class GhostLedger : public Object
{
  public:
    /// Ports that fit a mask.
    static constexpr uint32_t PORTS_MAX = 64;

    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    GhostLedger() = default;

    /**
     * \brief Set how long a frame may be under way without being in a queue.
     * \param linger longer than any frame lasts on the air; on a mesh, than looking for a path
     * \param elsewhere whether a device may keep a frame in another place than its MAC's queues
     */
    void SetLinger(Time linger, bool elsewhere);

    /**
     * \brief Check the order of frames: all go the same way.
     *
     * From one port to another, unicast, and within a traffic identifier: a MAC prefers one
     * priority to another, and sends group frames at times of their own. What goes through two
     * access points, or over two paths of a mesh, may overtake.
     */
    void CheckOrder();

    /**
     * \brief Add a port of the link.
     * \param stats its counters, borrowed
     * \param address of its device
     * \return its index, for the other calls
     */
    uint32_t AddPort(struct stats_port* stats, Mac48Address address);

    /**
     * \brief Frames to another address are for a port as well.
     * \param port index
     * \param other takes the place of the other address that it had
     */
    void SetOther(uint32_t port, Mac48Address other);

    /**
     * \brief Follow the frames in a MAC's queues.
     * \param mac of a device on the link, configured
     */
    void Watch(Ptr<WifiMac> mac);

    /**
     * \brief A port was cut off from the link, or joined again.
     *
     * A frame that was under way meanwhile and got lost, was so because of that: at its sender if
     * that was down or the only one that it was for, at each receiver that was.
     * \param port index
     * \param down whether it is cut off
     */
    void SetDown(uint32_t port, bool down);

    /**
     * \brief A frame is about to be handed to a port's device.
     * \param uid of its packet
     * \param port index
     * \param to its destination
     */
    void Begin(uint64_t uid, uint32_t port, Mac48Address to);

    /**
     * \brief The device has returned from taking the frame.
     * \param uid as above
     * \param taken false: it refused it
     */
    void Handed(uint64_t uid, bool taken);

    /**
     * \brief A port's device has received a frame, and the port will deliver it.
     * \param uid of its packet
     * \param port index
     * \return false if the port has had it already, or nobody of this link sent it
     */
    bool Deliver(uint64_t uid, uint32_t port);

    /// \return whether a frame with that uid is under way
    bool Knows(uint64_t uid) const;

    /**
     * \brief Book a frame that the link itself adds.
     * \param from port in whose name
     * \param at the only port that it is for
     */
    void Add(uint32_t from, uint32_t at);

    /// \return frames of a port that are still under way
    int64_t GetOpen(uint32_t port) const;

  protected:
    void DoDispose() override;

  private:
    /// A port's books.
    struct Port
    {
        struct stats_port* stats; //!< borrowed
        Mac48Address address;     //!< of its device
        Mac48Address other;       //!< see SetOther
        int64_t open{0};          //!< frames under way
        bool down{false};         //!< see SetDown
        uint64_t up{0};           //!< when it was joined again, ns
    };

    /// Traffic identifier of a frame without one; IEEE Std 802.11 has 0 to 7 for EDCA.
    static constexpr uint8_t NO_TID = 8;

    /// A frame under way.
    struct Entry
    {
        Mac48Address to;       //!< destination
        uint32_t port;         //!< where it entered
        uint64_t number{0};    //!< in the order of entering
        uint8_t tid{NO_TID};   //!< traffic identifier with which its device queued it
        uint64_t at{0};        //!< when, ns
        uint64_t delivered{0}; //!< bit per port that got it
        uint32_t holders{0};   //!< queues it is in
        uint32_t expired{0};   //!< of those that let it expire and clean up later
        bool queued{false};    //!< has been in a queue
        bool handing{true};    //!< its device hasn't returned yet
        bool lingering{false}; //!< in m_lingering
        enum stats_drop cause
        {
            STATS_DROP_COUNT
        }; //!< why a MAC gave it up, COUNT: none did
    };

    /// It is in one more queue.
    void Enqueued(Ptr<const WifiMpdu> mpdu);

    /// It left a queue.
    void Dequeued(Ptr<const WifiMpdu> mpdu);

    /// It was too long in a queue.
    void Expired(Ptr<const WifiMpdu> mpdu);

    /// A MAC gave it up.
    void Dropped(WifiMacDropReason reason, Ptr<const WifiMpdu> mpdu);

    /// It was thrown out of a queue; another trace source may say why.
    void ThrownOut(Ptr<const WifiMpdu> mpdu);

    /// A MAC never took it.
    void Refused(Ptr<const Packet> packet);

    /// \return the entry of a frame that carries data of ours, or nullptr
    Entry* Find(Ptr<const WifiMpdu> mpdu);

    /// Close an entry that nothing holds, now or when it can't be on the air any more.
    void Check(uint64_t uid, Entry& entry);

    /// \return whether a frame to that address is for the port, and not because it is for all
    static bool IsMeant(const Port& port, Mac48Address to);

    /// \return whether a port was down at any time since then
    static bool WasDown(const Port& port, uint64_t since);

    /// Why a frame that nobody got was lost.
    enum stats_drop GetCause(const Entry& entry) const;

    /// Book what became of a frame.
    void Close(uint64_t uid, const Entry& entry);

    /// A frame arrives at the port that it is for.
    void NoteOrder(const Entry& entry, uint32_t port);

    /// Look at the entries that waited long enough.
    void Sweep();

    std::vector<Port> m_ports;                             //!< by index
    std::unordered_map<uint64_t, Entry> m_entries;         //!< by uid; never iterated
    std::deque<std::pair<uint64_t, uint64_t>> m_lingering; //!< uid and time to look, ns
    bool m_sweeping{false};                                //!< Sweep is scheduled
    Time m_linger{MilliSeconds(20)};                       //!< see SetLinger
    bool m_elsewhere{false};                               //!< see SetLinger
    bool m_checking{false};                                //!< see CheckOrder
    uint64_t m_number{0};                                  //!< of the last frame that entered
    GhostOrder m_order;                                    //!< flow: sender, receiver, identifier
};

} // namespace ns3

#endif /* GHOST_LEDGER_H */
