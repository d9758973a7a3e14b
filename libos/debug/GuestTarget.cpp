#include "libos/debug/GuestTarget.h"

#include "libos/debug/GuestMemory.h"
#include "libos/debug/NoBreak.h"
#include "libos/debug/OutOfLine.h"
#include "libos/debug/TextPatcher.h"
#include "libos/debug/ThreadControl.h"
#include "libos/debug/ThreadView.h"
#include "libos/debug/WatchPoints.h"
#include "libos/debug/World.h"
#include "libos/debug/arch/RegisterFiles.h"
#include "libos/process/Process.h"
#include "libos/process/StartState.h"
#include "libos/sched/Scheduler.h"

#include <arch/PageTable.h>
#include <arch/Switch.h>

namespace debug {

using base::Error;
using gdbstub::Answer;
using gdbstub::refuse;
using gdbstub::ThreadId;
using sched::Thread;

void GuestTarget::set_stop(Thread* thread, arch::TrapFrame* frame, gdbstub::StopReason reason) {
    m_stop_thread = thread;
    m_stop_frame = frame;
    m_stop_is_own = reason != gdbstub::StopReason::Requested;
}

void GuestTarget::clear_stop() {
    m_stop_thread = nullptr;
    m_stop_frame = nullptr;
    m_stop_is_own = false;
}

bool GuestTarget::shows_kernel(const Thread& thread) const {
    if (thread.is_kernel() || m_view == View::Kernel)
        return true;
    return &thread == m_stop_thread && m_stop_is_own && !m_stop_frame->from_app();
}

arch::TrapFrame* GuestTarget::frame_of(Thread& thread) {
    if (&thread == m_stop_thread && (m_stop_is_own || thread.is_kernel()))
        return m_stop_frame;
    return world().app_frame_of(thread);
}

/// The app's threads, and a kernel's own that ran into something; before the app has started there are only those.
bool GuestTarget::is_listed(const Thread& thread) const {
    if (!thread.is_kernel() || m_view == View::Kernel || (&thread == m_stop_thread && m_stop_is_own))
        return true;
    for (const Thread* other = sched::scheduler().first_thread(); other != nullptr; other = other->all_next) {
        if (!other->is_kernel())
            return false;
    }
    return true;
}

Thread* GuestTarget::find(ThreadId id) {
    Thread* thread = sched::scheduler().find(id);
    return thread != nullptr && is_listed(*thread) ? thread : nullptr;
}

void GuestTarget::for_each_thread(gdbstub::FunctionRef<bool(const gdbstub::ThreadInfo&)> visit) {
    for (Thread* thread = oldest_thread(); thread != nullptr; thread = thread->all_previous) {
        if (is_listed(*thread) && !visit(describe(*thread)))
            return;
    }
}

Answer<gdbstub::ThreadInfo> GuestTarget::thread(ThreadId id) {
    Thread* thread = find(id);
    if (thread == nullptr)
        return refuse(Error::NoSuchProcess, "there is no such thread");
    return describe(*thread);
}

bool GuestTarget::has(gdbstub::OptionalRegisters) const {
    return arch_registers::has_avx();
}

Answer<> GuestTarget::read_registers(ThreadId id, gdbstub::RegisterFile& out) {
    Thread* thread = sched::scheduler().find(id);
    if (thread == nullptr)
        return refuse(Error::NoSuchProcess, "there is no such thread");
    if (!shows_kernel(*thread)) {
        arch_registers::from_frame(*world().app_frame_of(*thread), thread->fs_base, thread->fpu_state, true, out);
        return {};
    }
    if (thread == m_stop_thread && m_stop_frame != nullptr)
        arch_registers::from_frame(*m_stop_frame, thread->fs_base, thread->fpu_state, m_stop_frame->from_app(), out);
    else if (auto* frame = world().running_frame_of(*thread))
        arch_registers::from_frame(*frame, thread->fs_base, thread->fpu_state, frame->from_app(), out);
    else
        arch_registers::from_saved_stack(thread->saved_stack_pointer(), out);
    return {};
}

Answer<> GuestTarget::write_registers(ThreadId id, const gdbstub::RegisterFile& values) {
    Thread* thread = sched::scheduler().find(id);
    if (thread == nullptr)
        return refuse(Error::NoSuchProcess, "there is no such thread");
    if (shows_kernel(*thread))
        return refuse(Error::ReadOnly, "a kernel frame is shown, and those are read-only: `monitor view app`");
    auto& frame = *world().app_frame_of(*thread);
    uint64_t pc = frame.pc();
    arch_registers::to_frame(values, frame, thread->fs_base, thread->fpu_state);
    if (frame.pc() != pc)
        note_reported(*thread, nullptr);
    if (frame.is_system_call() && thread->state.load(std::memory_order_relaxed) == sched::ThreadState::Blocked) {
        // The call it sleeps in is over, as ptrace would have it: what gdb wrote is what the thread goes on with.
        thread->registers_changed = true;
    }
    if (thread == arch::this_cpu().current)
        arch::set_fs_base(thread->fs_base);
    return {};
}

size_t GuestTarget::read_memory(uint64_t address, std::span<uint8_t> out) {
    size_t done = guest_memory::read(address, out);
    text_patcher().hide_changes(address, out.first(done));
    return done;
}

size_t GuestTarget::write_memory(uint64_t address, std::span<const uint8_t> bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
        if (!guest_memory::is_writable_by_debugger(address + i))
            return i;
        if (text_patcher().take_write(address + i, bytes[i]) && !guest_memory::write(address + i, bytes[i]))
            return i;
    }
    return bytes.size();
}

bool GuestTarget::passes_breakpoints() const {
    return has_slots();
}

gdbstub::HardwarePoints* GuestTarget::hardware_points() {
    return &watch_points();
}

Answer<> GuestTarget::insert(uint64_t address, uint64_t) {
    if (is_no_break(address))
        return refuse(Error::NotPermitted,
                      "this is code that the debugger itself runs through: no breakpoint can be here");
    guest_memory::make_present(address);
    if (auto inserted = text_patcher().insert_breakpoint(address); !inserted)
        return refuse(inserted.error(), inserted.error() == Error::Fault ? "nothing is mapped there"
                                                                         : "all places for breakpoints are taken");
    return {};
}

Answer<> GuestTarget::remove(uint64_t address, uint64_t) {
    if (auto removed = text_patcher().remove_breakpoint(address); !removed)
        return refuse(removed.error());
    return {};
}

Answer<> GuestTarget::execute(std::string_view command, gdbstub::MonitorOutput& output) {
    if (command == "help") {
        output.put("view app              show threads where they left the app, as gdbserver does (default)\n")
            .put("view kernel           show threads, kernel threads too, where they are in the kernel; read-only\n");
        if (m_monitor != nullptr)
            return m_monitor->execute(command, output);
    } else if (command == "view kernel") {
        m_view = View::Kernel;
        output.put("kernel view: run `maintenance flush register-cache`, then `info threads` or `backtrace`\n");
    } else if (command == "view app") {
        m_view = View::App;
        output.put("app view: run `maintenance flush register-cache`\n");
    } else {
        auto executed = m_monitor != nullptr ? m_monitor->execute(command, output) : refuse(Error::NoSystemCall);
        if (executed || executed.error().error != Error::NoSystemCall)
            return executed;
        output.put("there is no such command; `monitor help` lists them\n");
    }
    return {};
}

Answer<uint64_t> GuestTarget::address(ThreadId id, uint64_t offset, uint64_t) {
    Thread* thread = find(id);
    if (thread == nullptr)
        return refuse(Error::NoSuchProcess, "there is no such thread");
    return thread_local_address(*thread, offset);
}

std::span<const uint8_t> GuestTarget::auxiliary_vector() {
    const auto& start = process::start_state();
    size_t size = start.auxiliary_end - start.auxiliary_start;
    if (size > sizeof(m_auxiliary))
        size = sizeof(m_auxiliary);
    return std::span(m_auxiliary).first(guest_memory::read(start.auxiliary_start, std::span(m_auxiliary).first(size)));
}

std::string_view GuestTarget::executable() {
    return process::executable_path();
}

Answer<std::span<uint8_t>> GuestTarget::signal_info(ThreadId id) {
    Thread* thread = find(id);
    if (thread == nullptr || thread->signals.at_debugger == nullptr)
        return refuse(Error::NoEntry, "the thread did not stop for a signal");
    return std::span(reinterpret_cast<uint8_t*>(thread->signals.at_debugger), sizeof(signal::Info));
}

} // namespace debug
