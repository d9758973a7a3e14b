#pragma once
// TraceWriter makes a trace directory out of packets as an instance sends them (docs/trace-directory.md).
//
//     auto writer = TRY(TraceWriter::create("shop.trace", make_recording_info(hello, "shop", image), schema));
//     TRY(writer.add_packet(bytes));              // as often as the trace channel gives one
//     TRY(writer.finish(trace_end));              // counts; without it the trace reads as cut short
//
// What it writes, babeltrace2 reads: holes are taken out and counted as discarded, an open or out-of-order packet is
// put right or counted as discarded, and a packet is in the file as a whole or not at all. One thread at a time.

#include "probes/wire/Channel.h"
#include "tracer/Result.h"
#include "tracer/trace/PacketDecoder.h"
#include "tracer/trace/RecordingInfo.h"

#include <filesystem>
#include <map>
#include <memory>

namespace tracer {

class TraceWriter {
public:
    /// Makes the directory with its metadata; fails if `path` exists, naming the way out.
    static Result<TraceWriter> create(std::filesystem::path path, RecordingInfo info, const Schema& schema);

    TraceWriter(TraceWriter&&) noexcept;
    TraceWriter& operator=(TraceWriter&&) noexcept;
    ~TraceWriter();

    /// One packet as it lies in a ring or comes over the trace channel. A packet that is none is counted in
    /// damaged_packets() and otherwise ignored; an error is one of the file system (disk full), and what was written
    /// before stays readable.
    Result<> add_packet(std::span<const uint8_t> packet);
    /// The same for a sub-buffer of a dead machine, whose packet may still be open.
    Result<> add_sub_buffer(std::span<const uint8_t> sub_buffer);

    /// Ends the recording. The instance's own totals go into the sidecar where it told them; otherwise they are counted
    /// from the packets.
    Result<> finish(const wire::TraceEndMessage* totals = nullptr);

    uint64_t events_delivered() const; ///< so far
    uint64_t events_discarded() const; ///< so far, as the packets tell
    uint64_t bytes_written() const;    ///< so far, of packets
    uint64_t damaged_packets() const;  ///< so far
    const std::filesystem::path& path() const;

private:
    struct State;
    Result<> add(std::optional<Packet> packet);
    explicit TraceWriter(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

} // namespace tracer
