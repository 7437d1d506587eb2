/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-capture.h"

#include "bridge/capture/feed.h"
#include "bridge/capture/rewrite.h"
#include "bridge/wire/wire_abi.h"

#include <cerrno>
#include <stdexcept>
#include <sys/socket.h>

namespace ns3
{

static_assert(FEED_FRAME_MIN == WIRE_FRAME_MIN && FEED_FRAME_MAX == WIRE_FRAME_MAX,
              "what enters can be recorded and replayed");

GhostCapture::GhostCapture(const std::string& name, const struct scenario_replay& replay, int fd)
    : m_name(name)
    , m_file(replay.file)
    , m_feed(nullptr, feed_close)
    , m_rewrite(nullptr, rewrite_free)
{
    struct feed_terms terms = {};
    terms.filter = replay.filter;
    terms.start_ns = replay.start_ns;
    terms.speed_num = replay.speed_num;
    terms.speed_den = replay.speed_den;
    terms.loop = replay.loop;
    terms.gap_ns = replay.gap_ns;
    terms.pad = replay.pad;
    struct feed* feed = nullptr;
    struct diag diag = {};
    if (feed_open(fd, &terms, &feed, &diag) < 0)
    {
        throw std::runtime_error("nodes." + name + ".filter: " + diag.text);
    }
    m_feed.reset(feed);
    AddRewrites(replay);
}

GhostCapture::~GhostCapture() = default;

void
GhostCapture::AddRewrites(const struct scenario_replay& replay)
{
    if (!replay.mac_count && !replay.ip_count)
    {
        return;
    }
    m_rewrite.reset(rewrite_new());
    int r = m_rewrite ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < replay.mac_count; i++)
    {
        r = rewrite_add_mac(m_rewrite.get(), replay.macs[i].from, replay.macs[i].to);
    }
    for (size_t i = 0; r == 0 && i < replay.ip_count; i++)
    {
        const struct scenario_ip_rewrite& ip = replay.ips[i];
        r = rewrite_add_ip(
            m_rewrite.get(), ip.from.family == AF_INET ? 4 : 16, ip.from.bytes, ip.to.bytes);
    }
    if (r < 0)
    {
        throw std::runtime_error("nodes." + m_name + ".rewrite: out of memory");
    }
}

bool
GhostCapture::Next(Frame& frame)
{
    struct feed_frame next;
    struct diag diag = {};
    int r = feed_next(m_feed.get(), &next, &diag);
    if (r < 0)
    {
        m_error = "nodes." + m_name + ".file: " + m_file + ": " + diag.text;
    }
    if (r != 1)
    {
        return false;
    }
    if (m_rewrite)
    {
        rewrite_frame(m_rewrite.get(), next.data, next.len);
    }
    frame = {next.time_ns, next.data, next.len};
    return true;
}

std::string
GhostCapture::GetError() const
{
    return m_error;
}

} // namespace ns3
