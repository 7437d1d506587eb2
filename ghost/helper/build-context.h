/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BUILD_CONTEXT_H
#define BUILD_CONTEXT_H

#include "bridge/scenario/scenario.h"

#include "../model/ghost-changes.h"
#include "../model/ghost-nic.h"
#include "../model/ghost-port.h"

#include "ns3/mobility-model.h"
#include "ns3/node.h"
#include "ns3/nstime.h"

#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace ns3
{

class GhostWire;

/**
 * \brief Why a scenario cannot be simulated, and the place in its file that asks for it.
 */
class BuildError : public std::runtime_error
{
  public:
    /**
     * \param pos where the file says so
     * \param text what is wrong; what would be right
     */
    BuildError(const struct scenario_pos& pos, const std::string& text)
        : std::runtime_error("scenario:" + std::to_string(pos.line) + ":" +
                             std::to_string(pos.column) + ": " + text)
    {
    }
};

/**
 * \brief What the builders of all kinds of links share.
 *
 * There is one builder function for every kind of link, in a file of its own (csma-builder.cc). It
 * creates the devices and channels, attaches the ends, and throws a BuildError if it cannot.
 */
class BuildContext
{
  public:
    /**
     * \param scenario borrowed
     * \param wire of the ghost being built, borrowed; outlives the simulation
     * \param changes where setters are registered, borrowed; outlives the simulation
     */
    BuildContext(const struct scenario& scenario, GhostWire* wire, GhostChanges* changes);

    /// \return the scenario being built
    const struct scenario& GetScenario() const;

    /**
     * \brief The simulated node that carries an end's device.
     * \param end of a link of this ghost
     * \return a node of its own for each end of a real node; one for all ends of a simulated one
     */
    Ptr<Node> GetNode(const struct scenario_end& end);

    /**
     * \brief Connect the device of an end to what is behind it: the port of the wire for a real
     * node, a GhostNic for a simulated one. A builder need not know which.
     * \param end whose port
     * \param device on the end's node, already added to it; gets the end's MAC address
     * \param port a new one of a subclass, or nullptr for a GhostPort
     * \return the port; throws a BuildError when the wire has none of that name
     */
    Ptr<GhostPort>
    Attach(const struct scenario_end& end, Ptr<NetDevice> device, Ptr<GhostPort> port = nullptr);

    /**
     * \brief Something that has to be simulated before the experiment can begin.
     * \param pos where the file asks for it
     * \param missing says what is not there yet, or nothing
     */
    void Await(const struct scenario_pos& pos, std::function<std::string()> missing);

    /**
     * \brief Do something at the ready barrier, simulated time being that of the barrier.
     * \param action called once, in the order of the calls
     */
    void AtStart(std::function<void()> action);

    /**
     * \brief Simulate, without the outside, until everything awaited is there.
     *
     * By GhostSettle, if anything is awaited, whatever else the ghost simulates. Throws a
     * BuildError if something doesn't come.
     * \return the simulated time of the barrier
     */
    Time Settle();

    /**
     * \brief Register who sets a value when the link changes while it runs.
     * \param link being built
     * \param end of it whose own value that is; nullptr: of the link as a whole
     * \param key row of the kind's table in bridge/scenario/change-keys.c, "delay"
     * \param setter called at the simulated time of the change; may throw std::runtime_error
     *
     * A change of the whole link calls the link's setter, or where there is none those of all ends.
     * Attach registers "state" (down and up) of every end.
     */
    void OnChange(const struct scenario_link& link,
                  const struct scenario_end* end,
                  const std::string& key,
                  GhostChanges::Setter setter);

    /**
     * \brief Number of a random stream, from stable names alone, so that neither the packing of
     * islands into ghosts nor an unrelated link changes what a link does.
     * \param name link and port, "lan/h1.eth0"
     * \return 64-bit FNV-1a, kept below 2^62 because ns-3 numbers the streams it assigns itself
     * from 2^63 up
     */
    static int64_t StreamOf(const std::string& name);

    /**
     * \brief Interface of a simulated node that an end became.
     * \param end index in the scenario
     * \return nullptr for a real node's end, or before its link was built
     */
    Ptr<GhostNic> GetNic(uint32_t end) const;

    /**
     * \brief Say where the files of this ghost's replays are open.
     * \param firstFd of the first one, the others follow in the order of their ends; -1: in a
     * replay, which needs none
     */
    void SetCaptures(int firstFd);

    /// \return the wire of the ghost being built
    GhostWire* GetWire() const;

    /// The simulated nodes of this ghost and its replays, by their index in the scenario.
    const std::map<uint32_t, Ptr<Node>>& GetSimulatedNodes() const;

  private:
    /// Let an end's port be cut off and joined again.
    void RegisterState(const struct scenario_end& end, Ptr<GhostPort> port);
    /// See Await.
    struct Awaited
    {
        struct scenario_pos pos;              //!< where the file asks for it
        std::function<std::string()> missing; //!< what is missing
    };

    /// Attach for a simulated node.
    Ptr<GhostPort>
    AttachNic(const struct scenario_end& end, Ptr<NetDevice> device, Ptr<GhostPort> port);

    /// Have a replay's frames enter at its port.
    void AttachSource(const struct scenario_end& end, Ptr<GhostPort> port);

    const struct scenario& m_scenario;                //!< borrowed
    int m_firstCaptureFd{-1};                         //!< see SetCaptures
    GhostWire* m_wire;                                //!< borrowed
    std::map<uint32_t, Ptr<Node>> m_nodes;            //!< simulated ones
    std::map<uint32_t, Ptr<GhostNic>> m_nics;         //!< by index of their end
    std::map<uint32_t, Ptr<GhostSegment>> m_segments; //!< by index of their link
    GhostChanges* m_changes;                          //!< borrowed
    std::vector<Awaited> m_awaited;                   //!< see Await
    std::vector<std::function<void()>> m_start;       //!< see AtStart
};

/// Takes the model that says where a radio is from now on.
using MobilitySetter = std::function<void(Ptr<MobilityModel>)>;

/**
 * \brief Put the radio of an end where the file says, and let it move from the ready barrier on.
 * \param context of the ghost
 * \param link of kind wifi or lte; its key "position" is registered for the end
 * \param end one of its ends, with a place
 * \param set of its radio
 */
void PlaceEnd(BuildContext& context,
              const struct scenario_link& link,
              const struct scenario_end& end,
              const MobilitySetter& set);

/**
 * \brief Build the applications of a simulated node, and what counts their traffic.
 * \param context of the ghost
 * \param spec the node in the scenario
 * \param node with its stack
 */
void BuildApps(BuildContext& context, const struct scenario_node& spec, Ptr<Node> node);

/// Build what is behind the ends of simulated nodes, once all links are built.
void BuildSimulatedNodes(BuildContext& context);

/// Build a link of kind lte.
void BuildLte(BuildContext& context, const struct scenario_link& link);

/// Build a link of kind csma.
void BuildCsma(BuildContext& context, const struct scenario_link& link);

/// Build a link of kind p2p.
void BuildP2p(BuildContext& context, const struct scenario_link& link);

/// Build a link of kind wifi.
void BuildWifi(BuildContext& context, const struct scenario_link& link);

} // namespace ns3

#endif /* BUILD_CONTEXT_H */
