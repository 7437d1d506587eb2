/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_STATION_PORT_H
#define GHOST_STATION_PORT_H

#include "ghost-mac-nat.h"
#include "ghost-port.h"

#include "ns3/sta-wifi-mac.h"

#include <array>

namespace ns3
{

/**
 * \brief One container interface at a device that may send with its own address only.
 *
 * That is a Wi-Fi station, an ad hoc station and a mesh point. Frames from other addresses are
 * translated, as wireless client bridges do (GhostMacNat). Behind a station of an infrastructure
 * network the interface's carrier follows the association.
 */
class GhostStationPort : public GhostPort
{
  public:
    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    GhostStationPort() = default;

    /**
     * \brief The interface's carrier follows a station's association; after Connect.
     * \param mac of the device
     */
    void SetStation(Ptr<StaWifiMac> mac);

    // Inherited from GhostPort
    void Inject(const uint8_t* frame, uint32_t len) override;
    bool HasCarrier() const override;

  protected:
    void DoDispose() override;
    void ConnectDevice(Ptr<NetDevice> device, struct stats_port& stats, bool promiscuous) override;
    bool Transmit(Ptr<Packet> packet, Mac48Address from, Mac48Address to, uint16_t type) override;
    void Rewrite(uint8_t* frame, uint32_t len) override;

    /// \return whether a frame can't be sent, there being no access point; then it is counted
    bool DropUnassociated();

    /// \return 1 + index of the end that an access point is, 0 if it isn't one
    virtual uint32_t GetAccessPoint(Mac48Address bssid);

  private:
    /// Tell the daemon, if there is a container.
    void SetCarrier(bool up, uint32_t ap = 0);
    /// The station got or lost its access point.
    void Associated(Mac48Address bssid);
    /// \copydoc Associated
    void Disassociated(Mac48Address bssid);

    Ptr<StaWifiMac> m_station;              //!< nullptr: no station
    GhostMacNat m_nat;                      //!< for devices that can't send from any address
    std::array<uint8_t, 16384> m_scratch{}; //!< a frame that is being translated
};

} // namespace ns3

#endif /* GHOST_STATION_PORT_H */
