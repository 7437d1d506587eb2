/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_P2P_LINE_H
#define GHOST_P2P_LINE_H

#include "ns3/nstime.h"
#include "ns3/object.h"
#include "ns3/packet.h"
#include "ns3/random-variable-stream.h"

namespace ns3
{

/**
 * \brief What one direction of a p2p link does to a frame between its transmitter and the other
 * end: propagation delay, jitter, loss, duplicates, late ones and bit errors.
 *
 * Every effect has a random stream of its own, so switching one on doesn't change what another
 * does. All setters can be called at any time and hold for frames sent from then on.
 */
class GhostP2pLine : public Object
{
  public:
    /// How delays differ from frame to frame.
    enum Spread
    {
        NONE,
        UNIFORM, //!< within +-jitter
        NORMAL,  //!< standard deviation jitter, mean 0
        PARETO,  //!< shape 3, shifted to mean 0, standard deviation jitter
    };

    /// What becomes of a frame.
    struct Fate
    {
        bool lost{false};       //!< doesn't arrive
        bool duplicated{false}; //!< arrives twice
        bool corrupt{false};    //!< a bit is to be turned over
        Time arrival;           //!< at the other end
    };

    /**
     * \brief Get the type ID.
     * \return the object TypeId
     */
    static TypeId GetTypeId();

    GhostP2pLine();

    /// \param delay propagation
    void SetDelay(Time delay);
    /// \return propagation delay
    Time GetDelay() const;

    /**
     * \brief How much earlier than simulated frames are handed over: the lag, which the shuttle
     * adds again. No frame arrives before it has been sent, so it counts as far as the delay goes.
     */
    void SetEarly(Time early);

    /**
     * \param spread distribution
     * \param jitter its width
     * \param reorders whether a frame may overtake the one before; otherwise it arrives with it at
     * the earliest
     */
    void SetJitter(Spread spread, Time jitter, bool reorders);

    /// \param jitter width of the distribution, which stays; NONE becomes UNIFORM
    void SetJitterWidth(Time jitter);

    /// \param loss share of frames lost, each independently, 0 to 1
    void SetLoss(double loss);

    /**
     * \brief Loss in bursts after Gilbert and Elliott: a frame is lost with the probability of the
     * present state, then the state changes with that of the transition (the order of netem's
     * loss_gilb_ell).
     * \param p from the good state to the bad one
     * \param r from the bad state to the good one
     * \param lossGood share lost in the good state
     * \param lossBad share lost in the bad state
     */
    void SetBurstLoss(double p, double r, double lossGood, double lossBad);

    /// \param share of frames that arrive twice, 0 to 1
    void SetDuplicate(double share);
    /// \param share of frames in which one bit is turned over, 0 to 1
    void SetCorrupt(double share);

    /**
     * \param share of frames that are held back, 0 to 1
     * \param hold for how long; others pass them meanwhile
     */
    void SetReorder(double share, Time hold);

    /**
     * \brief Decide on a frame. To be called once for each, in the order they are sent.
     * \param sent when its last bit left the transmitter
     * \return what becomes of it
     */
    Fate Decide(Time sent);

    /// Turn a random bit of a packet over.
    void Corrupt(Ptr<Packet> packet);

    /**
     * \param stream of the first variable
     * \return how many were assigned
     */
    int64_t AssignStreams(int64_t stream);

  private:
    /// Whether something of a probability happens; no draw for 0 and 1.
    static bool Happens(double share, Ptr<UniformRandomVariable> variable);

    /// Whether the frame is lost.
    bool IsLost();

    /// What the jitter adds to the delay, maybe negative.
    Time DrawJitter();

    Time m_delay;           //!< propagation
    Time m_early;           //!< see SetEarly
    Spread m_spread{NONE};  //!< of the jitter
    Time m_jitter;          //!< its width
    bool m_reorders{false}; //!< frames may overtake each other
    bool m_bursts{false};   //!< Gilbert-Elliott instead of m_loss
    bool m_bad{false};      //!< its state
    double m_loss{0};       //!< share lost
    double m_p{0};          //!< good to bad
    double m_r{0};          //!< bad to good
    double m_lossGood{0};   //!< share lost in the good state
    double m_lossBad{0};    //!< share lost in the bad state
    double m_duplicate{0};  //!< share duplicated
    double m_corrupt{0};    //!< share with a bit error
    double m_reorder{0};    //!< share held back
    Time m_hold;            //!< for so long
    Time m_lastArrival;     //!< of a frame that wasn't held back

    Ptr<UniformRandomVariable> m_lossVariable;      //!< which frames are lost
    Ptr<UniformRandomVariable> m_stateVariable;     //!< changes of state
    Ptr<UniformRandomVariable> m_uniformVariable;   //!< jitter, from -1 to 1
    Ptr<NormalRandomVariable> m_normalVariable;     //!< jitter
    Ptr<ParetoRandomVariable> m_paretoVariable;     //!< jitter
    Ptr<UniformRandomVariable> m_duplicateVariable; //!< which arrive twice
    Ptr<UniformRandomVariable> m_corruptVariable;   //!< which have a bit error, and where
    Ptr<UniformRandomVariable> m_reorderVariable;   //!< which are held back
};

} // namespace ns3

#endif /* GHOST_P2P_LINE_H */
