#include "libos/debug/AgentOutput.h"

#include "libos/base/Text.h"
#include "libos/console/Console.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"

#include <algorithm>

namespace debug {

namespace {
constexpr uint64_t patience_ns = 1'000'000'000;
constexpr uint64_t look_ns = 1'000'000;
constinit AgentOutput g_agent_output;
} // namespace

AgentOutput& agent_output() {
    return g_agent_output;
}

/// With the lock held. Returns how much there was room for.
size_t AgentOutput::append(std::string_view text) {
    uint64_t end = m_end.load(std::memory_order_relaxed);
    size_t room = size - (end - m_begin.load(std::memory_order_relaxed));
    size_t fits = std::min(text.size(), room);
    for (char character : text.substr(0, fits))
        m_buffer[end++ % size] = character;
    m_end.store(end, std::memory_order_relaxed);
    return fits;
}

void AgentOutput::print(std::string_view text) {
    sched::NoStopLocker locker(m_lock);
    m_lost += text.size() - append(text);
}

/// From the start of the buffer, and not beyond `end`; it stays there.
size_t AgentOutput::read(std::span<char> out, uint64_t end) {
    sched::NoStopLocker locker(m_lock);
    uint64_t begin = m_begin.load(std::memory_order_relaxed);
    size_t count = begin < end ? std::min<size_t>(out.size(), end - begin) : 0;
    for (size_t i = 0; i < count; ++i)
        out[i] = m_buffer[(begin + i) % size];
    return count;
}

/// When the whole sentence finds no room, it does at a later flush(): what filled the buffer is still to go out.
void AgentOutput::tell_lost() {
    sched::NoStopLocker locker(m_lock);
    if (m_lost == 0)
        return;
    base::Text<80> text;
    text.put("\nuniscope: ").decimal(m_lost).put(" characters that breakpoints printed are lost\n");
    size_t used = m_end.load(std::memory_order_relaxed) - m_begin.load(std::memory_order_relaxed);
    if (text.view().size() > size - used)
        return;
    append(text.view());
    m_lost = 0;
}

void AgentOutput::flush() {
    // acquire, release: whoever writes next sees how far the last one came.
    if (is_empty() || m_flushing.exchange(true, std::memory_order_acquire))
        return;
    // What comes meanwhile is the next one's: others may print for ever.
    uint64_t end = m_end.load(std::memory_order_relaxed);
    char piece[64];
    size_t count, written;
    do {
        count = read(piece, end);
        written = console::write_some({piece, count});
        sched::NoStopLocker locker(m_lock);
        m_begin.store(m_begin.load(std::memory_order_relaxed) + written, std::memory_order_relaxed);
    } while (count != 0 && written == count);
    if (count == 0)
        tell_lost();
    m_flushing.store(false, std::memory_order_release);
}

void AgentOutput::drain() {
    if (is_empty())
        return;
    uint64_t end = m_end.load(std::memory_order_relaxed);
    uint64_t give_up_at = sched::monotonic_ns() + patience_ns;
    for (flush(); m_begin.load(std::memory_order_relaxed) < end && sched::monotonic_ns() < give_up_at; flush()) {
        if (!sched::scheduler().sleep_until(sched::deadline_after(look_ns)))
            return; // a signal waits
    }
}

} // namespace debug
