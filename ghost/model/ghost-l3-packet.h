/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_L3_PACKET_H
#define GHOST_L3_PACKET_H

#include "ns3/ipv6-address.h"
#include "ns3/mac48-address.h"
#include "ns3/packet.h"

namespace ns3
{

/**
 * \brief IP packets as bytes: what of them is sound, and the messages that find a neighbour.
 *
 * Addresses are IPv6 throughout; an IPv4 address is the IPv6 address mapped from it (RFC 4291,
 * 2.5.5.2).
 */
namespace GhostL3Packet
{
constexpr uint16_t TYPE_IPV4 = 0x0800;
constexpr uint16_t TYPE_ARP = 0x0806;
constexpr uint16_t TYPE_IPV6 = 0x86dd;
/// What GetSource and GetDestination read at most.
constexpr uint32_t HEADER_SIZE = 40;

/**
 * \brief Length of the packet at the beginning of a buffer.
 * \param bytes of the buffer
 * \param size of the buffer
 * \param type TYPE_IPV4 or TYPE_IPV6
 * \return bytes, or 0 unless ns-3's core network can read it: the headers of IP, and of UDP or TCP
 * if one of them follows, must be whole and agree with the lengths they give, TCP's options as well
 */
uint32_t Check(const uint8_t* bytes, uint32_t size, uint16_t type);

/**
 * \param bytes of a sound packet, at least its IP header
 * \param type TYPE_IPV4 or TYPE_IPV6
 * \return who sent it
 */
Ipv6Address GetSource(const uint8_t* bytes, uint16_t type);

/// \return who it is for; see GetSource
Ipv6Address GetDestination(const uint8_t* bytes, uint16_t type);

/// \return whether an address names one interface
bool IsUnicast(const Ipv6Address& address);

/// \return the link-local address that Linux and ns-3 make of a MAC address (RFC 4291, appendix A)
Ipv6Address MakeLinkLocal(const Mac48Address& address);

/**
 * \brief Answer an ARP request in the place of who is asked for.
 * \param bytes payload of the request
 * \param size at least; what follows is padding
 * \param[out] target address that is asked for
 * \return whether it is a request
 */
bool ReadArp(const uint8_t* bytes, uint32_t size, Ipv6Address& target);

/**
 * \param request that ReadArp was content with
 * \param mac address of the target
 * \return an ARP reply
 */
Ptr<Packet> MakeArpReply(const uint8_t* request, const Mac48Address& mac);

/**
 * \brief Read a neighbour solicitation, checked as a receiver must (RFC 4861, 7.1.1).
 * \param bytes of a packet for which Check returned its length
 * \param len that length
 * \param[out] target address that is asked for
 * \return whether it is one
 */
bool ReadSolicitation(const uint8_t* bytes, uint32_t len, Ipv6Address& target);

/**
 * \brief Make the advertisement that a proxy answers with (RFC 4861, 7.2.4 and 7.2.8).
 * \param solicitation that ReadSolicitation was content with
 * \param mac address of the target
 * \param[out] to Ethernet address of all nodes, if who asked has no address yet (RFC 4862), or
 * else left alone
 * \return an IPv6 packet
 */
Ptr<Packet>
MakeAdvertisement(const uint8_t* solicitation, const Mac48Address& mac, Mac48Address& to);

} // namespace GhostL3Packet

} // namespace ns3

#endif /* GHOST_L3_PACKET_H */
