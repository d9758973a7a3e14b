#pragma once
// trace.sock: whole frames of the trace channel to one recorder at a time.

#include "tracer/instance/Listener.h"
#include "tracer/link/Frame.h"

#include <asio/steady_timer.hpp>

#include <optional>
#include <vector>

namespace tracer {

/// Without a recorder, packets are thrown away, so that the next one starts with a frame of its own. A recorder that
/// does not keep up slows the guest's channel down: what is lost then is lost, and counted, in the guest's rings.
/// On the event loop's thread.
class TraceRelay {
public:
    /// For the end of a recording whose recorder has gone or is sent away.
    static constexpr std::chrono::seconds end_timeout{5};
    /// A slow link may go on bringing packets for so long.
    static constexpr std::chrono::seconds longest_end{60};

    explicit TraceRelay(asio::io_context& loop);

    Result<> listen(const std::filesystem::path& path, mode_t mode) { return m_listener.listen(path, mode); }
    void close();

    /// The guest's channel; replaces one that was lost.
    void set_guest(std::shared_ptr<Channel> guest);
    bool has_guest() const { return m_guest != nullptr; }
    std::function<void()> on_lost;

    /// A recorder has come and the channel is not open. Without this, it is sent away.
    std::function<void()> on_wanted;
    /// Nobody uses the channel any more.
    std::function<void()> on_idle;
    /// Closes the channel, which nobody uses.
    void let_guest_go();
    /// There will be no channel: whoever waits for it is sent away.
    void refuse() { m_waiting.reset(); }
    bool is_free() const { return !m_client && !m_waiting && !m_busy; }

    /// A client asked the guest for packets: until TraceEnd, the channel is the present recorder's.
    void begin() { m_busy = true; }
    bool is_recording() const { return m_client != nullptr && m_busy; }
    /// The latest recorder that was sent away lost its channel, and was not replaced by another.
    bool was_cut() const { return m_was_cut; }
    bool has_client() const { return m_client != nullptr || m_waiting.has_value(); }

    /// Once the recording that is being stopped has ended, and its recorder has got its end, sends the recorder away
    /// and calls `done`; at once when there is nobody, when nothing comes for end_timeout, or after longest_end.
    void steal(std::function<void()> done);

private:
    static constexpr size_t high_water = 8u << 20;

    void accept(Channel::Socket socket);
    void attach(Channel::Socket socket);
    void guest_bytes(Channel::Bytes bytes);
    void guest_lost();
    void ended();
    void wait_for_end();
    void client_gone();
    void send_client_away();

    std::shared_ptr<Channel> m_guest;
    std::shared_ptr<Channel> m_client;
    std::optional<Channel::Socket> m_waiting; ///< comes after the packets of a recorder that vanished
    std::vector<std::function<void()>> m_thieves;
    FrameDecoder m_decoder;
    bool m_busy = false;
    bool m_is_ending = false; ///< the end is waited for, end_timeout from the last byte on
    std::chrono::steady_clock::time_point m_end_by;
    bool m_was_cut = false;
    asio::steady_timer m_timer;
    Listener m_listener;
};

} // namespace tracer
