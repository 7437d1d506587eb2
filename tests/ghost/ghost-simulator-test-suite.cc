/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GhostSimulatorImpl as the simulator that models see: it does what ns-3's own engine does.
 */
#include "scripted-input.h"

#include "ns3/test.h"

using namespace ns3;

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
 * \brief All of the above.
 */
class GhostSimulatorTestSuite : public TestSuite
{
  public:
    GhostSimulatorTestSuite()
        : TestSuite("ghost-simulator", UNIT)
    {
        AddTestCase(new StopTestCase, TestCase::QUICK);
        for (uint32_t seed = 1; seed <= 20; seed++)
        {
            AddTestCase(new SameAsDefaultTestCase(seed, seed % 2 == 0), TestCase::QUICK);
        }
    }
};

static GhostSimulatorTestSuite g_ghostSimulatorTestSuite; //!< registers itself
