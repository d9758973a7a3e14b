#pragma once
// FrameSender: whole frames to a channel that takes what fits. Thread context; one caller at a time.

#include "libos/base/Result.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace control {

/// Of frames of at most `max_frame` bytes.
template <size_t max_frame>
class FrameSender {
public:
    /// `channel` is a drivers::ByteChannel. `pause` waits a little and answers false when patience is at its end.
    /// False: the host takes nothing, or is gone. What it has of a frame by then is completed before the next one, so
    /// that it never sees the middle of another.
    template <typename Channel, typename Pause>
    bool send(Channel& channel, std::span<const std::byte> frame, Pause&& pause) {
        uint32_t connection = channel.connection();
        if (connection != m_connection)
            m_rest_size = 0;
        m_connection = connection;
        std::span<const std::byte> rest(m_rest, m_rest_size);
        if (!write(channel, rest, pause)) {
            keep(rest);
            return false;
        }
        m_rest_size = 0;
        rest = frame;
        if (write(channel, rest, pause))
            return true;
        if (rest.size() != frame.size())
            keep(rest);
        return false;
    }

private:
    template <typename Channel, typename Pause>
    static bool write(Channel& channel, std::span<const std::byte>& rest, Pause& pause) {
        while (!rest.empty()) {
            if (auto written = channel.write_some(rest))
                rest = rest.subspan(*written);
            else if (written.error() != base::Error::Again || !pause())
                return false;
        }
        return true;
    }
    void keep(std::span<const std::byte> rest) {
        std::memmove(m_rest, rest.data(), rest.size());
        m_rest_size = rest.size();
    }

    std::byte m_rest[max_frame] = {};
    size_t m_rest_size = 0;
    uint32_t m_connection = 0; ///< to whose host the rest belongs
};

} // namespace control
