/* SPDX-License-Identifier: GPL-2.0-only */
#include "build-context.h"

#include "../model/ghost-medium.h"

#include "ns3/csma-channel.h"
#include "ns3/csma-net-device.h"
#include "ns3/data-rate.h"
#include "ns3/drop-tail-queue.h"

#include <algorithm>

namespace ns3
{

namespace
{
/// Preamble and start frame delimiter, IEEE 802.3 clause 3.1.1.
constexpr uint32_t PREAMBLE_SIZE = 8;
/// Interpacket gap of 96 bit times, IEEE 802.3 clause 4.4.2.
constexpr uint32_t GAP_SIZE = 12;
} // namespace

/*
 * ns-3's CSMA counts no preamble, and holds the medium until a frame has propagated to everybody.
 * Here
 *  - the device's interframe gap is 20 byte times (preamble + gap), so that senders reach the frame
 *    rates of RFC 2544 appendix B;
 *  - the channel's delay is the preamble's time plus the propagation delay, but ends just before
 *    the gap does: beyond it the medium would be held longer than a real one is. The rest is pure
 *    waiting, which the receiving ports add, less the lag, which the shuttle adds;
 *  - GhostMedium grants the medium, so that one sender can't keep the others off it.
 */
void
BuildCsma(BuildContext& context, const struct scenario_link& link)
{
    const struct scenario& scenario = context.GetScenario();
    DataRate rate(link.rate_bps);
    Time gap = std::max(rate.CalculateBytesTxTime(PREAMBLE_SIZE + GAP_SIZE), NanoSeconds(2));
    Time delay = rate.CalculateBytesTxTime(PREAMBLE_SIZE) + NanoSeconds(link.delay_ns);
    Time channelDelay = std::min(delay, gap - NanoSeconds(1));
    Time tail = delay - channelDelay;
    tail -= std::min(tail, NanoSeconds(scenario.lag_ns));

    Ptr<CsmaChannel> channel = CreateObject<CsmaChannel>();
    channel->SetAttribute("DataRate", DataRateValue(rate));
    channel->SetAttribute("Delay", TimeValue(channelDelay));

    Ptr<GhostMedium> medium = CreateObject<GhostMedium>();
    medium->Configure(rate, gap, link.queue_frames);

    for (uint32_t i = 0; i < link.end_count; i++)
    {
        const struct scenario_end& end = scenario.ends[link.first_end + i];
        Ptr<Node> node = context.GetNode(end);
        Ptr<CsmaNetDevice> device = CreateObject<CsmaNetDevice>();
        // Frames wait at the medium's arbiter; the device never has more than one.
        device->SetQueue(CreateObject<DropTailQueue<Packet>>());
        device->SetMtu(static_cast<uint16_t>(link.mtu));
        node->AddDevice(device);
        device->Attach(channel);
        device->SetInterframeGap(gap);
        device->AssignStreams(BuildContext::StreamOf(std::string(link.name) + "/" + end.port_name));

        Ptr<GhostPort> port = context.Attach(end, device);
        port->SetTail(tail);
        port->SetMedium(medium, medium->Add(device));
        port->SetPeers(link.end_count - 1);
        device->TraceConnectWithoutContext("PhyTxEnd",
                                           MakeCallback(&GhostPort::CountTransmitted, port));
        device->TraceConnectWithoutContext("PhyTxDrop",
                                           MakeCallback(&GhostPort::CountMediumDrop, port));
    }
}

} // namespace ns3
