/* SPDX-License-Identifier: GPL-2.0-only */
#include "scenario-builder.h"

#include "../model/ghost-medium.h"
#include "../model/ghost-wire.h"
#include "ghost-bridge-helper.h"

#include "ns3/csma-channel.h"
#include "ns3/csma-net-device.h"
#include "ns3/data-rate.h"
#include "ns3/drop-tail-queue.h"
#include "ns3/node.h"

#include <algorithm>

namespace ns3
{

namespace
{
/// Preamble and start frame delimiter, IEEE 802.3 clause 3.1.1.
constexpr uint32_t PREAMBLE_SIZE = 8;
/// Interpacket gap of 96 bit times, IEEE 802.3 clause 4.4.2.
constexpr uint32_t GAP_SIZE = 12;

/**
 * Number of a random stream, from a name alone: 64-bit FNV-1a, kept below 2^62 because ns-3
 * numbers the streams it assigns itself from 2^63 up.
 */
int64_t
StreamOf(const std::string& name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (char c : name)
    {
        hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
    }
    return static_cast<int64_t>(hash >> 2);
}
} // namespace

ScenarioBuilder::ScenarioBuilder(const struct scenario& scenario, uint32_t ghost, GhostWire* wire)
    : m_scenario(scenario)
    , m_ghost(ghost)
    , m_wire(wire)
{
}

std::string
ScenarioBuilder::Build()
{
    if (scenario_port_count(&m_scenario, m_ghost) != m_wire->GetNPorts())
    {
        return "the wire has " + std::to_string(m_wire->GetNPorts()) +
               " ports, the scenario's ghost " +
               std::to_string(scenario_port_count(&m_scenario, m_ghost));
    }
    for (size_t i = 0; i < m_scenario.link_count; i++)
    {
        const struct scenario_link& link = m_scenario.links[i];
        if (link.ghost != m_ghost)
        {
            continue;
        }
        std::string error;
        switch (link.kind)
        {
        case SCENARIO_LINK_CSMA:
            error = BuildCsma(link);
            break;
        case SCENARIO_LINK_WIRE:
            break;
        }
        if (!error.empty())
        {
            return error;
        }
    }
    return "";
}

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
std::string
ScenarioBuilder::BuildCsma(const struct scenario_link& link)
{
    DataRate rate(link.rate_bps);
    Time gap = std::max(rate.CalculateBytesTxTime(PREAMBLE_SIZE + GAP_SIZE), NanoSeconds(2));
    Time delay = rate.CalculateBytesTxTime(PREAMBLE_SIZE) + NanoSeconds(link.delay_ns);
    Time channelDelay = std::min(delay, gap - NanoSeconds(1));
    Time tail = delay - channelDelay;
    tail -= std::min(tail, NanoSeconds(m_scenario.lag_ns));

    Ptr<CsmaChannel> channel = CreateObject<CsmaChannel>();
    channel->SetAttribute("DataRate", DataRateValue(rate));
    channel->SetAttribute("Delay", TimeValue(channelDelay));

    Ptr<GhostMedium> medium = CreateObject<GhostMedium>();
    medium->Configure(rate, gap, link.queue_frames);

    GhostBridgeHelper helper(m_wire);
    for (uint32_t i = 0; i < link.end_count; i++)
    {
        const struct scenario_end& end = m_scenario.ends[link.first_end + i];
        Ptr<Node> node = CreateObject<Node>();
        Ptr<CsmaNetDevice> device = CreateObject<CsmaNetDevice>();
        // Frames wait at the medium's arbiter; the device never has more than one.
        device->SetQueue(CreateObject<DropTailQueue<Packet>>());
        device->SetMtu(static_cast<uint16_t>(link.mtu));
        node->AddDevice(device);
        device->Attach(channel);
        device->SetInterframeGap(gap);
        device->AssignStreams(StreamOf(std::string(link.name) + "/" + end.port_name));

        Ptr<GhostPort> port = helper.Install(node, device, end.port_name);
        if (!port)
        {
            return std::string("the wire has no port ") + end.port_name;
        }
        port->SetTail(tail);
        port->SetMedium(medium, medium->Add(device));
        port->SetPeers(link.end_count - 1);
        device->TraceConnectWithoutContext("PhyTxEnd",
                                           MakeCallback(&GhostPort::CountTransmitted, port));
        device->TraceConnectWithoutContext("PhyTxDrop",
                                           MakeCallback(&GhostPort::CountMediumDrop, port));
    }
    return "";
}

} // namespace ns3
