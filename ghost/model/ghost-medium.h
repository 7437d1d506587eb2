/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_MEDIUM_H
#define GHOST_MEDIUM_H

#include "ns3/data-rate.h"
#include "ns3/mac48-address.h"
#include "ns3/net-device.h"
#include "ns3/nstime.h"
#include "ns3/object.h"
#include "ns3/packet.h"

#include <array>
#include <deque>
#include <functional>
#include <vector>

namespace ns3
{

/**
 * \brief Decides which port of a CSMA segment sends next.
 *
 * ns-3's CsmaNetDevice defers to a busy medium by a random number of 1 us slots, so a station that
 * sends back to back wins for ever: nobody else ever looks during the gap between its frames. Here
 * frames wait at the ports, and the medium is granted to the waiting ports in turn, one frame each,
 * as soon as preamble, frame and gap of the one before are over. The devices then always find the
 * medium idle. That is an Ethernet segment with perfect arbitration: fair, fully used, without
 * collisions.
 *
 * A device of the channel that isn't driven by a port contends as ns-3 has it.
 */
class GhostMedium : public Object
{
  public:
    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    GhostMedium() = default;

    /**
     * \brief Set what a frame costs.
     * \param rate of the channel
     * \param gap from the end of a frame to the start of the next: preamble and interpacket gap
     * \param queueLength frames that may wait at each port
     *
     * While it runs only between two frames (WhenFree); frames that wait beyond a shorter queue
     * stay.
     */
    void Configure(DataRate rate, Time gap, uint32_t queueLength);

    /**
     * \brief Do something as soon as no port's frame is being sent: now, or when that frame is
     * over. \param action called once, before the next frame begins
     */
    void WhenFree(std::function<void()> action);

    /**
     * \brief Throw away what waits at a station.
     * \return how many frames
     */
    uint32_t Clear(uint32_t index);

    /**
     * \brief Add a device.
     * \return its index, for Send
     */
    uint32_t Add(Ptr<NetDevice> device);

    /**
     * \brief Whether a station's queue has no room: Send would refuse.
     */
    bool IsFull(uint32_t index) const;

    /**
     * \brief Send a frame from a device when it is its turn.
     * \return false if the port's queue is full: the frame is dropped
     */
    bool
    Send(uint32_t index, Ptr<Packet> packet, Mac48Address from, Mac48Address to, uint16_t type);

    /// \return number of the frame that is being sent, among those of its station; for GhostOrder
    uint64_t GetNumber() const;

    /// \return uid of the packet that is being sent
    uint64_t GetSending() const;

    /// \return uid of the packet that was sent last, and alone can arrive before the next is sent
    uint64_t GetOnAir() const;

    /**
     * \brief A device has finished a frame; to be called from its PhyTxEnd trace source.
     */
    void Transmitted(uint32_t index);

  protected:
    void DoDispose() override;

  private:
    /// A frame of some size as long as the rate is what it is.
    struct AirTime
    {
        uint32_t size{0}; //!< header and FCS included
        Time time;        //!< at the rate
    };

    /// A frame that waits.
    struct Frame
    {
        Ptr<Packet> packet; //!< payload
        Mac48Address from;  //!< source
        Mac48Address to;    //!< destination
        uint16_t type;      //!< type field
        uint64_t number;    //!< among those of its station
    };

    /// A device and what waits for it.
    struct Station
    {
        Ptr<NetDevice> device;    //!< on the channel
        std::deque<Frame> frames; //!< waiting
        uint64_t entered{0};      //!< frames so far
    };

    /// How long the medium is busy with a frame. \param size header and FCS included
    Time GetAirTime(uint32_t size);

    /// Hand a frame to its device, which starts it at a time.
    void Transmit(uint32_t index, const Frame& frame, Time start);

    /// Take the frame whose turn it is: the first of station m_next.
    Frame Dequeue();

    /// Make m_next a station that has a frame.
    void ChooseNext();

    /// Let station m_next send when the medium is free.
    void ScheduleGrant();

    /// The medium is free: let station m_next send.
    void Grant();

    DataRate m_rate;                               //!< of the channel
    Time m_gap;                                    //!< after every frame
    uint32_t m_queueLength{0};                     //!< per station
    std::vector<Station> m_stations;               //!< by index
    std::array<AirTime, 16> m_airTimes;            //!< last results of a long division, by size
    std::vector<std::function<void()>> m_whenFree; //!< what waits for the frame to be over
    Time m_freeAt;                                 //!< when the medium is free again
    uint32_t m_next{0};                            //!< whose turn it is, or comes first to be asked
    uint32_t m_waiting{0};                         //!< frames that wait, all stations
    uint64_t m_number{0};                          //!< see GetNumber
    uint64_t m_sending{0};                         //!< see GetSending
    uint64_t m_onAir{0};                           //!< see GetOnAir
    bool m_transmitting{false};                    //!< Transmitted is due
    bool m_granting{false};                        //!< Grant is scheduled
};

} // namespace ns3

#endif /* GHOST_MEDIUM_H */
