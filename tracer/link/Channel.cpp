#include "tracer/link/Channel.h"

#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/write.hpp>
#include <poll.h>

namespace tracer {

void Channel::start() {
    read();
}

void Channel::read() {
    if (m_reading || m_paused || !m_stream.is_open())
        return;
    m_reading = true;
    m_stream.async_read_some(asio::buffer(m_input), [self = shared_from_this()](asio::error_code error, size_t size) {
        self->m_reading = false;
        if (!self->m_stream.is_open())
            return;
        if (error) {
            self->lost();
            return;
        }
        if (self->on_bytes)
            self->on_bytes({self->m_input.data(), size});
        self->read();
    });
}

void Channel::send(Bytes bytes) {
    send(std::vector<uint8_t>(bytes.begin(), bytes.end()));
}

void Channel::send(std::vector<uint8_t> bytes) {
    if (bytes.empty() || !m_stream.is_open() || m_closing)
        return;
    m_queued += bytes.size();
    m_output.push_back(std::move(bytes));
    write();
}

void Channel::write() {
    if (m_writing)
        return;
    m_writing = true;
    asio::async_write(m_stream, asio::buffer(m_output.front()),
                      [self = shared_from_this()](asio::error_code error, size_t) {
                          self->m_writing = false;
                          if (!self->m_stream.is_open())
                              return;
                          if (error) {
                              self->lost();
                              return;
                          }
                          self->m_queued -= self->m_output.front().size();
                          self->m_output.pop_front();
                          if (!self->m_output.empty())
                              self->write();
                          else if (self->m_closing)
                              self->close();
                          else if (self->on_drained)
                              self->on_drained();
                      });
}

void Channel::pause() {
    m_paused = true;
}

void Channel::resume() {
    m_paused = false;
    read();
}

void Channel::lost() {
    const auto callback = on_close;
    close();
    if (callback)
        callback();
}

bool Channel::peer_has_closed() {
    // POLLRDHUP comes with the peer's close or shutdown, also before what it has sent was read.
    pollfd look{.fd = m_stream.native_handle(), .events = POLLRDHUP, .revents = 0};
    return !m_stream.is_open() || (poll(&look, 1, 0) == 1 && (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
}

void Channel::close() {
    asio::error_code ignored;
    m_stream.close(ignored);
    // The callbacks may hold the owner of this channel; let go of them outside of whichever is running now.
    asio::post(m_stream.get_executor(), [self = shared_from_this()] {
        self->on_bytes = nullptr;
        self->on_close = nullptr;
        self->on_drained = nullptr;
    });
}

void Channel::close_when_sent() {
    m_closing = true;
    if (!m_writing)
        close();
}

} // namespace tracer
