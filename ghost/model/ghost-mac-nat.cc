/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-mac-nat.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace ns3
{

namespace
{
constexpr uint32_t MAC = 6;
constexpr uint32_t HEADER_SIZE = 14;
constexpr uint32_t TAG_SIZE = 4;
constexpr uint16_t TYPE_IPV4 = 0x0800;
constexpr uint16_t TYPE_ARP = 0x0806;
constexpr uint16_t TYPE_8021Q = 0x8100;
constexpr uint16_t TYPE_IPV6 = 0x86dd;
constexpr uint16_t TYPE_8021AD = 0x88a8;
/// RFC 826 for Ethernet and IPv4: where the four addresses are.
constexpr uint32_t ARP_SIZE = 28;
constexpr uint32_t ARP_SHA = 8;
constexpr uint32_t ARP_SPA = 14;
constexpr uint32_t ARP_THA = 18;
constexpr uint32_t ARP_TPA = 24;
constexpr uint32_t IPV4_SIZE = 20;
constexpr uint32_t IPV6_SIZE = 40;
constexpr uint8_t PROTOCOL_UDP = 17;
constexpr uint8_t PROTOCOL_ICMPV6 = 58;
constexpr uint32_t UDP_SIZE = 8;
/// RFC 2131: flags and chaddr in a BOOTP message.
constexpr uint32_t BOOTP_FLAGS = 10;
constexpr uint32_t BOOTP_CHADDR = 28;
constexpr uint32_t BOOTP_SIZE = 44;

uint16_t
Read16(const uint8_t* at)
{
    return static_cast<uint16_t>(at[0] << 8 | at[1]);
}

void
Write16(uint8_t* at, uint16_t value)
{
    at[0] = static_cast<uint8_t>(value >> 8);
    at[1] = static_cast<uint8_t>(value);
}

/// Change one word and the one's complement sum that covers it (RFC 1624, equation 3).
void
Change16(uint8_t* word, uint16_t value, uint8_t* checksum)
{
    uint32_t sum = static_cast<uint16_t>(~Read16(checksum));
    sum += static_cast<uint16_t>(~Read16(word));
    sum += value;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    Write16(word, value);
    Write16(checksum, static_cast<uint16_t>(~sum));
}

/// Whether a whole UDP header follows an IPv4 header, and where. \return nullptr if not
uint8_t*
FindUdp(uint8_t* ip, uint32_t len, uint32_t& udpLen)
{
    uint32_t header = (ip[0] & 15u) * 4;
    // In other fragments than the first there is none.
    if (header < IPV4_SIZE || len < header + UDP_SIZE || ip[9] != PROTOCOL_UDP ||
        (Read16(ip + 6) & 0x1fff))
    {
        return nullptr;
    }
    udpLen = len - header;
    return ip + header;
}
} // namespace

void
GhostMacNat::SetAddress(Mac48Address own)
{
    own.CopyTo(m_own.data());
    m_last = m_own;
}

size_t
GhostMacNat::GetNClients() const
{
    return m_clients.size();
}

GhostMacNat::View
GhostMacNat::Look(uint8_t* frame, uint32_t len)
{
    View view{frame + HEADER_SIZE, len - HEADER_SIZE, Read16(frame + 12), {}};
    for (int tag = 0;
         tag < 2 && view.len >= TAG_SIZE && (view.type == TYPE_8021Q || view.type == TYPE_8021AD);
         tag++)
    {
        Write16(view.vlans + 2 * tag, Read16(view.body) & 0xfff);
        view.type = Read16(view.body + 2);
        view.body += TAG_SIZE;
        view.len -= TAG_SIZE;
    }
    return view;
}

GhostMacNat::Key
GhostMacNat::MakeKey(const View& view, const uint8_t* address, uint8_t size)
{
    Key key{};
    std::memcpy(key.data(), view.vlans, sizeof(view.vlans));
    key[4] = size;
    std::memcpy(key.data() + 5, address, size);
    return key;
}

void
GhostMacNat::Learn(const Key& key, const Mac& mac)
{
    auto it = m_clients.find(key);
    if (it != m_clients.end())
    {
        it->second.mac = mac;
        m_used.splice(m_used.end(), m_used, it->second.used);
        return;
    }
    if (m_clients.size() >= CLIENTS_MAX)
    {
        m_clients.erase(m_used.front());
        m_used.pop_front();
    }
    m_used.push_back(key);
    m_clients.emplace(key, Client{mac, std::prev(m_used.end())});
}

const GhostMacNat::Mac*
GhostMacNat::Find(const Key& key)
{
    auto it = m_clients.find(key);
    return it == m_clients.end() ? nullptr : &it->second.mac;
}

void
GhostMacNat::OutboundArp(const View& view)
{
    if (view.len < ARP_SIZE || Read16(view.body) != 1 || Read16(view.body + 2) != TYPE_IPV4 ||
        view.body[4] != MAC || view.body[5] != 4)
    {
        return;
    }
    Mac sender;
    std::memcpy(sender.data(), view.body + ARP_SHA, MAC);
    // A probe for an address that nobody has yet (RFC 5227) comes from 0.0.0.0: nothing to learn.
    static const uint8_t none[4] = {};
    if (!(sender[0] & 1) && std::memcmp(view.body + ARP_SPA, none, sizeof(none)) != 0)
    {
        Learn(MakeKey(view, view.body + ARP_SPA, 4), sender);
    }
    std::memcpy(view.body + ARP_SHA, m_own.data(), MAC);
    // In a gratuitous reply the target is the sender itself.
    if (std::memcmp(view.body + ARP_THA, sender.data(), MAC) == 0)
    {
        std::memcpy(view.body + ARP_THA, m_own.data(), MAC);
    }
}

void
GhostMacNat::OutboundIpv4(const View& view, const Mac& source)
{
    if (view.len < IPV4_SIZE || view.body[0] >> 4 != 4)
    {
        return;
    }
    static const uint8_t none[4] = {};
    if (std::memcmp(view.body + 12, none, sizeof(none)) != 0)
    {
        Learn(MakeKey(view, view.body + 12, 4), source);
    }
    uint32_t udpLen = 0;
    uint8_t* udp = FindUdp(view.body, view.len, udpLen);
    if (!udp || Read16(udp) != 68 || Read16(udp + 2) != 67 || udpLen < UDP_SIZE + BOOTP_SIZE)
    {
        return;
    }
    // A DHCP client that is answered by unicast would be answered at its own address.
    uint8_t* flags = udp + UDP_SIZE + BOOTP_FLAGS;
    if (udp[UDP_SIZE] == 1 && !(flags[0] & 0x80))
    {
        uint16_t value = Read16(flags) | 0x8000;
        if (Read16(udp + 6) == 0)
        {
            Write16(flags, value); // no checksum
            return;
        }
        Change16(flags, value, udp + 6);
        if (Read16(udp + 6) == 0)
        {
            Write16(udp + 6, 0xffff); // RFC 768: 0 would mean none
        }
    }
}

void
GhostMacNat::OutboundIpv6(const View& view, const Mac& source)
{
    if (view.len < IPV6_SIZE || view.body[0] >> 4 != 6)
    {
        return;
    }
    static const uint8_t none[16] = {};
    if (std::memcmp(view.body + 8, none, sizeof(none)) != 0)
    {
        Learn(MakeKey(view, view.body + 8, 16), source);
    }
    // Neighbour discovery has no extension headers, RFC 6980.
    uint8_t* icmp = view.body + IPV6_SIZE;
    uint32_t len = std::min<uint32_t>(view.len - IPV6_SIZE, Read16(view.body + 4));
    if (view.body[6] != PROTOCOL_ICMPV6 || len < 8)
    {
        return;
    }
    // RFC 4861: where options begin, and which of them is the sender's address.
    uint32_t at;
    uint8_t wanted = 1;
    switch (icmp[0])
    {
    case 133: // router solicitation
        at = 8;
        break;
    case 134: // router advertisement
        at = 16;
        break;
    case 135: // neighbour solicitation
        at = 24;
        break;
    case 136: // neighbour advertisement
        at = 24;
        wanted = 2;
        break;
    default:
        return;
    }
    if (icmp[0] == 136 && len >= 24)
    {
        Learn(MakeKey(view, icmp + 8, 16), source);
    }
    while (at + 8 <= len)
    {
        uint32_t size = icmp[at + 1] * 8u;
        if (size == 0 || at + size > len)
        {
            return;
        }
        if (icmp[at] == wanted)
        {
            for (uint32_t i = 0; i < MAC; i += 2)
            {
                Change16(icmp + at + 2 + i, Read16(m_own.data() + i), icmp + 2);
            }
        }
        at += size;
    }
}

bool
GhostMacNat::Outbound(uint8_t* frame, uint32_t len)
{
    Mac source;
    std::memcpy(source.data(), frame + MAC, MAC);
    if (source[0] & 1)
    {
        return false;
    }
    View view = Look(frame, len);
    if (source == m_own && !m_shared)
    {
        // Nothing to translate; but should another client come, then the address is known.
        bool tells = view.type == TYPE_ARP || (view.type == TYPE_IPV6 && view.len > IPV6_SIZE &&
                                               view.body[6] == PROTOCOL_ICMPV6);
        if (!tells)
        {
            return true;
        }
    }
    // From then on the station's own address is a client like others.
    m_shared |= source != m_own;
    m_last = source;
    switch (view.type)
    {
    case TYPE_ARP:
        OutboundArp(view);
        break;
    case TYPE_IPV4:
        OutboundIpv4(view, source);
        break;
    case TYPE_IPV6:
        OutboundIpv6(view, source);
        break;
    default:
        break;
    }
    std::memcpy(frame + MAC, m_own.data(), MAC);
    return true;
}

void
GhostMacNat::Inbound(uint8_t* frame, uint32_t len)
{
    if (!m_shared || std::memcmp(frame, m_own.data(), MAC) != 0)
    {
        return;
    }
    View view = Look(frame, len);
    const Mac* found = nullptr;
    Mac client = m_last;
    if (view.type == TYPE_ARP && view.len >= ARP_SIZE)
    {
        found = Find(MakeKey(view, view.body + ARP_TPA, 4));
        client = found ? *found : client;
        if (std::memcmp(view.body + ARP_THA, m_own.data(), MAC) == 0)
        {
            std::memcpy(view.body + ARP_THA, client.data(), MAC);
        }
    }
    else if (view.type == TYPE_IPV4 && view.len >= IPV4_SIZE)
    {
        found = Find(MakeKey(view, view.body + 16, 4));
        uint32_t udpLen = 0;
        uint8_t* udp = found ? nullptr : FindUdp(view.body, view.len, udpLen);
        if (udp && Read16(udp) == 67 && Read16(udp + 2) == 68 && udpLen >= UDP_SIZE + BOOTP_SIZE &&
            !(udp[UDP_SIZE + BOOTP_CHADDR] & 1))
        {
            // The server answered the address that is being given out: the message says to whom.
            std::memcpy(client.data(), udp + UDP_SIZE + BOOTP_CHADDR, MAC);
        }
    }
    else if (view.type == TYPE_IPV6 && view.len >= IPV6_SIZE)
    {
        found = Find(MakeKey(view, view.body + 24, 16));
    }
    std::memcpy(frame, found ? found->data() : client.data(), MAC);
}

} // namespace ns3
