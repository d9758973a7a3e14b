#pragma once
// LineLink: `serial:PATH` and `tcp:HOST:PORT`, one line that carries either every channel in frames
// (docs/serial-link.md) or gdb's protocol as it is.

#include "tracer/link/FramedLine.h"
#include "tracer/link/Link.h"

#include <atomic>
#include <memory>
#include <mutex>

namespace tracer {

/// Which of the two a line carries is told by the endpoint, or found out by the first open(): a guest that speaks
/// frames answers a Hello, and gdb's protocol ignores one. A framed line is opened once and stays open.
class LineLink final : public Link {
public:
    explicit LineLink(Endpoint endpoint)
        : m_endpoint(std::move(endpoint))
        , m_is_framed(m_endpoint.protocol == LineProtocol::Mux) {}
    /// A framed line that is open already; `what` names it in errors. Once it has ended, nothing can be opened.
    LineLink(FileDescriptor line, std::string what);

    std::string_view kind() const override { return "serial"; }
    bool has(ChannelName channel) const override { return channel == ChannelName::Gdb || m_is_framed; }
    /// Several opens of one line would mix their bytes: a terminal device is locked (flock), the others accept one.
    Result<FileDescriptor> open(ChannelName channel, const OpenOptions& options) override;
    nlohmann::json statistics() const override;

    /// How long a line that may carry either is listened to for frames.
    static constexpr std::chrono::milliseconds detection_time{1500};

private:
    Result<FileDescriptor> open_unknown(const OpenOptions& options);
    void set_line(std::shared_ptr<FramedLine> line);

    Endpoint m_endpoint; ///< its path or host is empty when the line was given
    std::string m_given;
    std::atomic<bool> m_is_framed;
    std::timed_mutex m_opening;
    mutable std::mutex m_mutex; ///< m_line, which changes under m_opening
    std::shared_ptr<FramedLine> m_line;
};

/// The line itself: a terminal device in raw mode, a connected Unix or TCP socket.
Result<FileDescriptor> open_line(const Endpoint& endpoint, const OpenOptions& options);

} // namespace tracer
