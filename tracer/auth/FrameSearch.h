#pragma once
// FrameSearch: whether the beginning of a frame (probes/wire/Channel.h) is somewhere in a stream.

#include "probes/wire/Channel.h"

#include <cstdint>
#include <span>

namespace tracer {

class FrameSearch {
public:
    /// In what was given so far.
    bool finds(std::span<const uint8_t> bytes) {
        for (const uint8_t byte : bytes) {
            m_last = m_last >> 8 | static_cast<uint32_t>(byte) << 24;
            m_found = m_found || m_last == wire::frame_magic;
        }
        return m_found;
    }
    bool found() const { return m_found; }

private:
    uint32_t m_last = 0;
    bool m_found = false;
};

} // namespace tracer
