/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_FRAME_H
#define GHOST_FRAME_H

#include "ns3/mac48-address.h"
#include "ns3/packet.h"
#include "ns3/queue-item.h"

namespace ns3
{

/**
 * \brief An Ethernet frame on its way: what follows the type field, and what stands before it.
 */
struct GhostFrame
{
    Ptr<Packet> packet; //!< what follows the type field; maybe with a GhostTag
    Mac48Address from;  //!< source
    Mac48Address to;    //!< destination
    uint16_t type{0};   //!< type field
    uint32_t flow{0};   //!< for GhostOrder: in which frames keep their order
    uint64_t number{0}; //!< for GhostOrder: in the order of entering
};

/**
 * \brief A frame in one of ns-3's queue disciplines.
 *
 * ns-3's own items carry the headers of a simulated stack. The frames here may come from a
 * container, so the bytes themselves are looked at. Sizes are those of layer 3, as ns-3's
 * disciplines count them.
 */
class GhostFrameItem : public QueueDiscItem
{
  public:
    /// \param frame to be queued
    explicit GhostFrameItem(const GhostFrame& frame);

    /// \return the frame
    const GhostFrame& GetFrame() const;

    // Inherited from QueueDiscItem
    void AddHeader() override;
    bool Mark() override;
    bool GetUint8Value(Uint8Values field, uint8_t& value) const override;

    /**
     * \brief Hash of the flow: addresses, protocol and ports, behind any VLAN tags, computed as
     * ns-3's Ipv4QueueDiscItem and Ipv6QueueDiscItem do; of the Ethernet header if it isn't IP.
     * \param perturbation salt
     * \return the hash
     */
    uint32_t Hash(uint32_t perturbation) const override;

  private:
    /// What the bytes say.
    struct Parsed
    {
        uint8_t version{0};    //!< 4, 6 or 0: not IP
        uint32_t offset{0};    //!< of the IP header
        uint32_t available{0}; //!< bytes copied
        uint8_t bytes[80];     //!< the packet's first, behind any VLAN tags from offset on
    };

    /// Look at the first bytes.
    Parsed Parse() const;

    GhostFrame m_frame; //!< the frame
};

} // namespace ns3

#endif /* GHOST_FRAME_H */
