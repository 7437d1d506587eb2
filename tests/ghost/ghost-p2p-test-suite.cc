/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The point-to-point link in simulated time: when frames arrive, to the nanosecond, and which
 * don't. Nothing here reads a clock.
 */
#include "ghost-p2p-pair.h"

#include "ns3/test.h"

#include <cmath>

using namespace ns3;

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
        P2pPair pair;
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
        P2pPair pair;
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

        P2pPair pair;
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
        AddTestCase(new P2pLineTestCase, TestCase::QUICK);
        AddTestCase(new P2pDeviceTestCase, TestCase::QUICK);
        AddTestCase(new P2pTraceTestCase, TestCase::QUICK);
    }
};

static GhostP2pTestSuite g_ghostP2pTestSuite; //!< registers itself

int
main(int argc, char* argv[])
{
    return TestRunner::Run(argc, argv);
}
