/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_BEARER_TAP_H
#define GHOST_BEARER_TAP_H

#include "ghost-cell-books.h"

#include "ns3/lte-mac-sap.h"
#include "ns3/lte-pdcp.h"
#include "ns3/lte-rlc-sap.h"
#include "ns3/lte-rlc.h"

namespace ns3
{

/**
 * \brief Tells the books of a cell what enters and what leaves the queue of a radio bearer.
 *
 * ns-3's trace sources there have sizes only. So this stands in the two service access points of
 * the sending RLC entity, between PDCP and RLC and between RLC and MAC, and hands everything on.
 * It is aggregated to the RLC entity and dies with it.
 */
class GhostBearerTap : public Object, private LteRlcSapProvider, private LteMacSapProvider
{
  public:
    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    /**
     * \brief Listen at a bearer, unless somebody does already.
     * \param rlc in unacknowledged mode
     * \param pdcp that sends through it, or nullptr
     * \param mac that the RLC entity sends to; outlives it
     * \param books to be told
     */
    static void
    Follow(Ptr<LteRlc> rlc, Ptr<LtePdcp> pdcp, LteMacSapProvider* mac, Ptr<GhostCellBooks> books);

    /// \return where whoever isn't a PDCP entity sends to
    LteRlcSapProvider* GetEntrance();

  private:
    // Inherited from LteRlcSapProvider
    void TransmitPdcpPdu(TransmitPdcpPduParameters params) override;
    // Inherited from LteMacSapProvider
    void TransmitPdu(TransmitPduParameters params) override;
    void ReportBufferStatus(ReportBufferStatusParameters params) override;

    /// The queue is full.
    void Dropped(Ptr<const Packet> packet);

    LteRlcSapProvider* m_rlc{nullptr}; //!< of the RLC entity
    LteMacSapProvider* m_mac{nullptr}; //!< see Follow
    Ptr<GhostCellBooks> m_books;       //!< see Follow
};

} // namespace ns3

#endif /* GHOST_BEARER_TAP_H */
