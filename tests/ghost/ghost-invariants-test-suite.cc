/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The invariants of links: sound devices never break them, whatever is sent and however their rates
 * change; a device, queue, line or medium with a fault breaks the one that it must.
 */
#include "ghost/model/ghost-p2p-channel.h"
#include "ghost/model/ghost-port.h"

#include "ns3/core-module.h"
#include "ns3/csma-channel.h"
#include "ns3/csma-net-device.h"
#include "ns3/drop-tail-queue.h"
#include "ns3/fq-codel-queue-disc.h"
#include "ns3/node.h"
#include "ns3/test.h"

using namespace ns3;

namespace
{

constexpr uint64_t RATE = 10000000;

/// Ports on a link: what they count, and what sends.
struct Ends
{
    Ends()
    {
        RngSeedManager::SetSeed(1);
        random = CreateObject<UniformRandomVariable>();
        random->SetStream(7);
    }

    ~Ends()
    {
        Simulator::Destroy();
    }

    Ptr<GhostPort> Join(Ptr<NetDevice> device, int index)
    {
        Ptr<GhostPort> port = CreateObject<GhostPort>();
        device->AggregateObject(port);
        nics[index] = CreateObject<GhostNic>();
        port->Connect(nics[index], stats[index], true, device);
        return ports[index] = port;
    }

    void Send(uint32_t size, int from = 0, uint16_t type = 0x88b5)
    {
        ports[from]->SendFrame(Create<Packet>(size),
                               Mac48Address("02:00:00:00:00:01"),
                               Mac48Address("02:00:00:00:00:09"),
                               type);
    }

    /// Frames of all sizes in bursts and lulls.
    void SendAtRandom(int frames, Time mean, uint32_t sizeMax, int senders = 1)
    {
        Time at;
        for (int i = 0; i < frames; i++)
        {
            at += Time(static_cast<int64_t>(random->GetValue(0, 2) *
                                            static_cast<double>(mean.GetNanoSeconds()) *
                                            (random->GetValue() < 0.1   ? 10
                                             : random->GetValue() < 0.5 ? 0
                                                                        : 1)));
            uint32_t size = random->GetInteger(1, sizeMax);
            int from = static_cast<int>(random->GetInteger(0, static_cast<uint32_t>(senders - 1)));
            Simulator::Schedule(at, [this, size, from]() { Send(size, from); });
        }
    }

    struct stats_port stats[3] = {};
    Ptr<GhostNic> nics[3];
    Ptr<GhostPort> ports[3];
    Ptr<UniformRandomVariable> random;
};

/// A line from port 0 to port 1.
struct Line : Ends
{
    /// \param spacing what the scenario says
    explicit Line(std::shared_ptr<GhostSpacing> rule, uint32_t flows = 1, bool far = true)
        : spacing(rule)
    {
        Ptr<GhostP2pChannel> channel = CreateObject<GhostP2pChannel>();
        for (int i = 0; i < 2; i++)
        {
            Ptr<Node> node = CreateObject<Node>();
            devices[i] = CreateObject<GhostP2pDevice>();
            devices[i]->SetAddress(Mac48Address::Allocate());
            node->AddDevice(devices[i]);
            devices[i]->Attach(channel);
            devices[i]->SetDataRate(DataRate(RATE));
            devices[i]->GetQueue()->SetDropTail(100000, 0);
            devices[i]->GetLine()->AssignStreams(100 * (i + 1));
            devices[i]->GetLine()->SetDelay(MilliSeconds(3));
            Join(devices[i], i)->SetLine(devices[i]);
            ports[i]->SetSpacing(spacing);
        }
        devices[0]->CheckOrder(stats[0].order, flows, far);
    }

    std::shared_ptr<GhostSpacing> spacing;
    Ptr<GhostP2pDevice> devices[2];
};

std::shared_ptr<GhostSpacing>
AtRate(uint64_t rate)
{
    return std::make_shared<GhostSpacing>(GhostSpacing::LINE, rate);
}

/// Lets every second frame pass the one before.
class UnfairDisc : public QueueDisc
{
  public:
    bool DoEnqueue(Ptr<QueueDiscItem> item) override
    {
        return GetInternalQueue(m_count++ % 2)->Enqueue(item);
    }

    Ptr<QueueDiscItem> DoDequeue() override
    {
        Ptr<QueueDiscItem> item = GetInternalQueue(1)->Dequeue();
        return item ? item : GetInternalQueue(0)->Dequeue();
    }

    bool CheckConfig() override
    {
        AddInternalQueue(CreateObject<DropTailQueue<QueueDiscItem>>());
        AddInternalQueue(CreateObject<DropTailQueue<QueueDiscItem>>());
        return true;
    }

    void InitializeParams() override
    {
    }

  private:
    size_t m_count{0}; //!< frames so far
};

/// Keeps one frame back until the next has been delivered.
class SwappingDevice : public CsmaNetDevice
{
  public:
    void SetPromiscReceiveCallback(NetDevice::PromiscReceiveCallback callback) override
    {
        m_port = callback;
        CsmaNetDevice::SetPromiscReceiveCallback(MakeCallback(&SwappingDevice::Swap, this));
    }

  private:
    bool Swap(Ptr<NetDevice> device,
              Ptr<const Packet> packet,
              uint16_t protocol,
              const Address& from,
              const Address& to,
              NetDevice::PacketType type)
    {
        if (!m_kept)
        {
            m_kept = packet->Copy();
            return true;
        }
        m_port(device, packet, protocol, from, to, type);
        return m_port(device, m_kept, protocol, from, to, type);
    }

    NetDevice::PromiscReceiveCallback m_port; //!< where frames go
    Ptr<Packet> m_kept;                       //!< the first
};

/// Two senders and a receiver on a medium, as BuildCsma makes it.
struct Segment : Ends
{
    Segment(Ptr<CsmaNetDevice> receiver, uint64_t deviceRate = RATE)
        : spacing(std::make_shared<GhostSpacing>(GhostSpacing::SHARED, RATE))
        , medium(CreateObject<GhostMedium>())
    {
        Time gap = DataRate(deviceRate).CalculateBytesTxTime(20);
        Ptr<CsmaChannel> channel = CreateObject<CsmaChannel>();
        channel->SetAttribute("DataRate", DataRateValue(DataRate(deviceRate)));
        channel->SetAttribute("Delay", TimeValue(gap - NanoSeconds(1)));
        medium->Configure(DataRate(deviceRate), gap, 10000);
        for (int i = 0; i < 3; i++)
        {
            Ptr<Node> node = CreateObject<Node>();
            Ptr<CsmaNetDevice> device = i == 2 ? receiver : CreateObject<CsmaNetDevice>();
            device->SetQueue(CreateObject<DropTailQueue<Packet>>());
            device->SetAddress(Mac48Address::Allocate());
            node->AddDevice(device);
            device->Attach(channel);
            device->SetInterframeGap(gap);
            Ptr<GhostPort> port = Join(device, i);
            port->SetSpacing(spacing);
            port->SetMedium(medium, medium->Add(device));
            port->SetPeers(2);
            port->SetTail(MilliSeconds(5), Time(0));
            device->TraceConnectWithoutContext(
                "PhyTxEnd", MakeCallback(&GhostPort::CountTransmitted, PeekPointer(port)));
        }
    }

    uint64_t Sum(struct stats_check stats_port::*check, uint64_t stats_check::*figure) const
    {
        return stats[0].*check.*figure + stats[1].*check.*figure + stats[2].*check.*figure;
    }

    std::shared_ptr<GhostSpacing> spacing;
    Ptr<GhostMedium> medium;
};

} // namespace

/**
 * \brief The rule itself, to the nanosecond.
 */
class SpacingTestCase : public TestCase
{
  public:
    SpacingTestCase()
        : TestCase("spacing, to the nanosecond")
    {
    }

  private:
    void DoRun() override
    {
        // 1000 bytes, and 18 + 20 around them, take 830.4 us at 10 Mbit/s; they may begin then.
        GhostSpacing line(GhostSpacing::LINE, RATE);
        NS_TEST_EXPECT_MSG_EQ(line.Depart(1000, 5), true, "the first");
        NS_TEST_EXPECT_MSG_EQ(line.Depart(46, 5 + 830400), true, "just then");
        NS_TEST_EXPECT_MSG_EQ(line.Depart(1, 5 + 830400 + 67199), false, "1 ns early");
        line.SetRate(2 * RATE);
        NS_TEST_EXPECT_MSG_EQ(line.Depart(1000, 5 + 830400 + 67199 + 67199), false, "begun before");
        NS_TEST_EXPECT_MSG_EQ(line.Depart(1000, 1100000 + 415200), true, "twice the rate");
        // Seen at their ends, sizes with header and FCS.
        GhostSpacing shared(GhostSpacing::SHARED, RATE);
        NS_TEST_EXPECT_MSG_EQ(shared.Depart(1018, 5), true, "the first");
        NS_TEST_EXPECT_MSG_EQ(shared.Depart(64, 5 + 67198), true, "rounded");
        NS_TEST_EXPECT_MSG_EQ(shared.Depart(64, 5 + 67198 + 67197), false, "too early");
        shared.SetRate(RATE / 10);
        NS_TEST_EXPECT_MSG_EQ(shared.Depart(64, 200000 + 16000 + 512000), true, "gap of before");
        NS_TEST_EXPECT_MSG_EQ(shared.Depart(64, 200000 + 16000 + 512000 + 671997), false, "early");
        // Opportunities at 1 ms, two at 4 ms, and again every 4 ms: 1504 bytes each.
        GhostSpacing trace(GhostRateTrace({1, 4, 4}));
        const uint64_t ms = 1000000;
        NS_TEST_EXPECT_MSG_EQ(trace.Depart(1000, 1 * ms), true, "1004 of 1504");
        NS_TEST_EXPECT_MSG_EQ(trace.Depart(496, 1 * ms), true, "all of it");
        NS_TEST_EXPECT_MSG_EQ(trace.Depart(1, 1 * ms), false, "one more");
        NS_TEST_EXPECT_MSG_EQ(trace.Depart(46, 2 * ms), false, "no opportunity");
        NS_TEST_EXPECT_MSG_EQ(trace.Depart(1500, 4 * ms), true, "one of two");
        NS_TEST_EXPECT_MSG_EQ(trace.Depart(1000, 4 * ms), true, "500 are left");
        NS_TEST_EXPECT_MSG_EQ(trace.Depart(1500, 5 * ms), true, "begun with those");
        NS_TEST_EXPECT_MSG_EQ(trace.Depart(496, 5 * ms), true, "which left as much here");
        NS_TEST_EXPECT_MSG_EQ(trace.Depart(1, 5 * ms), false, "not more");
        // What nobody used in the meantime is lost.
        NS_TEST_EXPECT_MSG_EQ(trace.Depart(1500, 401 * ms), true, "after a pause");
        NS_TEST_EXPECT_MSG_EQ(trace.Depart(1500, 401 * ms), false, "a second");
        NS_TEST_EXPECT_MSG_EQ(
            trace.Depart(8996, 413 * ms), true, "9000 bytes, with 4, 5, 8, 9, 12");
        NS_TEST_EXPECT_MSG_EQ(trace.Depart(8996, 416 * ms), false, "with two");
    }
};

/**
 * \brief Sound devices keep the rules under any load.
 */
class SoundTestCase : public TestCase
{
  public:
    SoundTestCase()
        : TestCase("sound links")
    {
    }

  private:
    void DoRun() override
    {
        const int count = 5000;
        {
            Line line(AtRate(RATE));
            line.SendAtRandom(count, MicroSeconds(700), 1500);
            line.devices[0]->GetLine()->SetJitter(GhostP2pLine::NORMAL, MilliSeconds(1), false);
            line.devices[0]->GetLine()->SetLoss(0.1);
            line.devices[0]->GetLine()->SetDuplicate(0.1);
            for (int i = 1; i < 300; i++)
            {
                uint64_t rate = line.random->GetInteger(1000000, 100000000);
                Time delay = MicroSeconds(line.random->GetInteger(0, 5000));
                Simulator::Schedule(MilliSeconds(10 * i),
                                    [&line, rate, delay]()
                                    {
                                        line.devices[0]->SetDataRate(DataRate(rate));
                                        line.devices[0]->GetLine()->SetDelay(delay);
                                        line.spacing->SetRate(rate);
                                    });
            }
            Simulator::Run();
            Sound(line.stats[0].spacing, count * 8 / 10);
            Sound(line.stats[0].order, count * 8 / 10);
        }
        for (uint32_t size : {1500u, 9000u})
        {
            GhostRateTrace trace({0, 1, 1, 3, 7, 7, 7, 20, 21, 30});
            Line line(std::make_shared<GhostSpacing>(trace));
            line.devices[0]->SetTrace(trace);
            line.SendAtRandom(count, MicroSeconds(size), size);
            Simulator::Run();
            Sound(line.stats[0].spacing, count);
            Sound(line.stats[0].order, count);
        }
        Segment segment(CreateObject<CsmaNetDevice>());
        segment.SendAtRandom(count, MicroSeconds(700), 1500, 3);
        Simulator::Schedule(Seconds(1),
                            [&segment]()
                            {
                                for (const auto& port : segment.ports)
                                {
                                    port->SetTail(MicroSeconds(100), Time(0));
                                }
                            });
        Simulator::Run();
        uint64_t frames = segment.stats[0].transmitted + segment.stats[1].transmitted +
                          segment.stats[2].transmitted;
        NS_TEST_EXPECT_MSG_EQ(frames, count, "all are sent");
        NS_TEST_EXPECT_MSG_EQ(
            segment.Sum(&stats_port::spacing, &stats_check::checked), count, "all");
        NS_TEST_EXPECT_MSG_EQ(segment.Sum(&stats_port::spacing, &stats_check::broken), 0, "sound");
        // Frames that were in the tail when it became shorter may be overtaken.
        NS_TEST_EXPECT_MSG_GT(segment.Sum(&stats_port::order, &stats_check::checked),
                              3 * count - 50,
                              "sent, and arrived twice");
        NS_TEST_EXPECT_MSG_EQ(segment.Sum(&stats_port::order, &stats_check::broken), 0, "sound");
    }

    void Sound(const struct stats_check& check, uint64_t least)
    {
        NS_TEST_EXPECT_MSG_GT_OR_EQ(check.checked, least, "checked");
        NS_TEST_EXPECT_MSG_EQ(check.broken, 0, "sound; first at " << check.first_ns << " ns");
    }
};

/**
 * \brief Faults are found, each by the rule that it breaks, and from when on.
 */
class FaultTestCase : public TestCase
{
  public:
    FaultTestCase()
        : TestCase("faults of links")
    {
    }

  private:
    void DoRun() override
    {
        {
            // A transmitter that is 1 % too fast, from a time on.
            Line line(AtRate(RATE));
            for (int i = 0; i < 100; i++)
            {
                line.Send(1000);
            }
            GhostInvariant::SetStart(MilliSeconds(1));
            Simulator::Schedule(MilliSeconds(50),
                                [&line]() { line.devices[0]->SetDataRate(DataRate(RATE * 1.01)); });
            Simulator::Run();
            GhostInvariant::SetStart(Time(0));
            // The 61st frame in flight then ends as it began; of the other 39 all but one are
            // early.
            NS_TEST_EXPECT_MSG_EQ(line.stats[0].spacing.checked, 100, "all");
            NS_TEST_EXPECT_MSG_EQ(line.stats[0].spacing.broken, 38, "from the change on");
            NS_TEST_EXPECT_MSG_GT(line.stats[0].spacing.first_ns, 49000000, "not earlier");
            NS_TEST_EXPECT_MSG_LT(line.stats[0].spacing.first_ns, 52000000, "nor later");
            NS_TEST_EXPECT_MSG_EQ(line.stats[0].order.broken, 0, "but in order");
        }
        {
            // A trace with more opportunities than the scenario's.
            Line line(std::make_shared<GhostSpacing>(GhostRateTrace({2, 4})));
            line.devices[0]->SetTrace(GhostRateTrace({2, 4, 4}));
            for (int i = 0; i < 30; i++)
            {
                line.Send(1500);
            }
            Simulator::Run();
            NS_TEST_EXPECT_MSG_EQ(line.stats[0].spacing.broken, 10, "every third");
        }
        {
            // A queue that lets frames pass each other.
            Line line(AtRate(RATE));
            line.devices[0]->GetQueue()->SetDisc(CreateObject<UnfairDisc>());
            for (int i = 0; i < 100; i++)
            {
                line.Send(1000);
            }
            Simulator::Run();
            NS_TEST_EXPECT_MSG_GT(line.stats[0].order.broken, 30, "out of order");
            NS_TEST_EXPECT_MSG_EQ(line.stats[0].spacing.broken, 0, "but not too fast");
        }
        {
            // A line that reorders although the scenario doesn't say so; and where it does.
            for (bool far : {true, false})
            {
                Line line(AtRate(RATE), 1, far);
                line.devices[0]->GetLine()->SetReorder(0.1, MilliSeconds(10));
                line.SendAtRandom(1000, MilliSeconds(1), 1500);
                Simulator::Run();
                NS_TEST_EXPECT_MSG_EQ(line.stats[0].order.checked, 1000, "all");
                NS_TEST_EXPECT_MSG_EQ(
                    (line.stats[0].order.broken > 50), far, "only if it must not");
            }
        }
        // Fair queues reorder, but not within a flow.
        for (uint32_t flows : {1u, 1024u})
        {
            Line line(AtRate(RATE), flows);
            Ptr<FqCoDelQueueDisc> fair = CreateObject<FqCoDelQueueDisc>();
            fair->SetQuantum(1500);
            line.devices[0]->GetQueue()->SetDisc(fair);
            for (int i = 0; i < 200; i++)
            {
                line.Send(1400, 0, i < 100 ? 0x88b5 : 0x88b6);
            }
            Simulator::Run();
            NS_TEST_EXPECT_MSG_EQ((line.stats[0].order.broken > 0), (flows == 1), "as one they do");
        }
        {
            // Twice as fast as the scenario says.
            Segment segment(CreateObject<CsmaNetDevice>(), 2 * RATE);
            for (int i = 0; i < 100; i++)
            {
                segment.Send(1000, i % 2);
            }
            Simulator::Run();
            NS_TEST_EXPECT_MSG_EQ(
                segment.Sum(&stats_port::spacing, &stats_check::broken), 99, "all");
            NS_TEST_EXPECT_MSG_EQ(
                segment.Sum(&stats_port::order, &stats_check::broken), 0, "order");
        }
        {
            Segment segment(CreateObject<SwappingDevice>());
            segment.Send(1000);
            segment.Send(1000);
            Simulator::Run();
            NS_TEST_EXPECT_MSG_EQ(segment.stats[2].order.broken, 1, "the one that was kept back");
            NS_TEST_EXPECT_MSG_EQ(segment.Sum(&stats_port::order, &stats_check::broken), 1, "only");
            NS_TEST_EXPECT_MSG_EQ(
                segment.Sum(&stats_port::spacing, &stats_check::broken), 0, "time");
        }
    }
};

/**
 * \brief All of the above.
 */
class GhostInvariantsTestSuite : public TestSuite
{
  public:
    GhostInvariantsTestSuite()
        : TestSuite("ghost-invariants", UNIT)
    {
        AddTestCase(new SpacingTestCase, TestCase::QUICK);
        AddTestCase(new SoundTestCase, TestCase::QUICK);
        AddTestCase(new FaultTestCase, TestCase::QUICK);
    }
};

static GhostInvariantsTestSuite g_ghostInvariantsTestSuite; //!< registers itself

int
main(int argc, char* argv[])
{
    return TestRunner::Run(argc, argv);
}
