/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-simulator-impl.h"

#include "ghost-last-words.h"
#include "ghost-program.h"

#include "ns3/assert.h"
#include "ns3/log.h"
#include "ns3/simulator.h"

#include <algorithm>
#include <cstdlib>

namespace ns3
{

NS_LOG_COMPONENT_DEFINE("GhostSimulatorImpl");

NS_OBJECT_ENSURE_REGISTERED(GhostSimulatorImpl);

namespace
{
/// Pieces of work between two looks at the clock: about 100 us of CSMA events.
constexpr uint32_t BATCH = 32;

/**
 * \brief A program that ghostbridge started has this engine before main() begins.
 *
 * So it does not matter where the program makes its GhostBridgeHelper, and what it binds
 * SimulatorImplementationType to: programs written for TapBridge bind RealtimeSimulatorImpl.
 */
struct Preparation
{
    Preparation()
    {
        if (std::getenv(GhostProgram::WIRE_VARIABLE))
        {
            GhostLastWords::Install();
            Simulator::SetImplementation(CreateObject<GhostSimulatorImpl>());
        }
    }
} g_preparation;
} // namespace

TypeId
GhostSimulatorImpl::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostSimulatorImpl")
                            .SetParent<SimulatorImpl>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostSimulatorImpl>();
    return tid;
}

GhostSimulatorImpl::GhostSimulatorImpl()
    : m_uid(EventId::UID::VALID)
    , m_currentUid(EventId::UID::INVALID)
    , m_currentContext(Simulator::NO_CONTEXT)
{
    NS_LOG_FUNCTION(this);
}

GhostSimulatorImpl::~GhostSimulatorImpl()
{
    NS_LOG_FUNCTION(this);
}

void
GhostSimulatorImpl::DoDispose()
{
    NS_LOG_FUNCTION(this);
    while (!m_events.IsEmpty())
    {
        m_events.RemoveNext().impl->Unref();
    }
    SimulatorImpl::DoDispose();
}

void
GhostSimulatorImpl::SetInput(GhostInput* input)
{
    NS_LOG_FUNCTION(this << input);
    m_input = input;
}

void
GhostSimulatorImpl::Destroy()
{
    NS_LOG_FUNCTION(this);
    while (!m_destroyEvents.empty())
    {
        Ptr<EventImpl> event = m_destroyEvents.front().PeekEventImpl();
        m_destroyEvents.pop_front();
        if (!event->IsCancelled())
        {
            event->Invoke();
        }
    }
}

void
GhostSimulatorImpl::SetScheduler(ObjectFactory schedulerFactory)
{
    NS_LOG_FUNCTION(this << schedulerFactory);
}

uint64_t
GhostSimulatorImpl::NextEventTime() const
{
    return m_events.IsEmpty() ? GhostInput::NEVER : m_events.PeekNext().key.m_ts;
}

void
GhostSimulatorImpl::ProcessOneEvent()
{
    Scheduler::Event next = m_events.RemoveNext();
    NS_ASSERT(next.key.m_ts >= m_currentTs);
    m_currentTs = next.key.m_ts;
    m_currentContext = next.key.m_context;
    m_currentUid = next.key.m_uid;
    m_eventCount++;
    next.impl->Invoke();
    next.impl->Unref();
}

void
GhostSimulatorImpl::Run()
{
    NS_LOG_FUNCTION(this);
    m_stop = false;
    if (m_input)
    {
        if (m_input->Begin())
        {
            m_stop = false; // what had to be simulated before that was stopped
            GhostLastWords::SetEngine(this);
            RunWithInput();
            GhostLastWords::SetEngine(nullptr);
        }
        m_input->End();
        return;
    }
    while (!m_events.IsEmpty() && !m_stop)
    {
        ProcessOneEvent();
    }
}

void
GhostSimulatorImpl::RunWithInput()
{
    while (!m_stop)
    {
        uint64_t limit = m_input->Limit();
        uint64_t next = GhostInput::NEVER;
        uint32_t work = 0;
        for (; work < BATCH && !m_stop; work++)
        {
            uint64_t event = NextEventTime();
            uint64_t stamp = m_input->NextTime();
            if (stamp == GhostInput::OVER)
            {
                m_stop = true;
                break;
            }
            // A frame can't enter the past: then it enters now, and that is counted.
            uint64_t frame = std::max(stamp, m_currentTs);
            if (event <= frame)
            {
                next = event;
                if (event > limit || event == GhostInput::NEVER)
                {
                    break;
                }
                ProcessOneEvent();
            }
            else
            {
                next = stamp == GhostInput::NEVER ? stamp : frame;
                if (next > limit)
                {
                    break;
                }
                m_currentTs = frame;
                m_currentContext = m_input->NextContext();
                m_input->Inject(frame - stamp);
            }
        }
        bool busy = work == BATCH;
        if (!m_input->Flush(busy ? m_currentTs : std::max(m_currentTs, limit),
                            busy && limit > next ? limit - next : 0))
        {
            break;
        }
        if (!busy && !m_stop && !m_input->Wait(next))
        {
            break;
        }
    }
    m_input->Ended(m_currentTs, m_eventCount);
}

bool
GhostSimulatorImpl::IsFinished() const
{
    return m_stop || (!m_input && m_events.IsEmpty());
}

void
GhostSimulatorImpl::Stop()
{
    NS_LOG_FUNCTION(this);
    m_stop = true;
}

void
GhostSimulatorImpl::Stop(const Time& delay)
{
    NS_LOG_FUNCTION(this << delay);
    Simulator::Schedule(delay, &Simulator::Stop);
}

Scheduler::EventKey
GhostSimulatorImpl::Insert(uint32_t context, const Time& delay, EventImpl* event)
{
    NS_ASSERT_MSG(!delay.IsStrictlyNegative(), "an event can't be scheduled in the past");
    Scheduler::Event entry;
    entry.impl = event;
    entry.key.m_ts = m_currentTs + static_cast<uint64_t>(delay.GetTimeStep());
    entry.key.m_context = context;
    entry.key.m_uid = m_uid++;
    m_events.Insert(entry);
    return entry.key;
}

EventId
GhostSimulatorImpl::Schedule(const Time& delay, EventImpl* event)
{
    Scheduler::EventKey key = Insert(m_currentContext, delay, event);
    return EventId(event, key.m_ts, key.m_context, key.m_uid);
}

void
GhostSimulatorImpl::ScheduleWithContext(uint32_t context, const Time& delay, EventImpl* event)
{
    Insert(context, delay, event);
}

EventId
GhostSimulatorImpl::ScheduleNow(EventImpl* event)
{
    return Schedule(Time(0), event);
}

EventId
GhostSimulatorImpl::ScheduleDestroy(EventImpl* event)
{
    EventId id(Ptr<EventImpl>(event, false), m_currentTs, Simulator::NO_CONTEXT, EventId::DESTROY);
    m_destroyEvents.push_back(id);
    m_uid++;
    return id;
}

Time
GhostSimulatorImpl::Now() const
{
    return TimeStep(m_currentTs);
}

Time
GhostSimulatorImpl::GetDelayLeft(const EventId& id) const
{
    return IsExpired(id) ? TimeStep(0) : TimeStep(id.GetTs() - m_currentTs);
}

void
GhostSimulatorImpl::Remove(const EventId& id)
{
    if (id.GetUid() == EventId::UID::DESTROY)
    {
        m_destroyEvents.remove(id);
        return;
    }
    if (IsExpired(id))
    {
        return;
    }
    EventImpl* event = id.PeekEventImpl();
    if (m_events.Remove(id.GetUid()))
    {
        event->Cancel();
        event->Unref(); // the event list's reference
    }
}

void
GhostSimulatorImpl::Cancel(const EventId& id)
{
    if (!IsExpired(id))
    {
        id.PeekEventImpl()->Cancel();
    }
}

bool
GhostSimulatorImpl::IsExpired(const EventId& id) const
{
    EventImpl* event = id.PeekEventImpl();
    if (!event || event->IsCancelled())
    {
        return true;
    }
    if (id.GetUid() == EventId::UID::DESTROY)
    {
        return std::find(m_destroyEvents.begin(), m_destroyEvents.end(), id) ==
               m_destroyEvents.end();
    }
    return id.GetTs() < m_currentTs || (id.GetTs() == m_currentTs && id.GetUid() <= m_currentUid);
}

Time
GhostSimulatorImpl::GetMaximumSimulationTime() const
{
    return TimeStep(0x7fffffffffffffffLL);
}

uint32_t
GhostSimulatorImpl::GetSystemId() const
{
    return 0;
}

uint32_t
GhostSimulatorImpl::GetContext() const
{
    return m_currentContext;
}

uint64_t
GhostSimulatorImpl::GetEventCount() const
{
    return m_eventCount;
}

} // namespace ns3
