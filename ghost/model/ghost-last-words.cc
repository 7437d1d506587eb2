/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-last-words.h"

#include "ns3/nstime.h"
#include "ns3/simulator-impl.h"
#include "ns3/simulator.h"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <cxxabi.h>
#include <exception>
#include <iostream>
#include <map>
#include <streambuf>
#include <sysexits.h>
#include <time.h>
#include <typeinfo>
#include <unistd.h>

namespace ns3
{

namespace
{
constexpr size_t LINE_SIZE = 1024;

/// Signals that end a process for what it did itself.
constexpr int SIGNALS[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

/// Plain memory, because it is read by a signal handler.
struct State
{
    char message[LINE_SIZE];     //!< the last line in which ns-3 gave up
    char place[LINE_SIZE];       //!< what is being built
    const SimulatorImpl* engine; //!< what runs, borrowed
    timer_t timer;               //!< see GhostLastWords::SetTick
    bool hasTimer;               //!< it is there
    int64_t now;                 //!< simulated time at the last look
    uint64_t pauses;             //!< likewise
    int stillFor;                //!< looks since neither has changed
};

State g_state;

/// So many looks at a time that stands still are enough.
constexpr int STILL_MAX = 5;

/// Names of nodes, made while building; never destroyed, as a handler may run late.
std::map<uint32_t, std::string>&
Names()
{
    static auto names = new std::map<uint32_t, std::string>;
    return *names;
}

/**
 * \brief Passes on what is written to std::cerr, and remembers the lines that ns-3's macros write
 * before they end the process.
 */
class ReadAlong : public std::streambuf
{
  public:
    explicit ReadAlong(std::streambuf* next)
        : m_next(next)
    {
    }

  protected:
    int_type overflow(int_type c) override
    {
        if (traits_type::eq_int_type(c, traits_type::eof()))
        {
            return traits_type::not_eof(c);
        }
        Take(traits_type::to_char_type(c));
        return m_next->sputc(traits_type::to_char_type(c));
    }

    std::streamsize xsputn(const char* text, std::streamsize size) override
    {
        for (std::streamsize i = 0; i < size; i++)
        {
            Take(text[i]);
        }
        return m_next->sputn(text, size);
    }

    int sync() override
    {
        return m_next->pubsync();
    }

  private:
    void Take(char c)
    {
        if (c != '\n')
        {
            if (m_size < LINE_SIZE - 1)
            {
                m_line[m_size++] = c;
            }
            return;
        }
        m_line[m_size] = '\0';
        m_size = 0;
        // NS_FATAL_ERROR and NS_ABORT_MSG, NS_ASSERT, NS_ABORT_IF begin so (ns3/fatal-error.h,
        // assert.h, abort.h)
        for (const char* start : {"msg=\"", "file=", "assert failed. ", "aborted. "})
        {
            if (!std::strncmp(m_line, start, std::strlen(start)))
            {
                std::memcpy(g_state.message, m_line, sizeof(m_line));
            }
        }
    }

    std::streambuf* m_next;   //!< where it goes
    char m_line[LINE_SIZE]{}; //!< the line being written
    size_t m_size{0};         //!< of it
};

/// Where we are, for the front of the line.
void
DescribePlace(char* text, size_t size)
{
    text[0] = '\0';
    if (!g_state.engine)
    {
        std::snprintf(text, size, "%s%s", g_state.place, g_state.place[0] ? ": " : "");
        return;
    }
    uint32_t context = g_state.engine->GetContext();
    double now = g_state.engine->Now().GetSeconds();
    if (context == Simulator::NO_CONTEXT)
    {
        std::snprintf(text, size, "at %.6f s: ", now);
        return;
    }
    auto name = Names().find(context);
    std::snprintf(text,
                  size,
                  "%s%sat %.6f s in node %u: ",
                  name == Names().end() ? "" : name->second.c_str(),
                  name == Names().end() ? "" : ": ",
                  now,
                  context);
}

[[noreturn]] void
Die(const char* what)
{
    static char place[LINE_SIZE + 64];
    static char line[4 * LINE_SIZE];
    DescribePlace(place, sizeof(place));
    int size = std::snprintf(line, sizeof(line), "%s%s\n", place, what);
    if (size > 0 && write(STDERR_FILENO, line, std::min<size_t>(size, sizeof(line) - 1)) < 0)
    {
        _exit(EX_IOERR);
    }
    _exit(EX_SOFTWARE);
}

void
OnTerminate()
{
    static char what[LINE_SIZE + 16];
    std::cout.flush();
    std::fflush(nullptr);
    if (std::exception_ptr exception = std::current_exception())
    {
        try
        {
            std::rethrow_exception(exception);
        }
        catch (const std::exception& error)
        {
            int status = 0;
            char* name = abi::__cxa_demangle(typeid(error).name(), nullptr, nullptr, &status);
            std::snprintf(what,
                          sizeof(what),
                          "exception %s: %s",
                          status == 0 ? name : typeid(error).name(),
                          error.what());
        }
        catch (...)
        {
            std::snprintf(what, sizeof(what), "an exception that is no std::exception");
        }
    }
    else if (g_state.message[0])
    {
        std::snprintf(what, sizeof(what), "ns-3: %s", g_state.message);
    }
    else
    {
        std::snprintf(what, sizeof(what), "std::terminate was called");
    }
    Die(what);
}

void
OnSignal(int number)
{
    static char what[2 * LINE_SIZE];
    const char* name = sigabbrev_np(number);
    std::snprintf(what,
                  sizeof(what),
                  "signal SIG%s%s%s",
                  name ? name : "?",
                  g_state.message[0] ? " after ns-3: " : "",
                  g_state.message);
    Die(what);
}

/// What the timer does. \param pauses so far
void
Look(uint64_t pauses)
{
    if (!g_state.engine)
    {
        return;
    }
    int64_t now = g_state.engine->Now().GetTimeStep();
    if (now != g_state.now || pauses != g_state.pauses)
    {
        g_state.now = now;
        g_state.pauses = pauses;
        g_state.stillFor = 0;
    }
    else if (++g_state.stillFor >= STILL_MAX)
    {
        Die("simulated time stands still while the processor is busy: an event does not end, or "
            "events follow each other without any delay");
    }
}

} // namespace

volatile uint64_t GhostLastWords::m_pauses;

void
GhostLastWords::SetTick(uint32_t tickMs)
{
    struct timespec tick = {tickMs / 1000, static_cast<long>(tickMs % 1000) * 1000000};
    struct itimerspec spec = {tick, tick};
    if (g_state.hasTimer)
    {
        timer_settime(g_state.timer, 0, &spec, nullptr);
    }
}

void
GhostLastWords::Install()
{
    std::cerr.rdbuf(new ReadAlong(std::cerr.rdbuf())); // for the life of the process
    std::set_terminate(OnTerminate);
    struct sigaction watch = {};
    watch.sa_handler = [](int) { Look(m_pauses); };
    watch.sa_flags = SA_RESTART;
    struct sigevent event = {};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGXCPU;
    g_state.hasTimer = sigaction(SIGXCPU, &watch, nullptr) == 0 &&
                       timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &g_state.timer) == 0;
    SetTick(1000);
#ifndef __SANITIZE_ADDRESS__
    static char stack[16384]; // a stack that overflowed is no place for a handler
    stack_t alternate = {};
    alternate.ss_sp = stack;
    alternate.ss_size = sizeof(stack);
    sigaltstack(&alternate, nullptr);
    for (int number : SIGNALS)
    {
        struct sigaction action = {};
        action.sa_handler = OnSignal;
        action.sa_flags = SA_ONSTACK | SA_RESETHAND;
        sigaction(number, &action, nullptr);
    }
#endif
}

void
GhostLastWords::SetPlace(const std::string& place)
{
    std::snprintf(g_state.place, sizeof(g_state.place), "%s", place.c_str());
}

void
GhostLastWords::AddNode(uint32_t context, const std::string& name)
{
    Names().emplace(context, name);
}

void
GhostLastWords::SetEngine(const SimulatorImpl* engine)
{
    g_state.engine = engine;
}

} // namespace ns3
