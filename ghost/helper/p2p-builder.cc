/* SPDX-License-Identifier: GPL-2.0-only */
#include "build-context.h"

#include "../model/ghost-p2p-channel.h"
#include "../model/ghost-p2p-device.h"

#include "ns3/boolean.h"
#include "ns3/codel-queue-disc.h"
#include "ns3/double.h"
#include "ns3/fq-codel-queue-disc.h"
#include "ns3/pie-queue-disc.h"
#include "ns3/red-queue-disc.h"
#include "ns3/string.h"
#include "ns3/uinteger.h"

namespace ns3
{

namespace
{

/// A time as the attributes have it that CoDel keeps as text.
std::string
TimeText(uint64_t ns)
{
    return std::to_string(ns) + "ns";
}

/**
 * RED measures idle times in packets that could have been sent meanwhile, so it must know the rate
 * and how long packets are; everything that isn't set here is as ns-3 has it.
 */
Ptr<QueueDisc>
MakeRed(const struct scenario_queue& queue, uint64_t rateBps, uint32_t mtu, int64_t stream)
{
    Ptr<RedQueueDisc> red = CreateObject<RedQueueDisc>();
    red->SetAttribute("MinTh", DoubleValue(queue.min_frames));
    red->SetAttribute("MaxTh", DoubleValue(queue.max_frames));
    red->SetAttribute("LInterm", DoubleValue(1.0 / queue.max_share));
    red->SetAttribute("QW", DoubleValue(queue.weight));
    red->SetAttribute("Gentle", BooleanValue(queue.gentle));
    red->SetAttribute("UseEcn", BooleanValue(queue.ecn));
    red->SetAttribute("LinkBandwidth", DataRateValue(DataRate(rateBps)));
    red->SetAttribute("MeanPktSize", UintegerValue(mtu));
    red->AssignStreams(stream);
    return red;
}

Ptr<QueueDisc>
MakePie(const struct scenario_queue& queue, uint32_t mtu, int64_t stream)
{
    Ptr<PieQueueDisc> pie = CreateObject<PieQueueDisc>();
    pie->SetAttribute("QueueDelayReference", TimeValue(NanoSeconds(queue.target_ns)));
    pie->SetAttribute("Tupdate", TimeValue(NanoSeconds(queue.interval_ns)));
    pie->SetAttribute("MaxBurstAllowance", TimeValue(NanoSeconds(queue.burst_ns)));
    pie->SetAttribute("MeanPktSize", UintegerValue(mtu));
    pie->SetAttribute("UseEcn", BooleanValue(queue.ecn));
    pie->AssignStreams(stream);
    return pie;
}

Ptr<QueueDisc>
MakeFqCodel(const struct scenario_queue& queue, uint32_t mtu)
{
    Ptr<FqCoDelQueueDisc> disc = CreateObject<FqCoDelQueueDisc>();
    disc->SetAttribute("Target", StringValue(TimeText(queue.target_ns)));
    disc->SetAttribute("Interval", StringValue(TimeText(queue.interval_ns)));
    disc->SetAttribute("Flows", UintegerValue(queue.flows));
    disc->SetAttribute("UseEcn", BooleanValue(queue.ecn));
    disc->SetQuantum(queue.quantum ? queue.quantum : mtu);
    return disc;
}

void
SetQueue(Ptr<GhostP2pQueue> to, const struct scenario_direction& way, uint32_t mtu, int64_t stream)
{
    const struct scenario_queue& queue = way.queue;
    Ptr<QueueDisc> disc;
    switch (queue.discipline)
    {
    case SCENARIO_DROP_TAIL:
        to->SetDropTail(queue.limit_frames, queue.limit_size);
        return;
    case SCENARIO_RED:
        disc = MakeRed(queue, scenario_direction_rate_bps(&way), mtu, stream);
        break;
    case SCENARIO_PIE:
        disc = MakePie(queue, mtu, stream);
        break;
    case SCENARIO_CODEL:
        disc = CreateObjectWithAttributes<CoDelQueueDisc>("Target",
                                                          StringValue(TimeText(queue.target_ns)),
                                                          "Interval",
                                                          StringValue(TimeText(queue.interval_ns)),
                                                          "MinBytes",
                                                          UintegerValue(mtu),
                                                          "UseEcn",
                                                          BooleanValue(queue.ecn));
        break;
    case SCENARIO_FQ_CODEL:
        disc = MakeFqCodel(queue, mtu);
        break;
    }
    disc->SetMaxSize(QueueSize(QueueSizeUnit::PACKETS, queue.limit_frames));
    to->SetDisc(disc);
}

void
SetLine(Ptr<GhostP2pLine> line, const struct scenario_direction& way)
{
    line->SetDelay(NanoSeconds(way.delay_ns));
    switch (way.spread)
    {
    case SCENARIO_SPREAD_NONE:
        break;
    case SCENARIO_SPREAD_UNIFORM:
        line->SetJitter(GhostP2pLine::UNIFORM, NanoSeconds(way.jitter_ns), way.jitter_reorders);
        break;
    case SCENARIO_SPREAD_NORMAL:
        line->SetJitter(GhostP2pLine::NORMAL, NanoSeconds(way.jitter_ns), way.jitter_reorders);
        break;
    case SCENARIO_SPREAD_PARETO:
        line->SetJitter(GhostP2pLine::PARETO, NanoSeconds(way.jitter_ns), way.jitter_reorders);
        break;
    }
    if (way.has_burst_loss)
    {
        const struct scenario_burst_loss& loss = way.burst_loss;
        line->SetBurstLoss(loss.p, loss.r, loss.loss_good, loss.loss_bad);
    }
    else
    {
        line->SetLoss(way.loss);
    }
    line->SetDuplicate(way.duplicate);
    line->SetCorrupt(way.corrupt);
    line->SetReorder(way.reorder, NanoSeconds(way.reorder_hold_ns));
}

/// Let what an end sends with be changed.
void
RegisterChanges(BuildContext& context,
                const struct scenario_link& link,
                const struct scenario_end& end,
                Ptr<GhostP2pDevice> device,
                std::shared_ptr<GhostSpacing> spacing)
{
    using Change = const struct scenario_change&;
    context.OnChange(link,
                     &end,
                     "rate",
                     [device, spacing](Change change)
                     {
                         if (!device->HasTrace())
                         {
                             device->SetDataRate(DataRate(change.number));
                             spacing->SetRate(change.number);
                             return;
                         }
                         throw std::runtime_error("its rate is that of a trace, and cannot be set");
                     });
    Ptr<GhostP2pLine> line = device->GetLine();
    context.OnChange(
        link, &end, "delay", [line](Change change) { line->SetDelay(NanoSeconds(change.number)); });
    context.OnChange(link,
                     &end,
                     "jitter",
                     [line](Change change) { line->SetJitterWidth(NanoSeconds(change.number)); });
    context.OnChange(link, &end, "loss", [line](Change change) { line->SetLoss(change.real); });
    context.OnChange(
        link, &end, "duplicate", [line](Change change) { line->SetDuplicate(change.real); });
    context.OnChange(
        link, &end, "corrupt", [line](Change change) { line->SetCorrupt(change.real); });
    context.OnChange(link,
                     &end,
                     "queue",
                     [device](Change change)
                     { device->GetQueue()->SetLimit(static_cast<uint32_t>(change.number)); });
}

} // namespace

void
BuildP2p(BuildContext& context, const struct scenario_link& link)
{
    const struct scenario& scenario = context.GetScenario();
    Ptr<GhostP2pChannel> channel = CreateObject<GhostP2pChannel>();
    for (uint32_t i = 0; i < link.end_count; i++)
    {
        const struct scenario_end& end = scenario.ends[link.first_end + i];
        const struct scenario_end& other = scenario.ends[link.first_end + 1 - i];
        const struct scenario_direction& way = link.ways[i];
        int64_t stream = BuildContext::StreamOf(std::string(link.name) + "/" + end.port_name);

        Ptr<GhostP2pDevice> device = CreateObject<GhostP2pDevice>();
        std::shared_ptr<GhostSpacing> spacing;
        if (way.trace_ms)
        {
            GhostRateTrace trace(
                std::vector<uint32_t>(way.trace_ms, way.trace_ms + way.trace_count));
            device->SetTrace(trace);
            spacing = std::make_shared<GhostSpacing>(trace);
        }
        else
        {
            device->SetDataRate(DataRate(way.rate_bps));
            spacing = std::make_shared<GhostSpacing>(GhostSpacing::LINE, way.rate_bps);
        }
        device->SetMtu(static_cast<uint16_t>(link.mtu));
        stream += device->GetLine()->AssignStreams(stream);
        SetLine(device->GetLine(), way);
        SetQueue(device->GetQueue(), way, link.mtu, stream);
        if (scenario_node_is_real(&scenario.nodes[other.node]))
        {
            // The shuttle there adds it again.
            device->GetLine()->SetEarly(NanoSeconds(scenario.lag_ns));
        }
        context.GetNode(end)->AddDevice(device);
        device->Attach(channel);
        Ptr<GhostPort> port = context.Attach(end, device);
        port->SetLine(device);
        port->SetSpacing(spacing);
        // With jitter that may reorder, and where frames are held back, only the queue keeps order.
        bool far = way.reorder == 0 && !way.jitter_reorders;
        uint32_t flows = way.queue.discipline == SCENARIO_FQ_CODEL ? way.queue.flows : 1;
        device->CheckOrder(port->GetStats().order, flows, far);
        RegisterChanges(context, link, end, device, spacing);
    }
}

} // namespace ns3
