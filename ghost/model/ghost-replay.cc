/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-replay.h"

#include "ghost-changes.h"
#include "ghost-last-words.h"
#include "ghost-port.h"
#include "ghost-sniffer.h"

#include "ns3/log.h"
#include "ns3/simulator.h"

#include <algorithm>
#include <poll.h>
#include <time.h>

namespace ns3
{

NS_LOG_COMPONENT_DEFINE("GhostReplay");

namespace
{
/// How long to wait for the other end of a journal before looking again.
constexpr long NAP_NS = 50000;

void
Nap()
{
    GhostLastWords::Pause();
    struct timespec time = {0, NAP_NS};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}
} // namespace

std::unique_ptr<GhostWire>
GhostReplay::Open(const struct wire& wire)
{
    if (wire.journal_fd[0] < 0)
    {
        return std::make_unique<GhostWire>(wire);
    }
    return std::make_unique<GhostReplay>(wire);
}

GhostReplay::GhostReplay(const struct wire& wire)
    : GhostWire(wire)
    , m_feed()
    , m_entry()
    , m_frame(WIRE_FRAME_MAX)
{
    for (int fd : wire.journal_fd)
    {
        struct journal feed;
        if (fd < 0)
        {
            continue;
        }
        if (journal_map(fd, false, &feed) < 0)
        {
            Fail(JOURNAL_USELESS);
            continue;
        }
        if (feed.head->flags & JOURNAL_CONSUME)
        {
            m_feed = feed;
            m_isChanged = feed.head->flags & JOURNAL_CHANGED;
            break;
        }
        journal_unmap(&feed);
    }
}

GhostReplay::~GhostReplay()
{
    journal_unmap(&m_feed);
}

bool
GhostReplay::IsLive() const
{
    return !m_feed.head;
}

bool
GhostReplay::WaitForStart()
{
    if (m_journal.head && m_journal.head->flags & JOURNAL_SNIFF)
    {
        GhostSniffer::Install(this);
    }
    return GhostWire::WaitForStart();
}

bool
GhostReplay::Look()
{
    while (!m_hasEntry && m_running)
    {
        int r = journal_look(&m_feed, &m_entry, &m_payload);
        if (r < 0)
        {
            Fail("the journal to replay makes no sense");
            break;
        }
        m_hasEntry = r == 1;
        // Recorded times count from the barrier.
        m_entry.time_ns += m_hasEntry ? m_startNs : 0;
        if (m_hasEntry && m_entry.kind == JOURNAL_IN &&
            (m_entry.port >= m_ports.size() || m_entry.size < WIRE_FRAME_MIN ||
             m_entry.size > WIRE_FRAME_MAX || !m_ports[m_entry.port].handler))
        {
            Fail("the journal to replay has a frame for a port that there is not");
            break;
        }
        if (m_hasEntry && m_entry.kind == JOURNAL_CONTROL &&
            m_entry.extra == JOURNAL_CHANGE_PLANNED && m_isChanged)
        {
            Take(); // the scenario has changes of its own
            continue;
        }
        if (!m_hasEntry)
        {
            Nap();
            struct pollfd pollFd = {m_wire.control_fd, POLLIN, 0};
            if (poll(&pollFd, 1, 0) > 0)
            {
                HandleControl(); // STOP, or the other end is gone
            }
        }
    }
    return m_running;
}

uint64_t
GhostReplay::NextTime()
{
    if (!m_feed.head)
    {
        return GhostWire::NextTime();
    }
    if (!Look())
    {
        return OVER;
    }
    uint64_t change = m_isChanged ? m_timetable.GetNext() : NEVER;
    if (m_entry.kind != JOURNAL_END)
    {
        return std::min(change, m_entry.time_ns);
    }
    bool over = m_feed.head->flags & JOURNAL_UNTIL_EVENTS &&
                Simulator::GetEventCount() >= m_feed.head->end_events;
    return over ? OVER : change;
}

uint32_t
GhostReplay::NextContext()
{
    if (!m_feed.head)
    {
        return GhostWire::NextContext();
    }
    if (m_entry.kind != JOURNAL_IN || IsPlannedNext())
    {
        return Simulator::NO_CONTEXT;
    }
    return m_ports[m_entry.port].handler->GetContext();
}

bool
GhostReplay::IsPlannedNext() const
{
    return m_isChanged && m_timetable.GetNext() != NEVER &&
           (m_entry.kind == JOURNAL_END || m_timetable.GetNext() <= m_entry.time_ns);
}

void
GhostReplay::Take()
{
    m_hasEntry = false;
    journal_take(&m_feed);
}

void
GhostReplay::ApplyRecorded()
{
    std::string text(reinterpret_cast<const char*>(m_payload), m_entry.size);
    RecordChange(text, static_cast<enum journal_change>(m_entry.extra));
    switch (m_entry.extra)
    {
    case JOURNAL_CHANGE_PLANNED:
        if (m_timetable.HasPlanned())
        {
            ApplyListed(m_timetable.TakePlanned());
        }
        else
        {
            Fail("the recording has more changes than its scenario");
        }
        break;
    case JOURNAL_CHANGE_CLOSE:
        CloseInner();
        break;
    case JOURNAL_CHANGE_LIVE:
        ApplyText(text);
        break;
    default:
        Fail("the recording has a change of an unknown kind");
    }
}

void
GhostReplay::Inject(uint64_t lateNs)
{
    if (!m_feed.head)
    {
        return GhostWire::Inject(lateNs);
    }
    if (IsPlannedNext())
    {
        GhostTimetable::Change change = m_timetable.Take();
        RecordChange(change.text, change.kind);
        ApplyListed(change);
        return;
    }
    if (m_entry.kind == JOURNAL_IN)
    {
        InjectFrame(m_entry.port, m_payload, m_entry.size, m_entry.time_ns + lateNs, lateNs);
    }
    else
    {
        ApplyRecorded();
    }
    Take();
}

uint64_t
GhostReplay::Limit()
{
    if (!m_feed.head)
    {
        return GhostWire::Limit();
    }
    // Also with JOURNAL_UNTIL_EVENTS: nothing ran live after the end, and a wrong count must not
    // keep us going for ever.
    return m_feed.head->end_ns + m_startNs;
}

bool
GhostReplay::Flush(uint64_t nowNs, uint64_t behindNs)
{
    if (!m_feed.head)
    {
        return GhostWire::Flush(nowNs, behindNs);
    }
    __atomic_store_n(&m_wire.stats->sim_ns, nowNs - std::min(nowNs, m_startNs), __ATOMIC_RELAXED);
    __atomic_store_n(&m_wire.stats->events, Simulator::GetEventCount(), __ATOMIC_RELAXED);
    return m_running;
}

bool
GhostReplay::Wait(uint64_t untilNs)
{
    if (!m_feed.head)
    {
        return GhostWire::Wait(untilNs);
    }
    // Nothing is due before the end, and nothing else will come.
    return false;
}

uint8_t*
GhostReplay::Reserve(uint32_t index, uint32_t len)
{
    if (!m_feed.head)
    {
        return GhostWire::Reserve(index, len);
    }
    return len <= m_frame.size() ? m_frame.data() : nullptr;
}

void
GhostReplay::SayCarrier(uint32_t index)
{
    // In a replay there are no interfaces.
    if (!m_feed.head)
    {
        GhostWire::SayCarrier(index);
    }
}

void
GhostReplay::Commit(uint32_t index, uint32_t len, uint64_t departureNs, uint64_t hash)
{
    if (!m_feed.head)
    {
        return GhostWire::Commit(index, len, departureNs, hash);
    }
    Record({std::min(len, JOURNAL_OUT_SIZE), JOURNAL_OUT, 0, index, len, departureNs, hash},
           m_frame.data());
}

void
GhostReplay::Record(const struct journal_entry& entry, const uint8_t* payload)
{
    if (!m_feed.head)
    {
        return GhostWire::Record(entry, payload);
    }
    if (!m_journal.head || entry.size > JOURNAL_PAYLOAD_MAX)
    {
        return;
    }
    if (entry.kind != JOURNAL_SNIFFED)
    {
        WriteSniffed(GetWireTime());
    }
    // Nothing may be missing here, and there is time.
    while (m_running && !journal_has_room(&m_journal, journal_entry_size(entry.size)))
    {
        Nap();
        struct pollfd pollFd = {m_wire.control_fd, POLLIN, 0};
        if (poll(&pollFd, 1, 0) > 0)
        {
            HandleControl();
        }
    }
    journal_put(&m_journal, &entry, payload);
}

void
GhostReplay::RecordSniffed(uint32_t device,
                           enum journal_direction direction,
                           uint64_t delayNs,
                           std::vector<uint8_t> frame)
{
    uint64_t now = GetWireTime();
    if (frame.size() <= JOURNAL_PAYLOAD_MAX)
    {
        m_sniffed.emplace(now + delayNs, Sniffed{device, direction, std::move(frame)});
    }
    WriteSniffed(now);
}

void
GhostReplay::WriteSniffed(uint64_t untilNs)
{
    while (!m_sniffed.empty() && m_sniffed.begin()->first <= untilNs)
    {
        const auto& [time, sniffed] = *m_sniffed.begin();
        auto size = static_cast<uint32_t>(sniffed.frame.size());
        Record({size, JOURNAL_SNIFFED, 0, sniffed.device, sniffed.direction, time, 0},
               sniffed.frame.data());
        m_sniffed.erase(m_sniffed.begin());
    }
}

uint32_t
GhostReplay::AddSniffed(const std::string& name, const std::string& type, uint32_t linkType)
{
    std::string text = name + "\n" + type;
    Record({static_cast<uint32_t>(text.size()), JOURNAL_DEVICE, 0, m_sniffedCount, linkType, 0, 0},
           reinterpret_cast<const uint8_t*>(text.data()));
    return m_sniffedCount++;
}

} // namespace ns3
