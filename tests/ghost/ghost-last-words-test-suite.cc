/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process that dies inside ns-3 leaves as the last line of its log.
 */
#include "ghost/model/ghost-last-words.h"
#include "ghost/model/ghost-simulator-impl.h"

#include "ns3/core-module.h"
#include "ns3/node.h"
#include "ns3/test.h"

#include <csignal>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

using namespace ns3;

namespace
{

/**
 * \brief One way to die, in a process of its own.
 */
class DeathTestCase : public TestCase
{
  public:
    /**
     * \param name of the case
     * \param place said while building; "" where it dies in an event of node 3, "port h1.eth0"
     * \param death ends the process
     * \param expected must be in the last line, in this order
     */
    DeathTestCase(const std::string& name,
                  const std::string& place,
                  std::function<void()> death,
                  std::vector<std::string> expected)
        : TestCase(name)
        , m_place(place)
        , m_death(death)
        , m_expected(expected)
    {
    }

  private:
    void DoRun() override
    {
        int ends[2];
        NS_TEST_ASSERT_MSG_EQ(pipe(ends), 0, "a pipe");
        pid_t pid = fork();
        if (pid == 0)
        {
            dup2(ends[1], STDERR_FILENO);
            Die();
        }
        close(ends[1]);
        std::string log;
        char buffer[4096];
        for (ssize_t n; (n = read(ends[0], buffer, sizeof(buffer))) > 0;)
        {
            log.append(buffer, static_cast<size_t>(n));
        }
        close(ends[0]);
        int status = 0;
        waitpid(pid, &status, 0);
        NS_TEST_ASSERT_MSG_EQ(WIFEXITED(status), true, "it left by itself");
        NS_TEST_ASSERT_MSG_EQ(WEXITSTATUS(status), 70, "EX_SOFTWARE");
        NS_TEST_ASSERT_MSG_EQ((log.empty() || log.back() != '\n'), false, "a whole line");
        log.pop_back();
        std::string line = log.substr(log.rfind('\n') + 1);
        size_t at = 0;
        for (const std::string& part : m_expected)
        {
            at = line.find(part, at);
            NS_TEST_ASSERT_MSG_EQ((at == std::string::npos), false, part << " is in: " << line);
        }
    }

    [[noreturn]] void Die()
    {
        GhostLastWords::Install();
        std::cerr << "something harmless, msg=\"not this\"" << std::endl;
        if (!m_place.empty())
        {
            GhostLastWords::SetPlace(m_place);
            m_death();
        }
        GhostLastWords::AddNode(3, "port h1.eth0");
        Ptr<GhostSimulatorImpl> engine = CreateObject<GhostSimulatorImpl>();
        Simulator::SetImplementation(engine);
        GhostLastWords::SetEngine(PeekPointer(engine));
        Simulator::ScheduleWithContext(3, MilliSeconds(1500), std::function<void()>(m_death));
        Simulator::Run();
        _exit(0);
    }

    std::string m_place;                 //!< see the constructor
    std::function<void()> m_death;       //!< ends the process
    std::vector<std::string> m_expected; //!< in the last line
};

/// Looked at so often, five looks do not take long.
constexpr uint32_t TICK_MS = 5;

/// Time never goes on.
void
Again()
{
    Simulator::ScheduleNow(&Again);
}

/// Work, but never without a pause for long.
void
WorkWithPauses()
{
    GhostLastWords::SetTick(TICK_MS);
    struct timespec now;
    struct timespec end;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    end.tv_sec += 1;
    do
    {
        GhostLastWords::Pause();
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    } while (now.tv_sec < end.tv_sec);
    NS_FATAL_ERROR("still there");
}

/**
 * \brief All of them.
 */
class GhostLastWordsTestSuite : public TestSuite
{
  public:
    GhostLastWordsTestSuite()
        : TestSuite("ghost-last-words", UNIT)
    {
        const std::string place = "scenario:7:3: link lan";
        const std::string where = "port h1.eth0: at 1.500000 s in node 3: ";
        AddTestCase(new DeathTestCase(
                        "an unknown attribute while building",
                        place,
                        [] { CreateObject<Node>()->SetAttribute("Colour", StringValue("green")); },
                        {place + ": ns-3: msg=\"", "Colour"}),
                    TestCase::QUICK);
        AddTestCase(new DeathTestCase(
                        "a value that is none while building",
                        place,
                        [] { CreateObjectWithAttributes<Node>("SystemId", StringValue("green")); },
                        {place + ": ns-3: aborted. ", "not properly formatted"}),
                    TestCase::QUICK);
        AddTestCase(new DeathTestCase("an exception while building",
                                      place,
                                      [] { throw std::runtime_error("out of cable"); },
                                      {place + ": exception std::runtime_error: out of cable"}),
                    TestCase::QUICK);
        AddTestCase(new DeathTestCase("a fatal error in an event",
                                      "",
                                      [] { NS_FATAL_ERROR("the antenna fell off"); },
                                      {where + "ns-3: msg=\"the antenna fell off\""}),
                    TestCase::QUICK);
        AddTestCase(new DeathTestCase("an abort in an event",
                                      "",
                                      [] { NS_ABORT_MSG_IF(true, "enough"); },
                                      {where + "ns-3: aborted. cond=\"true\", msg=\"enough\""}),
                    TestCase::QUICK);
        const std::string still = "simulated time stands still while the processor is busy";
        AddTestCase(new DeathTestCase("an event that does not end",
                                      "",
                                      []
                                      {
                                          GhostLastWords::SetTick(TICK_MS);
                                          for (volatile bool forever = true; forever;)
                                          {
                                          }
                                      },
                                      {where + still}),
                    TestCase::QUICK);
        AddTestCase(new DeathTestCase("events without delay",
                                      "",
                                      []
                                      {
                                          GhostLastWords::SetTick(TICK_MS);
                                          Again();
                                      },
                                      {where + still}),
                    TestCase::QUICK);
        AddTestCase(new DeathTestCase("waiting is not standing still",
                                      "",
                                      WorkWithPauses,
                                      {where + "ns-3: msg=\"still there\""}),
                    TestCase::QUICK);
        // The address sanitizer reports signals itself.
#ifndef __SANITIZE_ADDRESS__
        AddTestCase(
            new DeathTestCase(
                "std::abort in an event", "", [] { std::abort(); }, {where + "signal SIGABRT"}),
            TestCase::QUICK);
        AddTestCase(new DeathTestCase("a wild pointer in an event",
                                      "",
                                      []
                                      {
                                          volatile int* nowhere = nullptr;
                                          *nowhere = 1;
                                      },
                                      {where + "signal SIGSEGV"}),
                    TestCase::QUICK);
#endif
    }
};

GhostLastWordsTestSuite g_ghostLastWordsTestSuite; //!< registers itself

} // namespace

int
main(int argc, char* argv[])
{
    return TestRunner::Run(argc, argv);
}
