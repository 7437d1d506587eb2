/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-frame.h"

#include "ns3/hash.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace ns3
{

namespace
{
constexpr uint16_t TYPE_IPV4 = 0x0800;
constexpr uint16_t TYPE_IPV6 = 0x86dd;
constexpr uint16_t TYPE_VLAN = 0x8100;
constexpr uint16_t TYPE_QINQ = 0x88a8;
constexpr uint32_t VLAN_TAGS_MAX = 2;
constexpr uint32_t IPV4_SIZE = 20;
constexpr uint32_t IPV6_SIZE = 40;
constexpr uint8_t PROTOCOL_TCP = 6;
constexpr uint8_t PROTOCOL_UDP = 17;
/// Both bits of the ECN field: congestion experienced (RFC 3168).
constexpr uint8_t ECN_CE = 3;

uint16_t
Get16(const uint8_t* bytes)
{
    return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]);
}

void
Put16(uint8_t* bytes, uint32_t value)
{
    bytes[0] = static_cast<uint8_t>(value >> 8);
    bytes[1] = static_cast<uint8_t>(value);
}

void
Put32(uint8_t* bytes, uint32_t value)
{
    Put16(bytes, value >> 16);
    Put16(bytes + 2, value);
}
} // namespace

GhostFrameItem::GhostFrameItem(const GhostFrame& frame)
    : QueueDiscItem(frame.packet, frame.to, frame.type)
    , m_frame(frame)
{
}

const GhostFrame&
GhostFrameItem::GetFrame() const
{
    return m_frame;
}

void
GhostFrameItem::AddHeader()
{
    // The frame is complete.
}

GhostFrameItem::Parsed
GhostFrameItem::Parse() const
{
    Parsed parsed;
    uint16_t type = m_frame.type;
    parsed.available = m_frame.packet->CopyData(parsed.bytes, sizeof(parsed.bytes));
    for (uint32_t i = 0; i < VLAN_TAGS_MAX && (type == TYPE_VLAN || type == TYPE_QINQ) &&
                         parsed.offset + 4 <= parsed.available;
         i++)
    {
        type = Get16(parsed.bytes + parsed.offset + 2);
        parsed.offset += 4;
    }
    uint32_t room = parsed.available - parsed.offset;
    if (type == TYPE_IPV4 && room >= IPV4_SIZE && parsed.bytes[parsed.offset] >> 4 == 4)
    {
        parsed.version = 4;
    }
    else if (type == TYPE_IPV6 && room >= IPV6_SIZE && parsed.bytes[parsed.offset] >> 4 == 6)
    {
        parsed.version = 6;
    }
    return parsed;
}

uint32_t
GhostFrameItem::Hash(uint32_t perturbation) const
{
    Parsed parsed = Parse();
    const uint8_t* ip = parsed.bytes + parsed.offset;
    uint32_t room = parsed.available - parsed.offset;
    uint8_t key[41] = {};
    uint32_t size = 0;
    uint8_t protocol = 0;
    uint32_t ports = 0; // where they are
    if (parsed.version == 4)
    {
        std::memcpy(key, ip + 12, 8);
        size = 8;
        protocol = ip[9];
        // Only a first fragment has ports.
        ports = (Get16(ip + 6) & 0x1fff) == 0 ? (ip[0] & 15) * 4 : room;
    }
    else if (parsed.version == 6)
    {
        std::memcpy(key, ip + 8, 32);
        size = 32;
        protocol = ip[6];
        ports = IPV6_SIZE;
    }
    else
    {
        m_frame.from.CopyTo(key);
        m_frame.to.CopyTo(key + 6);
        Put16(key + 12, m_frame.type);
        Put32(key + 14, perturbation);
        return Hash32(reinterpret_cast<const char*>(key), 18);
    }
    key[size++] = protocol;
    if ((protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP) && ports + 4 <= room)
    {
        std::memcpy(key + size, ip + ports, 4);
    }
    Put32(key + size + 4, perturbation);
    return Hash32(reinterpret_cast<const char*>(key), size + 8);
}

bool
GhostFrameItem::GetUint8Value(Uint8Values field, uint8_t& value) const
{
    Parsed parsed = Parse();
    const uint8_t* ip = parsed.bytes + parsed.offset;
    if (field != IP_DSFIELD || !parsed.version)
    {
        return false;
    }
    value = parsed.version == 4 ? ip[1] : static_cast<uint8_t>(Get16(ip) >> 4);
    return true;
}

/* RFC 3168: only what says that its ends understand marks can be marked. */
bool
GhostFrameItem::Mark()
{
    Parsed parsed = Parse();
    uint8_t field;
    if (!GetUint8Value(IP_DSFIELD, field) || (field & ECN_CE) == 0)
    {
        return false;
    }
    if ((field & ECN_CE) == ECN_CE)
    {
        return true;
    }
    uint32_t size = m_frame.packet->GetSize();
    std::vector<uint8_t> bytes(size);
    m_frame.packet->CopyData(bytes.data(), size);
    uint8_t* ip = bytes.data() + parsed.offset;
    uint16_t before = Get16(ip);
    uint16_t after = before | (parsed.version == 4 ? ECN_CE : ECN_CE << 4);
    Put16(ip, after);
    if (parsed.version == 4)
    {
        // RFC 1624, equation 3.
        uint32_t sum =
            static_cast<uint16_t>(~Get16(ip + 10)) + static_cast<uint16_t>(~before) + after;
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        Put16(ip + 10, ~sum);
    }
    // In place, so that the packet's tags stay.
    m_frame.packet->RemoveAtStart(size);
    m_frame.packet->AddAtEnd(Create<Packet>(bytes.data(), size));
    return true;
}

} // namespace ns3
