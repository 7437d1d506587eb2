/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The point-to-point link in simulated time: when frames arrive, to the nanosecond; which don't,
 * and why; what ns-3's queue disciplines see of them. Nothing here reads a clock.
 */
#include "ghost/model/ghost-p2p-channel.h"
#include "ghost/model/ghost-p2p-device.h"
#include "ghost/model/ghost-tag.h"

#include "ns3/core-module.h"
#include "ns3/fq-codel-queue-disc.h"
#include "ns3/internet-module.h"
#include "ns3/node.h"
#include "ns3/red-queue-disc.h"
#include "ns3/test.h"

#include <cmath>
#include <map>

using namespace ns3;

namespace
{

/// Two nodes, a link, and what arrives at the second.
struct Pair
{
    Pair()
    {
        Ptr<GhostP2pChannel> channel = CreateObject<GhostP2pChannel>();
        for (int i = 0; i < 2; i++)
        {
            nodes[i] = CreateObject<Node>();
            devices[i] = CreateObject<GhostP2pDevice>();
            devices[i]->SetAddress(Mac48Address(i ? "02:00:00:00:00:02" : "02:00:00:00:00:01"));
            nodes[i]->AddDevice(devices[i]);
            devices[i]->Attach(channel);
            devices[i]->GetLine()->AssignStreams(100 * (i + 1));
            devices[i]->SetPromiscReceiveCallback(MakeCallback(&Pair::Receive, this));
        }
        devices[0]->TraceConnectWithoutContext("Drop", MakeCallback(&Pair::Drop, this));
        devices[1]->TraceConnectWithoutContext("RxDrop", MakeCallback(&Pair::Drop, this));
        devices[0]->TraceConnectWithoutContext("Transmitted", MakeCallback(&Pair::Sent, this));
        devices[0]->TraceConnectWithoutContext("Duplicated", MakeCallback(&Pair::Twice, this));
    }

    ~Pair()
    {
        Simulator::Destroy();
    }

    bool Receive(Ptr<NetDevice> device,
                 Ptr<const Packet> packet,
                 uint16_t type,
                 const Address& from,
                 const Address& to,
                 NetDevice::PacketType packetType)
    {
        auto& list = device == devices[1] ? arrivals : backward;
        list.push_back(Simulator::Now().GetNanoSeconds());
        sizes.push_back(packet->GetSize());
        packets.push_back(packet);
        types.push_back(type);
        kinds.push_back(packetType);
        return true;
    }

    void Drop(Ptr<const Packet> packet, uint32_t cause)
    {
        drops[cause]++;
    }

    void Sent(Ptr<const Packet> packet)
    {
        transmitted++;
    }

    void Twice(Ptr<const Packet> packet)
    {
        duplicated++;
    }

    void Send(uint32_t size, int from = 0, uint16_t type = 0x88b5)
    {
        devices[from]->Send(Create<Packet>(size), devices[1 - from]->GetAddress(), type);
    }

    void SendAt(Time at, uint32_t size, int from = 0)
    {
        Simulator::Schedule(at, [this, size, from]() { Send(size, from); });
    }

    Ptr<Node> nodes[2];
    Ptr<GhostP2pDevice> devices[2];
    std::vector<int64_t> arrivals;
    std::vector<int64_t> backward;
    std::vector<uint32_t> sizes;
    std::vector<Ptr<const Packet>> packets;
    std::vector<uint16_t> types;
    std::vector<NetDevice::PacketType> kinds;
    std::map<uint32_t, uint32_t> drops;
    uint32_t transmitted{0};
    uint32_t duplicated{0};
};

} // namespace

/**
 * \brief Air time and delay to the nanosecond, full duplex.
 */
class P2pTimeTestCase : public TestCase
{
  public:
    P2pTimeTestCase(uint64_t rate, uint32_t size)
        : TestCase("times at " + std::to_string(rate) + " bps, " + std::to_string(size) + " bytes")
        , m_rate(rate)
        , m_size(size)
    {
    }

  private:
    void DoRun() override
    {
        const uint32_t count = 1000;
        Pair pair;
        for (auto& device : pair.devices)
        {
            device->SetDataRate(DataRate(m_rate));
            device->GetLine()->SetDelay(MicroSeconds(70));
            device->GetQueue()->SetDropTail(count, 0);
        }
        Simulator::Schedule(NanoSeconds(3),
                            [&]()
                            {
                                for (uint32_t i = 0; i < count; i++)
                                {
                                    pair.Send(m_size, 0);
                                    pair.Send(m_size, 1);
                                }
                            });
        Simulator::Run();
        NS_TEST_ASSERT_MSG_EQ(pair.arrivals.size(), count, "all arrive");
        NS_TEST_ASSERT_MSG_EQ(pair.backward.size(), count, "all arrive");
        // Preamble 8, header 14, FCS 4, gap 12; IEEE 802.3.
        unsigned __int128 frame = std::max(m_size, 46u) + 26;
        for (uint32_t i = 0; i < count; i++)
        {
            auto sent = static_cast<int64_t>((frame + i * (frame + 12)) * 8 * 1000000000 / m_rate);
            NS_TEST_ASSERT_MSG_EQ(pair.arrivals[i], 3 + sent + 70000, "frame " << i);
            NS_TEST_ASSERT_MSG_EQ(pair.backward[i], 3 + sent + 70000, "frame " << i << " back");
        }
        NS_TEST_EXPECT_MSG_EQ(pair.types[0], 0x88b5, "any type");
        NS_TEST_EXPECT_MSG_EQ(pair.kinds[0], NetDevice::PACKET_HOST, "to the other");
    }

    uint64_t m_rate;
    uint32_t m_size;
};

/**
 * \brief The drop-tail queue: its length in frames and in bytes, also when it changes.
 */
class P2pDropTailTestCase : public TestCase
{
  public:
    P2pDropTailTestCase()
        : TestCase("drop-tail")
    {
    }

  private:
    void DoRun() override
    {
        Pair pair;
        Ptr<GhostP2pQueue> queue = pair.devices[0]->GetQueue();
        queue->SetDropTail(3, 0);
        for (int i = 0; i < 10; i++)
        {
            pair.Send(1000);
        }
        NS_TEST_EXPECT_MSG_EQ(pair.devices[0]->IsFull(), true, "full");
        NS_TEST_EXPECT_MSG_EQ(pair.drops[STATS_DROP_QUEUE], 6, "one is sent, three wait");
        queue->SetLimit(5);
        pair.Send(1000);
        pair.Send(1000);
        pair.Send(1000);
        NS_TEST_EXPECT_MSG_EQ(pair.drops[STATS_DROP_QUEUE], 7, "five wait");
        Simulator::Run();
        NS_TEST_EXPECT_MSG_EQ(pair.arrivals.size(), 6, "the others arrive");
        queue->SetDropTail(0, 2500);
        for (int i = 0; i < 10; i++)
        {
            pair.SendAt(Seconds(1), 1000);
        }
        pair.SendAt(Seconds(1), 500);
        Simulator::Run();
        NS_TEST_EXPECT_MSG_EQ(pair.arrivals.size(), 10, "one, two of 1000 bytes, one of 500");
        NS_TEST_EXPECT_MSG_EQ(pair.transmitted, 10, "counted");
    }
};

/**
 * \brief Shares and delays of a line against what its parameters promise.
 */
class P2pLineTestCase : public TestCase
{
  public:
    P2pLineTestCase()
        : TestCase("what a line does to frames")
    {
    }

  private:
    static constexpr uint32_t COUNT = 400000;

    /// Within the 99 % interval of the binomial distribution.
    void ExpectShare(uint32_t found, double share, const std::string& what)
    {
        double sigma = std::sqrt(COUNT * share * (1 - share));
        NS_TEST_EXPECT_MSG_EQ_TOL(found, COUNT * share, 2.576 * sigma, what);
    }

    void TestSpread(GhostP2pLine::Spread spread, double deviation, const std::string& what)
    {
        Ptr<GhostP2pLine> line = CreateObject<GhostP2pLine>();
        line->AssignStreams(7);
        line->SetDelay(MilliSeconds(100));
        line->SetJitter(spread, MilliSeconds(10), true);
        double sum = 0;
        double squares = 0;
        double least = 1e9;
        for (uint32_t i = 0; i < COUNT; i++)
        {
            Time sent = MilliSeconds(i);
            double ms = (line->Decide(sent).arrival - sent).GetNanoSeconds() / 1e6 - 100;
            sum += ms;
            squares += ms * ms;
            least = std::min(least, ms);
        }
        NS_TEST_EXPECT_MSG_EQ_TOL(sum / COUNT, 0, 0.1, what << ": mean, 1 % of the spread");
        NS_TEST_EXPECT_MSG_EQ_TOL(std::sqrt(squares / COUNT),
                                  deviation,
                                  deviation * (spread == GhostP2pLine::PARETO ? 0.05 : 0.01),
                                  what << ": standard deviation");
        if (spread == GhostP2pLine::UNIFORM)
        {
            NS_TEST_EXPECT_MSG_GT(least, -10.001, "no less than the spread");
        }
    }

    void TestOrder()
    {
        for (bool reorders : {false, true})
        {
            Ptr<GhostP2pLine> line = CreateObject<GhostP2pLine>();
            line->AssignStreams(7);
            line->SetDelay(MilliSeconds(10));
            line->SetJitter(GhostP2pLine::UNIFORM, MilliSeconds(10), reorders);
            Time last;
            uint32_t overtaken = 0;
            for (uint32_t i = 0; i < 1000; i++)
            {
                Time arrival = line->Decide(MilliSeconds(i)).arrival;
                overtaken += arrival < last;
                last = arrival;
            }
            NS_TEST_EXPECT_MSG_EQ((overtaken > 0), reorders, "order is kept unless told otherwise");
        }
    }

    void TestBursts()
    {
        Ptr<GhostP2pLine> line = CreateObject<GhostP2pLine>();
        line->AssignStreams(7);
        line->SetBurstLoss(0.01, 0.2, 0, 1);
        uint32_t lost = 0;
        uint32_t bursts = 0;
        bool before = false;
        for (uint32_t i = 0; i < COUNT; i++)
        {
            bool now = line->Decide(Time(0)).lost;
            lost += now;
            bursts += now && !before;
            before = now;
        }
        NS_TEST_EXPECT_MSG_EQ_TOL(lost / double(COUNT), 0.01 / 0.21, 0.002, "p / (p + r)");
        NS_TEST_EXPECT_MSG_EQ_TOL(lost / double(bursts), 5, 0.1, "1 / r frames");
    }

    void DoRun() override
    {
        TestSpread(GhostP2pLine::UNIFORM, 10 / std::sqrt(3), "uniform");
        TestSpread(GhostP2pLine::NORMAL, 10, "normal");
        TestSpread(GhostP2pLine::PARETO, 10, "pareto");
        TestOrder();
        TestBursts();

        Ptr<GhostP2pLine> line = CreateObject<GhostP2pLine>();
        line->AssignStreams(9);
        line->SetDelay(MilliSeconds(5));
        line->SetEarly(MilliSeconds(2));
        line->SetLoss(0.01);
        uint32_t lost = 0;
        for (uint32_t i = 0; i < COUNT; i++)
        {
            lost += line->Decide(Time(0)).lost;
        }
        ExpectShare(lost, 0.01, "lost");
        line->SetLoss(0);
        line->SetDuplicate(0.02);
        line->SetCorrupt(0.03);
        line->SetReorder(0.04, MilliSeconds(7));
        uint32_t twice = 0;
        uint32_t corrupt = 0;
        uint32_t held = 0;
        for (uint32_t i = 0; i < COUNT; i++)
        {
            GhostP2pLine::Fate fate = line->Decide(MilliSeconds(i));
            NS_TEST_ASSERT_MSG_EQ(fate.lost, false, "no loss any more");
            twice += fate.duplicated;
            corrupt += fate.corrupt;
            int64_t delay = (fate.arrival - MilliSeconds(i)).GetMicroSeconds();
            held += delay == 10000;
            NS_TEST_ASSERT_MSG_EQ(
                (delay == 3000 || delay == 10000), true, "the lag is off: " << delay);
        }
        ExpectShare(twice, 0.02, "twice");
        ExpectShare(corrupt, 0.03, "corrupt");
        ExpectShare(held, 0.04, "held");
    }
};

/**
 * \brief Duplicates, bit errors and a link that is down, through the device; the books are even.
 */
class P2pDeviceTestCase : public TestCase
{
  public:
    P2pDeviceTestCase()
        : TestCase("impairments and state of a device")
    {
    }

  private:
    void DoRun() override
    {
        const uint32_t count = 5000;
        Pair pair;
        pair.devices[0]->GetLine()->SetDelay(MilliSeconds(1));
        pair.devices[0]->GetLine()->SetLoss(0.1);
        pair.devices[0]->GetLine()->SetDuplicate(0.1);
        pair.devices[0]->GetLine()->SetCorrupt(0.5);
        for (uint32_t i = 0; i < count; i++)
        {
            pair.SendAt(MicroSeconds(100 * i), 100);
        }
        // Cut off where frames are on their way, and where they begin.
        Simulator::Schedule(MilliSeconds(100), &GhostP2pDevice::SetLinkUp, pair.devices[1], false);
        Simulator::Schedule(MilliSeconds(110), &GhostP2pDevice::SetLinkUp, pair.devices[1], true);
        Simulator::Schedule(MilliSeconds(200), &GhostP2pDevice::SetLinkUp, pair.devices[0], false);
        Simulator::Schedule(MilliSeconds(210), &GhostP2pDevice::SetLinkUp, pair.devices[0], true);
        Simulator::Run();
        uint32_t sender = pair.drops[STATS_DROP_DOWN] - (pair.transmitted - pair.arrivals.size());
        NS_TEST_EXPECT_MSG_EQ(sender, 100, "sent into a link that is down");
        NS_TEST_EXPECT_MSG_GT(pair.transmitted, pair.arrivals.size() + 80, "arrived in vain");
        NS_TEST_EXPECT_MSG_GT(pair.drops[STATS_DROP_LOSS], 400, "lost");
        NS_TEST_EXPECT_MSG_GT(pair.duplicated, 350, "twice");
        NS_TEST_EXPECT_MSG_EQ(count + pair.duplicated,
                              pair.drops[STATS_DROP_LOSS] + pair.drops[STATS_DROP_DOWN] +
                                  pair.arrivals.size(),
                              "in = out + drops");
        uint32_t errors = 0;
        for (const auto& packet : pair.packets)
        {
            uint8_t bytes[100];
            packet->CopyData(bytes, sizeof(bytes));
            uint32_t bits = 0;
            for (uint8_t byte : bytes)
            {
                bits += __builtin_popcount(byte);
            }
            NS_TEST_ASSERT_MSG_LT(bits, 2, "one bit at most");
            errors += bits;
        }
        NS_TEST_EXPECT_MSG_EQ_TOL(errors / double(pair.packets.size()), 0.5, 0.03, "bit errors");
    }
};

/**
 * \brief Delivery opportunities, as mahimahi has them.
 */
class P2pTraceTestCase : public TestCase
{
  public:
    P2pTraceTestCase()
        : TestCase("rate traces")
    {
    }

  private:
    void DoRun() override
    {
        GhostRateTrace trace({0, 5, 5, 20});
        uint32_t count;
        NS_TEST_EXPECT_MSG_EQ(trace.NextAfter(Time(0), count), MilliSeconds(5), "0 is over");
        NS_TEST_EXPECT_MSG_EQ(count, 2, "two of 5 ms");
        NS_TEST_EXPECT_MSG_EQ(trace.NextAfter(NanoSeconds(5000000), count), MilliSeconds(20), "5");
        NS_TEST_EXPECT_MSG_EQ(count, 2, "the end of one round and the beginning of the next");
        NS_TEST_EXPECT_MSG_EQ(trace.NextAfter(NanoSeconds(64999999), count), MilliSeconds(65), "");
        NS_TEST_EXPECT_MSG_EQ(count, 2, "likewise in later rounds");

        Pair pair;
        pair.devices[0]->SetTrace(GhostRateTrace({5, 5, 12, 20}));
        pair.devices[0]->GetLine()->SetDelay(MilliSeconds(100));
        // 1496 + 4 and 100 + 4 bytes: the second goes on into the next opportunity. Then 1500 + 4,
        // which fill one; the last comes at the very ms of an opportunity, which is too late.
        pair.SendAt(MilliSeconds(1), 1496);
        pair.SendAt(MilliSeconds(2), 100);
        pair.SendAt(MilliSeconds(6), 1500);
        pair.SendAt(MilliSeconds(12), 1500);
        pair.SendAt(MilliSeconds(41), 3500);
        Simulator::Run();
        std::vector<int64_t> expected{105, 105, 112, 120, 152};
        NS_TEST_ASSERT_MSG_EQ(pair.arrivals.size(), expected.size(), "all");
        for (size_t i = 0; i < expected.size(); i++)
        {
            NS_TEST_EXPECT_MSG_EQ(pair.arrivals[i], expected[i] * 1000000, "frame " << i);
        }
    }
};

/**
 * \brief Real bytes look to a discipline like what ns-3's own stack gives it.
 */
class P2pItemTestCase : public TestCase
{
  public:
    P2pItemTestCase()
        : TestCase("flows and marks in real bytes")
    {
    }

  private:
    static Ptr<Packet> MakeIpv4(uint16_t port, Ipv4Header::EcnType ecn, Ipv4Header& ip)
    {
        Ptr<Packet> packet = Create<Packet>(50);
        UdpHeader udp;
        udp.SetSourcePort(port);
        udp.SetDestinationPort(53);
        packet->AddHeader(udp);
        ip.SetSource("10.0.0.1");
        ip.SetDestination("10.0.0.2");
        ip.SetProtocol(17);
        ip.SetPayloadSize(packet->GetSize());
        ip.SetTtl(64);
        ip.SetEcn(ecn);
        ip.EnableChecksum();
        return packet;
    }

    static GhostFrame MakeFrame(Ptr<Packet> packet, uint16_t type)
    {
        return {packet, Mac48Address("02:00:00:00:00:01"), Mac48Address("02:00:00:00:00:02"), type};
    }

    /// Put an 802.1Q tag before a packet of a type.
    static Ptr<Packet> AddTag(Ptr<const Packet> packet, uint16_t type)
    {
        uint8_t tag[4] = {0, 42, static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type)};
        Ptr<Packet> tagged = Create<Packet>(tag, sizeof(tag));
        tagged->AddAtEnd(packet);
        return tagged;
    }

    void DoRun() override
    {
        Ipv4Header ip;
        for (uint16_t port = 1; port < 20; port++)
        {
            Ptr<Packet> packet = MakeIpv4(port, Ipv4Header::ECN_ECT0, ip);
            Ipv4QueueDiscItem theirs(packet->Copy(), Address(), 0x0800, ip);
            packet->AddHeader(ip);
            GhostFrameItem ours(MakeFrame(packet, 0x0800));
            GhostFrameItem tagged(MakeFrame(AddTag(packet, 0x0800), 0x8100));
            NS_TEST_EXPECT_MSG_EQ(ours.Hash(port), theirs.Hash(port), "IPv4 and UDP");
            NS_TEST_EXPECT_MSG_EQ(tagged.Hash(port), theirs.Hash(port), "behind a VLAN tag");
            NS_TEST_EXPECT_MSG_EQ(ours.GetSize(), theirs.GetSize(), "size");
        }
        Ipv6Header ip6;
        Ptr<Packet> packet = Create<Packet>(50);
        TcpHeader tcp;
        tcp.SetSourcePort(1234);
        tcp.SetDestinationPort(80);
        packet->AddHeader(tcp);
        ip6.SetSource("fd00::1");
        ip6.SetDestination("fd00::2");
        ip6.SetNextHeader(6);
        ip6.SetPayloadLength(packet->GetSize());
        ip6.SetEcn(Ipv6Header::ECN_ECT1);
        Ipv6QueueDiscItem theirs6(packet->Copy(), Address(), 0x86dd, ip6);
        packet->AddHeader(ip6);
        GhostFrameItem ours6(MakeFrame(packet, 0x86dd));
        NS_TEST_EXPECT_MSG_EQ(ours6.Hash(5), theirs6.Hash(5), "IPv6 and TCP");
        NS_TEST_EXPECT_MSG_EQ(ours6.Mark(), true, "can be marked");
        packet->PeekHeader(ip6);
        NS_TEST_EXPECT_MSG_EQ(ip6.GetEcn(), Ipv6Header::ECN_CE, "is marked");

        GhostFrameItem other(MakeFrame(Create<Packet>(100), 0x88cc));
        NS_TEST_EXPECT_MSG_EQ(other.Mark(), false, "LLDP has no mark");
        NS_TEST_EXPECT_MSG_NE(other.Hash(1), other.Hash(2), "but a flow");
        GhostFrameItem runt(MakeFrame(Create<Packet>(10), 0x0800));
        NS_TEST_EXPECT_MSG_EQ(runt.Mark(), false, "too short to be IPv4");
        runt.Hash(0);

        for (auto ecn : {Ipv4Header::ECN_NotECT, Ipv4Header::ECN_ECT1, Ipv4Header::ECN_CE})
        {
            packet = MakeIpv4(7, ecn, ip);
            packet->AddHeader(ip);
            Ptr<Packet> tagged = AddTag(packet, 0x0800);
            tagged->AddPacketTag(GhostTag(1, 2));
            GhostFrameItem item(MakeFrame(tagged, 0x8100));
            NS_TEST_EXPECT_MSG_EQ(item.Mark(), (ecn != Ipv4Header::ECN_NotECT), "can be marked");
            GhostTag tag;
            NS_TEST_EXPECT_MSG_EQ(tagged->PeekPacketTag(tag), true, "tags stay");
            tagged->RemoveAtStart(4);
            Ipv4Header marked;
            marked.EnableChecksum();
            tagged->RemoveHeader(marked);
            NS_TEST_EXPECT_MSG_EQ(marked.IsChecksumOk(), true, "checksum");
            NS_TEST_EXPECT_MSG_EQ(marked.GetEcn(),
                                  (ecn == Ipv4Header::ECN_NotECT ? ecn : Ipv4Header::ECN_CE),
                                  "mark");
        }
    }
};

/**
 * \brief Drops of a discipline have the right cause, and FQ-CoDel keeps flows apart.
 */
class P2pDiscTestCase : public TestCase
{
  public:
    P2pDiscTestCase()
        : TestCase("queue disciplines in a device")
    {
    }

  private:
    void DoRun() override
    {
        {
            Pair pair;
            Ptr<RedQueueDisc> red = CreateObject<RedQueueDisc>();
            red->SetAttribute("QW", DoubleValue(1));
            red->SetAttribute("Gentle", BooleanValue(false));
            red->SetMaxSize(QueueSize("100p"));
            red->AssignStreams(1);
            pair.devices[0]->GetQueue()->SetDisc(red);
            for (int i = 0; i < 50; i++)
            {
                pair.Send(1000);
            }
            Simulator::Run();
            NS_TEST_EXPECT_MSG_EQ(pair.drops[STATS_DROP_QUEUE], 0, "there was room");
            NS_TEST_EXPECT_MSG_GT(pair.drops[STATS_DROP_AQM], 30, "but not below MaxTh, 15");
            NS_TEST_EXPECT_MSG_EQ(pair.drops[STATS_DROP_AQM] + pair.arrivals.size(), 50, "even");
        }
        Pair pair;
        Ptr<FqCoDelQueueDisc> fair = CreateObject<FqCoDelQueueDisc>();
        fair->SetQuantum(1500);
        fair->SetMaxSize(QueueSize("20p"));
        pair.devices[0]->GetQueue()->SetDisc(fair);
        // Two flows of non-IP frames: 30 of one, then one of the other, which does not wait for
        // all of the first.
        for (int i = 0; i < 30; i++)
        {
            pair.Send(1400, 0, 0x88b5);
        }
        pair.Send(1000, 0, 0x88b6);
        Simulator::Run();
        NS_TEST_EXPECT_MSG_GT(pair.drops[STATS_DROP_QUEUE], 9, "of 31, 1 is sent and 20 wait");
        NS_TEST_EXPECT_MSG_EQ(pair.drops[STATS_DROP_QUEUE] + pair.drops[STATS_DROP_AQM] +
                                  pair.arrivals.size(),
                              31,
                              "even");
        auto place = std::find(pair.types.begin(), pair.types.end(), 0x88b6) - pair.types.begin();
        NS_TEST_EXPECT_MSG_LT(place, 4, "the other flow's turn");
        pair.devices[0]->GetQueue()->SetLimit(5);
        NS_TEST_EXPECT_MSG_EQ(fair->GetMaxSize(), QueueSize("5p"), "a new limit");
    }
};

/**
 * \brief All of the above.
 */
class GhostP2pTestSuite : public TestSuite
{
  public:
    GhostP2pTestSuite()
        : TestSuite("ghost-p2p", UNIT)
    {
        AddTestCase(new P2pTimeTestCase(10000000, 1500), TestCase::QUICK);
        AddTestCase(new P2pTimeTestCase(7000000, 1), TestCase::QUICK);
        AddTestCase(new P2pTimeTestCase(9600, 46), TestCase::QUICK);
        AddTestCase(new P2pTimeTestCase(100000000000, 1001), TestCase::QUICK);
        AddTestCase(new P2pTimeTestCase(400000000000, 16000), TestCase::QUICK);
        AddTestCase(new P2pDropTailTestCase, TestCase::QUICK);
        AddTestCase(new P2pLineTestCase, TestCase::QUICK);
        AddTestCase(new P2pDeviceTestCase, TestCase::QUICK);
        AddTestCase(new P2pTraceTestCase, TestCase::QUICK);
        AddTestCase(new P2pItemTestCase, TestCase::QUICK);
        AddTestCase(new P2pDiscTestCase, TestCase::QUICK);
    }
};

static GhostP2pTestSuite g_ghostP2pTestSuite; //!< registers itself

int
main(int argc, char* argv[])
{
    return TestRunner::Run(argc, argv);
}
