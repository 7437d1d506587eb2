/* SPDX-License-Identifier: GPL-2.0-only */
#include "build-context.h"

#include "../model/ghost-medium.h"
#include "../model/ghost-slot.h"

#include "ns3/csma-channel.h"
#include "ns3/csma-net-device.h"
#include "ns3/data-rate.h"
#include "ns3/simulator.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace ns3
{

namespace
{
/// Preamble and start frame delimiter, IEEE 802.3 clause 3.1.1.
constexpr uint32_t PREAMBLE_SIZE = 8;
/// Interpacket gap of 96 bit times, IEEE 802.3 clause 4.4.2.
constexpr uint32_t GAP_SIZE = 12;
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
class CsmaSegment : public std::enable_shared_from_this<CsmaSegment>
{
  public:
    CsmaSegment(const struct scenario& scenario, const struct scenario_link& link)
        : m_rate(link.rate_bps)
        , m_delay(NanoSeconds(link.delay_ns))
        , m_lag(NanoSeconds(scenario.lag_ns))
        , m_queueLength(link.queue_frames)
        , m_medium(CreateObject<GhostMedium>())
        , m_spacing(std::make_shared<GhostSpacing>(GhostSpacing::SHARED, link.rate_bps))
    {
        MakeChannel();
        ConfigureMedium();
    }

    Ptr<GhostMedium> GetMedium() const
    {
        return m_medium;
    }

    /// Connect a device with its channel.
    void Add(Ptr<CsmaNetDevice> device)
    {
        m_devices.push_back(device);
        Attach(device);
    }

    /// Let a port wait for what the channel doesn't.
    void Add(Ptr<GhostPort> port)
    {
        m_ports.push_back(port);
        port->SetSpacing(m_spacing);
        port->SetTail(GetTail(), m_lag);
    }

    void SetDelay(Time delay)
    {
        Time before = GetChannelDelay();
        m_delay = delay;
        m_channel->SetAttribute("Delay", TimeValue(GetChannelDelay()));
        ChangeTails(m_channel, before);
    }

    void SetQueueLength(uint32_t frames)
    {
        m_queueLength = frames;
        ConfigureMedium();
    }

    /// The frame that is being sent is finished as it began.
    void SetRate(DataRate rate)
    {
        auto self = shared_from_this();
        m_medium->WhenFree([self, rate]() { self->SwitchRate(rate); });
    }

  private:
    Time GetGap() const
    {
        return std::max(m_rate.CalculateBytesTxTime(PREAMBLE_SIZE + GAP_SIZE), NanoSeconds(2));
    }

    /// From the first bit of the preamble to the frame's arrival, less the time the frame takes.
    Time GetWholeDelay() const
    {
        return m_rate.CalculateBytesTxTime(PREAMBLE_SIZE) + m_delay;
    }

    Time GetChannelDelay() const
    {
        return std::min(GetWholeDelay(), GetGap() - NanoSeconds(1));
    }

    Time GetTail() const
    {
        return GetWholeDelay() - GetChannelDelay();
    }

    /*
     * A frame whose last bit has left keeps the delay it has: where one is on the channel, the tail
     * waits for it. The next can't arrive as early as that.
     */
    void ChangeTails(Ptr<CsmaChannel> channel, Time channelDelay)
    {
        if (channel->GetState() != PROPAGATING)
        {
            SetTails();
            return;
        }
        auto self = shared_from_this();
        Simulator::Schedule(channelDelay, [self]() { self->SetTails(); });
    }

    void SetTails()
    {
        for (const auto& port : m_ports)
        {
            port->SetTail(GetTail(), m_lag);
        }
    }

    void ConfigureMedium()
    {
        m_medium->Configure(m_rate, GetGap(), m_queueLength);
    }

    void MakeChannel()
    {
        m_channel = CreateObject<CsmaChannel>();
        m_channel->SetAttribute("DataRate", DataRateValue(m_rate));
        m_channel->SetAttribute("Delay", TimeValue(GetChannelDelay()));
    }

    void Attach(Ptr<CsmaNetDevice> device)
    {
        device->Attach(m_channel);
        device->SetInterframeGap(GetGap());
    }

    /*
     * A device takes the rate over from its channel when it is attached, and never again. So it
     * gets a new channel; what still propagates on the old one arrives from there.
     */
    void SwitchRate(DataRate rate)
    {
        auto self = shared_from_this();
        if (m_channel->GetState() == TRANSMITTING)
        {
            // A device without a port, which the medium knows nothing of.
            Simulator::Schedule(GetGap(), [self, rate]() { self->SetRate(rate); });
            return;
        }
        Ptr<CsmaChannel> old = m_channel;
        Time before = GetChannelDelay();
        Simulator::Schedule(GetGap(), [old]() {});
        m_rate = rate;
        m_spacing->SetRate(rate.GetBitRate());
        MakeChannel();
        for (const auto& device : m_devices)
        {
            Attach(device);
        }
        ConfigureMedium();
        ChangeTails(old, before);
    }

    DataRate m_rate;                           //!< of the segment
    Time m_delay;                              //!< propagation
    Time m_lag;                                //!< of the experiment
    uint32_t m_queueLength;                    //!< frames that may wait at each port
    Ptr<GhostMedium> m_medium;                 //!< grants the channel
    std::shared_ptr<GhostSpacing> m_spacing;   //!< checks what is sent on it
    Ptr<CsmaChannel> m_channel;                //!< ns-3's
    std::vector<Ptr<CsmaNetDevice>> m_devices; //!< on it
    std::vector<Ptr<GhostPort>> m_ports;       //!< at them
};

bool
Ignore(Ptr<NetDevice>, Ptr<const Packet>, uint16_t, const Address&)
{
    return true;
}
} // namespace

void
BuildCsma(BuildContext& context, const struct scenario_link& link)
{
    const struct scenario& scenario = context.GetScenario();
    auto segment = std::make_shared<CsmaSegment>(scenario, link);

    for (uint32_t i = 0; i < link.end_count; i++)
    {
        const struct scenario_end& end = scenario.ends[link.first_end + i];
        Ptr<Node> node = context.GetNode(end);
        Ptr<CsmaNetDevice> device = CreateObject<CsmaNetDevice>();
        // Frames wait at the medium's arbiter; the device never has more than one.
        device->SetQueue(CreateObject<GhostSlot>());
        device->SetMtu(static_cast<uint16_t>(link.mtu));
        node->AddDevice(device);
        // A port takes frames; no stack listens to the device itself, so don't look for one.
        device->SetReceiveCallback(MakeCallback(&Ignore));
        segment->Add(device);
        device->AssignStreams(BuildContext::StreamOf(std::string(link.name) + "/" + end.port_name));

        Ptr<GhostPort> port = context.Attach(end, device);
        segment->Add(port);
        port->SetMedium(segment->GetMedium(), segment->GetMedium()->Add(device));
        port->SetPeers(link.end_count - 1);
        device->TraceConnectWithoutContext(
            "PhyTxEnd", MakeCallback(&GhostPort::CountTransmitted, PeekPointer(port)));
        device->TraceConnectWithoutContext("PhyTxDrop",
                                           MakeCallback(&GhostPort::CountMediumDrop, port));
    }

    context.OnChange(link,
                     nullptr,
                     "rate",
                     [segment](const struct scenario_change& change)
                     { segment->SetRate(DataRate(change.number)); });
    context.OnChange(link,
                     nullptr,
                     "delay",
                     [segment](const struct scenario_change& change)
                     { segment->SetDelay(NanoSeconds(change.number)); });
    context.OnChange(link,
                     nullptr,
                     "queue",
                     [segment](const struct scenario_change& change)
                     { segment->SetQueueLength(static_cast<uint32_t>(change.number)); });
}

} // namespace ns3
