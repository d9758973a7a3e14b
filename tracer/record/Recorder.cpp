#include "tracer/record/Recorder.h"

#include "tracer/image/Image.h"
#include "tracer/link/InstanceLink.h"
#include "tracer/link/ManageClient.h"
#include "tracer/symbols/FindImage.h"
#include "tracer/trace/ImageSchema.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace tracer {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds answer_timeout{5};
/// For another's recording to end.
constexpr seconds steal_timeout{10};
/// A channel over ssh takes a login.
constexpr seconds reach_timeout{25};
/// For what the rings still hold when a recording ends: nothing may come for this long.
constexpr seconds quiet_timeout{10};
/// One packet of 64 KiB takes 6 seconds on a line at 115200 bits a second, and four times that on a bad one.
constexpr seconds serial_quiet_timeout{60};
constexpr milliseconds stop_interval{100};
constexpr milliseconds progress_interval{200};

enum Requests : uint32_t { HelloRequest = 1, StartRequest, StopRequest, SnapshotRequest };

} // namespace

Result<Recorder> Recorder::connect(const Instance& instance, bool steal) {
    const std::string& name = instance.facts.name;
    const auto status = TRY(manage(instance.socket("manage"), {{"do", "status"}}, answer_timeout));
    if (const std::string problem = status.value("problem", ""); !problem.empty())
        return fail(fmt::format("{} cannot be reached: {}", name, problem), "`uniscope ps` shows when it can be.");
    if (status.value("recording", false)) {
        if (!steal)
            return fail(
                fmt::format("{} is being recorded already, by {}", name, status.value("recording_by", "somebody else")),
                "One recording at a time: wait for its end, or end it with --steal.");
        TRY(manage(instance.socket("manage"), {{"do", "steal"}, {"what", "recording"}}, steal_timeout));
    }
    TRY(manage(instance.socket("manage"), {{"do", "reach"}, {"what", "trace"}, {"steal", steal}}, reach_timeout));
    InstanceLink link(instance.directory, name);
    FileDescriptor trace = TRY(link.open(ChannelName::Trace));
    FileDescriptor control = TRY(link.open(ChannelName::Control));
    Recorder recorder(instance, std::move(control), std::move(trace));
    TRY(recorder.request(wire::FrameType::QueryHello, HelloRequest));
    const auto answer = recorder.wait_for_answer(HelloRequest, answer_timeout);
    if (!answer) {
        if (status.value("state", "") == "stopped")
            return fail(fmt::format("{} is stopped in the debugger and cannot answer", name),
                        "Let it go on in gdb (`continue`), or detach.");
        return std::unexpected(answer.error());
    }
    const auto hello = answer->as<wire::HelloMessage>();
    if (!answer->is(wire::FrameType::Hello) || !hello)
        return fail(fmt::format("{} gives no answer that this tool understands", name),
                    "Use the tools of its release.");
    recorder.m_hello = *hello;
    return recorder;
}

Result<> Recorder::request(wire::FrameType type, uint32_t number, std::span<const uint8_t> body) {
    return send_all(m_control.get(), encode_frame(type, number, body), answer_timeout);
}

Result<Frame> Recorder::wait_for_answer(uint32_t number, milliseconds timeout) {
    const auto deadline = steady_clock::now() + timeout;
    while (true) {
        while (const auto frame = TRY(m_control_decoder.next()))
            if (frame->request == number)
                return *frame;
        const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
        if (left.count() <= 0 || !TRY(wait_readable(m_control.get(), left)))
            return fail(fmt::format("{} does not answer", m_instance.facts.name),
                        fmt::format("It may be stuck. Look at it: uniscope gdb {}", m_instance.facts.name));
        const auto bytes = TRY(receive_some(m_control.get(), 65536, left));
        if (bytes.empty())
            return fail(fmt::format("{} has ended, or the link to it was cut", m_instance.facts.name),
                        "`uniscope ps -a` shows which.");
        m_control_decoder.push(bytes);
    }
}

Result<> Recorder::expect_success(const Frame& reply) {
    const auto message = reply.as<wire::ReplyMessage>();
    if (!message)
        return fail(fmt::format("{} gives no answer that this tool understands", m_instance.facts.name));
    if (message->error == EBUSY)
        return fail(fmt::format("{} is being recorded already, over another link", m_instance.facts.name),
                    "One recording at a time.");
    if (message->error != 0)
        return fail_errno(fmt::format("{} refused to record", m_instance.facts.name), message->error,
                          "Was it started with uniscope.trace=off?");
    return {};
}

Result<TraceWriter> Recorder::create_writer(const std::filesystem::path& output, bool is_snapshot) {
    const std::filesystem::path path = TRY(find_image(m_instance.facts.image, build_id_from_bytes(m_hello.build_id)));
    const Image image = TRY(Image::open(path));
    RecordingInfo info = make_recording_info(m_hello, m_instance.facts.name, path.string());
    info.was_snapshot = is_snapshot;
    return TraceWriter::create(output, info, TRY(read_schema(image)));
}

Result<bool> Recorder::take_packets(TraceWriter& writer, milliseconds timeout) {
    if (!TRY(wait_readable(m_trace.get(), timeout)))
        return false;
    const auto bytes = TRY(receive_some(m_trace.get(), 1u << 20, timeout));
    if (bytes.empty()) {
        m_instance_ended = true;
        return true;
    }
    m_trace_decoder.push(bytes);
    while (const auto frame = TRY(m_trace_decoder.next())) {
        if (frame->is(wire::FrameType::TracePacket))
            TRY(writer.add_packet(frame->body));
        else if (frame->is(wire::FrameType::TraceEnd)) {
            m_end = frame->as<wire::TraceEndMessage>();
            return true;
        }
    }
    return false;
}

Result<> Recorder::take_rest(TraceWriter& writer) {
    const seconds patience = m_instance.facts.link == "serial" ? serial_quiet_timeout : quiet_timeout;
    auto deadline = steady_clock::now() + patience;
    uint64_t bytes = writer.bytes_written();
    while (!TRY(take_packets(writer, stop_interval))) {
        if (writer.bytes_written() != bytes) {
            bytes = writer.bytes_written();
            deadline = steady_clock::now() + patience;
        } else if (steady_clock::now() > deadline) {
            TRY(writer.finish());
            return fail(fmt::format("{} did not send the end of the recording", m_instance.facts.name),
                        fmt::format("{} holds what came before.", writer.path().string()));
        }
    }
    return writer.finish(m_end ? &*m_end : nullptr);
}

void Recorder::explain_end(RecordingSummary& summary) const {
    const std::string& name = m_instance.facts.name;
    if (!m_instance_ended) {
        summary.taken_over = true;
        summary.interruption = "another recorder took over";
        return;
    }
    const auto status = manage(m_instance.socket("manage"), {{"do", "status"}}, answer_timeout);
    summary.instance_ended = !status || status->value("state", "") == "ending" || status->contains("last_end");
    if (summary.instance_ended)
        summary.interruption = fmt::format("{} ended during the recording", name);
    else if (status->value("recording_cut", false)) {
        const std::string problem = status->value("problem", "");
        summary.interruption =
            fmt::format("the link to {} was cut during the recording{}{}", name, problem.empty() ? "" : ": ", problem);
    } else {
        summary.taken_over = true;
        summary.interruption = "another recorder took over";
    }
}

RecordingSummary Recorder::summarize(const TraceWriter& writer, steady_clock::time_point started) const {
    RecordingSummary summary;
    summary.progress = {steady_clock::now() - started, writer.bytes_written(), writer.events_delivered(),
                        writer.events_discarded()};
    summary.events_produced =
        m_end ? m_end->events_produced : summary.progress.events_delivered + summary.progress.events_discarded;
    if (m_end && summary.events_produced >= summary.progress.events_delivered)
        summary.progress.events_discarded = summary.events_produced - summary.progress.events_delivered;
    summary.damaged_packets = writer.damaged_packets();
    return summary;
}

Result<RecordingSummary> Recorder::record(const std::filesystem::path& output, const Callbacks& callbacks) {
    TraceWriter writer = TRY(create_writer(output, false));
    const wire::RecordStartMessage start{};
    TRY(request(wire::FrameType::RecordStart, StartRequest, bytes_of(start)));
    TRY(expect_success(TRY(wait_for_answer(StartRequest, answer_timeout))));
    const auto started = steady_clock::now();
    if (callbacks.on_started)
        TRY(callbacks.on_started());
    auto next_progress = started + progress_interval;
    bool ended = false;
    while (!ended && !callbacks.should_stop()) {
        ended = TRY(take_packets(writer, stop_interval));
        if (callbacks.on_progress && steady_clock::now() >= next_progress) {
            callbacks.on_progress(summarize(writer, started).progress);
            next_progress = steady_clock::now() + progress_interval;
        }
    }
    RecordingSummary summary = summarize(writer, started);
    if (!ended) {
        TRY(request(wire::FrameType::RecordStop, StopRequest));
        TRY(take_rest(writer));
    } else
        TRY(writer.finish(m_end ? &*m_end : nullptr));
    const auto elapsed = summary.progress.elapsed;
    summary = summarize(writer, started);
    summary.progress.elapsed = elapsed;
    if (ended)
        explain_end(summary);
    return summary;
}

Result<RecordingSummary> Recorder::snapshot(const std::filesystem::path& output) {
    TraceWriter writer = TRY(create_writer(output, true));
    const auto started = steady_clock::now();
    TRY(request(wire::FrameType::Snapshot, SnapshotRequest));
    TRY(expect_success(TRY(wait_for_answer(SnapshotRequest, answer_timeout))));
    TRY(take_rest(writer));
    return summarize(writer, started);
}

} // namespace tracer
