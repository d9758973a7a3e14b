#pragma once
// What the commands of breakpoints print (gdb's dprintf, `set dprintf-style agent`), on its way to the console.
//
// It is printed in trap handlers, which may have interrupted whoever holds the console's lock: so it goes into a buffer
// first. A thread of the app that printed waits until the buffer is empty: its own output comes behind. What was
// printed in the kernel goes out with the next timer interrupts. What does not fit is counted, and the console says how
// much.

#include "gdbstub/Evaluation.h"
#include "libos/sched/SpinLock.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace debug {

class AgentOutput final : public gdbstub::EvaluationPrinter {
public:
    constexpr AgentOutput() = default;

    /// Any context, the world running.
    void print(std::string_view text) override;

    /// Thread context or the end of an interrupt: what the console takes now.
    void flush();
    /// Thread context: all that is printed by now, unless the console does not take it in a second.
    void drain();

private:
    static constexpr size_t size = 4096;

    // A look without the lock may come too early for what another CPU prints; its own a CPU always sees.
    bool is_empty() const { return m_begin.load(std::memory_order_relaxed) == m_end.load(std::memory_order_relaxed); }
    size_t append(std::string_view text);
    size_t read(std::span<char> out, uint64_t end);
    void tell_lost();

    sched::NoStopLock m_lock; // leaf; the buffer, m_lost
    char m_buffer[size] = {};
    std::atomic<uint64_t> m_begin{0}; ///< counted on and on, changed under the lock
    std::atomic<uint64_t> m_end{0};
    uint64_t m_lost = 0;
    std::atomic<bool> m_flushing{false}; ///< somebody writes what is at m_begin; guards nothing else
};

AgentOutput& agent_output();

} // namespace debug
