#pragma once
// FramedChannel: the host's end of one channel of a framed serial line, as a Unix socket that somebody may have.

#include "probes/serial/Link.h"
#include "tracer/link/Link.h"

#include <poll.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace tracer {

/// Where frames begin in a stream of them (probes/wire/Channel.h), so that who comes later begins with a whole one.
class FrameBoundary {
public:
    /// Follows `bytes_untrusted`, all or up to the first boundary behind them; returns how many it took.
    size_t follow(std::span<const uint8_t> bytes_untrusted);
    bool is_at_boundary() const { return m_left == 0 && m_header_size == 0; }
    void reset() { *this = FrameBoundary(); }

private:
    std::array<uint8_t, 16> m_header = {};
    size_t m_header_size = 0;
    uint64_t m_left = 0; ///< bytes of the body
};

/// Owns one end of a socket pair and bytes that its reader has not taken yet. One caller at a time.
class FramedChannel {
public:
    explicit FramedChannel(ChannelName name);

    serial::SerialChannel id() const { return m_id; }
    bool is_open() const { return static_cast<bool>(m_socket); }
    int descriptor() const { return m_socket.get(); }
    /// poll(2) on descriptor(): for room, and for more when the line would take it. Only while wants_poll().
    short events(const serial::Link& link) const;
    bool wants_poll() const { return is_open() && !m_hung_up; }
    /// What poll(2) said. Of a user that has gone, what it left behind is still collected.
    void note_events(short events) {
        m_has_input = m_has_input || (events & (POLLIN | POLLHUP | POLLERR)) != 0;
        m_hung_up = m_hung_up || (events & (POLLHUP | POLLERR)) != 0;
    }

    /// The user's end. Not is_open().
    Result<FileDescriptor> open();
    /// The user sees the end of the stream, behind what was delivered.
    void close();

    /// Clear text of the line, behind what has arrived in frames; beyond `max_text` it is dropped and counted.
    void add_text(serial::Link& link, std::span<const uint8_t> text);
    uint64_t dropped_text() const { return m_dropped_text; }

    /// From the line to the user, as much as that one takes; what nobody has asked for is dropped where it is for one
    /// user at a time (gdb, trace), and waits elsewhere.
    void deliver(serial::Link& link);
    /// From the user to the line, as much as it takes.
    void collect(serial::Link& link);
    bool has_undelivered() const { return !m_held.empty(); }

    /// A session has ended or begun: what belonged to it is gone. The console goes on.
    void end_session();

    static constexpr size_t max_text = 1 << 20;

private:
    bool is_console() const { return m_name == ChannelName::Console; }
    bool has_frames() const { return !is_console() && m_name != ChannelName::Gdb; }
    bool is_on_demand() const { return m_name == ChannelName::Gdb || m_name == ChannelName::Trace; }
    void take(std::span<const uint8_t> bytes);
    void send_held();

    ChannelName m_name;
    serial::SerialChannel m_id;
    FileDescriptor m_socket;
    std::vector<uint8_t> m_held; ///< for the user, who takes nothing now
    FrameBoundary m_boundary;    ///< of what came from the line
    bool m_in_step = true;       ///< the user has had whole frames so far
    bool m_has_input = false;    ///< perhaps
    bool m_hung_up = false;
    uint64_t m_dropped_text = 0;
};

} // namespace tracer
