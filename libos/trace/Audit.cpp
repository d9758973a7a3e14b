#include "libos/trace/Audit.h"

#include "libos/sched/Clock.h"
#include "libos/sched/SpinLock.h"
#include "libos/trace/Events.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace trace {

namespace {

struct Kept {
    sched::NoStopLock lock; // a leaf
    wire::AuditMessage messages[audit_capacity] = {};
    uint64_t next = 1; ///< sequence
    uint64_t sent = 0; ///< the highest that find_audit() gave away: it changes no more
    uint64_t last_time = 0;
    std::atomic<bool> news{false};

    wire::AuditMessage& at(uint64_t sequence) { return messages[sequence % audit_capacity]; }
};
constinit Kept g_kept;

bool continues(const wire::AuditMessage& last, const wire::AuditMessage& next) {
    return last.kind == static_cast<uint8_t>(wire::AuditKind::MemoryWritten) && next.kind == last.kind &&
           next.role == last.role && next.address == last.address + last.length;
}

} // namespace

void audit(wire::AuditMessage message) {
    probes::kernel::audit(message.kind, message.channel, message.role, message.detail, message.address, message.length);
    sched::NoStopLocker locker(g_kept.lock);
    auto& last = g_kept.at(g_kept.next - 1);
    if (g_kept.sent != g_kept.next - 1 && continues(last, message)) {
        last.length += message.length;
        return;
    }
    // Rising, so that a host that has seen some knows which are new.
    g_kept.last_time = std::max(sched::realtime_ns(), g_kept.last_time + 1);
    message.realtime_ns = g_kept.last_time;
    message.sequence = g_kept.next++;
    g_kept.at(message.sequence) = message;
    // relaxed: the reader takes the lock.
    g_kept.news.store(true, std::memory_order_relaxed);
}

bool find_audit(uint64_t from, wire::AuditMessage& out) {
    sched::NoStopLocker locker(g_kept.lock);
    uint64_t oldest = g_kept.next > audit_capacity ? g_kept.next - audit_capacity : 1;
    uint64_t sequence = std::max(from, oldest);
    if (sequence >= g_kept.next)
        return false;
    out = g_kept.at(sequence);
    g_kept.sent = std::max(g_kept.sent, sequence);
    return true;
}

bool take_audit_news() {
    return g_kept.news.load(std::memory_order_relaxed) && g_kept.news.exchange(false, std::memory_order_relaxed);
}

void set_text(wire::AuditMessage& message, std::string_view text) {
    std::memcpy(message.text, text.data(), std::min(text.size(), sizeof(message.text)));
}

} // namespace trace
