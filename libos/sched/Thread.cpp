#include "libos/sched/Thread.h"

#include "libos/memory/KernelStack.h"
#include "libos/sched/Scheduler.h"

#include <arch/Fpu.h>
#include <arch/Switch.h>
#include <cstring>
#include <new>

namespace sched {

namespace {

using StartHook = void (*)(Thread&);
constinit StartHook g_on_app_thread_start = nullptr;

void begin_app_thread(uint64_t, uint64_t) {
    scheduler().finish_switch();
    if (g_on_app_thread_start != nullptr)
        g_on_app_thread_start(current_thread());
}

void begin_kernel_thread(uint64_t function, uint64_t argument) {
    scheduler().finish_switch();
    reinterpret_cast<void (*)(void*)>(function)(reinterpret_cast<void*>(argument));
    scheduler().exit_current();
}

base::Result<Thread*> create() {
    auto* thread = new (std::nothrow) Thread;
    if (thread == nullptr)
        return base::fail(base::Error::NoMemory);
    auto stack = memory::allocate_kernel_stack();
    if (!stack) {
        delete thread;
        return base::fail(stack.error());
    }
    thread->kernel_stack_bottom = stack->bottom;
    thread->kernel_stack_top = stack->top;
    return thread;
}

} // namespace

void set_app_thread_start_hook(void (*hook)(Thread&)) {
    g_on_app_thread_start = hook;
}

base::Result<Thread*> Thread::create_kernel(std::string_view name, void (*function)(void*), void* argument) {
    Thread* thread = TRY(create());
    thread->m_kernel = true;
    thread->signals.mask = ~signal::Set{0}; // what waits for the process is none of its business
    thread->set_name(name);
    thread->saved_stack_pointer() =
        arch::prepare_stack(thread->kernel_stack_top, nullptr, begin_kernel_thread,
                            reinterpret_cast<uint64_t>(function), reinterpret_cast<uint64_t>(argument));
    return thread;
}

base::Result<Thread*> Thread::create_app(const arch::TrapFrame& frame, uint64_t fs_base) {
    Thread* thread = TRY(create());
    thread->fpu_state = new (std::nothrow) char[arch::fpu_state_size()];
    if (thread->fpu_state == nullptr) {
        memory::free_kernel_stack({thread->kernel_stack_bottom, thread->kernel_stack_top});
        delete thread;
        return base::fail(base::Error::NoMemory);
    }
    arch::initialize_fpu_state(thread->fpu_state);
    thread->fs_base = fs_base;
    thread->saved_stack_pointer() = arch::prepare_stack(thread->kernel_stack_top, &frame, begin_app_thread, 0, 0);
    return thread;
}

std::string_view Thread::name_view() const {
    size_t length = 0;
    while (length < name_size && name[length] != 0)
        ++length;
    return {name, length};
}

void Thread::set_name(std::string_view text) {
    size_t length = text.size() < name_size - 1 ? text.size() : name_size - 1;
    std::memcpy(name, text.data(), length);
    std::memset(name + length, 0, name_size - length);
}

const char* to_string(ThreadState state) {
    switch (state) {
    case ThreadState::Running:
        return "running";
    case ThreadState::Runnable:
        return "runnable";
    case ThreadState::Blocked:
        return "blocked";
    case ThreadState::Exited:
        return "exited";
    }
    return "unknown";
}

const char* to_string(WaitReason reason) {
    switch (reason) {
    case WaitReason::None:
        return "";
    case WaitReason::Futex:
        return "futex";
    case WaitReason::Sleep:
        return "sleep";
    case WaitReason::Io:
        return "io";
    case WaitReason::Poll:
        return "poll";
    case WaitReason::Signal:
        return "signal";
    case WaitReason::Join:
        return "join";
    }
    return "";
}

} // namespace sched
