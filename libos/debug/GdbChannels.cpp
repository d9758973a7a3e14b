#include "libos/debug/GdbChannels.h"

#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"

#include <algorithm>
#include <arch/LocalApic.h>
#include <utility>

namespace debug {

namespace {

constexpr uint64_t millisecond = 1'000'000;
/// For a client that may not stop the world: what it does not take in, it does not get.
constexpr uint64_t stall_limit_ns = 5000 * millisecond;

gdbstub::Access access_of(const auth::GuardedChannel* guard) {
    if (guard == nullptr)
        return gdbstub::Access::Control;
    auto role = guard->role();
    return role == wire::Role::Operator   ? gdbstub::Access::Control
           : role == wire::Role::Observer ? gdbstub::Access::Observe
                                          : gdbstub::Access::Nothing;
}

} // namespace

uint64_t GdbChannels::Silence::look() {
    constexpr uint64_t longest_look = 100 * millisecond;
    uint64_t now = sched::boottime_ns();
    m_length += std::min(now - m_looked, longest_look);
    m_looked = now;
    return m_length;
}

bool GdbChannels::give_up_silent_client() {
    if (m_silence_limit == 0 || !m_session.client_sends_heartbeats() || m_silence.look() < m_silence_limit)
        return false;
    m_silence.end();
    m_session.client_fell_silent();
    m_given_up = std::exchange(m_client, nullptr);
    m_given_up_connection = m_connection;
    return true;
}

void GdbChannels::add(drivers::ByteChannel& channel, const auth::GuardedChannel* guard) {
    for (const auto& known : std::span(m_channels).first(m_count)) {
        if (known.channel == &channel)
            return;
    }
    m_channels[m_count++] = {&channel, guard};
}

bool GdbChannels::is_peer_gone() const {
    return m_client != nullptr && (!m_client->is_host_connected() || m_client->connection() != m_connection);
}

bool GdbChannels::client_is_lost() const {
    return m_session.attached() && is_peer_gone();
}

void GdbChannels::forget_lost_observer() {
    if (m_session.access() == gdbstub::Access::Control || !is_peer_gone())
        return;
    m_session.set_access(gdbstub::Access::Nothing);
    m_client = nullptr;
}

size_t GdbChannels::take(std::span<uint8_t> out, bool reserved) {
    reserved = reserved && m_client != nullptr;
    if (client_is_lost())
        return 0;
    for (const auto& known : std::span(m_channels).first(m_count)) {
        if (reserved && known.channel != m_client)
            continue;
        if (size_t count = take_from(known, out); count != 0)
            return count;
    }
    return 0;
}

size_t GdbChannels::take_from(const Known& known, std::span<uint8_t> out) {
    uint32_t connection = known.channel->connection();
    auto access = access_of(known.guard);
    size_t count = known.channel->read(std::as_writable_bytes(out));
    // Bytes of a session that ended meanwhile: nobody's, and not to be taken for the next one's.
    if (count == 0 || (known.guard != nullptr && known.channel->connection() != connection))
        return 0;
    bool is_new = known.channel != m_client || connection != m_connection;
    if (m_session.access() != access || (is_new && known.guard != nullptr))
        m_session.set_access(access);
    if (is_new && (known.channel != m_given_up || connection != m_given_up_connection))
        m_session.expect_anybody();
    m_client = known.channel;
    m_connection = connection;
    m_silence.end();
    m_idle_since = 0;
    return count;
}

/// A debugger at work is not to be kept waiting: between two of its packets, and on a bare UART between any sixteen
/// bytes of one, lies what the host's scheduling takes, some milliseconds on a busy one. One whose user thinks is not
/// to keep a processor of the host busy: the user's next word is a little late then.
void GdbChannels::idle() {
    constexpr uint64_t at_work = 20 * millisecond, doze = 4 * millisecond;
    uint64_t now = sched::boottime_ns();
    if (m_idle_since == 0)
        m_idle_since = now;
    arch::relax();
    if (now - m_idle_since > at_work)
        arch::doze(doze);
}

base::Result<size_t> GdbChannels::read(std::span<uint8_t> out) {
    // All are polled: what comes for others goes into their buffers, and stands in nobody's way.
    bool attached = m_session.attached() && m_client != nullptr;
    size_t count = 0;
    for (const auto& known : std::span(m_channels).first(m_count)) {
        auto polled = known.channel->poll_stopped();
        if (attached && known.channel == m_client) {
            TRY(polled);
            if (client_is_lost()) {
                m_client = nullptr;
                return base::fail(base::Error::BrokenPipe);
            }
        }
        if (polled && count == 0 && (!attached || known.channel == m_client))
            count = take_from(known, out);
    }
    if (attached && count == 0 && give_up_silent_client())
        return base::fail(base::Error::TimedOut);
    return count;
}

base::Result<> GdbChannels::write(std::span<const uint8_t> bytes) {
    auto rest = std::as_bytes(bytes);
    if (m_world_runs)
        return write_running(rest);
    while (!rest.empty()) {
        if (m_client == nullptr)
            return base::fail(base::Error::BrokenPipe);
        TRY(m_client->poll_stopped());
        if (client_is_lost())
            return base::fail(base::Error::BrokenPipe);
        // A host that takes nothing for a while may come back: the stub waits for it as long as it takes, unless it has
        // promised to be heard of. What it says is not read meanwhile, but one that is there takes what is sent to it.
        auto written = m_client->write_some(rest);
        if (written) {
            rest = rest.subspan(*written);
            m_silence.end();
            m_idle_since = 0;
        } else if (written.error() != base::Error::Again) {
            return base::fail(written.error());
        } else if (give_up_silent_client()) {
            return base::fail(base::Error::TimedOut);
        } else {
            idle();
        }
    }
    return {};
}

base::Result<> GdbChannels::write_running(std::span<const std::byte> bytes) {
    uint64_t deadline = sched::boottime_ns() + stall_limit_ns;
    while (!bytes.empty()) {
        if (is_peer_gone())
            return base::fail(base::Error::BrokenPipe);
        auto written = m_client->write_some(bytes);
        if (written) {
            bytes = bytes.subspan(*written);
            deadline = sched::boottime_ns() + stall_limit_ns;
        } else if (written.error() != base::Error::Again) {
            return base::fail(written.error());
        } else if (sched::boottime_ns() > deadline) {
            return base::fail(base::Error::TimedOut);
        } else {
            (void)sched::scheduler().sleep_until(sched::deadline_after(millisecond));
        }
    }
    return {};
}

} // namespace debug
