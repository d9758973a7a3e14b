#include "libos/debug/Debugger.h"

#include "gdbstub/Session.h"
#include "libos/console/Console.h"
#include "libos/debug/AgentOutput.h"
#include "libos/debug/GdbChannels.h"
#include "libos/debug/GuestTarget.h"
#include "libos/debug/OutOfLine.h"
#include "libos/debug/Stops.h"
#include "libos/debug/TextPatcher.h"
#include "libos/debug/ThreadControl.h"
#include "libos/debug/World.h"
#include "libos/process/Process.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"
#include "libos/trace/Events.h"

#include <arch/Debug.h>
#include <arch/NoStop.h>
#include <arch/Processor.h>

namespace debug {

namespace {

using gdbstub::StopEvent;
using gdbstub::StopReason;
using sched::Thread;

constexpr size_t packet_size = 16384;
constexpr size_t max_points = 256;
constexpr size_t agent_code_size = 8192; // of conditions and commands: some tens of bytes each

struct State {
    uint8_t receive[packet_size] = {};
    uint8_t reply[packet_size] = {};
    gdbstub::PointRecord points[max_points];
    uint8_t agent_code[agent_code_size] = {};
    GuestTarget target;
    GdbChannels channels{session};
    gdbstub::Session session{target, channels, {receive, reply, points, agent_code}};
    sched::NoStopLock feed_lock;          ///< the session while the world runs; outside the channels' own
    std::atomic<bool> others_wait{false}; ///< a second client has spoken
    bool is_serving = false;              ///< a thread is in Session::serve_running(); changed with feed_lock held
    sched::SpinLock service_lock;         ///< is_service_due; outside the scheduler's
    sched::WaitQueue service;
    bool is_service_due = false;
    Options options;
    bool kill_requested = false;
    /// Per CPU: what it ran into inside a no-stop section, until that ends. Its own CPU's only.
    StopEvent put_off[arch::max_cpus] = {};
    bool has_put_off[arch::max_cpus] = {};
};
constinit State g_state;

/// Between what the thread ran into and its stop there was another one, in which gdb held the thread or took the
/// breakpoint out.
bool is_overtaken(const arch::TrapFrame& frame, StopReason reason) {
    return is_held() || (reason == StopReason::SoftwareBreakpoint && !text_patcher().has_breakpoint(frame.pc()));
}

/// What clients have sent goes to the session.
void feed_session(void* channel) {
    sched::NoStopLocker locker(g_state.feed_lock);
    auto& session = g_state.session;
    auto& channels = g_state.channels;
    if (g_state.is_serving)
        return; // the server looks when it is done
    // A client that is about to have its stop is not to lose it to another that speaks first.
    bool has_client = session.attached() || g_state.target.stop_is_requested();
    if (has_client && channel != nullptr && !channels.is_client(channel)) {
        g_state.others_wait.store(true, std::memory_order_relaxed);
        return;
    }
    channels.forget_lost_observer();
    uint8_t bytes[64];
    for (size_t count; (count = channels.take(bytes, has_client)) != 0;)
        session.feed(std::span(bytes).first(count));
    if (channels.client_is_lost())
        g_state.target.request_stop(); // to take its breakpoints out
}

void wake_service() {
    {
        sched::SpinLocker locker(g_state.service_lock);
        g_state.is_service_due = true;
    }
    g_state.service.wake_all();
}

/// A channel's event: interrupt or thread context. `channel` is nullptr to look at all.
void on_event(void* channel) {
    // The first stop is to be at the app's entry: until then what a debugger says waits in its channel.
    if (g_state.options.wait_at_app_entry)
        return;
    bool in_thread = arch::interrupts_enabled();
    feed_session(channel);
    if (g_state.target.take_service_request())
        wake_service();
    // Interrupts look for themselves when they are done (stop_if_requested).
    if (in_thread && g_state.target.stop_is_requested())
        put_off({.reason = StopReason::Requested});
}

/// The thread that answers clients that may not stop the world.
void serve_observers(void*) {
    for (;;) {
        {
            auto state = g_state.service_lock.lock();
            while (!g_state.is_service_due)
                (void)g_state.service.wait(g_state.service_lock, state);
            g_state.is_service_due = false;
            g_state.service_lock.unlock(state);
        }
        {
            sched::NoStopLocker locker(g_state.feed_lock);
            g_state.is_serving = g_state.session.access() != gdbstub::Access::Control;
            if (!g_state.is_serving)
                continue;
            g_state.channels.begin_running();
        }
        g_state.session.serve_running();
        {
            sched::NoStopLocker locker(g_state.feed_lock);
            g_state.channels.end_running();
            g_state.is_serving = false;
        }
        on_event(nullptr);
    }
}

} // namespace

gdbstub::Session& session() {
    return g_state.session;
}

GuestTarget& target() {
    return g_state.target;
}

void put_off(const StopEvent& event) {
    uint32_t self = arch::this_cpu().index;
    g_state.put_off[self] = event;
    g_state.has_put_off[self] = true;
    arch::put_off_stop();
}

int stop(arch::TrapFrame& frame, StopEvent event, bool* retry) {
    if (world().is_stopped() && world().is_leader())
        return event.signal; // a fault inside the debugger: nothing can be shown
    if (arch::in_no_stop()) {
        put_off(event);
        return event.signal;
    }
    bool of_thread = event.reason != StopReason::Requested;
    if (of_thread)
        world().give_way();
    bool was_held = of_thread && wait_while_held(frame);
    bool has_lost = was_held || !world().stop(frame);
    if (!has_lost && of_thread && is_overtaken(frame, event.reason)) {
        world().resume();
        has_lost = true;
    }
    if (has_lost) {
        if (of_thread && !was_held)
            wait_while_held(frame);
        if (retry != nullptr)
            *retry = true;
        return event.signal;
    }
    // The session is at work for a client that may not stop the world: what is no debugger's stop can wait.
    if (g_state.is_serving) {
        world().resume();
        return event.signal;
    }
    // The stop of another CPU may be over when this one comes here. If that one served the request that both saw, or
    // its client has gone, and with it whoever wanted to hear of this event, nobody waits for this stop.
    bool is_requested = g_state.target.take_stop_request();
    if (of_thread ? !g_state.session.attached() && !is_requested : !is_requested) {
        world().resume();
        return event.signal;
    }
    Thread* thread = arch::this_cpu().current;
    event.thread = thread != nullptr ? thread->tid : 0;
    g_state.target.set_stop(thread, &frame, event.reason);
    if (of_thread && thread != nullptr)
        note_reported(*thread, event.reason == StopReason::SoftwareBreakpoint ? &frame : nullptr);
    text_patcher().take_out_guards();
    bool nmi_like = !frame.from_app() && sched::scheduler().lock_is_held();
    sched::clock_stopped();
    trace::debugger_stop(static_cast<uint32_t>(event.reason), event.thread);
    const auto& plan = g_state.session.run_stopped(event);
    carry_out(plan, g_state.target, thread);
    if (plan.outcome == gdbstub::Outcome::Kill)
        g_state.kill_requested = true;
    int signal = plan.outcome == gdbstub::Outcome::Resume ? plan.action_for(event.thread).signal : event.signal;
    text_patcher().put_back_lifted();
    text_patcher().put_guards([](uint64_t at) { return steps_from(at, g_state.target) && can_pass(at); });
    trace::debugger_resume();
    sched::clock_resumed();
    g_state.target.clear_stop();
    world().resume();
    if (g_state.kill_requested && frame.from_app())
        process::exit_by_signal(signal::Kill);
    if (!nmi_like && frame.from_app())
        interrupt_changed_threads();
    return signal;
}

void stop_simply(arch::TrapFrame& frame, StopReason reason) {
    if (reason == StopReason::Requested)
        g_state.target.request_stop();
    stop(frame, {.reason = reason});
}

void initialize(const Options& options) {
    g_state.options = options;
    g_state.target.set_kill_allowed(options.kill_allowed);
    g_state.target.set_files(options.files);
    g_state.target.set_monitor(options.monitor);
    g_state.channels.set_silence_limit(options.silence_limit_ns);
    sched::set_app_thread_start_hook(on_thread_start);
    if (!initialize_slots())
        console::log(1, "uniscope: no memory to execute instructions under breakpoints out of line\n");
    if (!options.wait_at_boot || links::serial() == nullptr)
        return;
    g_state.channels.add(*links::serial(), nullptr);
    break_at_boot();
}

void start() {
    bool has_guards = false;
    for (const auto& link : links::all()) {
        if (auto* channel = link.channel(links::Channel::Gdb)) {
            auto* guard = link.guard(links::Channel::Gdb);
            g_state.channels.add(*channel, guard);
            channel->set_event_handler(on_event, channel);
            has_guards = has_guards || guard != nullptr;
        }
    }
    on_event(nullptr); // what came before the handlers
    if (g_state.options.wait_at_boot && links::serial() == nullptr && g_state.channels.any())
        break_at_boot();
    if (!has_guards)
        return; // all clients are operators
    if (auto thread = Thread::create_kernel("observers", serve_observers, nullptr))
        sched::scheduler().start(**thread);
}

void handle_nmi(arch::TrapFrame& frame) {
    uint32_t self = arch::this_cpu().index;
    if (!arch::in_no_stop() && arch::holds_spin_lock() && world().may_finish_with_locks()) {
        arch::put_off_stop();
        return;
    }
    if (arch::in_no_stop()) {
        if (g_state.has_put_off[self] || world().is_own_nmi()) {
            arch::put_off_stop();
        } else {
            g_state.target.request_stop();
            put_off({.reason = StopReason::Requested});
        }
        return;
    }
    bool handled = world().handle_nmi(frame);
    StopEvent event{.reason = StopReason::Requested};
    if (g_state.has_put_off[self]) {
        g_state.has_put_off[self] = false;
        event = g_state.put_off[self];
    } else if (handled || world().is_stopped()) {
        return;
    } else {
        g_state.target.request_stop();
    }
    if (!g_state.channels.any())
        return;
    arch::end_nmi_blocking();
    // Nothing brings this CPU here again when another's stop came first, or was just ending. What was a breakpoint's
    // hit is none any more when gdb has taken it out since.
    bool retry;
    do {
        retry = false;
        stop(frame, event, &retry);
    } while (retry && (event.reason == StopReason::Requested || text_patcher().has_breakpoint(event.address)));
}

void stop_if_requested(arch::TrapFrame& frame) {
    if (g_state.target.stop_is_requested() && !world().is_stopped())
        stop(frame, {.reason = StopReason::Requested});
}

void on_tick(arch::TrapFrame& frame) {
    // The trap of a step comes before any interrupt behind it: there is none on its way here.
    if (frame.from_app())
        sched::current_thread().step_cancelled = false;
    if (g_state.others_wait.load(std::memory_order_relaxed) && !g_state.session.attached()) {
        g_state.others_wait.store(false, std::memory_order_relaxed);
        on_event(nullptr);
    }
    agent_output().flush();
    stop_if_requested(frame);
}

void on_thread_start(Thread& thread) {
    if (!g_state.options.wait_at_app_entry || !g_state.channels.any())
        return;
    g_state.options.wait_at_app_entry = false;
    stop_simply(thread.app_frame(), StopReason::Requested);
}

void report_exit(uint32_t status, int signal_number) {
    agent_output().drain();
    agent_output().flush(); // how much is lost, if any is
    if (!g_state.session.attached())
        return;
    arch::TrapFrame& frame = sched::current_thread().app_frame();
    while (!world().stop(frame)) {
    }
    if (signal_number != 0)
        g_state.session.report_termination(signal_number);
    else
        g_state.session.report_exit(static_cast<uint8_t>(status));
    world().resume();
}

bool is_attached() {
    return g_state.session.attached();
}

} // namespace debug
