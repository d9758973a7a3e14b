#pragma once
// Channel: one byte stream of the supervisor's event loop, with a send queue and back-pressure.

#include "tracer/link/Socket.h"

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace tracer {

/// Owns a connected byte stream of any kind: a socket, a terminal device. All calls on the event loop's thread.
/// Callbacks run from the loop, never from inside send(); on_close runs once, after which the channel is silent.
/// Writing to a stream whose reader has gone raises SIGPIPE, which the process has to ignore.
class Channel : public std::enable_shared_from_this<Channel> {
public:
    using Socket = asio::local::stream_protocol::socket;
    using Bytes = std::span<const uint8_t>;

    static std::shared_ptr<Channel> create(asio::io_context& loop, FileDescriptor stream) {
        return std::shared_ptr<Channel>(new Channel(asio::posix::stream_descriptor(loop, stream.release())));
    }
    static std::shared_ptr<Channel> create(Socket socket) {
        const auto executor = socket.get_executor();
        return std::shared_ptr<Channel>(new Channel(asio::posix::stream_descriptor(executor, socket.release())));
    }

    std::function<void(Bytes)> on_bytes;
    std::function<void()> on_close;
    /// The send queue ran empty.
    std::function<void()> on_drained;

    /// Begins to read.
    void start();

    void send(Bytes bytes);
    void send(std::vector<uint8_t> bytes);
    size_t queued_bytes() const { return m_queued; }

    /// Stops reading, so that the peer feels the pressure, and goes on.
    void pause();
    void resume();

    /// Closes at once, or when everything was sent. on_close does not run.
    void close();
    void close_when_sent();
    bool is_open() const { return m_stream.is_open(); }
    /// The peer sends nothing any more, though there may be bytes of it that on_bytes has not seen yet; on_close
    /// follows them.
    bool peer_has_closed();

private:
    explicit Channel(asio::posix::stream_descriptor stream)
        : m_stream(std::move(stream)) {}
    void read();
    void write();
    void lost();

    asio::posix::stream_descriptor m_stream;
    std::array<uint8_t, 65536> m_input;
    std::deque<std::vector<uint8_t>> m_output;
    size_t m_queued = 0;
    bool m_reading = false;
    bool m_writing = false;
    bool m_paused = false;
    bool m_closing = false;
};

} // namespace tracer
