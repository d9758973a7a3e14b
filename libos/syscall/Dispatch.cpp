#include "libos/syscall/Dispatch.h"

#include "libos/base/Assert.h"
#include "libos/base/Text.h"
#include "libos/fs/Syscalls.h"
#include "libos/process/FaultInjection.h"
#include "libos/process/Syscalls.h"
#include "libos/sched/Scheduler.h"
#include "libos/signal/Signals.h"
#include "libos/signal/Syscalls.h"
#include "libos/syscall/Restart.h"
#include "libos/trace/Events.h"

#include <arch/Exceptions.h>
#include <atomic>
#include <span>

namespace syscalls {

namespace {

constinit const Entry* g_table[max_number] = {};
constinit std::atomic<uint32_t> g_unknown[max_number] = {};
constinit std::atomic<uint32_t> g_out_of_range{0};

void add(std::span<const Entry> entries) {
    for (const auto& entry : entries) {
        ASSERT(entry.number < max_number && g_table[entry.number] == nullptr);
        g_table[entry.number] = &entry;
    }
}

constexpr uint64_t result_of(base::Error error) {
    return static_cast<uint64_t>(-static_cast<int64_t>(error));
}

// Calls that Linux ends with EINTR even under SA_RESTART, or whose timeout would start anew: signal(7).
bool never_restarts(uint64_t number) {
    switch (number) {
    case 7:   // poll
    case 23:  // select
    case 34:  // pause
    case 35:  // nanosleep
    case 42:  // connect
    case 128: // rt_sigtimedwait
    case 130: // rt_sigsuspend
    case 202: // futex
    case 230: // clock_nanosleep
    case 232: // epoll_wait
    case 270: // pselect6
    case 271: // ppoll
    case 281: // epoll_pwait
        return true;
    default:
        return false;
    }
}

// Calls that a signal never ends on Linux, and that wait here.
bool always_restarts(uint64_t number) {
    return number == 203; // sched_setaffinity, while the processors come up
}

bool was_interrupted(const arch::TrapFrame& frame) {
    return frame.is_system_call() && frame.result() == result_of(base::Error::Interrupted);
}

} // namespace

void initialize() {
    add(fs::system_calls);
    add(std::span(process::system_calls, process::system_call_count));
    add(process::fault_system_calls);
    add(std::span(signal::system_calls, signal::system_call_count));
}

const Entry* find(uint64_t number) {
    return number < max_number ? g_table[number] : nullptr;
}

const char* name_of(uint64_t number) {
    const Entry* entry = find(number);
    return entry != nullptr ? entry->name : "unknown";
}

void dispatch(arch::TrapFrame& frame) {
    uint64_t number = frame.system_call_number();
    bool known = find(number) != nullptr;
    trace::syscall_entry(frame, known);
    uint64_t result;
    if (const Entry* entry = find(number)) {
        Arguments arguments;
        for (unsigned i = 0; i < 6; ++i)
            arguments.value[i] = frame.argument(i);
        sched::current_thread().trap_frame = &frame;
        auto outcome = entry->handler(arguments);
        result = outcome ? *outcome : result_of(outcome.error());
        if (!outcome && outcome.error() == base::Error::BrokenPipe)
            (void)signal::send_to_thread(sched::current_thread(),
                                         {.number = signal::Pipe}); // a standard one: never refused
    } else {
        if (number < max_number)
            g_unknown[number].fetch_add(1, std::memory_order_relaxed);
        else
            g_out_of_range.fetch_add(1, std::memory_order_relaxed);
        result = result_of(base::Error::NoSystemCall);
    }
    if (frame.is_system_call()) // rt_sigreturn has put another frame in its place
        frame.set_result(result);
    trace::syscall_exit(number, known, result);
}

void finish_interrupted_call(arch::TrapFrame& frame, bool restart) {
    if (!was_interrupted(frame))
        return;
    uint64_t number = frame.system_call_number();
    if (always_restarts(number) || (restart && !never_restarts(number)))
        frame.restart_system_call();
}

void report_unknown(base::TextBuilder& text) {
    bool any = g_out_of_range.load(std::memory_order_relaxed) != 0;
    for (const auto& count : g_unknown)
        any = any || count.load(std::memory_order_relaxed) != 0;
    if (!any)
        return;
    text.put("uniscope: system calls that do not exist here were answered with ENOSYS:");
    for (unsigned number = 0; number < max_number; ++number) {
        if (uint32_t count = g_unknown[number].load(std::memory_order_relaxed))
            text.put(' ').decimal(number).put(" (").decimal(count).put("x)");
    }
    if (uint32_t count = g_out_of_range.load(std::memory_order_relaxed))
        text.put(" others (").decimal(count).put("x)");
    text.put('\n');
}

} // namespace syscalls
