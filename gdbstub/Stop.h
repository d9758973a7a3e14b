#pragma once
// Why the world stopped, and how it goes on: what a kernel hands to Session::run_stopped() and gets back from it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gdbstub {

/// As gdb shows it in `info threads`. 0 is no thread; -1 (as 32 bits) is reserved too.
using ThreadId = uint32_t;
/// The process that all threads belong to, as gdb shows it and knows its /proc/1.
inline constexpr uint32_t process_id = 1;

enum class StopReason : uint8_t {
    /// Somebody asked: Target::request_stop(), a break-in by NMI, an image held at its start.
    Requested,
    /// `signal` is about to be delivered to `thread`, or is fatal to it.
    Signal,
    /// One instruction was stepped, as the resume plan said.
    Step,
    /// A breakpoint that Breakpoints::insert() set. The thread's pc is the breakpoint's address, not behind it.
    SoftwareBreakpoint,
    /// The same for HardwarePoints with PointKind::Execute.
    HardwareBreakpoint,
    /// A watchpoint; `point` is its kind and `address` the watched datum's.
    Watchpoint,
    /// The system call of number `system_call` is about to be made, or is done; Session::stops_for_system_call() said
    /// yes. The pc is behind the instruction.
    SystemCallEntry,
    SystemCallReturn,
};

enum class PointKind : uint8_t { Execute, Write, Read, Access };

struct StopEvent {
    StopReason reason = StopReason::Requested;
    /// Whose stop it is. Should be one that Target::for_each_thread() lists; otherwise gdb is told the first of those.
    ThreadId thread = 0;
    /// StopReason::Signal: Linux' number.
    int signal = 0;
    /// StopReason::Watchpoint.
    PointKind point = PointKind::Write;
    uint64_t address = 0;
    /// StopReason::SystemCallEntry, SystemCallReturn.
    uint64_t system_call = 0;
};

enum class ResumeKind : uint8_t {
    Continue,
    /// One instruction, then StopReason::Step.
    Step,
    /// Step until the pc leaves [range_begin, range_end). See ResumeAction::keeps_stepping().
    RangeStep,
    /// Stay where it is.
    Stay,
};

struct ResumeAction {
    ResumeKind kind = ResumeKind::Continue;
    /// Linux' number of a signal to deliver first, or 0. A thread that stopped with a signal and is resumed with 0
    /// does not get it.
    int signal = 0;
    uint64_t range_begin = 0;
    uint64_t range_end = 0;

    /// After a single step of a thread with this action: whether to step on without telling anybody. Asking this in
    /// the debug exception's handler makes range stepping cheap; a target that does not ask is right too, because
    /// run_stopped() asks it again.
    bool keeps_stepping(uint64_t pc) const {
        return kind == ResumeKind::RangeStep && pc >= range_begin && pc < range_end;
    }
};

enum class Outcome : uint8_t {
    /// The client resumed: do what the actions say.
    Resume,
    /// The client detached, or its link broke: everything continues, all breakpoints are gone already.
    Detached,
    /// The client killed, and Target::kill_allowed() said yes: end the instance.
    Kill,
};

/// What run_stopped() returns: an outcome, and for each thread what it does next.
class ResumePlan {
public:
    static constexpr size_t capacity = 32;

    Outcome outcome = Outcome::Resume;

    /// For `thread`, which may have come into being after the stop. ResumeKind::Stay if nothing mentions it.
    ResumeAction action_for(ThreadId thread) const {
        for (size_t i = 0; i < m_count; ++i)
            if (m_entries[i].thread == every_thread || m_entries[i].thread == thread)
                return m_entries[i].action;
        return {.kind = ResumeKind::Stay};
    }

    /// True if all threads merely continue: nobody steps, stays, or gets a signal.
    bool is_plain_continue() const {
        return m_count == 1 && m_entries[0].thread == every_thread &&
               m_entries[0].action.kind == ResumeKind::Continue && m_entries[0].action.signal == 0;
    }

    /// For a plan that goes on after one of its steps: signals are delivered once.
    void forget_signals() {
        for (size_t i = 0; i < m_count; ++i)
            m_entries[i].action.signal = 0;
    }

    static constexpr ThreadId every_thread = 0;
    struct Entry {
        ThreadId thread = every_thread;
        ResumeAction action;
    };
    /// The first entry that fits a thread counts.
    std::span<const Entry> entries() const { return {m_entries.data(), m_count}; }

    void clear() {
        outcome = Outcome::Resume;
        m_count = 0;
    }
    /// False if there is no room.
    [[nodiscard]] bool add(ThreadId thread, const ResumeAction& action) {
        if (m_count == capacity)
            return false;
        m_entries[m_count++] = {thread, action};
        return true;
    }

private:
    std::array<Entry, capacity> m_entries{};
    size_t m_count = 0;
};

} // namespace gdbstub
