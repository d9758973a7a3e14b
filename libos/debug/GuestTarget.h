#pragma once
// GuestTarget: this kernel as gdbstub sees it. Everything is called in the stopped world, by the leader, but for
// request_stop() and request_service(), and for the process' image, which never changes. live() is for the running
// world.
//
// Two views of a thread. The app's, the default: where it left the app, as gdbserver would show it. The kernel's,
// read-only: where it is inside the kernel; shown for the thread that stopped for a reason of its own in kernel text (a
// breakpoint, a step, a fault), and for all threads, kernel threads included, after `monitor view kernel`.

#include "gdbstub/Target.h"
#include "libos/debug/DebugAudit.h"
#include "libos/debug/LiveTarget.h"

#include <arch/TrapFrame.h>
#include <atomic>

namespace sched {
class Thread;
}

namespace debug {

class GuestTarget final : public gdbstub::Target,
                          public gdbstub::Breakpoints,
                          public gdbstub::Monitor,
                          public gdbstub::ThreadLocalStorage,
                          public gdbstub::ProcessImage,
                          public gdbstub::SignalInfo {
public:
    constexpr GuestTarget() = default;

    /// Which thread stopped, where, and whether for a reason of its own; nullptr between stops.
    void set_stop(sched::Thread* thread, arch::TrapFrame* frame, gdbstub::StopReason reason);
    void clear_stop();
    bool take_stop_request() { return m_stop_requested.exchange(false, std::memory_order_acq_rel); }
    bool stop_is_requested() const { return m_stop_requested.load(std::memory_order_acquire); }
    /// Where writes to the thread's registers go, and a single step is set up.
    arch::TrapFrame* frame_of(sched::Thread& thread);
    void set_kill_allowed(bool allowed) { m_kill_allowed = allowed; }
    void set_files(gdbstub::Files* files) { m_files = files; }
    /// Who answers `monitor` commands that are not about the debugger itself.
    void set_monitor(gdbstub::Monitor* monitor) { m_monitor = monitor; }
    sched::Thread* find(gdbstub::ThreadId id);

    /// A client that may not stop the world waits for Session::serve_running().
    bool take_service_request() { return m_service_requested.exchange(false, std::memory_order_acq_rel); }

    // gdbstub::Target
    void request_stop() override { m_stop_requested.store(true, std::memory_order_release); }
    void request_service() override { m_service_requested.store(true, std::memory_order_release); }
    gdbstub::Target* live() override { return &m_live; }
    gdbstub::Audit* audit() override { return &m_audit; }
    void for_each_thread(gdbstub::FunctionRef<bool(const gdbstub::ThreadInfo&)> visit) override;
    gdbstub::Answer<gdbstub::ThreadInfo> thread(gdbstub::ThreadId id) override;
    gdbstub::Answer<> read_registers(gdbstub::ThreadId id, gdbstub::RegisterFile& out) override;
    gdbstub::Answer<> write_registers(gdbstub::ThreadId id, const gdbstub::RegisterFile& values) override;
    bool has(gdbstub::OptionalRegisters group) const override;
    size_t read_memory(uint64_t address, std::span<uint8_t> out) override;
    size_t write_memory(uint64_t address, std::span<const uint8_t> bytes) override;
    bool passes_breakpoints() const override;
    bool reports_system_calls() const override { return true; }
    bool kill_allowed() const override { return m_kill_allowed; }
    gdbstub::Breakpoints* breakpoints() override { return this; }
    gdbstub::HardwarePoints* hardware_points() override;
    gdbstub::Monitor* monitor() override { return this; }
    gdbstub::ThreadLocalStorage* thread_local_storage() override { return this; }
    gdbstub::ProcessImage* process_image() override { return this; }
    gdbstub::SignalInfo* signal_info() override { return this; }
    gdbstub::Files* files() override { return m_files; }

    // gdbstub::Breakpoints
    gdbstub::Answer<> insert(uint64_t address, uint64_t kind) override;
    gdbstub::Answer<> remove(uint64_t address, uint64_t kind) override;
    // gdbstub::Monitor
    gdbstub::Answer<> execute(std::string_view command, gdbstub::MonitorOutput& output) override;
    // gdbstub::ThreadLocalStorage
    gdbstub::Answer<uint64_t> address(gdbstub::ThreadId thread, uint64_t offset, uint64_t link_map) override;
    // gdbstub::ProcessImage
    std::span<const uint8_t> auxiliary_vector() override;
    std::string_view executable() override;
    // gdbstub::SignalInfo
    gdbstub::Answer<std::span<uint8_t>> signal_info(gdbstub::ThreadId thread) override;

private:
    enum class View : uint8_t { App, Kernel };

    bool is_listed(const sched::Thread& thread) const;
    bool shows_kernel(const sched::Thread& thread) const;

    std::atomic<bool> m_stop_requested{false};
    std::atomic<bool> m_service_requested{false};
    LiveTarget m_live{*this};
    DebugAudit m_audit;
    sched::Thread* m_stop_thread = nullptr;
    arch::TrapFrame* m_stop_frame = nullptr;
    bool m_stop_is_own = false; ///< the thread ran into something, it was not just interrupted
    View m_view = View::App;
    bool m_kill_allowed = false;
    gdbstub::Files* m_files = nullptr;
    gdbstub::Monitor* m_monitor = nullptr;
    uint8_t m_auxiliary[512] = {};
};

} // namespace debug
