#pragma once
// A new crash file: ~/.local/share/uniscope/crashes/NAME-YYYYmmdd-HHMMSS.core, and NAME-….json beside it.

#include "tracer/Result.h"
#include "tracer/instance/Registry.h"
#include "tracer/link/Socket.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace tracer {

/// Owns the file until it is whole; written as PATH.part, which an abandoned one is removed with.
class CrashFile {
public:
    /// In crash_directory(), under a name that nothing has.
    static Result<CrashFile> create(std::string_view instance_name);

    CrashFile(CrashFile&&) noexcept = default;
    CrashFile& operator=(CrashFile&&) noexcept = default;
    ~CrashFile();

    Result<> write(std::span<const uint8_t> bytes);
    /// Gives it its final name.
    Result<std::filesystem::path> finish();

    const std::filesystem::path& path() const { return m_path; }
    std::filesystem::path part_path() const { return m_path.string() + ".part"; }

private:
    CrashFile(std::filesystem::path path, FileDescriptor descriptor)
        : m_path(std::move(path))
        , m_descriptor(std::move(descriptor)) {}

    std::filesystem::path m_path; ///< final; empty when this was moved from
    FileDescriptor m_descriptor;
};

/// The sidecar beside `core`: image, build id, reason, time, CPUs.
Result<> write_crash_sidecar(const std::filesystem::path& core, const InstanceFacts& facts, std::string_view reason,
                             std::string_view origin);

} // namespace tracer
