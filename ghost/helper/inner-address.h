/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef INNER_ADDRESS_H
#define INNER_ADDRESS_H

#include "bridge/scenario/scenario.h"

#include "ns3/inet-socket-address.h"
#include "ns3/inet6-socket-address.h"
#include "ns3/ipv4-address.h"
#include "ns3/ipv6-address.h"

#include <sys/socket.h>

namespace ns3
{

/**
 * \brief Addresses of the scenario as ns-3 has them.
 */
namespace InnerAddress
{

/// \return an IPv4 address
inline Ipv4Address
ToIpv4(const struct scenario_addr& addr)
{
    return Ipv4Address::Deserialize(addr.bytes);
}

/// \return the mask of an IPv4 address
inline Ipv4Mask
ToIpv4Mask(const struct scenario_addr& addr)
{
    return Ipv4Mask(addr.prefix_len ? ~0u << (32 - addr.prefix_len) : 0u);
}

/// \return an IPv6 address
inline Ipv6Address
ToIpv6(const struct scenario_addr& addr)
{
    return Ipv6Address::Deserialize(addr.bytes);
}

/// \return address and port of a peer
inline Address
ToSocket(const struct scenario_addr& addr, uint16_t port)
{
    if (addr.family == AF_INET)
    {
        return InetSocketAddress(ToIpv4(addr), port);
    }
    return Inet6SocketAddress(ToIpv6(addr), port);
}

} // namespace InnerAddress

} // namespace ns3

#endif /* INNER_ADDRESS_H */
