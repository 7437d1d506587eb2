/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-bearer-tap.h"

#include "bridge/wire/stats.h"

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostBearerTap);

TypeId
GhostBearerTap::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostBearerTap")
                            .SetParent<Object>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostBearerTap>();
    return tid;
}

void
GhostBearerTap::Follow(Ptr<LteRlc> rlc,
                       Ptr<LtePdcp> pdcp,
                       LteMacSapProvider* mac,
                       Ptr<GhostCellBooks> books)
{
    if (rlc->GetObject<GhostBearerTap>())
    {
        return;
    }
    Ptr<GhostBearerTap> tap = CreateObject<GhostBearerTap>();
    tap->m_rlc = rlc->GetLteRlcSapProvider();
    tap->m_mac = mac;
    tap->m_books = books;
    rlc->AggregateObject(tap);
    rlc->SetLteMacSapProvider(PeekPointer(tap));
    rlc->TraceConnectWithoutContext("TxDrop",
                                    MakeCallback(&GhostBearerTap::Dropped, PeekPointer(tap)));
    if (pdcp)
    {
        pdcp->SetLteRlcSapProvider(PeekPointer(tap));
    }
}

LteRlcSapProvider*
GhostBearerTap::GetEntrance()
{
    return this;
}

void
GhostBearerTap::TransmitPdcpPdu(TransmitPdcpPduParameters params)
{
    m_books->Queue(params.pdcpPdu);
    m_rlc->TransmitPdcpPdu(params);
}

void
GhostBearerTap::TransmitPdu(TransmitPduParameters params)
{
    m_books->Transmit(params.pdu);
    m_mac->TransmitPdu(params);
}

void
GhostBearerTap::ReportBufferStatus(ReportBufferStatusParameters params)
{
    m_mac->ReportBufferStatus(params);
}

void
GhostBearerTap::Dropped(Ptr<const Packet> packet)
{
    m_books->Drop(packet, STATS_DROP_QUEUE);
}

} // namespace ns3
