#pragma once
// FramedLine: the host's end of a serial line that carries all channels of an instance (docs/serial-link.md; the
// protocol is probes/serial/Link).

#include "probes/serial/Link.h"
#include "tracer/link/Connect.h"
#include "tracer/link/FramedChannel.h"

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace tracer {

/// Owns the line and a thread that serves it; nobody else may read or write it. Each channel that is open is a Unix
/// socket, with the line's flow control. Any thread may call. A session that ends, because the guest is another or gave
/// it up, closes all channels but the console's; a line that ends closes all.
class FramedLine {
public:
    /// `line`: a terminal device or a connected socket. `what` names it in errors. Begins to look for a guest at once.
    FramedLine(FileDescriptor line, std::string what);
    /// Takes leave of the guest, and closes.
    ~FramedLine();
    FramedLine(const FramedLine&) = delete;
    FramedLine& operator=(const FramedLine&) = delete;

    /// Until there is a session; false when the time is over or the line has ended.
    bool wait_until_up(const Patience& patience);
    /// Waits for a session, but for the console, which needs none: without one it is the clear text of the line.
    Result<FileDescriptor> open(ChannelName channel, const Patience& patience);
    /// The line has ended, or could not be read.
    bool has_ended() const;
    /// Stops serving it and says nothing more: the line, blocking, for somebody else.
    FileDescriptor release();

    struct Statistics {
        serial::Link::Statistics link;
        uint64_t dropped_text = 0; ///< bytes of clear text that nobody read in time
        uint64_t session = 0;      ///< 0: none
    };
    Statistics statistics() const;

private:
    struct ConsoleText final : serial::Link::TextSink {
        explicit ConsoleText(FramedLine& owner)
            : line(owner) {}
        void on_text(std::span<const uint8_t> text) override {
            line.channel(ChannelName::Console).add_text(line.m_link, text);
        }
        FramedLine& line;
    };
    enum class Stop { No, WithBye, Silently };

    void serve();
    void wait_for_events(std::unique_lock<std::mutex>& lock);
    void receive();
    void send();
    void note_session();
    void end_line();
    void stop(Stop how);
    void wake() const;
    FramedChannel& channel(ChannelName name) { return m_channels[static_cast<size_t>(name)]; }
    serial::Link::Buffers make_buffers();
    static serial::Time now();

    std::string m_what;
    mutable std::mutex m_mutex; ///< all that follows; the thread lets go of it while it waits
    std::condition_variable m_changed;
    FileDescriptor m_line;
    FileDescriptor m_wake; ///< eventfd(2)
    std::array<std::array<uint8_t, wire::serial_max_window>, serial::channel_count> m_send_rings = {};
    std::array<std::array<uint8_t, wire::serial_max_window>, serial::channel_count> m_receive_rings = {};
    ConsoleText m_text{*this};
    serial::Link m_link;
    uint32_t m_connection = 0;
    std::span<const uint8_t> m_frame; ///< the rest of what goes out
    std::array<FramedChannel, all_channels.size()> m_channels;
    bool m_ended = false;
    Stop m_stop = Stop::No;
    std::thread m_thread;
};

} // namespace tracer
