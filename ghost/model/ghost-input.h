/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_INPUT_H
#define GHOST_INPUT_H

#include <cstdint>

namespace ns3
{

/**
 * \brief Where GhostSimulatorImpl gets outside frames, changes of links and its pace from.
 *
 * Live that is a wire and the monotonic clock (GhostWire); a test or a replay feeds a list and
 * never waits. All times are simulated nanoseconds. Everything is called from the simulator's
 * thread.
 */
class GhostInput
{
  public:
    /// No time: nothing waits.
    static constexpr uint64_t NEVER = UINT64_MAX;
    /// Not even what is due now: the run ends here.
    static constexpr uint64_t OVER = UINT64_MAX - 1;

    virtual ~GhostInput() = default;

    /**
     * \brief Simulator::Run begins.
     * \return false if the run is over before it began
     */
    virtual bool Begin()
    {
        return true;
    }

    /// Simulator::Run is about to return.
    virtual void End()
    {
    }

    /**
     * \brief Time stamp of the earliest frame or change that waits, NEVER or OVER.
     *
     * Called before every event, so it has to be cheap.
     */
    virtual uint64_t NextTime() = 0;

    /**
     * \brief The context (node id) that it is injected in; Simulator::NO_CONTEXT for a change.
     */
    virtual uint32_t NextContext() = 0;

    /**
     * \brief Hand the earliest frame to its device, or apply the change, now.
     * \param lateNs how much later than its stamp that is
     */
    virtual void Inject(uint64_t lateNs) = 0;

    /**
     * \brief How far simulated time may go at this moment. Reads the clock.
     */
    virtual uint64_t Limit() = 0;

    /**
     * \brief Something was done or the batch is over: show the other side what we have.
     * \param nowNs simulated time reached
     * \param behindNs how much later than allowed the next piece of work is, 0 if it isn't
     * \return false when the run is over
     */
    virtual bool Flush(uint64_t nowNs, uint64_t behindNs) = 0;

    /**
     * \brief Sleep until the limit reaches a time or a frame arrives.
     * \param untilNs simulated time of the next event, or NEVER
     * \return false when the run is over
     */
    virtual bool Wait(uint64_t untilNs) = 0;

    /**
     * \brief The run is over: nothing more will happen.
     * \param nowNs simulated time reached
     * \param events how many the simulator has run
     */
    virtual void Ended([[maybe_unused]] uint64_t nowNs, [[maybe_unused]] uint64_t events)
    {
    }
};

} // namespace ns3

#endif /* GHOST_INPUT_H */
