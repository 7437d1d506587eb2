/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-tag.h"

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostTag);
NS_OBJECT_ENSURE_REGISTERED(GhostGroupTag);

GhostTag::GhostTag(uint16_t type, uint16_t len)
    : m_type(type)
    , m_length(len)
{
}

TypeId
GhostTag::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostTag")
                            .SetParent<Tag>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostTag>();
    return tid;
}

TypeId
GhostTag::GetInstanceTypeId() const
{
    return GetTypeId();
}

uint16_t
GhostTag::GetType() const
{
    return m_type;
}

uint16_t
GhostTag::GetLength() const
{
    return m_length;
}

uint32_t
GhostTag::GetSerializedSize() const
{
    return 4;
}

void
GhostTag::Serialize(TagBuffer buffer) const
{
    buffer.WriteU16(m_type);
    buffer.WriteU16(m_length);
}

void
GhostTag::Deserialize(TagBuffer buffer)
{
    m_type = buffer.ReadU16();
    m_length = buffer.ReadU16();
}

void
GhostTag::Print(std::ostream& os) const
{
    os << "type=0x" << std::hex << m_type << std::dec << " length=" << m_length;
}

GhostGroupTag::GhostGroupTag(Mac48Address group)
    : m_group(group)
{
}

TypeId
GhostGroupTag::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostGroupTag")
                            .SetParent<Tag>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostGroupTag>();
    return tid;
}

TypeId
GhostGroupTag::GetInstanceTypeId() const
{
    return GetTypeId();
}

Mac48Address
GhostGroupTag::GetGroup() const
{
    return m_group;
}

uint32_t
GhostGroupTag::GetSerializedSize() const
{
    return 6;
}

void
GhostGroupTag::Serialize(TagBuffer buffer) const
{
    uint8_t bytes[6];
    m_group.CopyTo(bytes);
    buffer.Write(bytes, sizeof(bytes));
}

void
GhostGroupTag::Deserialize(TagBuffer buffer)
{
    uint8_t bytes[6];
    buffer.Read(bytes, sizeof(bytes));
    m_group.CopyFrom(bytes);
}

void
GhostGroupTag::Print(std::ostream& os) const
{
    os << "group=" << m_group;
}

} // namespace ns3
