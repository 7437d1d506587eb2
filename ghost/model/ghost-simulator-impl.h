/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_SIMULATOR_IMPL_H
#define GHOST_SIMULATOR_IMPL_H

#include "ghost-event-list.h"
#include "ghost-input.h"

#include "ns3/event-impl.h"
#include "ns3/scheduler.h"
#include "ns3/simulator-impl.h"

#include <list>

namespace ns3
{

/**
 * \brief A simulator engine that outside frames enter at their exact time.
 *
 * One thread takes frames from a GhostInput, runs events and sleeps until the next event or the
 * next frame. There is no lock, no helper thread and no event for an arriving frame: a frame is
 * injected by a direct call, with the simulator's clock set to the frame's time stamp.
 *
 * The one ordering rule: before a frame is injected at time T, every event with timestamp <= T
 * has run. T is the frame's stamp, or the time already reached if that is later. Because the rule
 * doesn't depend on when the frame was seen, the sequence (T, port, bytes) alone decides all that
 * follows, and feeding the same sequence again repeats it exactly.
 *
 * Events wait in a list of the engine's own, whatever SchedulerType says: their order is the same
 * in every list.
 *
 * Without an input it is a plain as-fast-as-possible engine, like DefaultSimulatorImpl.
 */
class GhostSimulatorImpl : public SimulatorImpl
{
  public:
    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    GhostSimulatorImpl();
    ~GhostSimulatorImpl() override;

    /**
     * \brief Connect the outside; before Run.
     * \param input borrowed; nullptr for none
     */
    void SetInput(GhostInput* input);

    // Inherited from SimulatorImpl
    void Destroy() override;
    bool IsFinished() const override;
    void Stop() override;
    void Stop(const Time& delay) override;
    EventId Schedule(const Time& delay, EventImpl* event) override;
    void ScheduleWithContext(uint32_t context, const Time& delay, EventImpl* event) override;
    EventId ScheduleNow(EventImpl* event) override;
    EventId ScheduleDestroy(EventImpl* event) override;
    void Remove(const EventId& id) override;
    void Cancel(const EventId& id) override;
    bool IsExpired(const EventId& id) const override;
    void Run() override;
    Time Now() const override;
    Time GetDelayLeft(const EventId& id) const override;
    Time GetMaximumSimulationTime() const override;
    void SetScheduler(ObjectFactory schedulerFactory) override;
    uint32_t GetSystemId() const override;
    uint32_t GetContext() const override;
    uint64_t GetEventCount() const override;

  private:
    void DoDispose() override;

    /// Put an event into the list. \return its key
    Scheduler::EventKey Insert(uint32_t context, const Time& delay, EventImpl* event);

    /// Run the earliest event.
    void ProcessOneEvent();

    /// Time of the earliest event, or GhostInput::NEVER.
    uint64_t NextEventTime() const;

    /// The engine with an input.
    void RunWithInput();

    GhostEventList m_events;            //!< what waits
    std::list<EventId> m_destroyEvents; //!< to run at Destroy
    GhostInput* m_input{nullptr};       //!< the outside, borrowed
    bool m_stop{false};                 //!< Stop was called
    uint32_t m_uid;                     //!< next event's uid
    uint32_t m_currentUid;              //!< uid of the event that runs or ran last
    uint64_t m_currentTs{0};            //!< simulated time reached, ns
    uint32_t m_currentContext;          //!< node id of what runs now
    uint64_t m_eventCount{0};           //!< events run
};

} // namespace ns3

#endif /* GHOST_SIMULATOR_IMPL_H */
