/* SPDX-License-Identifier: GPL-2.0-only */
#include "wifi-builder.h"

#include "ns3/block-ack-manager.h"
#include "ns3/qos-txop.h"
#include "ns3/wifi-mac.h"

namespace ns3
{

void
MendAgreements(Ptr<WifiMac> mac)
{
    if (!mac->GetQosSupported())
    {
        return;
    }
    using State = OriginatorBlockAckAgreement::State;
    for (AcIndex ac : {AC_BE, AC_BK, AC_VI, AC_VO})
    {
        // Borrowed: the manager whose trace source holds the callback belongs to it.
        QosTxop* txop = PeekPointer(mac->GetQosTxop(ac));
        auto changed = [txop](Time, Mac48Address recipient, uint8_t tid, State state)
        {
            // While it is pending nothing is sent, and both sides count from the same frame.
            if (state == OriginatorBlockAckAgreement::ESTABLISHED &&
                !txop->GetBaManager()->ExistsAgreementInState(
                    recipient, tid, OriginatorBlockAckAgreement::PENDING))
            {
                txop->ScheduleBar(txop->PrepareBlockAckRequest(recipient, tid));
            }
        };
        txop->GetBaManager()->TraceConnectWithoutContext(
            "AgreementState", Callback<void, Time, Mac48Address, uint8_t, State>(changed));
    }
}

} // namespace ns3
