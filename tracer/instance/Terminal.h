#pragma once
// The console of a foreground instance on this process' standard streams.

#include "tracer/instance/LaunchOptions.h"
#include "tracer/link/Channel.h"

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace tracer {

/// Never makes the standard streams non-blocking: they are shared with the shell. On the event loop's thread.
class Terminal {
public:
    Terminal(asio::io_context& loop, std::shared_ptr<Channel> console);
    ~Terminal();

    /// What this process' standard input is; /dev/null and a closed one are nobody.
    static ConsoleInput kind_of_input();
    /// Input as the console carries it (docs/channels.md): 0x04 is the end of input, so data bytes that mean something
    /// get 0x10 before them.
    static std::vector<uint8_t> encode_input(Channel::Bytes bytes);

    void write(Channel::Bytes bytes);
    /// Calls back once, when everything written is out.
    void when_written(std::function<void()> callback);
    void stop_input();

private:
    void wait_for_input();
    void read_input();
    void write_some();
    void written();

    std::shared_ptr<Channel> m_console;
    ConsoleInput m_kind;
    asio::posix::stream_descriptor m_input;
    asio::posix::stream_descriptor m_output;
    std::deque<std::vector<uint8_t>> m_queue;
    size_t m_offset = 0;
    size_t m_queued = 0;
    bool m_waiting = false;
    std::function<void()> m_when_written;
};

} // namespace tracer
