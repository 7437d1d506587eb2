/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_WIRE_H
#define GHOST_WIRE_H

#include "ghost-input.h"
#include "ghost-source.h"
#include "ghost-timetable.h"

#include "bridge/record/journal.h"
#include "bridge/wire/wire.h"

#include "ns3/ptr.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ns3
{

class GhostChanges;
class GhostPort;

/**
 * \brief The live input: frames and changes from a wire, pace from CLOCK_MONOTONIC.
 *
 * Simulated time is monotonic time minus the origin minus half the lag. Frames that wait in several
 * rings are handed out in stamp order, ports with equal stamps in port order; changes of links come
 * in the same order, before a frame with an equal stamp. Owns the attached
 * struct wire. A peer that writes nonsense ends the run with an error the daemon is told of.
 */
class GhostWire : public GhostInput
{
  public:
    /**
     * \brief Take over an attached wire.
     * \param wire moved in; detached by the destructor
     */
    explicit GhostWire(const struct wire& wire);
    ~GhostWire() override;

    GhostWire(const GhostWire&) = delete;
    GhostWire& operator=(const GhostWire&) = delete;

    /// Number of ports.
    uint32_t GetNPorts() const;

    /// What the daemon said of a port.
    const struct wire_port& GetPort(uint32_t index) const;

    /// Index of the port called name, or -1.
    int32_t FindPort(const std::string& name) const;

    /**
     * \brief Connect a port's ring to the object that injects and delivers its frames.
     * \param index port
     * \param port borrowed, until the destructor
     */
    void SetHandler(uint32_t index, GhostPort* port);

    /// What SetHandler was given for a port, or nullptr.
    GhostPort* GetHandler(uint32_t index) const;

    /**
     * \brief Take changes of links: those of the scenario, at their times, and those the daemon
     * sends.
     * \param changes who sets what, borrowed; nullptr (as long as this isn't called): none come
     * \param ghost whose links of the scenario are simulated here
     */
    void SetChanges(GhostChanges* changes, uint32_t ghost);

    /// Counters of a port, or behind those of an end inside, in shared memory.
    struct stats_port& GetStats(uint32_t index);

    /// Number of such counters.
    uint32_t GetNStats() const;

    /**
     * \brief Make known the port of a simulated node, whose frames may be under way, too.
     * \param port kept
     */
    void AddInner(Ptr<GhostPort> port);

    /// \return whether simulated nodes have been told to fall silent
    bool IsInnerClosed() const;

    /**
     * \brief Something that counts by itself, and must be asked.
     * \param update its counters; called at the end of every batch until simulated nodes fall
     * silent, and then once more
     */
    void AddCounter(std::function<void()> update);

    /**
     * \brief Have frames enter at an end that is no port of the wire.
     * \param index of the end's counters; GetNPorts at least
     * \param port takes them, borrowed, until the destructor
     * \param frameMax bytes of the longest frame without VLAN tags; longer ones are dropped as
     * oversize
     * \param source of the frames; nullptr in a replay, whose recording has them
     */
    void SetSource(uint32_t index,
                   GhostPort* port,
                   uint32_t frameMax,
                   std::unique_ptr<GhostSource> source);

    /// Whether frames come as they happen, and not from a recording.
    virtual bool IsLive() const;

    /// Whether it ended because a source failed.
    bool IsSourceBroken() const;

    /// Lateness that still counts as on time, ns.
    uint64_t GetBudget() const;

    /**
     * \brief Say that simulated time begins later than 0: what was before made the links usable.
     * \param startNs simulated time of the ready barrier; before WaitForStart
     */
    void SetStart(uint64_t startNs);

    /// Simulated time since the ready barrier, as it is on the wire; 0 before it.
    uint64_t GetWireTime() const;

    /**
     * \brief Give a port's interface carrier, or take it away.
     * \param index port
     * \param up whether it can send; every port can unless this says otherwise
     * \param ap 1 + index of the end that it can send to, 0 if that isn't one
     */
    void SetCarrier(uint32_t index, bool up, uint32_t ap = 0);

    /**
     * \brief Say READY and block until START; then the clock runs.
     * \return false if the run is over before it began
     */
    virtual bool WaitForStart();

    /**
     * \brief Room for a frame toward the shuttle; blocks while the ring is full.
     * \param index port
     * \param len bytes
     * \return where to write the frame, or nullptr when the run is over
     */
    virtual uint8_t* Reserve(uint32_t index, uint32_t len);

    /**
     * \brief Send the reserved frame.
     * \param index port
     * \param len bytes
     * \param departureNs GetWireTime
     * \param hash XXH3 of its bytes, for the recording
     */
    virtual void Commit(uint32_t index, uint32_t len, uint64_t departureNs, uint64_t hash);

    /// Why the run ended; empty if it was asked to stop.
    const std::string& GetError() const;

    /// Whether it ended because the daemon is gone, and not by what the shuttle wrote.
    bool IsDaemonLost() const;

    // Inherited from GhostInput
    bool Begin() override
    {
        return WaitForStart();
    }

    uint64_t NextTime() override;
    uint32_t NextContext() override;
    void Inject(uint64_t lateNs) override;
    uint64_t Limit() override;
    bool Flush(uint64_t nowNs, uint64_t behindNs) override;
    bool Wait(uint64_t untilNs) override;
    void Ended(uint64_t nowNs, uint64_t events) override;

  protected:
    /// Append an entry to the recording, if there is one. Live that never waits.
    virtual void Record(const struct journal_entry& entry, const uint8_t* payload);

    /// Record a change, at the simulator's current time.
    void RecordChange(const std::string& text, enum journal_change kind);

    /// Apply a change of the timetable's. \return empty, or why it has no effect
    std::string ApplyListed(const GhostTimetable::Change& change);

    /**
     * \brief Apply a change given as text, where there is no scenario to check it against, too.
     * \param text "LINK[.NODE.IFNAME] KEY=VALUE"
     * \return empty, or why it has no effect
     */
    virtual std::string ApplyText(const std::string& text);

    /// Tell the daemon whether a port's interface has carrier.
    virtual void SayCarrier(uint32_t index);

    /// See AddCounter.
    void UpdateCounters() const;

    /// Let simulated nodes fall silent; what they do then is not counted any more.
    void CloseInner();

    /// Count an injected frame, record it and hand it to its port.
    void InjectFrame(
        uint32_t index, const uint8_t* frame, uint32_t len, uint64_t timeNs, uint64_t lateNs);

    /// The oldest record of a port's ring.
    struct Head
    {
        uint64_t time; //!< stamp, simulated ns
        uint32_t port; //!< index

        /// Heap order: the earliest on top, then the lowest port.
        bool operator<(const Head& other) const
        {
            return time != other.time ? time > other.time : port > other.port;
        }
    };

    /// Ring state of one port.
    struct PortState
    {
        GhostPort* handler{nullptr};         //!< injects and delivers
        const uint8_t* payload{nullptr};     //!< the peeked frame, in shared memory
        uint32_t len{0};                     //!< its length
        bool waiting{false};                 //!< in m_heads
        bool dirty{false};                   //!< in m_dirty
        bool carrier{true};                  //!< see SetCarrier
        uint32_t ap{0};                      //!< likewise
        std::unique_ptr<GhostSource> source; //!< instead of a ring
        uint64_t timeNs{0};                  //!< of a source's frame, simulated
        uint32_t frameMax{0};                //!< of a source; 0: the shuttle has looked
    };

    /// What to say of a journal that can't be mapped.
    static constexpr const char* JOURNAL_USELESS =
        "the journal that came with the wire is none that this program knows";

    static uint64_t MonotonicNs();
    uint64_t SimulatedTime(uint64_t stampNs) const;
    void ApplyChange();
    void TakeInbox();
    void PeekPort(uint32_t index);
    void PrepareSources();
    void BeginSources(uint64_t sinceNs);
    void FetchSource(uint32_t index);
    void PushSource(uint32_t index);
    void CountLost(struct stats_port& stats);
    void MarkDirty(uint32_t index);
    void FlushPorts();
    void Fail(const std::string& what);
    void LoseDaemon(const std::string& why);
    bool HandleControl();
    bool LookAtControl();
    bool Poll(uint64_t timeoutNs);
    uint64_t InFlight() const;
    void AccountLost();

    struct wire m_wire;                  //!< the attached wire
    std::vector<PortState> m_ports;      //!< by index
    std::vector<Ptr<GhostPort>> m_inner; //!< ports of simulated nodes
    std::vector<Head> m_heads;           //!< heap of ports that have a frame
    std::vector<uint32_t> m_dirty;       //!< ports with something to publish
    GhostChanges* m_changes{nullptr};    //!< who sets what, borrowed
    GhostTimetable m_timetable;          //!< what is to change
    uint64_t m_startNs{0};               //!< see SetStart
    uint64_t m_originNs{0};              //!< monotonic time of simulated 0, plus half the lag
    uint64_t m_clockNs{0};               //!< monotonic clock as last read
    uint64_t m_controlNs{0};             //!< when the control socket was last looked at
    uint64_t m_quiesceNs{0};             //!< until when QUIESCED is due; 0: not asked
    struct wire_pace m_pace
    {
    };                                             //!< how often to wake
    uint64_t m_spinSavedNs{0};                     //!< time that may be spent waiting awake
    uint64_t m_spinClockNs{0};                     //!< when m_spinSavedNs was last added to
    bool m_running{true};                          //!< neither stopped nor failed
    bool m_daemonLost{false};                      //!< that is why it failed
    bool m_isCut{false};                           //!< stopped with a frame half delivered
    bool m_innerClosed{false};                     //!< see CloseInner
    std::vector<std::function<void()>> m_counters; //!< see AddCounter
    bool m_sourceBroken{false};                    //!< that is why it failed
    std::string m_error;                           //!< why it failed
    struct journal m_journal //!< the recording that is being written; empty: none
    {
    };
};

} // namespace ns3

#endif /* GHOST_WIRE_H */
