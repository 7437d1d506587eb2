/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_WIFI_PORT_H
#define GHOST_WIFI_PORT_H

#include "ghost-distribution.h"
#include "ghost-ledger.h"
#include "ghost-mac-nat.h"
#include "ghost-port.h"

#include "ns3/sta-wifi-mac.h"

#include <array>

namespace ns3
{

/**
 * \brief One container interface at a Wi-Fi device.
 *
 * An access point sends with any source address. A station, an ad hoc station and a mesh point send
 * with their own only: frames from others are translated, as wireless client bridges do
 * (GhostMacNat). The books are kept by the link's GhostLedger.
 */
class GhostWifiPort : public GhostPort
{
  public:
    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    GhostWifiPort() = default;

    /**
     * \brief Keep the books with the link's others; after Connect.
     * \param ledger of the link
     */
    void SetLedger(Ptr<GhostLedger> ledger);

    /**
     * \brief The interface's carrier follows a station's association.
     * \param mac of the device
     */
    void SetStation(Ptr<StaWifiMac> mac);

    /**
     * \brief Whom to tell of associations; after SetLedger.
     * \param distribution of the link
     */
    void SetDistribution(Ptr<GhostDistribution> distribution);

    /// \return index in the ledger
    uint32_t GetLedgerPort() const;

    /**
     * \brief Tell the side behind an access point that a station is here now.
     * \param station its address
     */
    void Announce(Mac48Address station);

    /// Send what is for a group as a broadcast, as a mesh needs it.
    void SetMesh();

    // Inherited from GhostPort
    void Inject(const uint8_t* frame, uint32_t len) override;
    int64_t GetInFlight() const override;
    bool HasCarrier() const override;

  protected:
    void DoDispose() override;
    bool Receive(Ptr<NetDevice> device,
                 Ptr<const Packet> packet,
                 uint16_t protocol,
                 const Address& from,
                 const Address& to,
                 NetDevice::PacketType type) override;
    bool Transmit(Ptr<Packet> packet, Mac48Address from, Mac48Address to, uint16_t type) override;
    void Rewrite(uint8_t* frame, uint32_t len) override;

  private:
    /// Tell the daemon, if there is a container.
    void SetCarrier(bool up, uint32_t ap = 0);
    /// The station got or lost its access point.
    void Associated(Mac48Address bssid);
    /// \copydoc Associated
    void Disassociated(Mac48Address bssid);

    bool m_mesh{false};                     //!< see SetMesh
    Ptr<GhostLedger> m_ledger;              //!< of the link
    uint32_t m_ledgerPort{0};               //!< index in it
    Ptr<StaWifiMac> m_station;              //!< nullptr: no station
    Ptr<GhostDistribution> m_distribution;  //!< of the link
    GhostMacNat m_nat;                      //!< for devices that can't
    std::array<uint8_t, 16384> m_scratch{}; //!< a frame that is being translated
};

} // namespace ns3

#endif /* GHOST_WIFI_PORT_H */
