/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_P2P_DEVICE_H
#define GHOST_P2P_DEVICE_H

#include "ghost-device.h"
#include "ghost-frame.h"
#include "ghost-invariants.h"
#include "ghost-p2p-line.h"
#include "ghost-p2p-queue.h"
#include "ghost-rate-trace.h"

#include "ns3/data-rate.h"
#include "ns3/event-id.h"
#include "ns3/traced-callback.h"

namespace ns3
{

class GhostP2pChannel;

/**
 * \brief One end of a full-duplex Ethernet link, for container ports and simulated stacks alike.
 *
 * ns-3's PointToPointNetDevice has PPP's two bytes for a header and asserts on everything but IPv4
 * and IPv6. This one carries any frame with its addresses and the air time of Ethernet: preamble,
 * header, padding, FCS and gap (IEEE 802.3 clauses 3.1.1 and 4.4.2), full duplex. Frames wait in a
 * GhostP2pQueue; what happens to them behind the transmitter is the GhostP2pLine's.
 *
 * Alternatively a GhostRateTrace says when how many bytes leave.
 *
 * There is no NetDeviceQueueInterface: nothing in front of the device needs to hold frames back,
 * so a traffic control layer passes them on, and the device's own queue is the only one.
 *
 * All setters can be called at any simulated time. Rate and delay hold for frames whose
 * transmission begins from then on.
 */
class GhostP2pDevice : public GhostDevice
{
  public:
    /// Header, FCS.
    static constexpr uint32_t FRAME_OVERHEAD = 18;
    /// Shorter payloads are padded to this.
    static constexpr uint32_t PAYLOAD_MIN = 46;
    /// Preamble and start frame delimiter, IEEE 802.3 clause 3.1.1.
    static constexpr uint32_t PREAMBLE_SIZE = 8;
    /// Interpacket gap of 96 bit times, IEEE 802.3 clause 4.4.2.
    static constexpr uint32_t GAP_SIZE = 12;

    /// Callback of a dropped packet; the cause is an enum stats_drop.
    typedef void (*DropTracedCallback)(Ptr<const Packet> packet, uint32_t cause);

    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    GhostP2pDevice();

    /// \param channel to join
    void Attach(Ptr<GhostP2pChannel> channel);

    /// \param rate of sending, above 0; takes the place of a trace
    void SetDataRate(DataRate rate);
    /// \return rate of sending
    DataRate GetDataRate() const;

    /// \param trace of delivery opportunities instead of a rate
    void SetTrace(GhostRateTrace trace);
    /// \return whether a trace says when frames leave
    bool HasTrace() const;

    /// \return what waits to be sent
    Ptr<GhostP2pQueue> GetQueue() const;

    /// \return what happens behind the transmitter
    Ptr<GhostP2pLine> GetLine() const;

    /**
     * \brief Check that frames keep their order, from entering the queue to their arrival.
     * \param stats counters, borrowed
     * \param flows in which they keep it: those of FqCoDel; 1: all frames are one
     * \param far whether they keep it on the line, too, and are checked at the other end
     */
    void CheckOrder(struct stats_check& stats, uint32_t flows, bool far);

    /**
     * \brief Take this end down or up. Down, it sends and receives nothing: what waits, what is
     * sent, and what arrives is dropped as STATS_DROP_DOWN.
     */
    void SetLinkUp(bool up);

    /// \return whether a frame sent now would certainly be dropped for want of room
    bool IsFull() const;

    // Inherited from GhostDevice
    Ptr<Channel> GetChannel() const override;
    bool IsLinkUp() const override;
    void AddLinkChangeCallback(Callback<void> callback) override;
    /// Queue and send; true, since a frame dropped here is traced as dropped.
    bool SendFrom(Ptr<Packet> packet,
                  const Address& source,
                  const Address& dest,
                  uint16_t protocolNumber) override;

  protected:
    void DoDispose() override;

  private:
    /// Send the next frame, if any; the transmitter is free.
    void TransmitNext();

    /// Begin to send a frame now.
    void Transmit(const GhostFrame& frame);

    /// Send what fits into the opportunities of this moment.
    void UseOpportunities(uint32_t count);

    /// Have TransmitNext or UseOpportunities called when the next frame can go.
    void ScheduleNext();

    /// A frame's last bit leaves at a time: let the line decide, and send it to the other end.
    void Launch(const GhostFrame& frame, Time sent);

    /// A frame arrives.
    void Receive(const GhostFrame& frame);

    /// Check the order of a frame that this device sent.
    void Pass(const GhostFrame& frame);

    /// Trace a drop on the way in.
    void Drop(Ptr<const Packet> packet, enum stats_drop cause);

    Ptr<GhostP2pChannel> m_channel; //!< to the other end
    bool m_up{true};                //!< see SetLinkUp

    Ptr<GhostP2pQueue> m_queue; //!< waiting frames
    Ptr<GhostP2pLine> m_line;   //!< behind the transmitter
    DataRate m_rate;            //!< of sending
    GhostRateTrace m_trace;     //!< instead of m_rate
    EventId m_next;             //!< TransmitNext or UseOpportunities, when frames wait
    Time m_freeAt;              //!< when the transmitter is free again
    uint64_t m_fraction{0};     //!< by how much later, in ns / rate
    GhostFrame m_partial;       //!< begun in an earlier opportunity
    uint32_t m_partialLeft{0};  //!< bytes of it that are left

    GhostOrder m_order;                 //!< see CheckOrder
    struct stats_check* m_orderStats{}; //!< nullptr: not checked
    bool m_orderFar{false};             //!< see CheckOrder
    uint64_t m_entered{0};              //!< frames, each of which has a number

    TracedCallback<> m_linkChange;                             //!< up or down
    TracedCallback<Ptr<const Packet>> m_transmittedTrace;      //!< will arrive
    TracedCallback<Ptr<const Packet>> m_duplicatedTrace;       //!< will arrive once more
    TracedCallback<Ptr<const Packet>, uint32_t> m_dropTrace;   //!< won't arrive
    TracedCallback<Ptr<const Packet>, uint32_t> m_rxDropTrace; //!< arrived in vain
};

} // namespace ns3

#endif /* GHOST_P2P_DEVICE_H */
