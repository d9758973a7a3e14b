#pragma once
// Recorder: takes an instance's trace from its supervisor and writes it to a trace directory.

#include "tracer/Result.h"
#include "tracer/instance/Registry.h"
#include "tracer/link/Frame.h"
#include "tracer/link/Socket.h"
#include "tracer/trace/TraceWriter.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace tracer {

struct RecordingProgress {
    std::chrono::steady_clock::duration elapsed{};
    uint64_t bytes = 0;
    uint64_t events_delivered = 0;
    uint64_t events_discarded = 0;
};

struct RecordingSummary {
    RecordingProgress progress;
    uint64_t events_produced = 0;
    uint64_t damaged_packets = 0;
    bool instance_ended = false; ///< before the recording did: its last events are missing
    bool taken_over = false;     ///< by another recorder: whole up to there
    std::string interruption;    ///< a sentence, when the recording ended by itself
};

/// One recording of one instance. Blocks; one thread. When the process dies in the middle, the supervisor ends the
/// recording in the guest, and what is on disk reads as a trace that was cut short.
class Recorder {
public:
    /// Connects. While somebody else records, fails and says who, unless `steal`: then theirs is ended first.
    static Result<Recorder> connect(const Instance& instance, bool steal = false);

    struct Callbacks {
        /// Asked about ten times a second: true ends the recording.
        std::function<bool()> should_stop;
        /// About five times a second.
        std::function<void(const RecordingProgress&)> on_progress;
        /// Once the guest records.
        std::function<Result<>()> on_started;
    };

    /// From now on until should_stop().
    Result<RecordingSummary> record(const std::filesystem::path& output, const Callbacks& callbacks);
    /// What the flight recorder holds.
    Result<RecordingSummary> snapshot(const std::filesystem::path& output);

private:
    Recorder(Instance instance, FileDescriptor control, FileDescriptor trace)
        : m_instance(std::move(instance))
        , m_control(std::move(control))
        , m_trace(std::move(trace)) {}

    Result<> request(wire::FrameType type, uint32_t number, std::span<const uint8_t> body = {});
    /// The answer to request `number`.
    Result<Frame> wait_for_answer(uint32_t number, std::chrono::milliseconds timeout);
    Result<> expect_success(const Frame& reply);
    Result<TraceWriter> create_writer(const std::filesystem::path& output, bool is_snapshot);
    /// Takes the packets that are there, waiting for at most `timeout`. True once TraceEnd was among them, or the end
    /// of the instance.
    Result<bool> take_packets(TraceWriter& writer, std::chrono::milliseconds timeout);
    Result<> take_rest(TraceWriter& writer);
    /// Why the supervisor has closed the trace channel.
    void explain_end(RecordingSummary& summary) const;
    RecordingSummary summarize(const TraceWriter& writer, std::chrono::steady_clock::time_point started) const;

    Instance m_instance;
    wire::HelloMessage m_hello{};
    FileDescriptor m_control;
    FileDescriptor m_trace;
    FrameDecoder m_control_decoder;
    FrameDecoder m_trace_decoder;
    std::optional<wire::TraceEndMessage> m_end;
    bool m_instance_ended = false;
};

} // namespace tracer
