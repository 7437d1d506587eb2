/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of GhostWire that lets frames enter which come from no ring: those of capture files.
 */
#include "ghost-port.h"
#include "ghost-wire.h"

#include <algorithm>

namespace ns3
{

void
GhostWire::SetSource(uint32_t index,
                     GhostPort* port,
                     uint32_t frameMax,
                     std::unique_ptr<GhostSource> source)
{
    if (m_ports.size() <= index)
    {
        m_ports.resize(index + 1);
    }
    m_ports[index].handler = port;
    m_ports[index].frameMax = frameMax;
    m_ports[index].source = std::move(source);
}

/*
 * Sources begin anew, so a successor leaves out what its predecessor sent. All of them are tried
 * before READY: what cannot be read is known before the experiment begins.
 */
void
GhostWire::PrepareSources()
{
    for (uint32_t index = m_wire.port_count; index < m_ports.size() && m_running; index++)
    {
        if (!m_ports[index].source)
        {
            continue;
        }
        uint64_t sent = GetStats(index).up.frames;
        CountLost(GetStats(index));
        for (FetchSource(index); sent > 0 && m_ports[index].waiting; sent--)
        {
            FetchSource(index);
        }
    }
}

/* What was due while nobody was there is lost, as it is at a container's port. */
void
GhostWire::BeginSources(uint64_t sinceNs)
{
    for (uint32_t index = m_wire.port_count; index < m_ports.size() && m_running; index++)
    {
        const PortState& port = m_ports[index];
        while (port.waiting && port.timeNs < sinceNs)
        {
            stats_add(&GetStats(index).up.frames, 1);
            stats_add(&GetStats(index).up.bytes, port.len);
            stats_add(&GetStats(index).up.drops[STATS_DROP_LOST], 1);
            FetchSource(index);
        }
        PushSource(index);
    }
}

void
GhostWire::FetchSource(uint32_t index)
{
    PortState& port = m_ports[index];
    GhostSource::Frame frame;
    port.waiting = !m_innerClosed && port.source->Next(frame);
    if (port.waiting)
    {
        port.payload = frame.data;
        port.len = frame.len;
        port.timeNs = frame.timeNs + m_startNs;
    }
    else if (!port.source->GetError().empty())
    {
        m_sourceBroken = true;
        Fail(port.source->GetError());
    }
}

void
GhostWire::PushSource(uint32_t index)
{
    if (m_ports[index].waiting)
    {
        m_heads.push_back({m_ports[index].timeNs, index});
        std::push_heap(m_heads.begin(), m_heads.end());
    }
}

} // namespace ns3
