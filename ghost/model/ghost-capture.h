/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_CAPTURE_H
#define GHOST_CAPTURE_H

#include "ghost-source.h"

#include "bridge/scenario/replay.h"

#include <memory>

struct feed;
struct rewrite;

namespace ns3
{

/**
 * \brief The frames of a node of kind replay: read from its file, rewritten.
 */
class GhostCapture : public GhostSource
{
  public:
    /**
     * \brief Compile the filter, make the table of addresses; throws std::runtime_error.
     * \param name of the node, for messages
     * \param replay what the scenario says
     * \param fd of the file, borrowed; not read before Next
     */
    GhostCapture(const std::string& name, const struct scenario_replay& replay, int fd);
    ~GhostCapture() override;

    GhostCapture(const GhostCapture&) = delete;
    GhostCapture& operator=(const GhostCapture&) = delete;

    // Inherited from GhostSource
    bool Next(Frame& frame) override;
    std::string GetError() const override;

  private:
    /// Fill m_rewrite.
    void AddRewrites(const struct scenario_replay& replay);

    std::string m_name;                                          //!< of the node
    std::string m_file;                                          //!< its file, for messages
    std::unique_ptr<struct feed, void (*)(struct feed*)> m_feed; //!< the file
    std::unique_ptr<struct rewrite, void (*)(struct rewrite*)> m_rewrite; //!< empty: leave frames
    std::string m_error;                                                  //!< see GetError
};

} // namespace ns3

#endif /* GHOST_CAPTURE_H */
