/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_MAC_NAT_H
#define GHOST_MAC_NAT_H

#include "ns3/mac48-address.h"

#include <array>
#include <cstdint>
#include <list>
#include <map>

namespace ns3
{

/**
 * \brief Lets several MAC addresses share the one address of a Wi-Fi station.
 *
 * What wireless client bridges do: frames go out with the station's source address, and in what
 * they say about addresses (ARP, IPv6 neighbour discovery) it stands in place of the client's; DHCP
 * requests ask for a broadcast answer. From which client an IP address came is remembered, and
 * frames that come in for it get that client's address again. What has no IP address goes to the
 * client that sent last.
 *
 * Frames are changed in place and keep their length. Everything in them is input.
 */
class GhostMacNat
{
  public:
    /// IP addresses remembered; the one not seen for longest goes first.
    static constexpr size_t CLIENTS_MAX = 1024;

    GhostMacNat() = default;

    /**
     * \brief Set the station's address.
     */
    void SetAddress(Mac48Address own);

    /**
     * \brief A frame from a client to the air.
     * \param frame changed if it isn't from the station's own address
     * \param len bytes, at least an Ethernet header
     * \return false if its source can't be a station's: it must not be sent
     */
    bool Outbound(uint8_t* frame, uint32_t len);

    /**
     * \brief A frame from the air to the clients.
     * \param frame its destination is changed if it is for a client of another address
     * \param len bytes, at least an Ethernet header
     */
    void Inbound(uint8_t* frame, uint32_t len);

    /// \return IP addresses remembered
    size_t GetNClients() const;

  private:
    using Mac = std::array<uint8_t, 6>;
    /// VLAN tags (both, host order, 0: none), then the address, IPv4 in the first four bytes.
    using Key = std::array<uint8_t, 21>;

    /// A client's IP address.
    struct Client
    {
        Mac mac;                       //!< whose it is
        std::list<Key>::iterator used; //!< place in m_used
    };

    /// Where things are in a frame.
    struct View
    {
        uint8_t* body;    //!< behind the type field
        uint32_t len;     //!< bytes from there on
        uint16_t type;    //!< behind VLAN tags
        uint8_t vlans[4]; //!< identifiers of up to two tags
    };

    static View Look(uint8_t* frame, uint32_t len);
    static Key MakeKey(const View& view, const uint8_t* address, uint8_t size);
    void Learn(const Key& key, const Mac& mac);
    const Mac* Find(const Key& key);
    void OutboundArp(const View& view);
    void OutboundIpv4(const View& view, const Mac& source);
    void OutboundIpv6(const View& view, const Mac& source);

    Mac m_own{};                     //!< the station's address
    Mac m_last{};                    //!< client that sent last
    bool m_shared{false};            //!< another address than the station's has sent
    std::map<Key, Client> m_clients; //!< by IP address
    std::list<Key> m_used;           //!< latest last
};

} // namespace ns3

#endif /* GHOST_MAC_NAT_H */
