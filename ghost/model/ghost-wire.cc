/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-wire.h"

#include "ghost-changes.h"
#include "ghost-last-words.h"
#include "ghost-port.h"

#include "ns3/log.h"
#include "ns3/simulator.h"

#include <algorithm>
#include <poll.h>
#include <time.h>

namespace ns3
{

NS_LOG_COMPONENT_DEFINE("GhostWire");

namespace
{
/// A busy ghost looks at its control socket this often.
constexpr uint64_t CONTROL_INTERVAL_NS = 2000000;
/// A stamp this far ahead of the clock can't be a late wake-up of ours.
constexpr uint64_t STAMP_AHEAD_MAX_NS = 1000000000;
/// Shorter waits are spent looking at clock and inbox: going to sleep and waking take as long.
constexpr uint64_t SPIN_NS = 15000;
/// But not more than this part of the time, or a busy link would take the core from its containers.
constexpr uint64_t SPIN_SHARE = 16;
/// What of that may be saved up while idle.
constexpr uint64_t SPIN_SAVED_NS = 1000000;
/// Who begins so long after the barrier has had a predecessor.
constexpr uint64_t SUCCESSOR_NS = 1000000000;
/// How long frames under way may take to arrive at the end of a run.
constexpr uint64_t QUIESCE_NS = 1000000000;

uint64_t
MonotonicNs()
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}
} // namespace

GhostWire::GhostWire(const struct wire& wire)
    : m_wire(wire)
    , m_ports(wire.port_count)
{
    m_heads.reserve(wire.port_count);
    m_dirty.reserve(wire.port_count);
    for (int fd : wire.journal_fd)
    {
        struct journal journal;
        if (fd >= 0 && journal_map(fd, true, &journal) == 0)
        {
            if (journal.head->flags & JOURNAL_PRODUCE)
            {
                m_journal = journal;
            }
            else
            {
                journal_unmap(&journal);
            }
        }
    }
}

GhostWire::~GhostWire()
{
    journal_unmap(&m_journal);
    wire_detach(&m_wire);
}

uint32_t
GhostWire::GetNPorts() const
{
    return m_wire.port_count;
}

const struct wire_port&
GhostWire::GetPort(uint32_t index) const
{
    return m_wire.ports[index];
}

int32_t
GhostWire::FindPort(const std::string& name) const
{
    for (uint32_t index = 0; index < m_wire.port_count; index++)
    {
        if (name == m_wire.ports[index].name)
        {
            return static_cast<int32_t>(index);
        }
    }
    return -1;
}

void
GhostWire::SetHandler(uint32_t index, GhostPort* port)
{
    m_ports[index].handler = port;
}

GhostPort*
GhostWire::GetHandler(uint32_t index) const
{
    return m_ports[index].handler;
}

struct stats_port&
GhostWire::GetStats(uint32_t index)
{
    return stats_ports(m_wire.stats)[index];
}

void
GhostWire::SetChanges(GhostChanges* changes, uint32_t ghost)
{
    m_changes = changes;
    m_timetable.Plan(*changes, ghost);
}

uint32_t
GhostWire::GetNStats() const
{
    return m_wire.stats_count;
}

void
GhostWire::AddInner(Ptr<GhostPort> port)
{
    m_inner.push_back(port);
}

bool
GhostWire::IsLive() const
{
    return true;
}

bool
GhostWire::IsSourceBroken() const
{
    return m_sourceBroken;
}

uint64_t
GhostWire::GetBudget() const
{
    return m_wire.budget_ns;
}

const std::string&
GhostWire::GetError() const
{
    return m_error;
}

void
GhostWire::Fail(const std::string& what)
{
    NS_LOG_ERROR(what);
    m_running = false;
    if (m_error.empty()) // what follows from the first error isn't news
    {
        m_error = what;
        wire_say_error(&m_wire, what.c_str());
    }
}

void
GhostWire::LoseDaemon(const std::string& why)
{
    m_daemonLost = true;
    Fail("lost the daemon: " + why);
}

bool
GhostWire::IsDaemonLost() const
{
    return m_daemonLost;
}

/*
 * Frames that died with a predecessor of ours: what it had taken in and not sent on, and what
 * waited in the rings for it. Counted, so that no frame disappears from the books.
 */
void
GhostWire::AccountLost()
{
    for (uint32_t index = 0; index < m_wire.port_count; index++)
    {
        struct stats_port& stats = GetStats(index);
        CountLost(stats);
        struct wire_record record;
        const uint8_t* payload;
        while (ring_c_peek(&m_wire.rx[index], &record, &payload) == 1)
        {
            ring_c_release(&m_wire.rx[index]);
            stats_add(&stats.up.frames, 1);
            stats_add(&stats.up.bytes, record.len);
            stats_add(&stats.up.drops[STATS_DROP_LOST], 1);
        }
        wire_flush_rx(&m_wire, index);
    }
}

void
GhostWire::CountLost(struct stats_port& stats)
{
    uint64_t gone = stats.up.frames - stats.transmitted;
    for (uint64_t drops : stats.up.drops)
    {
        gone -= drops;
    }
    stats_add(&stats.up.drops[STATS_DROP_LOST], gone);
}

void
GhostWire::SetStart(uint64_t startNs)
{
    m_startNs = startNs;
    m_timetable.SetStart(startNs);
}

uint64_t
GhostWire::GetWireTime() const
{
    uint64_t now = static_cast<uint64_t>(Simulator::Now().GetNanoSeconds());
    return now > m_startNs ? now - m_startNs : 0;
}

void
GhostWire::SetCarrier(uint32_t index, bool up, uint32_t ap)
{
    m_ports[index].ap = ap;
    if (m_ports[index].carrier != up)
    {
        m_ports[index].carrier = up;
        if (m_originNs)
        {
            SayCarrier(index);
        }
    }
}

void
GhostWire::SayCarrier(uint32_t index)
{
    struct wire_msg msg = wire_msg_make(WIRE_MSG_CARRIER);
    msg.arg = index;
    msg.value[0] = m_ports[index].carrier;
    msg.value[1] = GetWireTime();
    msg.value[2] = m_ports[index].ap;
    int r = wire_msg_send(m_wire.control_fd, &msg, nullptr, 0);
    if (r < 0)
    {
        LoseDaemon(strerror(-r));
    }
}

bool
GhostWire::WaitForStart()
{
    // A predecessor on this wire, or one so long ago that the wire is another.
    uint64_t before = __atomic_load_n(&m_wire.stats->sim_ns, __ATOMIC_RELAXED);
    AccountLost();
    PrepareSources();
    if (!m_running)
    {
        return false;
    }
    // The daemon takes every port to have carrier, or knows what a predecessor of ours said last.
    for (uint32_t index = 0; index < m_wire.port_count; index++)
    {
        if (m_ports[index].handler && m_ports[index].handler->HasCarrier())
        {
            SayCarrier(index);
        }
    }
    int r = wire_say(&m_wire, WIRE_MSG_READY, 0);
    if (r < 0)
    {
        LoseDaemon(strerror(-r));
    }
    while (m_running && m_originNs == 0)
    {
        struct pollfd pollFd = {m_wire.control_fd, POLLIN, 0};
        poll(&pollFd, 1, -1);
        HandleControl();
    }
    Record({0, JOURNAL_BEGIN, 0, 0, 0, 0, Simulator::GetEventCount()}, nullptr);
    m_clockNs = MonotonicNs();
    if (m_running)
    {
        uint64_t now = SimulatedTime(m_clockNs);
        BeginSources(before || now > m_startNs + SUCCESSOR_NS ? now : 0);
    }
    return m_running;
}

bool
GhostWire::HandleControl()
{
    struct wire_msg msg;
    int r = wire_msg_receive(m_wire.control_fd, &msg, nullptr, nullptr);
    if (r < 0)
    {
        LoseDaemon(strerror(-r));
        return false;
    }
    switch (msg.type)
    {
    case WIRE_MSG_START:
        // The other half of the lag is the shuttle's: each side has some time to be late in.
        m_originNs = msg.value[0] + m_wire.lag_ns / 2 - m_startNs;
        m_timetable.SetOrigin(m_originNs - m_wire.lag_ns / 2);
        break;
    case WIRE_MSG_CHANGE:
        msg.arg ? m_timetable.AddPlanned(msg.value[0], msg.value[1], msg.text)
                : m_timetable.Add(msg.value[0], msg.value[1], msg.text);
        break;
    case WIRE_MSG_QUIESCE:
        m_quiesceNs = MonotonicNs() + QUIESCE_NS;
        // Simulated nodes never rest: routing protocols and applications send until told.
        // That is a change like any other, at a time that a recording can name.
        if (!m_inner.empty())
        {
            m_timetable.AddClose(SimulatedTime(MonotonicNs()));
        }
        break;
    case WIRE_MSG_STOP:
        m_running = false;
        break;
    default:
        Fail("the daemon sent message " + std::to_string(msg.type) + ", which is not for a ghost");
    }
    return m_running;
}

uint64_t
GhostWire::SimulatedTime(uint64_t stampNs) const
{
    // With a lag the origin is that much later than time 0 of the stamps.
    uint64_t origin = m_originNs - m_wire.lag_ns / 2;
    return stampNs > origin ? stampNs - origin : 0;
}

void
GhostWire::ApplyChange()
{
    GhostTimetable::Change change = m_timetable.Take();
    RecordChange(change.text, change.kind);
    if (change.kind == JOURNAL_CHANGE_CLOSE)
    {
        CloseInner();
        return;
    }
    std::string error = ApplyListed(change);
    bool planned = change.kind == JOURNAL_CHANGE_PLANNED;
    if (planned && error.empty())
    {
        return;
    }
    struct wire_msg answer = wire_msg_make(WIRE_MSG_CHANGED);
    answer.arg = planned;
    answer.value[0] = GetWireTime();
    answer.value[1] = change.number;
    error.copy(answer.text, sizeof(answer.text) - 1);
    int r = wire_msg_send(m_wire.control_fd, &answer, nullptr, 0);
    if (r < 0)
    {
        LoseDaemon(strerror(-r));
    }
}

std::string
GhostWire::ApplyListed(const GhostTimetable::Change& change)
{
    std::string error = change.planned ? m_changes->Apply(*change.planned) : ApplyText(change.text);
    __atomic_store_n(&m_wire.stats->changes, m_timetable.GetNPlanned(), __ATOMIC_RELAXED);
    return error;
}

std::string
GhostWire::ApplyText(const std::string& text)
{
    return m_changes ? m_changes->Apply(text) : "nothing here can change";
}

bool
GhostWire::IsInnerClosed() const
{
    return m_innerClosed;
}

void
GhostWire::AddCounter(std::function<void()> update)
{
    m_counters.push_back(std::move(update));
}

void
GhostWire::UpdateCounters() const
{
    for (const std::function<void()>& update : m_counters)
    {
        update();
    }
}

void
GhostWire::CloseInner()
{
    UpdateCounters();
    m_counters.clear();
    for (const Ptr<GhostPort>& port : m_inner)
    {
        port->Close();
    }
    m_innerClosed = true;
    m_heads.erase(std::remove_if(m_heads.begin(),
                                 m_heads.end(),
                                 [this](const Head& head)
                                 { return m_ports[head.port].source != nullptr; }),
                  m_heads.end());
    std::make_heap(m_heads.begin(), m_heads.end());
}

void
GhostWire::RecordChange(const std::string& text, enum journal_change kind)
{
    if (m_journal.head)
    {
        Record({static_cast<uint32_t>(text.size()), JOURNAL_CONTROL, 0, 0, kind, GetWireTime(), 0},
               reinterpret_cast<const uint8_t*>(text.data()));
    }
}

void
GhostWire::PeekPort(uint32_t index)
{
    PortState& port = m_ports[index];
    struct wire_record record;
    int r = ring_c_peek(&m_wire.rx[index], &record, &port.payload);
    port.waiting = r == 1;
    if (r < 0)
    {
        Fail(std::string("port ") + m_wire.ports[index].name +
             ": the shuttle wrote a record that makes no sense");
        return;
    }
    if (r == 0)
    {
        return;
    }
    port.len = record.len;
    uint64_t time = SimulatedTime(record.time_ns);
    if (record.time_ns > m_clockNs + STAMP_AHEAD_MAX_NS &&
        record.time_ns > MonotonicNs() + STAMP_AHEAD_MAX_NS)
    {
        Fail(std::string("port ") + m_wire.ports[index].name +
             ": the shuttle stamped a frame with a time to come");
        return;
    }
    m_heads.push_back({time, index});
    std::push_heap(m_heads.begin(), m_heads.end());
}

void
GhostWire::TakeInbox()
{
    for (uint32_t word = 0; word < wire_words(&m_wire); word++)
    {
        uint64_t bits = wire_take_bits(&m_wire.own_inbox->data[word]);
        while (bits)
        {
            uint32_t index = word * 64 + static_cast<uint32_t>(__builtin_ctzll(bits));
            bits &= bits - 1;
            if (index < m_wire.port_count && !m_ports[index].waiting)
            {
                PeekPort(index);
            }
        }
    }
}

uint64_t
GhostWire::NextTime()
{
    TakeInbox();
    return std::min(m_heads.empty() ? NEVER : m_heads.front().time, m_timetable.GetNext());
}

uint32_t
GhostWire::NextContext()
{
    if (m_heads.empty() || m_timetable.GetNext() <= m_heads.front().time)
    {
        return Simulator::NO_CONTEXT;
    }
    return m_ports[m_heads.front().port].handler->GetContext();
}

void
GhostWire::Inject(uint64_t lateNs)
{
    if (m_heads.empty() || m_timetable.GetNext() <= m_heads.front().time)
    {
        ApplyChange();
        return;
    }
    uint32_t index = m_heads.front().port;
    uint64_t stamp = m_heads.front().time;
    std::pop_heap(m_heads.begin(), m_heads.end());
    m_heads.pop_back();

    InjectFrame(index, m_ports[index].payload, m_ports[index].len, stamp + lateNs, lateNs);
    if (m_ports[index].source)
    {
        FetchSource(index);
        PushSource(index);
        return;
    }
    ring_c_release(&m_wire.rx[index]);
    MarkDirty(index);
    PeekPort(index);
}

void
GhostWire::InjectFrame(
    uint32_t index, const uint8_t* frame, uint32_t len, uint64_t timeNs, uint64_t lateNs)
{
    struct stats_port& stats = GetStats(index);
    stats_add(&stats.up.frames, 1);
    stats_add(&stats.up.bytes, len);
    stats_hist_add(&stats.late, lateNs, m_wire.budget_ns);
    stats_add(&m_wire.stats->injected, 1);
    if (m_journal.head)
    {
        Record({len, JOURNAL_IN, 0, index, 0, timeNs - m_startNs, lateNs}, frame);
    }
    uint32_t frameMax = m_ports[index].frameMax;
    if (frameMax && !wire_frame_allowed(frame, len, frameMax))
    {
        stats_add(&stats.up.drops[STATS_DROP_OVERSIZE], 1);
        return;
    }
    m_ports[index].handler->Inject(frame, len);
}

void
GhostWire::Record(const struct journal_entry& entry, const uint8_t* payload)
{
    if (m_journal.head)
    {
        journal_put(&m_journal, &entry, payload);
    }
}

void
GhostWire::Ended(uint64_t nowNs, uint64_t events)
{
    Record({0, JOURNAL_END, 0, 0, m_isCut, nowNs - std::min(nowNs, m_startNs), events}, nullptr);
}

void
GhostWire::MarkDirty(uint32_t index)
{
    if (!m_ports[index].dirty)
    {
        m_ports[index].dirty = true;
        m_dirty.push_back(index);
    }
}

void
GhostWire::FlushPorts()
{
    for (uint32_t index : m_dirty)
    {
        m_ports[index].dirty = false;
        wire_flush_tx(&m_wire, index);
        wire_flush_rx(&m_wire, index);
    }
    m_dirty.clear();
}

uint8_t*
GhostWire::Reserve(uint32_t index, uint32_t len)
{
    struct ring* ring = &m_wire.tx[index];
    bool stalled = false;
    if (m_originNs == 0)
    {
        return nullptr; // nobody is there yet
    }
    while (m_running)
    {
        uint8_t* room;
        int r = ring_p_reserve(ring, len, &room);
        if (r == 1)
        {
            return room;
        }
        if (r < 0)
        {
            Fail(std::string("port ") + m_wire.ports[index].name +
                 ": the shuttle released what it was not given");
            break;
        }
        if (!stalled)
        {
            // The shuttle is behind. Simulated time stands still until it has caught up.
            stalled = true;
            stats_add(&GetStats(index).stalls, 1);
        }
        FlushPorts();
        wire_flush_tx(&m_wire, index);
        if (!ring_p_want_space(ring, len))
        {
            Poll(NEVER);
        }
    }
    m_isCut = true;
    return nullptr;
}

void
GhostWire::Commit(uint32_t index, uint32_t len, uint64_t departureNs, uint64_t hash)
{
    if (m_journal.head)
    {
        Record({0, JOURNAL_OUT, 0, index, len, departureNs, hash}, nullptr);
    }
    ring_p_commit(&m_wire.tx[index], len, departureNs);
    MarkDirty(index);
}

uint64_t
GhostWire::Limit()
{
    m_clockNs = MonotonicNs();
    return m_clockNs > m_originNs ? m_clockNs - m_originNs : 0;
}

uint64_t
GhostWire::InFlight() const
{
    int64_t count = 0;
    for (uint32_t index = 0; index < m_wire.port_count; index++)
    {
        const PortState& port = m_ports[index];
        count += port.waiting;
        count += port.handler ? port.handler->GetInFlight() : 0;
    }
    for (const Ptr<GhostPort>& port : m_inner)
    {
        count += port->GetInFlight();
    }
    return count > 0 ? static_cast<uint64_t>(count) : 0;
}

bool
GhostWire::Flush(uint64_t nowNs, uint64_t behindNs)
{
    FlushPorts();
    UpdateCounters();
    struct stats* stats = m_wire.stats;
    __atomic_store_n(&stats->sim_ns, nowNs - std::min(nowNs, m_startNs), __ATOMIC_RELAXED);
    __atomic_store_n(&stats->events, Simulator::GetEventCount(), __ATOMIC_RELAXED);
    __atomic_store_n(&stats->behind_ns, behindNs, __ATOMIC_RELAXED);
    stats_max(&stats->behind_max_ns, behindNs);
    LookAtControl();
    if (m_quiesceNs)
    {
        uint64_t left = InFlight();
        if ((left == 0 && !m_timetable.IsClosing()) || m_clockNs > m_quiesceNs)
        {
            m_quiesceNs = 0;
            wire_say(&m_wire, WIRE_MSG_QUIESCED, left);
        }
    }
    return m_running;
}

/* For a ghost that doesn't come to sleep, at most every CONTROL_INTERVAL_NS. */
bool
GhostWire::LookAtControl()
{
    if (m_clockNs - m_controlNs > CONTROL_INTERVAL_NS)
    {
        m_controlNs = m_clockNs;
        struct pollfd pollFd = {m_wire.control_fd, POLLIN, 0};
        if (poll(&pollFd, 1, 0) > 0)
        {
            return HandleControl();
        }
    }
    return m_running;
}

/* Sleep until the doorbell, the control socket or the time-out; only when the inbox is empty. */
bool
GhostWire::Poll(uint64_t timeoutNs)
{
    GhostLastWords::Pause();
    if (!wire_may_sleep(&m_wire))
    {
        for (uint32_t word = 0; word < wire_words(&m_wire); word++)
        {
            wire_take_bits(&m_wire.own_inbox->space[word]);
        }
        TakeInbox();
        // A shuttle that never lets us sleep must not keep the daemon from being heard.
        m_clockNs = MonotonicNs();
        return LookAtControl();
    }
    struct pollfd pollFds[2] = {{m_wire.own_bell_fd, POLLIN, 0}, {m_wire.control_fd, POLLIN, 0}};
    struct timespec timeout = {static_cast<time_t>(timeoutNs / 1000000000u),
                               static_cast<long>(timeoutNs % 1000000000u)};
    if (ppoll(pollFds, 2, timeoutNs == NEVER ? nullptr : &timeout, nullptr) <= 0)
    {
        pollFds[0].revents = pollFds[1].revents = 0; // EINTR leaves them as they were
    }
    wire_awake(&m_wire, pollFds[0].revents != 0);
    stats_add(&m_wire.stats->wakeups, 1);
    if (pollFds[1].revents)
    {
        return HandleControl();
    }
    return m_running;
}

bool
GhostWire::Wait(uint64_t untilNs)
{
    uint64_t timeout = NEVER;
    uint64_t now = MonotonicNs();
    // Flush() may have heard of a change since the engine looked what is next.
    untilNs = std::min(untilNs, m_timetable.GetNext());
    if (untilNs != NEVER)
    {
        uint64_t due = m_originNs + untilNs;
        if (due <= now)
        {
            return m_running;
        }
        GhostLastWords::Pause();
        timeout = due - now;
        m_spinSavedNs = std::min(m_spinSavedNs + (now - m_spinClockNs) / SPIN_SHARE, SPIN_SAVED_NS);
        m_spinClockNs = now;
        if (m_wire.lag_ns == 0 && timeout < SPIN_NS && timeout < m_spinSavedNs)
        {
            m_spinSavedNs -= timeout;
            while (now < due && (m_heads.empty() || m_heads.front().time >= untilNs))
            {
                TakeInbox();
                now = MonotonicNs();
            }
            return m_running;
        }
    }
    uint64_t nap = wire_quiet_ns(&m_wire);
    if (timeout > nap)
    {
        nap = wire_pace_nap(&m_pace, now, WIRE_PACE_GHOST_NS);
    }
    if (nap)
    {
        GhostLastWords::Pause();
        struct timespec time = {0, static_cast<long>(nap)};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
        return m_running;
    }
    if (m_quiesceNs)
    {
        timeout = std::min<uint64_t>(timeout, 10000000);
    }
    return Poll(timeout);
}

} // namespace ns3
