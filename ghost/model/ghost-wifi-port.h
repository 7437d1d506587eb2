/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_WIFI_PORT_H
#define GHOST_WIFI_PORT_H

#include "ghost-distribution.h"
#include "ghost-ledger.h"
#include "ghost-silence.h"
#include "ghost-station-port.h"

#include "ns3/wifi-phy.h"

namespace ns3
{

/**
 * \brief One container interface at a Wi-Fi device of a link of kind wifi.
 *
 * An access point sends with any source address, the others as a GhostStationPort. The books are
 * kept by the link's GhostLedger.
 */
class GhostWifiPort : public GhostStationPort
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
     * \brief Whom to tell of associations; after SetLedger.
     * \param distribution of the link
     */
    void SetDistribution(Ptr<GhostDistribution> distribution);

    /**
     * \brief What silences the radio while the port is down; after SetLedger.
     * \param silence of the link's channel
     * \param phy of the device
     */
    void SetSilence(Ptr<GhostSilence> silence, Ptr<WifiPhy> phy);

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
    void SetDown(bool down) override;
    int64_t GetInFlight() const override;

  protected:
    void DoDispose() override;
    bool Receive(Ptr<NetDevice> device,
                 Ptr<const Packet> packet,
                 uint16_t protocol,
                 const Address& from,
                 const Address& to,
                 NetDevice::PacketType type) override;
    bool Transmit(Ptr<Packet> packet, Mac48Address from, Mac48Address to, uint16_t type) override;
    uint32_t GetAccessPoint(Mac48Address bssid) override;
    void SetOther(Mac48Address other) override;

  private:
    bool m_mesh{false};                    //!< see SetMesh
    Ptr<GhostLedger> m_ledger;             //!< of the link
    uint32_t m_ledgerPort{0};              //!< index in it
    Ptr<GhostDistribution> m_distribution; //!< of the link
    Ptr<GhostSilence> m_silence;           //!< see SetSilence
    Ptr<WifiPhy> m_phy;                    //!< see SetSilence
};

} // namespace ns3

#endif /* GHOST_WIFI_PORT_H */
