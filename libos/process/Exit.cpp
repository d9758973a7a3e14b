// How the app ends when it ends by its own will.
#include "libos/base/Text.h"
#include "libos/console/Console.h"
#include "libos/control/Control.h"
#include "libos/debug/Debugger.h"
#include "libos/links/Links.h"
#include "libos/memory/UserMemory.h"
#include "libos/process/Machine.h"
#include "libos/process/Process.h"
#include "libos/sched/Futex.h"
#include "libos/sched/Scheduler.h"
#include "libos/signal/Signals.h"
#include "libos/syscall/Dispatch.h"

#include <atomic>

namespace process {

namespace {

constinit std::atomic<bool> g_exiting{false};

[[noreturn]] void end(uint32_t status, int signal) {
    // One thread ends the instance; others that come here wait for that.
    while (g_exiting.exchange(true, std::memory_order_acq_rel))
        (void)sched::scheduler().sleep_until(sched::no_deadline);
    base::Text<512> text;
    syscalls::report_unknown(text);
    console::log(0, text.view());
    debug::report_exit(status, signal);
    links::flush_console();
    control::send_exited(status, static_cast<uint32_t>(signal));
    power_off();
}

} // namespace

void exit(uint32_t status) {
    end(status, 0);
}

void exit_by_signal(int number) {
    end(128 + static_cast<uint32_t>(number), number);
}

void exit_thread(uint32_t status) {
    sched::Thread& thread = sched::current_thread();
    if (thread.clear_child_tid != 0) {
        // pthread_join waits on this word.
        (void)memory::write_user(thread.clear_child_tid, uint32_t{0});
        sched::futex_wake(thread.clear_child_tid, 1, UINT32_MAX);
    }
    if (sched::scheduler().app_thread_count() == 1)
        exit(status);
    signal::thread_exits(thread);
    sched::scheduler().exit_current();
}

} // namespace process
