#pragma once
// GdbChannels: the gdb channels of all links as the one transport of the stub's session. A client is whoever speaks
// first while none is attached; what others send meanwhile waits in their channels. The session is told what the
// client's role lets it do before it gets its first byte. One that may not stop the world keeps nobody waiting.
//
// In the running world take() is called under one lock, and read() and write() are Session::serve_running()'s between
// begin_running() and end_running(); else those two are the stopped world's leader's.

#include "gdbstub/Session.h"
#include "gdbstub/Transport.h"
#include "libos/links/Links.h"

#include <arch/Processor.h>

namespace debug {

class GdbChannels final : public gdbstub::Transport {
public:
    constexpr explicit GdbChannels(gdbstub::Session& session)
        : m_session(session) {}

    /// Boot. Once more does nothing. `guard`: the same channel, where it is guarded.
    void add(drivers::ByteChannel& channel, const auth::GuardedChannel* guard);
    bool any() const { return m_count != 0; }

    /// What has come from the client, or, unless it is `reserved` for that one, from the first that speaks up; 0 when
    /// nothing has.
    size_t take(std::span<uint8_t> out, bool reserved);
    /// Ends the session's dealings with a client that may not stop the world and has gone. The running world.
    void forget_lost_observer();
    /// The attached client's channel was closed, or has another peer.
    bool client_is_lost() const;
    bool is_client(const void* channel) const { return channel == m_client; }

    /// How long a client that sends heartbeats may say nothing while it holds the world, before the world goes on; 0:
    /// for ever.
    void set_silence_limit(uint64_t nanoseconds) { m_silence_limit = nanoseconds; }

    /// Around Session::serve_running().
    void begin_running() { m_world_runs = true; }
    void end_running() { m_world_runs = false; }

    base::Result<size_t> read(std::span<uint8_t> out) override;
    base::Result<> write(std::span<const uint8_t> bytes) override;
    void idle() override;

private:
    struct Known {
        drivers::ByteChannel* channel = nullptr;
        const auth::GuardedChannel* guard = nullptr;
    };

    /// Time in which nothing was heard of a client, while somebody listened: a machine that its host forgets for a
    /// while hears nothing either.
    class Silence {
    public:
        void end() { m_length = 0; }
        /// Another look that found nothing; how long it has lasted.
        uint64_t look();

    private:
        uint64_t m_looked = 0;
        uint64_t m_length = 0;
    };

    size_t take_from(const Known& known, std::span<uint8_t> out);
    /// Nobody has heard of a client that sends heartbeats for too long: it is given up. Stopped world.
    bool give_up_silent_client();
    bool is_peer_gone() const;
    base::Result<> write_running(std::span<const std::byte> bytes);

    gdbstub::Session& m_session;
    Known m_channels[links::max_links];
    size_t m_count = 0;
    drivers::ByteChannel* m_client = nullptr;
    uint32_t m_connection = 0; ///< of m_client when it spoke first
    Silence m_silence;
    uint64_t m_silence_limit = 0;
    uint64_t m_idle_since = 0;                  ///< nothing has come or gone since; 0: not idle
    drivers::ByteChannel* m_given_up = nullptr; ///< the channel of the last client that fell silent
    uint32_t m_given_up_connection = 0;
    bool m_world_runs = false;
};

} // namespace debug
