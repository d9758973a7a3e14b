#pragma once
// GdbChannels: the gdb channels of all links as the one transport of the stub's session. A client is whoever speaks
// first while none is attached; what others send meanwhile waits in their channels.
//
// In the running world take() is called under one lock; read() and write() are the stopped world's leader's.

#include "gdbstub/Session.h"
#include "gdbstub/Transport.h"
#include "libos/links/Links.h"

#include <arch/Processor.h>

namespace debug {

class GdbChannels final : public gdbstub::Transport {
public:
    constexpr explicit GdbChannels(const gdbstub::Session& session)
        : m_session(session) {}

    /// Boot. Once more does nothing.
    void add(drivers::ByteChannel& channel);
    bool any() const { return m_count != 0; }

    /// What has come from the client, or from the first that speaks up; 0 when nothing has.
    size_t take(std::span<uint8_t> out);
    /// The attached client's channel was closed, or has another peer.
    bool client_is_lost() const;
    bool is_client(const void* channel) const { return channel == m_client; }

    base::Result<size_t> read(std::span<uint8_t> out) override;
    base::Result<> write(std::span<const uint8_t> bytes) override;
    void idle() override { arch::relax(); }

private:
    size_t take_from(drivers::ByteChannel& channel, std::span<uint8_t> out);

    const gdbstub::Session& m_session;
    drivers::ByteChannel* m_channels[links::max_links] = {};
    size_t m_count = 0;
    drivers::ByteChannel* m_client = nullptr;
    uint32_t m_connection = 0; ///< of m_client when it spoke first
};

} // namespace debug
