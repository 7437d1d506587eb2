/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_P2P_QUEUE_H
#define GHOST_P2P_QUEUE_H

#include "ghost-frame.h"

#include "bridge/wire/stats.h"

#include "ns3/object.h"
#include "ns3/queue-disc.h"

#include <deque>
#include <functional>

namespace ns3
{

/**
 * \brief What waits for the transmitter of a p2p device: a drop-tail queue of its own, or one of
 * ns3's queue disciplines.
 */
class GhostP2pQueue : public Object
{
  public:
    /// Told of every frame that is dropped, wherever the discipline does it, and why.
    using DropCallback = std::function<void(Ptr<const Packet>, enum stats_drop)>;

    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    GhostP2pQueue() = default;

    /// \param callback told of drops; must be set before the first frame
    void SetDropCallback(DropCallback callback);

    /**
     * \brief Be a drop-tail queue.
     * \param frames that may wait, or 0: any number
     * \param bytes of layer 3 that may wait, or 0: any number
     */
    void SetDropTail(uint32_t frames, uint64_t bytes);

    /// \param disc to use instead of the drop-tail queue; configured, not yet initialized
    void SetDisc(Ptr<QueueDisc> disc);

    /// \return the discipline, nullptr for drop-tail
    Ptr<QueueDisc> GetDisc() const;

    /**
     * \brief Change how many frames may wait, of any discipline, at any time.
     * \param frames more than may wait already there stay
     */
    void SetLimit(uint32_t frames);

    /// \return whether Enqueue would drop any frame; only a drop-tail queue of frames knows
    bool IsFull() const;

    /// \return whether nothing waits
    bool IsEmpty() const;

    /// \return how many frames wait
    uint32_t GetNFrames() const;

    /// \param frame to queue, or to drop
    void Enqueue(const GhostFrame& frame);

    /**
     * \brief Take the next frame.
     * \param frame set to it
     * \return false if there is none, maybe because the discipline dropped the last
     */
    bool Dequeue(GhostFrame& frame);

    /// Drop all that waits, because the link is down.
    void Flush();

  protected:
    void DoDispose() override;

  private:
    /// Trace sink of the discipline.
    void DiscDropped(Ptr<const QueueDiscItem> item, const char* reason);

    DropCallback m_dropped;        //!< see SetDropCallback
    std::deque<GhostFrame> m_tail; //!< drop-tail
    uint64_t m_tailSize{0};        //!< bytes in it
    uint32_t m_limitFrames{100};   //!< 0: no limit
    uint64_t m_limitSize{0};       //!< 0: no limit
    Ptr<QueueDisc> m_disc;         //!< instead of m_tail
    bool m_discIsRed{false};       //!< whose forced drops are early ones
};

} // namespace ns3

#endif /* GHOST_P2P_QUEUE_H */
