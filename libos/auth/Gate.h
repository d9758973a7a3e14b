#pragma once
// Gate: what all guarded channels of an instance share. Filled at boot, before the first channel is started; from then
// on only read, but for the primitives, which any context may call.

#include "libos/auth/Handshake.h"
#include "libos/memory/PageAllocator.h"

namespace auth {

class GuardedChannel;

/// Who is at the other end of a channel.
struct SessionInfo {
    wire::ChannelKind channel = wire::ChannelKind::Console;
    wire::Role role = wire::Role::None;
    wire::Protection protection = wire::Protection::None;
    const EnrolledKey* key = nullptr;
};

enum class SessionEnd : uint8_t {
    PeerLeft, ///< the host's end was closed, or the peer said goodbye
    Forged,   ///< bytes came that were not the peer's
    Replaced, ///< the channel's owner ended it
};

/// Told what happens at the gate, for the audit. Without a lock, in any context but an NMI: in interrupts and in the
/// stopped world too, so it waits for nothing.
class Observer {
public:
    virtual void session_began(const SessionInfo& session) = 0;
    virtual void session_ended(const SessionInfo& session, SessionEnd why) = 0;
    virtual void attempt_refused(const RefusedAttempt& attempt) = 0;

protected:
    constexpr Observer() = default;
    ~Observer() = default;
};

struct Gate {
    constexpr Gate(Primitives& arithmetic, uint64_t (*clock_ns)())
        : primitives(arithmetic)
        , now_ns(clock_ns) {}
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

    KeyRing keys;
    Identity identity;
    Primitives& primitives;
    /// A clock that goes on in the stopped world. Any context, no lock.
    uint64_t (*now_ns)();
    /// uniscope.debug=open: whoever reaches a channel is its operator, and there is no handshake.
    bool open = false;
    Observer* observer = nullptr;
    /// GuardedChannel::advance() is to be called soon, in a thread. Any context, without a lock, not in the stopped
    /// world.
    void (*work_due)(GuardedChannel& channel) = nullptr;
    /// For channels whose records are made from physical pages.
    memory::PageAllocator* pages = nullptr;

    /// Neither open nor any key: the channels are dead, and say nothing at all.
    bool is_closed() const { return !open && keys.keys().empty(); }
};

} // namespace auth
