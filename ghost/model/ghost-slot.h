/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_SLOT_H
#define GHOST_SLOT_H

#include "ns3/packet.h"
#include "ns3/queue.h"

namespace ns3
{

/**
 * \brief The transmit queue of a CSMA device behind a GhostMedium: room for one frame.
 *
 * Frames wait at the medium, which hands its device one at a time, so that a list, limits and
 * statistics of a queue would only take time. No trace source of the queue fires but those of its
 * size.
 */
class GhostSlot : public Queue<Packet>
{
  public:
    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    // Inherited from Queue
    bool Enqueue(Ptr<Packet> packet) override;
    Ptr<Packet> Dequeue() override;
    Ptr<Packet> Remove() override;
    Ptr<const Packet> Peek() const override;

  protected:
    void DoDispose() override;

  private:
    Ptr<Packet> m_packet; //!< what waits
};

} // namespace ns3

#endif /* GHOST_SLOT_H */
