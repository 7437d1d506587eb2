/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_EVENT_LIST_H
#define GHOST_EVENT_LIST_H

#include "ns3/scheduler.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace ns3
{

/**
 * \brief The engine's event list: what ns-3's Schedulers do, without a virtual call per question.
 *
 * The engine asks for the next event's time before every piece of work. Events come out by time,
 * then by uid, as from every ns3::Scheduler, so the choice of a list changes no result. A heap with
 * four children to a node: few events wait while frames cross a segment, thousands where a link
 * delays them.
 */
class GhostEventList
{
  public:
    /// \return whether no event waits
    bool IsEmpty() const
    {
        return m_heap.empty();
    }

    /// \return the earliest event; only if there is one
    const Scheduler::Event& PeekNext() const
    {
        return m_heap.front();
    }

    /**
     * \brief Add an event.
     * \param event the list holds no reference of its own
     */
    void Insert(const Scheduler::Event& event)
    {
        m_heap.push_back(event);
        Rise(m_heap.size() - 1, event);
    }

    /**
     * \brief Take the earliest event; only if there is one.
     * \return it
     */
    Scheduler::Event RemoveNext()
    {
        Scheduler::Event next = m_heap.front();
        Scheduler::Event last = m_heap.back();
        m_heap.pop_back();
        if (!m_heap.empty())
        {
            Sink(0, last);
        }
        return next;
    }

    /**
     * \brief Take out one event, wherever it is. Linear, as in ns3::PriorityQueueScheduler.
     * \param uid of the event
     * \return whether it was there
     */
    bool Remove(uint32_t uid)
    {
        auto it =
            std::find_if(m_heap.begin(),
                         m_heap.end(),
                         [uid](const Scheduler::Event& event) { return event.key.m_uid == uid; });
        if (it == m_heap.end())
        {
            return false;
        }
        std::size_t hole = static_cast<std::size_t>(it - m_heap.begin());
        Scheduler::Event last = m_heap.back();
        m_heap.pop_back();
        if (hole < m_heap.size())
        {
            // It comes from another branch: it may belong above the hole or below it.
            Rise(hole, last);
            if (m_heap[hole].key.m_uid == last.key.m_uid)
            {
                Sink(hole, last);
            }
        }
        return true;
    }

  private:
    static constexpr std::size_t CHILDREN = 4;

    /// Put an event where a hole is, or above it.
    void Rise(std::size_t hole, const Scheduler::Event& event)
    {
        Scheduler::Event moved = event; // it may be a reference into the heap
        while (hole > 0)
        {
            std::size_t parent = (hole - 1) / CHILDREN;
            if (m_heap[parent].key < moved.key)
            {
                break;
            }
            m_heap[hole] = m_heap[parent];
            hole = parent;
        }
        m_heap[hole] = moved;
    }

    /// Put an event where a hole is, or below it.
    void Sink(std::size_t hole, const Scheduler::Event& event)
    {
        for (;;)
        {
            std::size_t child = hole * CHILDREN + 1;
            if (child >= m_heap.size())
            {
                break;
            }
            std::size_t end = std::min(child + CHILDREN, m_heap.size());
            std::size_t least = child;
            while (++child < end)
            {
                if (m_heap[child].key < m_heap[least].key)
                {
                    least = child;
                }
            }
            if (event.key < m_heap[least].key)
            {
                break;
            }
            m_heap[hole] = m_heap[least];
            hole = least;
        }
        m_heap[hole] = event;
    }

    std::vector<Scheduler::Event> m_heap; //!< every event is before its children
};

} // namespace ns3

#endif /* GHOST_EVENT_LIST_H */
