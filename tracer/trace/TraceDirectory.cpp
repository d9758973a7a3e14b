#include "tracer/trace/TraceDirectory.h"

#include "tracer/trace/Metadata.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>

namespace tracer {

namespace fs = std::filesystem;

std::string stream_file_name(uint32_t cpu) {
    return fmt::format("cpu{}", cpu);
}

Result<> write_file(const fs::path& path, std::string_view contents) {
    fs::path temporary = path.parent_path() / (".tmp-" + path.filename().string());
    int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(fmt::format("cannot write {}", path.string()), errno);
    int error = 0;
    while (!contents.empty() && error == 0) {
        ssize_t written = ::write(fd, contents.data(), contents.size());
        if (written < 0 && errno != EINTR)
            error = errno;
        else if (written > 0)
            contents.remove_prefix(static_cast<size_t>(written));
    }
    if (::close(fd) != 0 && error == 0)
        error = errno;
    if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0)
        error = errno;
    if (error == 0)
        return {};
    ::unlink(temporary.c_str());
    return fail_errno(fmt::format("cannot write {}", path.string()), error);
}

Result<> write_info(const fs::path& trace, const RecordingInfo& info) {
    return write_file(trace / sidecar_directory / "image.json", to_json(info).dump(2) + "\n");
}

Result<> write_sidecars(const fs::path& trace, const RecordingInfo& info, const Schema& schema) {
    if (::mkdir((trace / sidecar_directory).c_str(), 0700) != 0 && errno != EEXIST)
        return fail_errno(fmt::format("cannot make {}", (trace / sidecar_directory).string()), errno);
    TRY(write_file(trace / sidecar_directory / "schema.json", to_json(schema).dump(1) + "\n"));
    return write_info(trace, info);
}

static Result<nlohmann::json> read_json(const fs::path& path) {
    std::ifstream file(path);
    if (!file)
        return fail_errno(fmt::format("cannot read {}", path.string()), errno,
                          "is this a trace that uniscope recorded?");
    auto json = nlohmann::json::parse(file, nullptr, false);
    if (json.is_discarded() || !json.is_object())
        return fail(fmt::format("{} is damaged: it is not JSON", path.string()));
    return json;
}

/// The CPU of a stream file's name; nothing for other files.
static std::optional<uint32_t> stream_cpu(const std::string& name) {
    static constexpr std::string_view prefix = "cpu";
    uint32_t cpu = 0;
    if (!name.starts_with(prefix))
        return std::nullopt;
    auto [end, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), cpu);
    if (error != std::errc() || end != name.data() + name.size())
        return std::nullopt;
    return cpu;
}

namespace {

struct Mapping {
    void* address = nullptr;
    size_t size = 0;
    Mapping(void* address, size_t size)
        : address(address)
        , size(size) {}
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() {
        if (size != 0)
            munmap(address, size);
    }
};

} // namespace

static Result<std::shared_ptr<Mapping>> map_file(const fs::path& path) {
    int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(fmt::format("cannot read {}", path.string()), errno);
    struct stat status{};
    int error = ::fstat(fd, &status) == 0 ? 0 : errno;
    void* address = nullptr;
    auto size = static_cast<size_t>(status.st_size);
    if (error == 0 && size != 0) {
        address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (address == MAP_FAILED)
            error = errno;
    }
    ::close(fd);
    if (error != 0)
        return fail_errno(fmt::format("cannot read {}", path.string()), error);
    return std::make_shared<Mapping>(address, size);
}

static PacketStream index_packets(uint32_t cpu, std::span<const uint8_t> bytes) {
    PacketStream stream{.cpu = cpu, .packets = {}, .bytes = bytes, .trailing_bytes = 0};
    size_t at = 0;
    while (at < bytes.size()) {
        auto packet = find_packet(bytes.subspan(at));
        if (!packet)
            break;
        at += packet->bytes.size();
        stream.packets.push_back(std::move(*packet));
    }
    stream.trailing_bytes = bytes.size() - at;
    return stream;
}

Result<TraceDirectory> TraceDirectory::open(const fs::path& path) {
    std::error_code error;
    if (!fs::is_directory(path, error))
        return fail(fmt::format("{} is not a trace: a trace is a directory", path.string()));
    TraceDirectory trace;
    trace.m_path = path;
    trace.m_info = TRY(recording_info_from_json(TRY(read_json(path / sidecar_directory / "image.json"))));
    trace.m_schema = TRY(schema_from_json(TRY(read_json(path / sidecar_directory / "schema.json"))));

    auto mappings = std::make_shared<std::vector<std::shared_ptr<Mapping>>>();
    for (const auto& entry : fs::directory_iterator(path, error)) {
        auto cpu = stream_cpu(entry.path().filename().string());
        if (!cpu)
            continue;
        auto mapping = TRY(map_file(entry.path()));
        auto stream = index_packets(*cpu, {static_cast<const uint8_t*>(mapping->address), mapping->size});
        if (stream.trailing_bytes != 0 && !is_torn_packet(stream.bytes.last(stream.trailing_bytes)))
            return fail(fmt::format("{} is damaged: what follows its first {} packets, from byte {} on, is none",
                                    entry.path().string(), stream.packets.size(),
                                    stream.bytes.size() - stream.trailing_bytes),
                        "Nothing was changed. Take the file from a backup, or cut it there: truncate -s.");
        trace.m_streams.push_back(std::move(stream));
        mappings->push_back(std::move(mapping));
    }
    std::ranges::sort(trace.m_streams, {}, &PacketStream::cpu);
    trace.m_storage = std::move(mappings);
    return trace;
}

uint64_t TraceDirectory::torn_bytes() const {
    uint64_t sum = 0;
    for (const auto& stream : m_streams)
        sum += stream.trailing_bytes;
    return sum;
}

static Result<RepairReport> repair_locked(const fs::path& path) {
    auto trace = TRY(TraceDirectory::open(path));
    RepairReport report;
    if (trace.info().is_complete && trace.torn_bytes() == 0)
        return report;
    auto info = trace.info();
    info.events_delivered = 0;
    info.events_discarded = 0;
    for (const auto& stream : trace.streams()) {
        for (const auto& packet : stream.packets)
            info.events_delivered += packet.header.event_count;
        if (!stream.packets.empty())
            info.events_discarded += stream.packets.back().header.events_discarded;
        if (stream.trailing_bytes == 0)
            continue;
        auto file = path / stream_file_name(stream.cpu);
        if (::truncate(file.c_str(), static_cast<off_t>(stream.bytes.size() - stream.trailing_bytes)) != 0)
            return fail_errno(fmt::format("cannot repair {}", file.string()), errno);
        report.cut_bytes += stream.trailing_bytes;
        ++report.cut_streams;
    }
    // Of a recording that had come to its end, what was cut is known: produced is delivered and discarded as before.
    if (info.is_complete && trace.info().events_produced >= info.events_delivered)
        info.events_discarded = trace.info().events_produced - info.events_delivered;
    info.events_produced = info.events_delivered + info.events_discarded;
    TRY(write_file(path / "metadata", make_metadata(info, trace.schema())));
    TRY(write_info(path, info));
    return report;
}

Result<RepairReport> repair_trace(const fs::path& path) {
    const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return fail_errno(fmt::format("cannot read {}", path.string()), errno);
    const bool is_ours = ::flock(directory, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    const auto report =
        is_ours ? repair_locked(path)
                : fail(fmt::format("{} is still being recorded", path.string()), "What is on disk so far can be read.");
    ::close(directory);
    return report;
}

} // namespace tracer
