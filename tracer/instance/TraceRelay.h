#pragma once
// trace.sock: whole frames of the trace channel to one recorder at a time.

#include "tracer/instance/Listener.h"
#include "tracer/link/Frame.h"

#include <optional>

namespace tracer {

/// Without a recorder, packets are thrown away, so that the next one starts with a frame of its own. A recorder that
/// does not keep up slows the guest's channel down: what is lost then is lost, and counted, in the guest's rings.
/// On the event loop's thread.
class TraceRelay {
public:
    TraceRelay(asio::io_context& loop, std::shared_ptr<Channel> guest);

    Result<> listen(const std::filesystem::path& path) { return m_listener.listen(path); }
    void close();

    /// A client asked the guest for packets: until TraceEnd, the channel is the present recorder's.
    void begin() { m_busy = true; }
    bool is_recording() const { return m_client != nullptr && m_busy; }

private:
    static constexpr size_t high_water = 8u << 20;

    void accept(Channel::Socket socket);
    void attach(Channel::Socket socket);
    void guest_bytes(Channel::Bytes bytes);

    std::shared_ptr<Channel> m_guest;
    std::shared_ptr<Channel> m_client;
    std::optional<Channel::Socket> m_waiting; ///< comes after the packets of a recorder that vanished
    FrameDecoder m_decoder;
    bool m_busy = false;
    Listener m_listener;
};

} // namespace tracer
