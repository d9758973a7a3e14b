#include "libos/trace/Tracer.h"

#include "libos/control/Control.h"
#include "libos/control/RequestReceiver.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"
#include "libos/trace/Rings.h"
#include "libos/trace/StateDump.h"
#include "libos/trace/TraceChannel.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace trace {

namespace {

using base::Error;
using wire::FrameType;

constexpr uint64_t millisecond = 1'000'000;
constexpr uint64_t flush_interval_ms = 200;
/// A recording that nothing moves for so many looks, about two seconds, makes room for who else wants to record.
constexpr unsigned stall_patience = 200;
constexpr uint64_t look_ns = 10 * millisecond;

enum class Job : uint8_t { None, Record, Snapshot };

struct State {
    probes::Registry registry;
    probes::SitePatcher* patcher = nullptr;
    TraceChannel channels[links::max_links]; ///< by link
    TraceChannel* channel = nullptr;         ///< of the link that asked for the present job; the tracer thread's
    sched::SpinLock lock;                    // the job; outside the scheduler's
    sched::WaitQueue jobs;
    Job job = Job::None;
    bool stop_asked = false; ///< of the job that was given last, begun or not
    size_t job_link = 0;
    std::atomic<bool> recording{false};
    std::atomic<uint64_t> rounds{0}; ///< flushes; what the one before flushed has been sent
    uint64_t delivered = 0;
    sched::SpinLock registry_lock; // outside the text patcher's
    /// What ProbeEnable asked for: the control thread writes, and the tracer's reads it when it switches all probes.
    struct Choice {
        char pattern[64];
        size_t length;
        bool enabled;
    };
    static constexpr size_t max_choices = 32;
    Choice choices[max_choices] = {};
    size_t choice_count = 0;
    bool has_rings = false;
};
constinit State g_state;

/// Of the registry's users, the control thread and the tracer's, one at a time.
base::Result<> switch_probes(std::string_view pattern, bool enabled) {
    sched::SpinLocker locker(g_state.registry_lock);
    TRY(g_state.registry.set_enabled(pattern, enabled, *g_state.patcher));
    return {};
}

/// Off for the moments in which a recording begins or ends. On again, with what somebody had switched off staying off.
void set_all_probes(bool enabled) {
    (void)switch_probes("*", enabled);
    for (size_t i = 0; enabled && i < g_state.choice_count; ++i) {
        const auto& choice = g_state.choices[i];
        (void)switch_probes({choice.pattern, choice.length}, choice.enabled);
    }
}

/// The newest choices, in order. Once they do not fit, the oldest are forgotten.
void remember_choice(std::string_view pattern, bool enabled) {
    if (pattern == "*" && enabled) {
        g_state.choice_count = 0;
        return;
    }
    if (g_state.choice_count == State::max_choices) {
        for (size_t i = 1; i < State::max_choices; ++i)
            g_state.choices[i - 1] = g_state.choices[i];
        --g_state.choice_count;
    }
    auto& choice = g_state.choices[g_state.choice_count++];
    choice.enabled = enabled;
    choice.length = std::min(pattern.size(), sizeof(choice.pattern));
    std::memcpy(choice.pattern, pattern.data(), choice.length);
}

bool stop_is_asked() {
    sched::SpinLocker locker(g_state.lock);
    return g_state.stop_asked;
}

enum class Until : uint8_t { Sent, SentOrStopIsAsked };

/// Sends the packets that are ready, but not those that become so meanwhile: a link may be slower than what is
/// recorded. False: the host is gone, or takes nothing.
bool send_ready_packets(Until until) {
    for (uint32_t cpu = 0; cpu < arch::cpu_count(); ++cpu) {
        auto& ring = ring_of_cpu(cpu);
        for (uint64_t count = ring.ready() - ring.released(); count != 0; --count) {
            auto packet = ring.front();
            if (!packet || (until == Until::SentOrStopIsAsked && stop_is_asked()))
                break;
            if (!g_state.channel->send_packet(packet->bytes))
                return false;
            ring.release();
        }
    }
    return true;
}

/// Everything that was recorded before: twice, since only a ring with room can close the packet that tells of its last
/// losses. The probes are off.
bool drain() {
    for (int round = 0; round < 2; ++round) {
        for (int attempt = 0; attempt < 10; ++attempt) {
            if (!on_every_cpu(RingCommand::Flush))
                return false;
            if (!send_ready_packets(Until::Sent))
                return false;
            bool all = true;
            for (uint32_t cpu = 0; cpu < arch::cpu_count(); ++cpu)
                all = all && ring_of_cpu(cpu).released() == ring_of_cpu(cpu).ready();
            if (all)
                break;
        }
    }
    return true;
}

Totals difference(const Totals& now, const Totals& then) {
    return {now.produced - then.produced, now.discarded - then.discarded};
}

void finish(const Totals& totals, bool snapshot) {
    wire::TraceEndMessage message{totals.produced, totals.discarded, snapshot ? 1u : 0u, 0};
    (void)g_state.channel->send(FrameType::TraceEnd, std::as_bytes(std::span(&message, 1)));
}

Job take_job() {
    auto state = g_state.lock.lock();
    while (g_state.job == Job::None)
        (void)g_state.jobs.wait(g_state.lock, state);
    Job job = std::exchange(g_state.job, Job::None);
    g_state.channel = &g_state.channels[g_state.job_link];
    g_state.channel->begin();
    g_state.lock.unlock(state);
    return job;
}

/// False: `deadline` has come.
bool wait_for_stop(sched::Deadline deadline) {
    auto state = g_state.lock.lock();
    while (!g_state.stop_asked && g_state.jobs.wait(g_state.lock, state, deadline)) {
    }
    bool asked = g_state.stop_asked;
    g_state.lock.unlock(state);
    return asked;
}

/// Events that the host has got so far: the rings were empty when this was last set.
void remember_delivered() {
    Totals now = totals();
    g_state.delivered = now.produced - now.discarded;
}

void record() {
    set_all_probes(false);
    if (!on_every_cpu(RingCommand::StartStreamingAnew)) {
        set_all_probes(true);
        g_state.recording = false;
        return;
    }
    Totals at_start = totals();
    set_all_probes(true);
    dump_state();
    uint64_t next_flush = sched::boottime_ns() + flush_interval_ms * millisecond;
    bool connected = true;
    while (connected && !wait_for_stop(sched::deadline_after(5 * millisecond))) {
        connected = send_ready_packets(Until::SentOrStopIsAsked);
        // A round counts only if its packets went: who waits for a stalled recording goes by that.
        if (connected && sched::boottime_ns() >= next_flush) {
            g_state.rounds.fetch_add(1, std::memory_order_relaxed);
            (void)on_every_cpu(RingCommand::Flush);
            next_flush = sched::boottime_ns() + flush_interval_ms * millisecond;
        }
    }
    set_all_probes(false);
    if (connected && drain()) {
        finish(difference(totals(), at_start), false);
        remember_delivered();
    }
    (void)on_every_cpu(RingCommand::StopStreaming);
    g_state.recording = false;
    set_all_probes(true);
}

void snapshot() {
    dump_state();
    set_all_probes(false);
    if (on_every_cpu(RingCommand::StartStreamingKeep)) {
        if (drain()) {
            Totals now = totals();
            finish({now.produced - g_state.delivered, now.discarded}, true);
            remember_delivered();
        }
        (void)on_every_cpu(RingCommand::StopStreaming);
    }
    g_state.recording = false;
    set_all_probes(true);
}

void run(void*) {
    for (;;) {
        switch (take_job()) {
        case Job::Record:
            record();
            break;
        case Job::Snapshot:
            snapshot();
            break;
        default:
            break;
        }
    }
}

void give_job(Job job, size_t link) {
    {
        sched::SpinLocker locker(g_state.lock);
        g_state.job = job;
        g_state.stop_asked = false;
        g_state.job_link = link;
    }
    g_state.jobs.wake_all();
}

void ask_to_stop() {
    {
        sched::SpinLocker locker(g_state.lock);
        g_state.stop_asked = true;
    }
    g_state.jobs.wake_all();
}

/// Names the stall that the recording is in; 0: it moves. The other channels have none.
uint64_t present_stall() {
    uint64_t stall = 0;
    for (const auto& channel : g_state.channels)
        stall += channel.stall();
    return stall;
}

/// Control thread: the recording that runs may be one whose host is gone without a word, on a link that cannot tell.
/// True: it has ended. One whose packets arrive is left alone. Patience is counted in looks: the clock goes on while
/// the host has forgotten the whole machine.
bool outwait_stalled_recording() {
    uint64_t rounds = g_state.rounds.load(std::memory_order_relaxed);
    uint64_t stall = 0;
    unsigned in_vain = 0;
    // The second round has sent what the first flushed.
    for (unsigned looks = 0; looks < 2 * stall_patience && g_state.recording; ++looks) {
        if (g_state.rounds.load(std::memory_order_relaxed) >= rounds + 2)
            break;
        uint64_t before = std::exchange(stall, present_stall());
        in_vain = stall != 0 && stall == before ? in_vain + 1 : 0;
        if (in_vain > stall_patience) {
            for (auto& channel : g_state.channels)
                channel.give_up();
        }
        (void)sched::scheduler().sleep_until(sched::deadline_after(look_ns));
    }
    return !g_state.recording;
}

void start_job(Job job, const control::Request& request, control::Reply& reply) {
    if (!g_state.has_rings || !g_state.channels[request.link].is_open())
        reply.error = static_cast<int32_t>(Error::NotSupported);
    else if (g_state.recording.exchange(true) && (!outwait_stalled_recording() || g_state.recording.exchange(true)))
        reply.error = static_cast<int32_t>(Error::Busy);
    else
        give_job(job, request.link);
}

void on_record_start(const control::Request& request, control::Reply& reply) {
    start_job(Job::Record, request, reply);
}
void on_snapshot(const control::Request& request, control::Reply& reply) {
    start_job(Job::Snapshot, request, reply);
}

void on_record_stop(const control::Request& request, control::Reply& reply) {
    // A link whose recording had to make room may ask late. Only this thread writes job_link.
    if (!g_state.recording || g_state.job_link != request.link)
        reply.error = static_cast<int32_t>(Error::Invalid);
    else
        ask_to_stop();
}

void fill_status(wire::StatusMessage& status) {
    Totals now = totals();
    status.events_produced = now.produced;
    status.events_discarded = now.discarded;
    if (is_recording())
        status.flags |= wire::HelloRecording;
}

void on_probe_enable(const control::Request& request, control::Reply& reply) {
    auto choice = control::parse_probe_choice(request.body_untrusted);
    auto changed = choice ? switch_probes(choice->pattern, choice->enable) : base::fail(choice.error());
    if (!changed)
        reply.error = static_cast<int32_t>(changed.error());
    else
        remember_choice(choice->pattern, choice->enable);
}

} // namespace

void initialize(Geometry geometry, probes::SitePatcher& patcher) {
    g_state.patcher = &patcher;
    g_state.registry = probes::Registry::of_image();
    set_geometry(geometry);
    if (!g_state.registry.assign_ids() || !attach_ring(0))
        return;
    g_state.has_rings = true;
    set_all_probes(true);
}

void add_cpu(uint32_t index) {
    if (g_state.has_rings)
        (void)attach_ring(index);
}

void start() {
    bool any = false;
    for (size_t i = 0; i < links::all().size(); ++i) {
        if (auto* channel = links::all()[i].channel(links::Channel::Trace)) {
            g_state.channels[i].open(*channel);
            any = true;
        }
    }
    if (!any)
        return;
    control::set_handler(FrameType::RecordStart, on_record_start);
    control::set_handler(FrameType::RecordStop, on_record_stop);
    control::set_handler(FrameType::Snapshot, on_snapshot);
    control::set_handler(FrameType::ProbeEnable, on_probe_enable);
    control::set_status_source(fill_status);
    if (auto thread = sched::Thread::create_kernel("tracer", run, nullptr))
        sched::scheduler().start(**thread, sched::Scheduler::Placement::Here);
}

bool is_recording() {
    return g_state.recording.load(std::memory_order_relaxed);
}

} // namespace trace
