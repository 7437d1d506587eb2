/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_P2P_CHANNEL_H
#define GHOST_P2P_CHANNEL_H

#include "ns3/channel.h"

#include <array>

namespace ns3
{

class GhostP2pDevice;

/**
 * \brief Joins two GhostP2pDevices. What happens to a frame on its way is decided by the sender's
 * GhostP2pLine.
 */
class GhostP2pChannel : public Channel
{
  public:
    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    GhostP2pChannel() = default;

    /// \param device the first or second end
    void Attach(Ptr<GhostP2pDevice> device);

    /**
     * \param device one end
     * \return the other, nullptr if there is none yet
     */
    Ptr<GhostP2pDevice> GetPeer(const GhostP2pDevice* device) const;

    // Inherited from Channel
    std::size_t GetNDevices() const override;
    Ptr<NetDevice> GetDevice(std::size_t i) const override;

  protected:
    void DoDispose() override;

  private:
    std::array<Ptr<GhostP2pDevice>, 2> m_devices; //!< both ends
    std::size_t m_count{0};                       //!< how many there are
};

} // namespace ns3

#endif /* GHOST_P2P_CHANNEL_H */
