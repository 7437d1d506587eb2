/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of GhostWire that talks to the daemon: START and STOP, changes of links, carrier,
 * errors.
 */
#include "ghost-changes.h"
#include "ghost-port.h"
#include "ghost-wire.h"

#include "ns3/log.h"
#include "ns3/simulator.h"

#include <algorithm>
#include <cstring>
#include <poll.h>

namespace ns3
{

NS_LOG_COMPONENT_DEFINE("GhostWire");

namespace
{
/// A busy ghost looks at its control socket this often.
constexpr uint64_t CONTROL_INTERVAL_NS = 2000000;
/// Who begins so long after the barrier has had a predecessor.
constexpr uint64_t SUCCESSOR_NS = 1000000000;
/// How long frames under way may take to arrive at the end of a run.
constexpr uint64_t QUIESCE_NS = 1000000000;
} // namespace

void
GhostWire::SetChanges(GhostChanges* changes, uint32_t ghost)
{
    m_changes = changes;
    m_timetable.Plan(*changes, ghost);
}

void
GhostWire::AddInner(Ptr<GhostPort> port)
{
    m_inner.push_back(port);
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

} // namespace ns3
