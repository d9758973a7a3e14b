#include "tracer/trace/TraceWriter.h"

#include "tracer/trace/Metadata.h"
#include "tracer/trace/TraceDirectory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace tracer {

// A CPU number comes from the instance; each one is a file.
static constexpr uint32_t g_max_cpus = 1024;

namespace {

/// One CPU's file and what of its packets so far matters for the next.
struct Stream {
    int fd = -1;
    std::filesystem::path path;
    uint64_t size = 0;
    bool has_packets = false;
    uint64_t last_end = 0;         ///< timestamp_end of the packet before
    uint64_t discarded_before = 0; ///< the instance's count when the recording began
    uint64_t discarded_here = 0;   ///< by this writer: holes, events out of order
    uint64_t discarded_total = 0;  ///< as written in the last packet

    Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() {
        if (fd >= 0)
            close(fd);
    }
};

} // namespace

struct TraceWriter::State {
    std::filesystem::path path;
    RecordingInfo info;
    DecodeTable table;
    std::map<uint32_t, Stream> streams;
    std::vector<uint8_t> buffer;
    uint64_t delivered = 0;
    uint64_t bytes = 0;
    uint64_t damaged = 0;
    int lock = -1; ///< held on the directory: nobody repairs a trace that is being written

    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (lock >= 0)
            close(lock);
    }
    State(std::filesystem::path path, RecordingInfo info, const Schema& schema)
        : path(std::move(path))
        , info(std::move(info))
        , table(schema) {}

    Result<Stream*> stream_of(uint32_t cpu);
    uint64_t copy_events(const Packet& packet, const Stream& stream, wire::PacketHeader& header);
    Result<> append(Stream& stream);
};

TraceWriter::TraceWriter(std::unique_ptr<State> state)
    : m_state(std::move(state)) {}
TraceWriter::TraceWriter(TraceWriter&&) noexcept = default;
TraceWriter& TraceWriter::operator=(TraceWriter&&) noexcept = default;
TraceWriter::~TraceWriter() = default;

uint64_t TraceWriter::events_delivered() const {
    return m_state->delivered;
}
uint64_t TraceWriter::bytes_written() const {
    return m_state->bytes;
}
uint64_t TraceWriter::damaged_packets() const {
    return m_state->damaged;
}
const std::filesystem::path& TraceWriter::path() const {
    return m_state->path;
}

uint64_t TraceWriter::events_discarded() const {
    uint64_t sum = 0;
    for (const auto& [cpu, stream] : m_state->streams)
        sum += stream.discarded_total;
    return sum;
}

Result<TraceWriter> TraceWriter::create(std::filesystem::path path, RecordingInfo info, const Schema& schema) {
    if (mkdir(path.c_str(), 0700) != 0) {
        if (errno == EEXIST)
            return fail(fmt::format("{} exists already", path.string()),
                        "-f overwrites it, -o NAME takes another name");
        return fail_errno(fmt::format("cannot make the trace directory {}", path.string()), errno);
    }
    auto state = std::make_unique<State>(path, std::move(info), schema);
    state->lock = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)flock(state->lock, LOCK_EX | LOCK_NB); // a file system without locks: as if nobody repaired
    TRY(write_sidecars(path, state->info, schema));
    TRY(write_file(path / "metadata", make_metadata(state->info, schema)));
    return TraceWriter(std::move(state));
}

Result<Stream*> TraceWriter::State::stream_of(uint32_t cpu) {
    Stream& stream = streams[cpu];
    if (stream.fd < 0) {
        stream.path = path / stream_file_name(cpu);
        stream.fd = open(stream.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
        if (stream.fd < 0)
            return fail_errno(fmt::format("cannot write {}", stream.path.string()), errno);
    }
    return &stream;
}

/// Copies the packet's events into the buffer, without holes, and sets what the header says of them. Yields how many
/// events of the packet are lost.
uint64_t TraceWriter::State::copy_events(const Packet& packet, const Stream& stream, wire::PacketHeader& header) {
    PacketCursor cursor(table, packet);
    DecodedEvent event;
    uint64_t count = 0;
    uint64_t lost = 0;
    uint64_t last = header.timestamp_begin;
    uint64_t content = sizeof(header);
    const uint8_t* run = packet.content.data() + sizeof(header); // events that lie without gaps are copied together
    const uint8_t* run_end = run;
    auto copy_run = [&] { buffer.insert(buffer.end(), run, run_end); };
    bool is_damaged = false;
    while (cursor.next(event)) {
        if (event.timestamp - last > wire::max_packet_ticks) {
            is_damaged = true;
            break;
        }
        last = event.timestamp;
        if (event.timestamp < stream.last_end) {
            ++lost;
            continue;
        }
        if (event.begin != run_end) {
            copy_run();
            run = event.begin;
        }
        run_end = event.begin + event.step;
        auto payload_size = table.type(event.type).payload_size({event.payload, event.step - sizeof(uint64_t)});
        content = buffer.size() + static_cast<size_t>(event.payload - run) + payload_size.value_or(0);
        ++count;
    }
    copy_run();
    lost += cursor.holes();
    bool is_open = packet.header.content_size == 0;
    if (is_damaged || (cursor.is_damaged() && !is_open))
        ++damaged;
    if (uint64_t found = count + lost; header.event_count > found)
        lost = header.event_count - count;
    header.event_count = static_cast<uint32_t>(count);
    header.timestamp_begin = std::max(header.timestamp_begin, stream.last_end);
    header.timestamp_end = std::max({header.timestamp_end, last, header.timestamp_begin});
    header.content_size = content * 8;
    return lost;
}

Result<> TraceWriter::State::append(Stream& stream) {
    size_t done = 0;
    while (done < buffer.size()) {
        ssize_t written = write(stream.fd, buffer.data() + done, buffer.size() - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            int error = errno;
            if (ftruncate(stream.fd, static_cast<off_t>(stream.size)) != 0)
                error = errno; // a torn packet stays: repair_trace() takes it out
            return fail_errno(fmt::format("cannot write {}", stream.path.string()), error,
                              "the trace up to here is readable");
        }
        done += static_cast<size_t>(written);
    }
    stream.size += buffer.size();
    bytes += buffer.size();
    return {};
}

Result<> TraceWriter::add_packet(std::span<const uint8_t> packet) {
    return add(find_packet(packet));
}

Result<> TraceWriter::add_sub_buffer(std::span<const uint8_t> sub_buffer) {
    return add(find_packet(sub_buffer, true));
}

Result<> TraceWriter::add(std::optional<Packet> packet) {
    if (!packet || packet->header.cpu_id >= g_max_cpus) {
        ++m_state->damaged;
        return {};
    }
    Stream& stream = *TRY(m_state->stream_of(packet->header.cpu_id));
    auto header = packet->header;
    if (!stream.has_packets) {
        stream.has_packets = true;
        stream.discarded_before = header.events_discarded;
    }
    auto& buffer = m_state->buffer;
    buffer.assign(sizeof(header), 0);
    stream.discarded_here += m_state->copy_events(*packet, stream, header);
    uint64_t since_start =
        header.events_discarded - std::min(header.events_discarded, stream.discarded_before) + stream.discarded_here;
    header.events_discarded = std::max(since_start, stream.discarded_total);
    buffer.resize((buffer.size() + 7) & ~size_t{7});
    header.packet_size = buffer.size() * 8;
    memcpy(header.uuid, m_state->info.uuid.data(), sizeof(header.uuid));
    memcpy(buffer.data(), &header, sizeof(header));

    TRY(m_state->append(stream));
    stream.last_end = header.timestamp_end;
    stream.discarded_total = header.events_discarded;
    m_state->delivered += header.event_count;
    return {};
}

Result<> TraceWriter::finish(const wire::TraceEndMessage* totals) {
    auto& info = m_state->info;
    info.is_complete = true;
    info.events_delivered = m_state->delivered;
    info.events_discarded = totals ? totals->events_discarded : events_discarded();
    info.events_produced = totals ? totals->events_produced : info.events_delivered + info.events_discarded;
    info.was_snapshot = totals ? totals->was_snapshot != 0 : info.was_snapshot;
    return write_info(m_state->path, info);
}

} // namespace tracer
