/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A scripted outside for GhostSimulatorImpl, and a trace of what happened. Nothing here reads a
 * clock.
 */
#ifndef SCRIPTED_INPUT_H
#define SCRIPTED_INPUT_H

#include "ghost/model/ghost-simulator-impl.h"

#include "ns3/core-module.h"

#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace ns3
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
inline void
Note(Trace& trace, const std::string& what)
{
    std::ostringstream line;
    line << Simulator::Now().GetNanoSeconds() << " " << Simulator::GetContext() << " " << what;
    trace.push_back(line.str());
}

/// A fresh engine of ours, as the simulator's.
inline Ptr<GhostSimulatorImpl>
UseGhostEngine()
{
    Ptr<GhostSimulatorImpl> engine = CreateObject<GhostSimulatorImpl>();
    Simulator::SetImplementation(engine);
    return engine;
}

/// The lines of a trace as one text.
inline std::string
Join(const Trace& trace)
{
    std::string text;
    for (const std::string& line : trace)
    {
        text += line + "\n";
    }
    return text;
}

} // namespace ns3

#endif /* SCRIPTED_INPUT_H */
