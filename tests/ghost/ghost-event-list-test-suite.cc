/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GhostEventList against ns-3's MapScheduler: the same events in, the same order out, whatever is
 * taken out in between.
 */
#include "ghost/model/ghost-event-list.h"

#include "ns3/map-scheduler.h"
#include "ns3/test.h"

#include <random>
#include <vector>

using namespace ns3;

namespace
{

class SameOrderTestCase : public TestCase
{
  public:
    SameOrderTestCase(uint32_t seed, uint32_t waiting)
        : TestCase("about " + std::to_string(waiting) + " events wait")
        , m_random(seed)
        , m_waiting(waiting)
    {
    }

  private:
    void DoRun() override
    {
        Ptr<MapScheduler> oracle = CreateObject<MapScheduler>();
        GhostEventList list;
        std::vector<Scheduler::Event> inside;
        uint32_t uid = 0;
        for (uint32_t i = 0; i < 20000; i++)
        {
            uint32_t what = m_random() % 16;
            if (inside.empty() || (what < 8 && inside.size() < 2 * m_waiting))
            {
                Scheduler::Event event;
                event.impl = nullptr;
                event.key.m_ts = m_now + m_random() % 50; // many at the same time
                event.key.m_uid = uid++;
                event.key.m_context = m_random();
                oracle->Insert(event);
                list.Insert(event);
                inside.push_back(event);
            }
            else if (what == 8)
            {
                size_t victim = m_random() % inside.size();
                oracle->Remove(inside[victim]);
                NS_TEST_ASSERT_MSG_EQ(list.Remove(inside[victim].key.m_uid), true, "not found");
                NS_TEST_ASSERT_MSG_EQ(list.Remove(inside[victim].key.m_uid), false, "found twice");
                inside.erase(inside.begin() + static_cast<std::ptrdiff_t>(victim));
            }
            else
            {
                Take(*oracle, list, inside);
            }
            NS_TEST_ASSERT_MSG_EQ(list.IsEmpty(), oracle->IsEmpty(), "one list has lost an event");
        }
        while (!oracle->IsEmpty())
        {
            Take(*oracle, list, inside);
        }
        NS_TEST_ASSERT_MSG_EQ(list.IsEmpty(), true, "events are left");
    }

    void Take(Scheduler& oracle, GhostEventList& list, std::vector<Scheduler::Event>& inside)
    {
        NS_TEST_ASSERT_MSG_EQ(list.IsEmpty(), false, "an event is missing");
        uint32_t peeked = list.PeekNext().key.m_uid;
        Scheduler::Event expected = oracle.RemoveNext();
        Scheduler::Event event = list.RemoveNext();
        NS_TEST_ASSERT_MSG_EQ(peeked, event.key.m_uid, "another one than was shown");
        NS_TEST_ASSERT_MSG_EQ(event.key.m_uid, expected.key.m_uid, "another order");
        NS_TEST_ASSERT_MSG_EQ(event.key.m_ts, expected.key.m_ts, "another time");
        NS_TEST_ASSERT_MSG_EQ(event.key.m_context, expected.key.m_context, "another context");
        m_now = event.key.m_ts;
        for (size_t i = 0; i < inside.size(); i++)
        {
            if (inside[i].key.m_uid == event.key.m_uid)
            {
                inside[i] = inside.back();
                inside.pop_back();
                break;
            }
        }
    }

    std::mt19937 m_random;
    uint32_t m_waiting;
    uint64_t m_now{0};
};

class GhostEventListTestSuite : public TestSuite
{
  public:
    GhostEventListTestSuite()
        : TestSuite("ghost-event-list", UNIT)
    {
        for (uint32_t waiting : {1, 3, 10, 100, 1000})
        {
            AddTestCase(new SameOrderTestCase(waiting, waiting), TestCase::QUICK);
        }
    }
} g_suite;

} // namespace

int
main(int argc, char* argv[])
{
    return TestRunner::Run(argc, argv);
}
