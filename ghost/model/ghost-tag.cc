/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-tag.h"

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostTag);

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

} // namespace ns3
