/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GhostSimulatorImpl with a scripted input: at what time, in what order and context frames enter.
 */
#include "scripted-input.h"

#include "ghost/model/ghost-tag.h"

#include "ns3/packet.h"
#include "ns3/test.h"

using namespace ns3;

/**
 * \brief Before a frame is injected at T, every event with timestamp <= T has run.
 */
class OrderingTestCase : public TestCase
{
  public:
    explicit OrderingTestCase(uint32_t mode)
        : TestCase("the one ordering rule, pace " + std::to_string(mode))
        , m_mode(mode)
    {
    }

  private:
    void DoRun() override
    {
        Ptr<GhostSimulatorImpl> engine = UseGhostEngine();
        Trace trace;
        ScriptedInput input(
            {{100, 7}, {100, 8}, {150, 7}, {200, 9}},
            [&](size_t index, uint64_t lateNs)
            {
                Note(trace, "frame " + std::to_string(index) + " late " + std::to_string(lateNs));
                // At the same time: before the next frame, even one of equal stamp.
                Simulator::ScheduleNow([&] { Note(trace, "echo"); });
            });
        input.unlimited = m_mode == 0;
        input.lag = m_mode == 0 ? 0 : 1000;
        input.step = m_mode == 1 ? 1 : 500;
        engine->SetInput(&input);
        Simulator::ScheduleWithContext(1, NanoSeconds(99), [&] { Note(trace, "before"); });
        Simulator::ScheduleWithContext(2,
                                       NanoSeconds(100),
                                       [&]
                                       {
                                           Note(trace, "same time");
                                           // Scheduled while the frame already waits, for its very
                                           // time.
                                           Simulator::ScheduleNow([&] { Note(trace, "chained"); });
                                       });
        Simulator::ScheduleWithContext(3, NanoSeconds(101), [&] { Note(trace, "after"); });
        Simulator::ScheduleWithContext(4, NanoSeconds(150), [&] { Note(trace, "tie"); });
        Simulator::Run();
        Simulator::Destroy();
        NS_TEST_ASSERT_MSG_EQ(Join(trace),
                              "99 1 before\n"
                              "100 2 same time\n"
                              "100 2 chained\n"
                              "100 7 frame 0 late 0\n"
                              "100 7 echo\n"
                              "100 8 frame 1 late 0\n"
                              "100 8 echo\n"
                              "101 3 after\n"
                              "150 4 tie\n"
                              "150 7 frame 2 late 0\n"
                              "150 7 echo\n"
                              "200 9 frame 3 late 0\n"
                              "200 9 echo\n",
                              "what ran when");
    }

    uint32_t m_mode; //!< as fast as it goes, in small steps, in large ones
};

/**
 * \brief A frame that is seen too late enters at once, and the difference is reported.
 */
class LateFrameTestCase : public TestCase
{
  public:
    LateFrameTestCase()
        : TestCase("late frames")
    {
    }

  private:
    void DoRun() override
    {
        Ptr<GhostSimulatorImpl> engine = UseGhostEngine();
        std::vector<std::pair<uint64_t, uint64_t>> seen;
        // The second is seen when the event at 1000 has already run, the third again in time.
        ScriptedInput input({{500, 1}, {600, 1, 900}, {5000, 1}},
                            [&](size_t, uint64_t lateNs)
                            { seen.emplace_back(Simulator::Now().GetNanoSeconds(), lateNs); });
        input.step = 0;
        engine->SetInput(&input);
        bool ran = false;
        Simulator::Schedule(NanoSeconds(1000), [&] { ran = true; });
        Simulator::Run();
        Simulator::Destroy();
        NS_TEST_ASSERT_MSG_EQ(ran, true, "the event");
        NS_TEST_ASSERT_MSG_EQ(seen.size(), 3, "frames");
        NS_TEST_EXPECT_MSG_EQ(seen[0].first, 500, "in time");
        NS_TEST_EXPECT_MSG_EQ(seen[0].second, 0, "in time");
        NS_TEST_EXPECT_MSG_EQ(seen[1].first, 1000, "late: the time already reached");
        NS_TEST_EXPECT_MSG_EQ(seen[1].second, 400, "late by that much");
        NS_TEST_EXPECT_MSG_EQ(seen[2].first, 5000, "in time again");
        NS_TEST_EXPECT_MSG_EQ(seen[2].second, 0, "in time again");
    }
};

/**
 * \brief Frames, events and what they schedule run in the context of their node (pitfall 23).
 */
class ContextTestCase : public TestCase
{
  public:
    ContextTestCase()
        : TestCase("contexts")
    {
    }

  private:
    void DoRun() override
    {
        Ptr<GhostSimulatorImpl> engine = UseGhostEngine();
        Trace trace;
        ScriptedInput input(
            {{10, 5}, {20, 6}},
            [&](size_t, uint64_t)
            {
                Note(trace, "frame");
                Simulator::Schedule(NanoSeconds(5), [&] { Note(trace, "inherits"); });
                Simulator::ScheduleWithContext(42,
                                               NanoSeconds(6),
                                               [&]
                                               {
                                                   Note(trace, "given");
                                                   Simulator::ScheduleNow(
                                                       [&] { Note(trace, "inherits given"); });
                                               });
            });
        input.unlimited = true;
        engine->SetInput(&input);
        NS_TEST_EXPECT_MSG_EQ(Simulator::GetContext(), Simulator::NO_CONTEXT, "before the run");
        Simulator::Schedule(NanoSeconds(12), [&] { Note(trace, "nobody's"); });
        Simulator::Run();
        Simulator::Destroy();
        std::string none = std::to_string(Simulator::NO_CONTEXT);
        NS_TEST_ASSERT_MSG_EQ(Join(trace),
                              "10 5 frame\n12 " + none +
                                  " nobody's\n15 5 inherits\n16 42 given\n16 42 inherits given\n"
                                  "20 6 frame\n25 6 inherits\n26 42 given\n26 42 inherits given\n",
                              "contexts");
    }
};

/**
 * \brief A frame costs no event: a hundred thousand of them, and the event count stays 0.
 */
class NoEventTestCase : public TestCase
{
  public:
    NoEventTestCase()
        : TestCase("no event for a frame")
    {
    }

  private:
    void DoRun() override
    {
        Ptr<GhostSimulatorImpl> engine = UseGhostEngine();
        std::vector<ScriptFrame> frames;
        for (uint64_t i = 0; i < 100000; i++)
        {
            frames.push_back({i * 100, 1});
        }
        uint64_t count = 0;
        ScriptedInput input(
            frames,
            [&](size_t index, uint64_t)
            { count += Simulator::Now().GetNanoSeconds() == static_cast<int64_t>(index) * 100; });
        input.step = 5000;
        input.lag = 10000;
        engine->SetInput(&input);
        Simulator::Run();
        NS_TEST_EXPECT_MSG_EQ(count, 100000, "frames at their time");
        NS_TEST_EXPECT_MSG_EQ(Simulator::GetEventCount(), 0, "events");
        Simulator::Destroy();
    }
};

/**
 * \brief The same (time, port) script gives the same output, however it arrives.
 *
 * The model is a medium shared by four nodes with random backoff, so every output depends on the
 * order of all that came before.
 */
class ReplayTestCase : public TestCase
{
  public:
    ReplayTestCase()
        : TestCase("replay: batches and arrival don't matter")
    {
    }

  private:
    Trace RunOnce(uint32_t pace)
    {
        Ptr<GhostSimulatorImpl> engine = UseGhostEngine();
        std::mt19937 script(12345);
        std::mt19937 arrival(pace);
        std::vector<ScriptFrame> frames;
        uint64_t time = 1000;
        for (uint32_t i = 0; i < 3000; i++)
        {
            time += script() % 4 ? script() % 400 : 0;
            frames.push_back({time, static_cast<uint32_t>(script() % 4), 0});
        }
        uint64_t lag = pace ? 20000 : 0;
        // Frames are handed out in order, so a late one holds up those behind it.
        uint64_t seen = 0;
        for (ScriptFrame& frame : frames)
        {
            seen = std::max<uint64_t>(seen, frame.stamp + (pace ? arrival() % lag : 0));
            seen = std::min(seen, frame.stamp + lag);
            frame.arrival = seen - frame.stamp;
        }
        Trace trace;
        std::mt19937 backoff(99);
        int64_t busyUntil = 0;
        uint64_t late = 0;
        std::function<void(size_t)> send = [&](size_t index)
        {
            int64_t now = Simulator::Now().GetNanoSeconds();
            if (busyUntil > now)
            {
                Simulator::Schedule(NanoSeconds(busyUntil - now + backoff() % 64),
                                    [&, index] { send(index); });
                return;
            }
            busyUntil = now + 100 + static_cast<int64_t>(index % 7) * 10;
            Simulator::ScheduleWithContext((index + 1) % 4,
                                           NanoSeconds(250),
                                           [&, index]
                                           { Note(trace, "out " + std::to_string(index)); });
        };
        ScriptedInput input(frames,
                            [&](size_t index, uint64_t lateNs)
                            {
                                late += lateNs;
                                send(index);
                            });
        input.unlimited = pace == 0;
        input.lag = lag;
        input.random.seed(pace);
        input.step = pace % 3 == 0 ? 50000 : pace % 3 == 1 ? 10 : 700;
        engine->SetInput(&input);
        Simulator::Run();
        Note(trace, "events " + std::to_string(Simulator::GetEventCount()));
        Simulator::Destroy();
        NS_TEST_EXPECT_MSG_EQ(late, 0, "injected at their times");
        return trace;
    }

    void DoRun() override
    {
        Trace expected = RunOnce(0);
        NS_TEST_ASSERT_MSG_EQ(expected.size(), 3001, "everything came out");
        for (uint32_t pace = 1; pace <= 12; pace++)
        {
            Trace got = RunOnce(pace);
            NS_TEST_ASSERT_MSG_EQ((Join(got) == Join(expected)), true, "pace " << pace);
        }
    }
};

/**
 * \brief An engine that has more to do than time says how far it is behind, and flushes as it goes.
 */
class BehindTestCase : public TestCase
{
  public:
    BehindTestCase()
        : TestCase("behind the clock")
    {
    }

  private:
    void DoRun() override
    {
        Ptr<GhostSimulatorImpl> engine = UseGhostEngine();
        ScriptedInput input({}, [](size_t, uint64_t) {});
        input.step = 1000000; // the clock runs away
        engine->SetInput(&input);
        for (int i = 0; i < 1000; i++)
        {
            Simulator::Schedule(NanoSeconds(i), [] {});
        }
        Simulator::Run();
        NS_TEST_EXPECT_MSG_EQ(Simulator::GetEventCount(), 1000, "all ran");
        NS_TEST_EXPECT_MSG_GT(input.behindMax, 0, "it says so");
        NS_TEST_EXPECT_MSG_GT(input.flushes, 10, "the other side is not kept waiting");
        NS_TEST_EXPECT_MSG_EQ(input.waits, 1, "it does not sleep over work");
        Simulator::Destroy();
    }
};

/**
 * \brief GhostTag survives what a packet does with its tags.
 */
class GhostTagTestCase : public TestCase
{
  public:
    GhostTagTestCase()
        : TestCase("GhostTag")
    {
    }

  private:
    void DoRun() override
    {
        const uint16_t values[] = {0, 1, 46, 1500, 1501, 0x0800, 0x88b5, 0xfffe, 0xffff};
        for (uint16_t type : values)
        {
            for (uint16_t length : values)
            {
                Ptr<Packet> packet = Create<Packet>(100);
                packet->AddPacketTag(GhostTag(type, length));
                // As a packet that crosses a link does: copied, cut, and put together again.
                Ptr<Packet> copy = packet->Copy();
                copy->RemoveAtEnd(10);
                copy->AddPaddingAtEnd(3);
                GhostTag tag;
                NS_TEST_ASSERT_MSG_EQ(copy->PeekPacketTag(tag), true, "there");
                NS_TEST_EXPECT_MSG_EQ(tag.GetType(), type, "type");
                NS_TEST_EXPECT_MSG_EQ(tag.GetLength(), length, "length");
            }
        }
        GhostTag tag(0x0102, 0x0304);
        NS_TEST_EXPECT_MSG_EQ(tag.GetSerializedSize(), 4, "size");
        NS_TEST_EXPECT_MSG_EQ(tag.GetInstanceTypeId().GetName(), "ns3::GhostTag", "TypeId");
        std::ostringstream text;
        tag.Print(text);
        NS_TEST_EXPECT_MSG_EQ(text.str(), "type=0x102 length=772", "Print");
        Ptr<Packet> bare = Create<Packet>(10);
        NS_TEST_EXPECT_MSG_EQ(bare->PeekPacketTag(tag), false, "not there");
    }
};

/**
 * \brief All of the above.
 */
class GhostEngineTestSuite : public TestSuite
{
  public:
    GhostEngineTestSuite()
        : TestSuite("ghost-engine", UNIT)
    {
        for (uint32_t mode = 0; mode < 3; mode++)
        {
            AddTestCase(new OrderingTestCase(mode), TestCase::QUICK);
        }
        AddTestCase(new LateFrameTestCase, TestCase::QUICK);
        AddTestCase(new ContextTestCase, TestCase::QUICK);
        AddTestCase(new NoEventTestCase, TestCase::QUICK);
        AddTestCase(new ReplayTestCase, TestCase::QUICK);
        AddTestCase(new BehindTestCase, TestCase::QUICK);
        AddTestCase(new GhostTagTestCase, TestCase::QUICK);
    }
};

static GhostEngineTestSuite g_ghostEngineTestSuite; //!< registers itself

int
main(int argc, char* argv[])
{
    return TestRunner::Run(argc, argv);
}
