#include "tracer/analysis/TraceLoader.h"

#include "tracer/analysis/TimelineBuilder.h"
#include "tracer/trace/EventMerge.h"

#include <fmt/format.h>

namespace tracer {

/// The discarded counts of a CPU's packets as losses, each between the packet before and the end of its own.
static void add_losses(TimelineBuilder& builder, const PacketStream& stream, const TraceClock& clock, uint64_t first) {
    const Packet* before = nullptr;
    auto time = [&](uint64_t ticks) { return clock.duration_ns(ticks - std::min(first, ticks)); };
    for (const auto& packet : stream.packets) {
        uint64_t counted_before = before ? before->header.events_discarded : 0;
        uint64_t count = packet.header.events_discarded - std::min(packet.header.events_discarded, counted_before);
        uint64_t begin = before ? before->header.timestamp_end : packet.header.timestamp_begin;
        if (count != 0)
            builder.add_loss(
                {.cpu = stream.cpu, .begin = time(begin), .end = time(packet.header.timestamp_end), .count = count});
        before = &packet;
    }
}

/// What a repair cut off a recording that had come to its end: the recording's own count says how much. Where it is
/// missing is the file that ends first.
static void add_cut_events(TimelineBuilder& builder, const TraceDirectory& trace, uint64_t first) {
    uint64_t told = 0;
    const Packet* earliest = nullptr;
    uint32_t cpu = 0;
    for (const auto& stream : trace.streams()) {
        if (stream.packets.empty())
            continue;
        const Packet& last = stream.packets.back();
        told += last.header.events_discarded;
        if (earliest == nullptr || last.header.timestamp_end < earliest->header.timestamp_end) {
            earliest = &last;
            cpu = stream.cpu;
        }
    }
    const RecordingInfo& info = trace.info();
    if (earliest == nullptr || !info.is_complete || info.was_snapshot || info.events_discarded <= told)
        return;
    uint64_t ticks = earliest->header.timestamp_end;
    Time end = info.clock().duration_ns(ticks - std::min(first, ticks));
    builder.add_loss({.cpu = cpu, .begin = end, .end = end, .count = info.events_discarded - told});
}

/// A ring that has been overwritten tells of its CPU from its oldest packet on.
static void add_beginnings(TimelineBuilder& builder, const TraceDirectory& trace, uint64_t first) {
    if (!trace.info().was_snapshot)
        return;
    for (const auto& stream : trace.streams()) {
        if (stream.packets.empty() || stream.packets.front().header.packet_seq_num == 0)
            continue;
        uint64_t begin = stream.packets.front().header.timestamp_begin;
        builder.set_seen_from(static_cast<uint16_t>(stream.cpu),
                              trace.info().clock().duration_ns(begin - std::min(first, begin)));
    }
}

static uint64_t count_events(const TraceDirectory& trace) {
    uint64_t count = 0;
    for (const auto& stream : trace.streams())
        for (const auto& packet : stream.packets)
            count += std::min<uint64_t>(packet.header.event_count, packet.content.size() / sizeof(uint64_t));
    return count;
}

Result<Timeline> load_timeline(const TraceDirectory& trace, const Progress& progress) {
    static constexpr uint64_t progress_step = 1 << 20;
    DecodeTable table(trace.schema());
    EventMerge merge(trace, table);
    if (!merge.next())
        return fail(fmt::format("{} holds no events", trace.path().string()),
                    "was the instance running, and its recorder on (uniscope.trace=off is not on its command line)?");
    TraceClock clock = trace.info().clock();
    uint64_t first = merge.current().timestamp;
    uint64_t expected = count_events(trace);

    TimelineBuilder builder(trace.schema());
    builder.reserve(expected);
    builder.keep(trace.storage());
    builder.set_origin(clock.realtime_ns(first));
    builder.set_identity({.image_path = trace.info().image_path,
                          .build_id = trace.info().build_id,
                          .instance = trace.info().instance,
                          .tsc_hz = clock.hz()});
    for (const auto& stream : trace.streams())
        add_losses(builder, stream, clock, first);
    add_cut_events(builder, trace, first);
    add_beginnings(builder, trace, first);
    uint64_t count = 0;
    uint64_t now = first;
    do {
        const auto& event = merge.current();
        now = std::max(now, event.timestamp); // only a damaged trace goes back
        builder.add(clock.duration_ns(now - first), static_cast<uint16_t>(merge.cpu()), event.type, event.payload);
        if (++count % progress_step == 0 && progress &&
            !progress(static_cast<double>(count) / static_cast<double>(std::max(expected, count))))
            return fail("loading was stopped");
    } while (merge.next());
    return std::move(builder).finish();
}

Result<Timeline> load_timeline(const std::filesystem::path& path, const Progress& progress) {
    auto trace = TRY(TraceDirectory::open(path));
    return load_timeline(trace, progress);
}

uint64_t visit_events(const TraceDirectory& trace, const std::function<void(uint32_t, const DecodedEvent&)>& visit) {
    DecodeTable table(trace.schema());
    EventMerge merge(trace, table);
    uint64_t count = 0;
    for (; merge.next(); ++count)
        visit(merge.cpu(), merge.current());
    return count;
}

} // namespace tracer
