/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_TAG_H
#define GHOST_TAG_H

#include "ns3/mac48-address.h"
#include "ns3/tag.h"

namespace ns3
{

/**
 * \brief What an ns-3 device would lose of an Ethernet frame: its type field and its length.
 *
 * ns-3 devices read the type field: CSMA takes 1500 and less for an LLC/SNAP header that it may
 * remove, and pads short frames. Such frames travel under LOCAL_EXPERIMENTAL with this tag, which
 * occupies no air time, and are restored from it on the way out.
 */
class GhostTag : public Tag
{
  public:
    /// IEEE Std 802 Local Experimental EtherType 1.
    static constexpr uint16_t LOCAL_EXPERIMENTAL = 0x88b5;

    GhostTag() = default;

    /**
     * \param type the frame's own type or length field, host order
     * \param len bytes that follow the type field
     */
    GhostTag(uint16_t type, uint16_t len);

    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    /// \return the frame's own type or length field, host order
    uint16_t GetType() const;

    /// \return bytes that follow the type field
    uint16_t GetLength() const;

    // Inherited from Tag
    TypeId GetInstanceTypeId() const override;
    uint32_t GetSerializedSize() const override;
    void Serialize(TagBuffer buffer) const override;
    void Deserialize(TagBuffer buffer) override;
    void Print(std::ostream& os) const override;

  private:
    uint16_t m_type{0};   //!< type or length field
    uint16_t m_length{0}; //!< payload bytes
};

/**
 * \brief The group address of a frame that travels as a broadcast.
 *
 * ns-3's mesh looks for a path to a multicast address as if it were a station's.
 */
class GhostGroupTag : public Tag
{
  public:
    GhostGroupTag() = default;

    /**
     * \param group the frame's own destination
     */
    explicit GhostGroupTag(Mac48Address group);

    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    /// \return the frame's own destination
    Mac48Address GetGroup() const;

    // Inherited from Tag
    TypeId GetInstanceTypeId() const override;
    uint32_t GetSerializedSize() const override;
    void Serialize(TagBuffer buffer) const override;
    void Deserialize(TagBuffer buffer) override;
    void Print(std::ostream& os) const override;

  private:
    Mac48Address m_group; //!< destination
};

} // namespace ns3

#endif /* GHOST_TAG_H */
