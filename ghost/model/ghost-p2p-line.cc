/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-p2p-line.h"

#include "ns3/double.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ns3
{

NS_OBJECT_ENSURE_REGISTERED(GhostP2pLine);

namespace
{
/// As iproute2's table for netem: finite variance, heavy tail.
constexpr double PARETO_SHAPE = 3.0;
/// Mean of a Pareto distribution with scale 1: a / (a - 1).
constexpr double PARETO_MEAN = PARETO_SHAPE / (PARETO_SHAPE - 1);
/// Its variance: a / ((a - 1)^2 (a - 2)).
constexpr double PARETO_VARIANCE =
    PARETO_SHAPE / ((PARETO_SHAPE - 1) * (PARETO_SHAPE - 1) * (PARETO_SHAPE - 2));
} // namespace

TypeId
GhostP2pLine::GetTypeId()
{
    static TypeId tid = TypeId("ns3::GhostP2pLine")
                            .SetParent<Object>()
                            .SetGroupName("Ghostbridge")
                            .AddConstructor<GhostP2pLine>();
    return tid;
}

GhostP2pLine::GhostP2pLine()
    : m_lossVariable(CreateObject<UniformRandomVariable>())
    , m_stateVariable(CreateObject<UniformRandomVariable>())
    , m_uniformVariable(CreateObject<UniformRandomVariable>())
    , m_normalVariable(CreateObject<NormalRandomVariable>())
    , m_paretoVariable(CreateObject<ParetoRandomVariable>())
    , m_duplicateVariable(CreateObject<UniformRandomVariable>())
    , m_corruptVariable(CreateObject<UniformRandomVariable>())
    , m_reorderVariable(CreateObject<UniformRandomVariable>())
{
    m_paretoVariable->SetAttribute("Scale", DoubleValue(1.0));
    m_paretoVariable->SetAttribute("Shape", DoubleValue(PARETO_SHAPE));
}

void
GhostP2pLine::SetDelay(Time delay)
{
    m_delay = delay;
}

Time
GhostP2pLine::GetDelay() const
{
    return m_delay;
}

void
GhostP2pLine::SetEarly(Time early)
{
    m_early = early;
}

void
GhostP2pLine::SetJitter(Spread spread, Time jitter, bool reorders)
{
    m_spread = spread;
    m_jitter = jitter;
    m_reorders = reorders;
}

void
GhostP2pLine::SetJitterWidth(Time jitter)
{
    m_jitter = jitter;
    if (m_spread == NONE)
    {
        m_spread = UNIFORM;
    }
}

void
GhostP2pLine::SetLoss(double loss)
{
    m_bursts = false;
    m_loss = loss;
}

void
GhostP2pLine::SetBurstLoss(double p, double r, double lossGood, double lossBad)
{
    m_bursts = true;
    m_p = p;
    m_r = r;
    m_lossGood = lossGood;
    m_lossBad = lossBad;
}

void
GhostP2pLine::SetDuplicate(double share)
{
    m_duplicate = share;
}

void
GhostP2pLine::SetCorrupt(double share)
{
    m_corrupt = share;
}

void
GhostP2pLine::SetReorder(double share, Time hold)
{
    m_reorder = share;
    m_hold = hold;
}

bool
GhostP2pLine::Happens(double share, Ptr<UniformRandomVariable> variable)
{
    // GetValue() is from 0 to below 1.
    return share > 0 && variable->GetValue() < share;
}

bool
GhostP2pLine::IsLost()
{
    if (!m_bursts)
    {
        return Happens(m_loss, m_lossVariable);
    }
    bool lost = Happens(m_bad ? m_lossBad : m_lossGood, m_lossVariable);
    if (Happens(m_bad ? m_r : m_p, m_stateVariable))
    {
        m_bad = !m_bad;
    }
    return lost;
}

Time
GhostP2pLine::DrawJitter()
{
    double value = 0;
    switch (m_spread)
    {
    case NONE:
        return Time(0);
    case UNIFORM:
        value = 2 * m_uniformVariable->GetValue() - 1;
        break;
    case NORMAL:
        value = m_normalVariable->GetValue();
        break;
    case PARETO:
        value = (m_paretoVariable->GetValue() - PARETO_MEAN) / std::sqrt(PARETO_VARIANCE);
        break;
    }
    return NanoSeconds(std::llround(value * static_cast<double>(m_jitter.GetNanoSeconds())));
}

GhostP2pLine::Fate
GhostP2pLine::Decide(Time sent)
{
    Fate fate;
    // A lost frame draws no more than what decides on it: the streams are separate.
    fate.lost = IsLost();
    if (fate.lost)
    {
        return fate;
    }
    Time delay = std::max(m_delay + DrawJitter(), Time(0));
    bool held = Happens(m_reorder, m_reorderVariable);
    if (held)
    {
        delay += m_hold;
    }
    fate.arrival = sent + std::max(delay - m_early, Time(0));
    if (!held)
    {
        if (!m_reorders || m_spread == NONE)
        {
            fate.arrival = std::max(fate.arrival, m_lastArrival);
        }
        m_lastArrival = fate.arrival;
    }
    fate.duplicated = Happens(m_duplicate, m_duplicateVariable);
    fate.corrupt = Happens(m_corrupt, m_corruptVariable);
    return fate;
}

void
GhostP2pLine::Corrupt(Ptr<Packet> packet)
{
    uint32_t size = packet->GetSize();
    if (size == 0)
    {
        return;
    }
    std::vector<uint8_t> bytes(size);
    packet->CopyData(bytes.data(), size);
    uint32_t bit = m_corruptVariable->GetInteger(0, size * 8 - 1);
    bytes[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    // In place, so that the packet's tags stay.
    packet->RemoveAtStart(size);
    packet->AddAtEnd(Create<Packet>(bytes.data(), size));
}

int64_t
GhostP2pLine::AssignStreams(int64_t stream)
{
    m_lossVariable->SetStream(stream);
    m_stateVariable->SetStream(stream + 1);
    m_uniformVariable->SetStream(stream + 2);
    m_normalVariable->SetStream(stream + 3);
    m_paretoVariable->SetStream(stream + 4);
    m_duplicateVariable->SetStream(stream + 5);
    m_corruptVariable->SetStream(stream + 6);
    m_reorderVariable->SetStream(stream + 7);
    return 8;
}

} // namespace ns3
