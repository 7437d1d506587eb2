/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames and the clock; what the daemon is told and says is in ghost-wire-control.cc.
 */
#include "ghost-wire.h"

#include "ghost-last-words.h"
#include "ghost-port.h"

#include "bridge/cache.h"

#include "ns3/simulator.h"

#include <algorithm>
#include <poll.h>
#include <time.h>

namespace ns3
{

namespace
{
/// A stamp this far ahead of the clock can't be a late wake-up of ours.
constexpr uint64_t STAMP_AHEAD_MAX_NS = 1000000000;
/// Shorter waits are spent looking at clock and inbox: going to sleep and waking take as long.
constexpr uint64_t SPIN_NS = 15000;
/// But not more than this part of the time, or a busy link would take the core from its containers.
constexpr uint64_t SPIN_SHARE = 16;
/// What of that may be saved up while idle.
constexpr uint64_t SPIN_SAVED_NS = 1000000;
} // namespace

static_assert(JOURNAL_MAGIC >> 56 == '0' + WIRE_JOURNAL_FORMAT, "what HELLO says of the journal");

GhostWire::GhostWire(const struct wire& wire)
    : m_wire(wire)
    , m_ports(wire.port_count)
{
    m_heads.reserve(wire.port_count);
    m_dirty.reserve(wire.port_count);
    for (int fd : wire.journal_fd)
    {
        struct journal journal;
        if (fd < 0)
        {
            continue;
        }
        if (journal_map(fd, true, &journal) < 0)
        {
            Fail(JOURNAL_USELESS);
        }
        else if (journal.head->flags & JOURNAL_PRODUCE)
        {
            m_journal = journal;
        }
        else
        {
            journal_unmap(&journal);
        }
    }
}

GhostWire::~GhostWire()
{
    journal_unmap(&m_journal);
    wire_detach(&m_wire);
}

uint64_t
GhostWire::MonotonicNs()
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
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

uint32_t
GhostWire::GetNStats() const
{
    return m_wire.stats_count;
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

uint64_t
GhostWire::SimulatedTime(uint64_t stampNs) const
{
    // With a lag the origin is that much later than time 0 of the stamps.
    uint64_t origin = m_originNs - m_wire.lag_ns / 2;
    return stampNs > origin ? stampNs - origin : 0;
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
    cache_fetch(port.payload, port.len);
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
