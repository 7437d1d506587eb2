/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_REPLAY_H
#define GHOST_REPLAY_H

#include "ghost-wire.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ns3
{

/**
 * \brief The input of a replay: frames from a recording, at their recorded times, without a clock.
 *
 * What the simulation was given live comes in the same order and at the same simulated times from a
 * journal that `ghostbridge replay` feeds, and enters by the same rule. What leaves goes, as time,
 * length and hash, to another journal. Ends after as many events as were run live, or at a time.
 */
class GhostReplay : public GhostWire
{
  public:
    /**
     * \brief Take over an attached wire; without a journal to read it is live, as a GhostWire is.
     * \param wire moved in
     */
    explicit GhostReplay(const struct wire& wire);

    /**
     * \brief The input that belongs to a wire: live, or a replay if a journal to read came with it.
     * \param wire attached, taken over
     */
    static std::unique_ptr<GhostWire> Open(const struct wire& wire);

    // Inherited from GhostWire
    bool WaitForStart() override;
    uint8_t* Reserve(uint32_t index, uint32_t len) override;
    void SayCarrier(uint32_t index) override;
    void Commit(uint32_t index, uint32_t len, uint64_t departureNs, uint64_t hash) override;
    bool IsLive() const override;
    uint64_t NextTime() override;
    uint32_t NextContext() override;
    void Inject(uint64_t lateNs) override;
    uint64_t Limit() override;
    bool Flush(uint64_t nowNs, uint64_t behindNs) override;
    bool Wait(uint64_t untilNs) override;
    ~GhostReplay() override;

    /**
     * \brief Record what a simulated device saw.
     * \param device number, as announced
     * \param direction which way it passed
     * \param delayNs from now until it passes; frames are written in the order of these times
     * \param frame of the device's link type
     */
    void RecordSniffed(uint32_t device,
                       enum journal_direction direction,
                       uint64_t delayNs,
                       std::vector<uint8_t> frame);

    /**
     * \brief Announce a device that is listened to.
     * \param name where it is, "h1.eth0"
     * \param type what it is
     * \param linkType of tcpdump.org/linktypes.html
     * \return its number
     */
    uint32_t AddSniffed(const std::string& name, const std::string& type, uint32_t linkType);

  protected:
    void Record(const struct journal_entry& entry, const uint8_t* payload) override;

  private:
    /// Have the next entry in m_entry; waits until it is there. \return false when the run is over
    bool Look();

    /// Done with m_entry.
    void Take();

    /// Whether the next thing to come is a change of a changed scenario.
    bool IsPlannedNext() const;

    /// Apply the change that m_entry is.
    void ApplyRecorded();

    /// Write what devices saw up to a time.
    void WriteSniffed(uint64_t untilNs);

    /// A frame that a device saw.
    struct Sniffed
    {
        uint32_t device;                  //!< number
        enum journal_direction direction; //!< which way
        std::vector<uint8_t> frame;       //!< bytes
    };

    struct journal m_feed;                      //!< what is replayed
    struct journal_entry m_entry;               //!< its next entry
    const uint8_t* m_payload{};                 //!< of m_entry
    bool m_hasEntry{false};                     //!< m_entry is valid
    std::vector<uint8_t> m_frame;               //!< where a departing frame is put together
    bool m_isChanged{false};                    //!< the scenario isn't the recorded one
    uint32_t m_sniffedCount{0};                 //!< devices listened to
    std::multimap<uint64_t, Sniffed> m_sniffed; //!< not written yet, by time on the wire
};

} // namespace ns3

#endif /* GHOST_REPLAY_H */
