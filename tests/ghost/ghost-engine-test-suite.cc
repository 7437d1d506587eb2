/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GhostSimulatorImpl with a scripted input: time, order, contexts, and that it does for everything
 * else what ns-3's own engine does. Nothing here reads a clock.
 */
#include "ghost/model/ghost-simulator-impl.h"
#include "ghost/model/ghost-tag.h"

#include "ns3/core-module.h"
#include "ns3/packet.h"
#include "ns3/test.h"

#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

using namespace ns3;

namespace
{

/// A frame of the script.
struct ScriptFrame
{
    uint64_t stamp;      //!< simulated ns
    uint32_t context;    //!< where it is injected
    uint64_t arrival{0}; //!< how much later than its stamp it can be seen
};

/**
 * An outside whose clock goes forward when the engine looks at it or sleeps. A frame can be seen
 * once the clock has reached its stamp plus its arrival delay.
 */
class ScriptedInput : public GhostInput
{
  public:
    using Callback = std::function<void(size_t index, uint64_t lateNs)>;

    ScriptedInput(std::vector<ScriptFrame> frames, Callback callback)
        : m_frames(std::move(frames))
        , m_callback(std::move(callback))
    {
    }

    /// As fast as it goes, everything is there from the beginning.
    bool unlimited{false};
    /// How far simulated time stays behind the clock.
    uint64_t lag{0};
    /// The clock goes forward by up to this much at every look.
    uint64_t step{1000};
    /// Seed of those steps.
    std::mt19937 random;
    /// How often the engine slept, and showed what it has.
    uint32_t waits{0};
    uint32_t flushes{0};
    /// Largest amount it said it was behind.
    uint64_t behindMax{0};

    uint64_t NextTime() override
    {
        return Visible() ? m_frames[m_next].stamp : NEVER;
    }

    uint32_t NextContext() override
    {
        return m_frames[m_next].context;
    }

    void Inject(uint64_t lateNs) override
    {
        size_t index = m_next++;
        m_callback(index, lateNs);
    }

    uint64_t Limit() override
    {
        m_clock += random() % (step + 1);
        return unlimited ? NEVER : m_clock > lag ? m_clock - lag : 0;
    }

    bool Flush(uint64_t, uint64_t behindNs) override
    {
        flushes++;
        behindMax = std::max(behindMax, behindNs);
        return true;
    }

    bool Wait(uint64_t untilNs) override
    {
        waits++;
        uint64_t until = untilNs == NEVER ? NEVER : untilNs + lag;
        if (m_next < m_frames.size() && !Visible())
        {
            until = std::min(until, m_frames[m_next].stamp + m_frames[m_next].arrival);
        }
        if (until == NEVER)
        {
            return false; // nothing will happen any more
        }
        m_clock = std::max(m_clock, until);
        return true;
    }

  private:
    bool Visible() const
    {
        return m_next < m_frames.size() &&
               (unlimited || m_clock >= m_frames[m_next].stamp + m_frames[m_next].arrival);
    }

    std::vector<ScriptFrame> m_frames;
    Callback m_callback;
    size_t m_next{0};
    uint64_t m_clock{0};
};

/// Trace of what happened, a line each.
using Trace = std::vector<std::string>;

/// Note the time, the context and something.
void
Note(Trace& trace, const std::string& what)
{
    std::ostringstream line;
    line << Simulator::Now().GetNanoSeconds() << " " << Simulator::GetContext() << " " << what;
    trace.push_back(line.str());
}

/// A fresh engine of ours, as the simulator's.
Ptr<GhostSimulatorImpl>
UseGhostEngine()
{
    Ptr<GhostSimulatorImpl> engine = CreateObject<GhostSimulatorImpl>();
    Simulator::SetImplementation(engine);
    return engine;
}

std::string
Join(const Trace& trace)
{
    std::string text;
    for (const std::string& line : trace)
    {
        text += line + "\n";
    }
    return text;
}

} // namespace

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
 * \brief Stop from an event, from a frame, after a delay; and going on afterwards.
 */
class StopTestCase : public TestCase
{
  public:
    StopTestCase()
        : TestCase("Stop")
    {
    }

  private:
    void DoRun() override
    {
        Ptr<GhostSimulatorImpl> engine = UseGhostEngine();
        Trace trace;
        ScriptedInput input({{100, 1}, {200, 1}, {300, 1}},
                            [&](size_t index, uint64_t)
                            {
                                Note(trace, "frame");
                                if (index == 1)
                                {
                                    Simulator::Stop();
                                }
                            });
        input.unlimited = true;
        engine->SetInput(&input);
        Simulator::Schedule(NanoSeconds(50),
                            [&]
                            {
                                Note(trace, "stops");
                                Simulator::Stop();
                            });
        Simulator::Run();
        NS_TEST_EXPECT_MSG_EQ(Simulator::IsFinished(), true, "finished");
        NS_TEST_EXPECT_MSG_EQ(trace.size(), 1, "only what was before Stop");
        NS_TEST_EXPECT_MSG_EQ(input.waits, 0, "a stopped engine does not sleep");
        Simulator::Run();
        NS_TEST_EXPECT_MSG_EQ(trace.size(), 3, "went on, and was stopped by the second frame");
        NS_TEST_EXPECT_MSG_EQ(Simulator::Now().GetNanoSeconds(), 200, "where it stands");
        NS_TEST_EXPECT_MSG_EQ(input.waits, 0, "a stopped engine does not sleep");
        Simulator::Stop(NanoSeconds(50));
        Simulator::Run();
        NS_TEST_EXPECT_MSG_EQ(trace.size(), 3, "stopped before the third");
        NS_TEST_EXPECT_MSG_EQ(Simulator::Now().GetNanoSeconds(), 250, "where it stands");
        Simulator::Run();
        NS_TEST_EXPECT_MSG_EQ(trace.size(), 4, "and the rest");
        Simulator::Destroy();
    }
};

/**
 * \brief Schedule, Cancel, Remove, IsExpired, GetDelayLeft and ScheduleDestroy do what they do in
 * DefaultSimulatorImpl: the same random script on both, compared line by line.
 */
class SameAsDefaultTestCase : public TestCase
{
  public:
    SameAsDefaultTestCase(uint32_t seed, bool withInput)
        : TestCase("same as DefaultSimulatorImpl, script " + std::to_string(seed) +
                   (withInput ? ", with an input" : ""))
        , m_seed(seed)
        , m_withInput(withInput)
    {
    }

  private:
    /// One run of the script.
    struct Script
    {
        explicit Script(uint32_t seed)
            : random(seed)
        {
        }

        void Event(uint32_t number)
        {
            std::ostringstream what;
            what << "event " << number;
            for (uint32_t i = 0; i < 5 && !ids.empty(); i++)
            {
                const EventId& id = ids[random() % ids.size()];
                what << " " << id.IsExpired() << "/"
                     << Simulator::GetDelayLeft(id).GetNanoSeconds();
            }
            Note(trace, what.str());
            for (uint32_t i = random() % 4; i > 0 && scheduled < 2000; i--)
            {
                Act();
            }
        }

        void Act()
        {
            uint32_t number = scheduled++;
            // Few distinct times, so that many coincide.
            Time delay = NanoSeconds(random() % 8);
            switch (random() % 8)
            {
            case 0:
                ids.push_back(Simulator::ScheduleNow(&Script::Event, this, number));
                break;
            case 1:
                Simulator::ScheduleWithContext(number % 9, delay, &Script::Event, this, number);
                break;
            case 2:
                ids.push_back(Simulator::ScheduleDestroy(&Script::Event, this, number));
                break;
            case 3:
                if (!ids.empty())
                {
                    ids[random() % ids.size()].Cancel();
                }
                break;
            case 4:
                if (!ids.empty())
                {
                    Simulator::Remove(ids[random() % ids.size()]);
                }
                break;
            default:
                ids.push_back(Simulator::Schedule(delay, &Script::Event, this, number));
            }
        }

        std::mt19937 random;
        std::vector<EventId> ids;
        Trace trace;
        uint32_t scheduled{0};
    };

    Trace RunOn(Ptr<SimulatorImpl> engine)
    {
        Simulator::SetImplementation(engine);
        Script script(m_seed);
        for (uint32_t i = 0; i < 50; i++)
        {
            script.Act();
        }
        Simulator::Stop(NanoSeconds(200));
        Simulator::Run();
        Note(script.trace, "count " + std::to_string(Simulator::GetEventCount()));
        Simulator::Run();
        Note(script.trace, "count " + std::to_string(Simulator::GetEventCount()));
        script.scheduled = 2000; // destroy events schedule nothing
        Simulator::Destroy();
        script.ids.clear();
        return script.trace;
    }

    void DoRun() override
    {
        Trace expected = RunOn(CreateObject<DefaultSimulatorImpl>());
        Ptr<GhostSimulatorImpl> engine = CreateObject<GhostSimulatorImpl>();
        ScriptedInput input({}, [](size_t, uint64_t) {});
        input.random.seed(m_seed);
        input.step = 3;
        if (m_withInput)
        {
            engine->SetInput(&input);
        }
        Trace got = RunOn(engine);
        NS_TEST_EXPECT_MSG_GT(expected.size(), 50, "a script that does something");
        NS_TEST_ASSERT_MSG_EQ(got.size(), expected.size(), "lines");
        for (size_t i = 0; i < got.size(); i++)
        {
            NS_TEST_ASSERT_MSG_EQ(got[i], expected[i], "line " << i);
        }
    }

    uint32_t m_seed;
    bool m_withInput;
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
        AddTestCase(new StopTestCase, TestCase::QUICK);
        for (uint32_t seed = 1; seed <= 20; seed++)
        {
            AddTestCase(new SameAsDefaultTestCase(seed, seed % 2 == 0), TestCase::QUICK);
        }
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
