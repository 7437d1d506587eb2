/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_SOURCE_H
#define GHOST_SOURCE_H

#include <cstdint>
#include <string>

namespace ns3
{

/**
 * \brief Frames that enter at times known beforehand, such as those of a capture file.
 *
 * They come by the same sequence as the frames of containers, so a recording has them and a replay
 * needs no source.
 */
class GhostSource
{
  public:
    /// A frame and when it enters.
    struct Frame
    {
        uint64_t timeNs;     //!< since the ready barrier; never decreases
        const uint8_t* data; //!< until the next call
        uint32_t len;        //!< bytes, WIRE_FRAME_MIN at least
    };

    virtual ~GhostSource() = default;

    /**
     * \brief The next frame. Behind the sandbox from the first call on.
     * \return false after the last, or when GetError says what is wrong
     */
    virtual bool Next(Frame& frame) = 0;

    /// Why there are no more; empty if that was all.
    virtual std::string GetError() const = 0;
};

} // namespace ns3

#endif /* GHOST_SOURCE_H */
