#pragma once
// A trace directory on disk (docs/trace-directory.md): its files' names, writing the sidecars, opening and repairing.

#include "tracer/Result.h"
#include "tracer/trace/PacketDecoder.h"
#include "tracer/trace/RecordingInfo.h"
#include "tracer/trace/Schema.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tracer {

inline constexpr std::string_view sidecar_directory = "uniscope";

std::string stream_file_name(uint32_t cpu);

/// Replaces a file as a whole; mode 0600.
Result<> write_file(const std::filesystem::path& path, std::string_view contents);
/// Makes the subdirectory with image.json and schema.json.
Result<> write_sidecars(const std::filesystem::path& trace, const RecordingInfo& info, const Schema& schema);
Result<> write_info(const std::filesystem::path& trace, const RecordingInfo& info);

/// One CPU's packets, in order of time.
struct PacketStream {
    uint32_t cpu = 0;
    std::vector<Packet> packets;
    std::span<const uint8_t> bytes; ///< the whole file
    uint64_t trailing_bytes = 0;    ///< behind the last whole packet: a torn one
};

/// Owns the mapped files of a trace. Immutable after open: any thread may read it.
class TraceDirectory {
public:
    /// Opens a trace that Uniscope recorded; the image need not be there. A torn end is left out, not an error;
    /// anything else that is no packet is one.
    static Result<TraceDirectory> open(const std::filesystem::path& path);

    const std::filesystem::path& path() const { return m_path; }
    const RecordingInfo& info() const { return m_info; }
    const Schema& schema() const { return m_schema; }
    const std::vector<PacketStream>& streams() const { return m_streams; }
    uint64_t torn_bytes() const;
    /// Keeps the mapped files alive.
    std::shared_ptr<const void> storage() const { return m_storage; }

private:
    std::filesystem::path m_path;
    RecordingInfo m_info;
    Schema m_schema;
    std::vector<PacketStream> m_streams;
    std::shared_ptr<const void> m_storage;
};

struct RepairReport {
    uint64_t cut_bytes = 0;   ///< of torn packets
    uint64_t cut_streams = 0; ///< files that they were cut from
};

/// Makes a trace whose recorder was killed readable for every CTF reader: cuts each file behind its last whole packet
/// and writes metadata and counts anew. Changes nothing in a complete trace; fails for one that is still being written.
Result<RepairReport> repair_trace(const std::filesystem::path& path);

} // namespace tracer
