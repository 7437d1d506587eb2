/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_DISTRIBUTION_H
#define GHOST_DISTRIBUTION_H

#include "ghost-ledger.h"

#include "ns3/mac48-address.h"
#include "ns3/object.h"
#include "ns3/wifi-mac.h"

#include <vector>

namespace ns3
{

class GhostWifiPort;

/**
 * \brief What the access points of one link tell each other of stations that change between them.
 *
 * ns-3's access points know nothing of each other: the one that a station has left goes on sending
 * to it. Here it forgets the station as soon as that is associated elsewhere, and the new one
 * tells the wired side by a frame in the station's name, as IEEE 802.11F had it and access points
 * do: an LLC XID to everybody, from which bridges and switches learn the way.
 */
class GhostDistribution : public Object
{
  public:
    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    GhostDistribution() = default;

    /**
     * \param ledger of the link
     */
    void SetLedger(Ptr<GhostLedger> ledger);

    /**
     * \brief Add an access point.
     * \param mac of its device
     * \param port of it, connected; borrowed, since it owns this
     * \param end its index among the ends of the scenario
     */
    void AddAccessPoint(Ptr<WifiMac> mac, GhostWifiPort* port, uint32_t end);

    /// The run begins: from now on there is somebody to be told.
    void Start();

    /**
     * \brief A station has been associated.
     * \param station its address
     * \param ledgerPort its port in the ledger
     * \param bssid of the access point
     * \return 1 + the index of the access point's end, 0 if it isn't one of this link
     */
    uint32_t Associated(Mac48Address station, uint32_t ledgerPort, Mac48Address bssid);

  protected:
    void DoDispose() override;

  private:
    /// An access point of the link.
    struct AccessPoint
    {
        Ptr<WifiMac> mac;    //!< of its device
        GhostWifiPort* port; //!< of its end
        uint32_t end;        //!< index
    };

    Ptr<GhostLedger> m_ledger;               //!< of the link
    std::vector<AccessPoint> m_accessPoints; //!< in the order of the ends
    bool m_started{false};                   //!< see Start
};

} // namespace ns3

#endif /* GHOST_DISTRIBUTION_H */
