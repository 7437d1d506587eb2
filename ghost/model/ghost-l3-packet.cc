/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-l3-packet.h"

#include <cstring>

namespace ns3
{

namespace GhostL3Packet
{

namespace
{
/// RFC 826 for Ethernet and IPv4.
constexpr uint32_t ARP_SIZE = 28;
constexpr uint8_t ARP_REQUEST[8] = {0, 1, 8, 0, 6, 4, 0, 1};
constexpr uint32_t IPV4_SIZE_MIN = 20;
constexpr uint32_t IPV6_SIZE = 40;
constexpr uint32_t UDP_SIZE = 8;
constexpr uint32_t TCP_SIZE_MIN = 20;
constexpr uint8_t PROTOCOL_TCP = 6;
constexpr uint8_t PROTOCOL_UDP = 17;
constexpr uint8_t PROTOCOL_ICMPV6 = 58;
/// Neighbour discovery (RFC 4861): never forwarded, so whoever hears it is on the link.
constexpr uint8_t ND_HOP_LIMIT = 255;
constexpr uint8_t ND_SOLICITATION = 135;
constexpr uint8_t ND_ADVERTISEMENT = 136;
constexpr uint8_t ND_SOLICITED = 0x40;
constexpr uint8_t ND_SOURCE_LINK_ADDRESS = 1;
constexpr uint8_t ND_TARGET_LINK_ADDRESS = 2;
/// Type, code, checksum, flags, target address.
constexpr uint32_t ND_SIZE = 24;
/// Type, length in units of 8 bytes, MAC address.
constexpr uint32_t ND_OPTION_SIZE = 8;
constexpr uint8_t ALL_NODES[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr uint8_t SOLICITED_NODE[13] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};

uint32_t
GetUint16(const uint8_t* bytes)
{
    return static_cast<uint32_t>(bytes[0] << 8 | bytes[1]);
}

/// Length of a TCP option, where ns-3 knows its kind; 0 where it doesn't. SACK has blocks besides.
uint32_t
GetOptionSize(uint8_t kind)
{
    switch (kind)
    {
    case 2: // maximum segment size
        return 4;
    case 3: // window scale
        return 3;
    case 4: // SACK permitted
    case 5: // SACK
        return 2;
    case 8: // timestamps
        return 10;
    default:
        return 0;
    }
}

/**
 * Whether ns-3 gets over a TCP header's options: at a wrong length of one that it knows it ends the
 * program or loses its way, at an unknown one of length 0 it loops for ever, and where one is
 * longer than the header it reads what is behind.
 */
bool
CheckTcpOptions(const uint8_t* options, uint32_t size)
{
    uint32_t i = 0;
    while (i < size && options[i] != 0)
    {
        if (options[i] == 1)
        {
            i++;
            continue;
        }
        uint32_t len = i + 2 <= size ? options[i + 1] : 0u;
        uint32_t known = GetOptionSize(options[i]);
        bool sound = options[i] == 5 ? (len - known) % 8 == 0 : !known || len == known;
        if (len < 2 || len > size - i || !sound)
        {
            return false;
        }
        i += len;
    }
    return true;
}

/// Whether the transport header that the core network reads ports from is there.
bool
CheckTransport(uint8_t protocol, const uint8_t* payload, uint32_t size)
{
    if (protocol == PROTOCOL_UDP)
    {
        return size >= UDP_SIZE;
    }
    if (protocol == PROTOCOL_TCP)
    {
        uint32_t tcp = size >= TCP_SIZE_MIN ? (payload[12] >> 4) * 4u : 0;
        return tcp >= TCP_SIZE_MIN && tcp <= size &&
               CheckTcpOptions(payload + TCP_SIZE_MIN, tcp - TCP_SIZE_MIN);
    }
    return true;
}

uint32_t
CheckIpv4(const uint8_t* bytes, uint32_t size)
{
    if (size < IPV4_SIZE_MIN || bytes[0] >> 4 != 4)
    {
        return 0;
    }
    uint32_t header = (bytes[0] & 15u) * 4;
    uint32_t len = GetUint16(bytes + 2);
    if (header < IPV4_SIZE_MIN || len < header || len > size)
    {
        return 0;
    }
    // Fragments but the first have no transport header.
    bool first = (GetUint16(bytes + 6) & 0x1fff) == 0;
    return !first || CheckTransport(bytes[9], bytes + header, len - header) ? len : 0;
}

uint32_t
CheckIpv6(const uint8_t* bytes, uint32_t size)
{
    if (size < IPV6_SIZE || bytes[0] >> 4 != 6)
    {
        return 0;
    }
    // ns-3 does not look behind extension headers, a fragment's included.
    uint32_t len = IPV6_SIZE + GetUint16(bytes + 4);
    return len <= size && CheckTransport(bytes[6], bytes + IPV6_SIZE, len - IPV6_SIZE) ? len : 0;
}

Ipv6Address
GetAddress(const uint8_t* bytes, uint16_t type, uint32_t at4, uint32_t at6)
{
    return type == TYPE_IPV4
               ? Ipv6Address::MakeIpv4MappedAddress(Ipv4Address::Deserialize(bytes + at4))
               : Ipv6Address::Deserialize(bytes + at6);
}

/// Checksum of an ICMPv6 message in its packet (RFC 4443, 2.3); 0 where it is right.
uint16_t
SumIcmpv6(const uint8_t* packet, uint32_t len)
{
    uint32_t sum = PROTOCOL_ICMPV6 + (len - IPV6_SIZE);
    for (uint32_t i = 8; i < len; i++) // from the addresses on
    {
        sum += i % 2 ? packet[i] : static_cast<uint32_t>(packet[i] << 8);
    }
    while (sum >> 16)
    {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<uint16_t>(~sum);
}

/// Whether options are well-formed; who has no address can't say his MAC address either.
bool
CheckNdOptions(const uint8_t* options, uint32_t size, bool mayHaveSource)
{
    uint32_t i = 0;
    while (i < size)
    {
        uint32_t len = i + 2 <= size ? options[i + 1] * 8u : 0;
        if (len == 0 || len > size - i || (options[i] == ND_SOURCE_LINK_ADDRESS && !mayHaveSource))
        {
            return false;
        }
        i += len;
    }
    return true;
}
} // namespace

uint32_t
Check(const uint8_t* bytes, uint32_t size, uint16_t type)
{
    return type == TYPE_IPV4 ? CheckIpv4(bytes, size) : CheckIpv6(bytes, size);
}

Ipv6Address
GetSource(const uint8_t* bytes, uint16_t type)
{
    return GetAddress(bytes, type, 12, 8);
}

Ipv6Address
GetDestination(const uint8_t* bytes, uint16_t type)
{
    return GetAddress(bytes, type, 16, 24);
}

bool
IsUnicast(const Ipv6Address& address)
{
    if (address.IsIpv4MappedAddress())
    {
        Ipv4Address ipv4 = address.GetIpv4MappedAddress();
        return !ipv4.IsBroadcast() && !ipv4.IsMulticast();
    }
    return !address.IsMulticast() && !address.IsAny();
}

Ipv6Address
MakeLinkLocal(const Mac48Address& address)
{
    return Ipv6Address::MakeAutoconfiguredLinkLocalAddress(address);
}

bool
ReadArp(const uint8_t* bytes, uint32_t size, Ipv6Address& target)
{
    if (size < ARP_SIZE || std::memcmp(bytes, ARP_REQUEST, sizeof(ARP_REQUEST)) != 0)
    {
        return false;
    }
    target = Ipv6Address::MakeIpv4MappedAddress(Ipv4Address::Deserialize(bytes + 24));
    return true;
}

Ptr<Packet>
MakeArpReply(const uint8_t* request, const Mac48Address& mac)
{
    uint8_t reply[ARP_SIZE];
    std::memcpy(reply, ARP_REQUEST, sizeof(ARP_REQUEST));
    reply[7] = 2;
    mac.CopyTo(reply + 8);
    std::memcpy(reply + 14, request + 24, 4);
    std::memcpy(reply + 18, request + 8, 10);
    return Create<Packet>(reply, ARP_SIZE);
}

bool
ReadSolicitation(const uint8_t* bytes, uint32_t len, Ipv6Address& target)
{
    const uint8_t* message = bytes + IPV6_SIZE;
    if (len < IPV6_SIZE + ND_SIZE || bytes[6] != PROTOCOL_ICMPV6 || bytes[7] != ND_HOP_LIMIT ||
        message[0] != ND_SOLICITATION || message[1] != 0 || SumIcmpv6(bytes, len) != 0)
    {
        return false;
    }
    target = Ipv6Address::Deserialize(message + 8);
    bool nameless = Ipv6Address::Deserialize(bytes + 8).IsAny();
    return IsUnicast(target) &&
           CheckNdOptions(message + ND_SIZE, len - IPV6_SIZE - ND_SIZE, !nameless) &&
           (!nameless || std::memcmp(bytes + 24, SOLICITED_NODE, sizeof(SOLICITED_NODE)) == 0);
}

Ptr<Packet>
MakeAdvertisement(const uint8_t* solicitation, const Mac48Address& mac, Mac48Address& to)
{
    constexpr uint32_t SIZE = IPV6_SIZE + ND_SIZE + ND_OPTION_SIZE;
    uint8_t packet[SIZE] = {0x60};
    uint8_t* message = packet + IPV6_SIZE;
    bool nameless = Ipv6Address::Deserialize(solicitation + 8).IsAny();
    packet[5] = SIZE - IPV6_SIZE;
    packet[6] = PROTOCOL_ICMPV6;
    packet[7] = ND_HOP_LIMIT;
    std::memcpy(packet + 8, solicitation + IPV6_SIZE + 8, 16);
    std::memcpy(packet + 24, nameless ? ALL_NODES : solicitation + 8, 16);
    message[0] = ND_ADVERTISEMENT;
    // Not "override": the proxy yields to what the station itself may say.
    message[4] = nameless ? 0 : ND_SOLICITED;
    std::memcpy(message + 8, solicitation + IPV6_SIZE + 8, 16);
    message[ND_SIZE] = ND_TARGET_LINK_ADDRESS;
    message[ND_SIZE + 1] = 1;
    mac.CopyTo(message + ND_SIZE + 2);
    uint16_t sum = SumIcmpv6(packet, SIZE);
    message[2] = static_cast<uint8_t>(sum >> 8);
    message[3] = static_cast<uint8_t>(sum);
    if (nameless)
    {
        to = Mac48Address("33:33:00:00:00:01");
    }
    return Create<Packet>(packet, SIZE);
}

} // namespace GhostL3Packet

} // namespace ns3
