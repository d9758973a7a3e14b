#pragma once
// The crash channel: a core that the guest streams becomes a crash file.

#include "tracer/instance/CrashFile.h"
#include "tracer/link/Channel.h"
#include "tracer/link/Frame.h"

#include <functional>
#include <optional>

namespace tracer {

/// On the event loop's thread.
class CrashReceiver {
public:
    /// The guest's channel. Another one is another life of the instance: what was there of a core is thrown away.
    void set_guest(std::shared_ptr<Channel> guest);
    bool has_guest() const { return m_guest != nullptr; }
    std::function<void()> on_lost;

    /// Makes the file to write to; called at the beginning of a core.
    std::function<Result<CrashFile>()> open_file;
    std::function<void()> on_begin;
    /// The core is whole, or writing it failed.
    std::function<void(Result<std::filesystem::path>)> on_end;

    bool has_begun() const { return m_begin.has_value(); }
    bool has_ended() const { return m_ended; }
    /// Bytes so far: as long as this grows, the guest is alive enough. Parts of frames count: a slow line takes its
    /// time.
    uint64_t progress() const { return m_received + m_decoder.pending(); }
    uint32_t signal() const { return m_begin ? m_begin->signal : 0; }
    const std::string& reason() const { return m_reason; }
    void close() {
        if (m_guest)
            m_guest->close();
    }

private:
    void guest_bytes(Channel::Bytes bytes);
    void guest_lost();
    void handle(const Frame& frame);
    void end(Result<std::filesystem::path> result);

    std::shared_ptr<Channel> m_guest;
    FrameDecoder m_decoder;
    std::optional<wire::CoreBeginMessage> m_begin;
    std::optional<CrashFile> m_file;
    std::string m_reason;
    uint64_t m_received = 0;
    bool m_ended = false;
};

} // namespace tracer
