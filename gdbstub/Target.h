#pragma once
// Seam above the machine: what the stub needs from the kernel that embeds it. One required interface, and optional ones
// that a kernel offers by returning them; what the stub tells gdb in qSupported follows from what is there.
//
// Who calls: everything here is called from Session::run_stopped(), with the world stopped, from one CPU, interrupts
// off; the one exception is request_stop(). So implementations take no locks that a stopped CPU may hold, and do not
// sleep. Texts and spans that they return stay valid until the next call of the same object.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "gdbstub/AccessPolicy.h"
#include "gdbstub/Files.h"
#include "gdbstub/FunctionRef.h"
#include "gdbstub/Refusal.h"
#include "gdbstub/Stop.h"
#include "gdbstub/arch/RegisterFile.h"

namespace gdbstub {

struct ThreadInfo {
    ThreadId id = 0;
    std::string_view name{};
    /// For people, in gdb's `info threads`: "running", "futex wait", ...
    std::string_view state{};
    /// The CPU that it runs on or ran on last; negative if none.
    int cpu = -1;
};

/// Software breakpoints (gdb's Z0). The text as memory shows it stays the program's own: read_memory() does not show
/// the breakpoint instruction.
class Breakpoints {
public:
    /// `kind` is gdb's: 1 on x86. The session never inserts the same address twice without remove() between.
    virtual Answer<> insert(uint64_t address, uint64_t kind) = 0;
    virtual Answer<> remove(uint64_t address, uint64_t kind) = 0;

protected:
    ~Breakpoints() = default;
};

/// Breakpoints and watchpoints in the CPU's debug registers (Z1 to Z4), in effect on all CPUs.
class HardwarePoints {
public:
    virtual bool supports(PointKind kind) const = 0;
    /// `length` in bytes; 1 for PointKind::Execute on x86. Refuse what does not fit into the registers.
    virtual Answer<> insert(PointKind kind, uint64_t address, uint64_t length) = 0;
    virtual Answer<> remove(PointKind kind, uint64_t address, uint64_t length) = 0;

protected:
    ~HardwarePoints() = default;
};

/// Where `monitor` commands write. Any amount: what does not fit into a packet goes out in several.
class MonitorOutput {
public:
    virtual MonitorOutput& put(std::string_view text) = 0;

protected:
    ~MonitorOutput() = default;
};

/// gdb's `monitor TEXT` (qRcmd). The session answers `monitor why` by itself.
class Monitor {
public:
    /// `command` is what the user typed, without blanks around it. An unknown command writes a sentence that says what
    /// there is, and returns success; `help` prints one line for each
    /// command of the target's; the session has put its own before them.
    virtual Answer<> execute(std::string_view command, MonitorOutput& output) = 0;

protected:
    ~Monitor() = default;
};

/// Addresses of thread-local variables (qGetTLSAddr).
class ThreadLocalStorage {
public:
    /// `offset` is the variable's in its module's TLS segment; `link_map` is 0 for a static executable.
    /// See gdbstub::arch::static_tls_address() for those.
    virtual Answer<uint64_t> address(ThreadId thread, uint64_t offset, uint64_t link_map) = 0;

protected:
    ~ThreadLocalStorage() = default;
};

/// What a Linux process has besides memory and registers; each part may be empty, which gdb takes for "none".
class ProcessImage {
public:
    /// The auxiliary vector as it stands on the initial stack, AT_NULL included.
    virtual std::span<const uint8_t> auxiliary_vector() = 0;
    /// Path of the executable on the machine where gdb runs, as far as anybody knows.
    virtual std::string_view executable() = 0;

protected:
    ~ProcessImage() = default;
};

/// The Linux siginfo_t (128 bytes) of the signal that a thread stopped with, where it stands: what is written there is
/// what the program's handler is given, if the thread goes on with that signal.
class SignalInfo {
public:
    virtual Answer<std::span<uint8_t>> signal_info(ThreadId thread) = 0;

protected:
    ~SignalInfo() = default;
};

/// Told what clients do, for a record of it. Called in the stopped world, or from Session::serve_running().
class Audit {
public:
    virtual void client_attached(Access access) = 0;
    virtual void client_left(Access access) = 0;
    /// A packet that the client's access does not allow. `what` is AccessRule::what.
    virtual void refused(std::string_view what, Access access) = 0;
    /// What was in fact written, in one packet.
    virtual void memory_written(uint64_t address, uint64_t length) = 0;
    virtual void registers_written(ThreadId thread) = 0;
    /// `type` is gdb's: 0 software, 1 hardware breakpoint, 2 write, 3 read, 4 access watchpoint.
    virtual void point_changed(bool inserted, unsigned type, uint64_t address) = 0;
    virtual void monitor_command(std::string_view command) = 0;

protected:
    ~Audit() = default;
};

class Target {
public:
    /// Stop the world soon, then call Session::run_stopped() with StopReason::Requested, or with another reason that
    /// came first. Called from Session::feed(): from an interrupt handler while the world runs, never stopped.
    /// Any stop satisfies all requests before it.
    virtual void request_stop() = 0;

    /// Call Session::serve_running() soon: a client that may not stop the world has sent a packet. As request_stop().
    virtual void request_service() {}

    /// The same machine for reading while it runs, called from Session::serve_running(): there locks may be taken and
    /// pages waited for. Only reading functions are called; registers of a thread that runs are refused. null: such a
    /// client is told that reading comes with non-stop mode.
    virtual Target* live() { return nullptr; }

    /// Calls `visit` with each thread that gdb shall see until it returns false. At least one, always in the same
    /// order during one stop.
    virtual void for_each_thread(FunctionRef<bool(const ThreadInfo&)> visit) = 0;
    virtual Answer<ThreadInfo> thread(ThreadId id) = 0;

    /// Fills all of `out`, which comes zeroed; marks what it does not know with set_unavailable().
    virtual Answer<> read_registers(ThreadId thread, RegisterFile& out) = 0;
    /// `values` is what read_registers() gave with one or more registers changed.
    virtual Answer<> write_registers(ThreadId thread, const RegisterFile& values) = 0;
    virtual bool has(OptionalRegisters) const { return false; }

    /// Memory as the app sees it, at any address whatever: return how many bytes from the start were possible, 0 if
    /// the first is not. Never faults, and touches nothing that reading could change (device registers).
    virtual size_t read_memory(uint64_t address, std::span<uint8_t> out) = 0;
    /// The same for writing; text is written through the patcher, under any breakpoint.
    virtual size_t write_memory(uint64_t address, std::span<const uint8_t> bytes) = 0;

    /// Whether a thread can pass a breakpoint, of either kind, without the world being stopped, and the kernel asks
    /// Session::judge_breakpoint() at each whether it is to. gdb then lets the target evaluate conditions and run
    /// commands.
    virtual bool passes_breakpoints() const { return false; }

    /// Whether the kernel asks Session::stops_for_system_call() at each (QCatchSyscalls).
    virtual bool reports_system_calls() const { return false; }

    /// Whether gdb's `kill` may end the instance. Where it may not, `kill` detaches.
    virtual bool kill_allowed() const { return false; }

    // Optional parts: null is "not here", and gdb is told so. The answer does not change during a session.
    virtual Breakpoints* breakpoints() { return nullptr; }
    virtual HardwarePoints* hardware_points() { return nullptr; }
    virtual Monitor* monitor() { return nullptr; }
    virtual ThreadLocalStorage* thread_local_storage() { return nullptr; }
    virtual ProcessImage* process_image() { return nullptr; }
    virtual SignalInfo* signal_info() { return nullptr; }
    virtual Files* files() { return nullptr; }
    virtual Audit* audit() { return nullptr; }

protected:
    ~Target() = default;
};

} // namespace gdbstub
