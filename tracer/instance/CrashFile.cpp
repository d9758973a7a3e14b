#include "tracer/instance/CrashFile.h"

#include "tracer/instance/Directories.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace tracer {

namespace fs = std::filesystem;

Result<CrashFile> CrashFile::create(std::string_view instance_name) {
    const fs::path directory = TRY(crash_directory());
    const std::string stem = fmt::format("{}-{:%Y%m%d-%H%M%S}", instance_name, fmt::localtime(std::time(nullptr)));
    for (int number = 1; number < 1000; ++number) {
        const fs::path path = directory / fmt::format("{}{}.core", stem, number == 1 ? "" : fmt::format("-{}", number));
        std::error_code ignored;
        if (fs::exists(path, ignored))
            continue;
        FileDescriptor descriptor(
            ::open((path.string() + ".part").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (descriptor)
            return CrashFile(path, std::move(descriptor));
        if (errno != EEXIST)
            return fail_errno(fmt::format("cannot make the crash file {}", path.string()), errno);
    }
    return fail(fmt::format("there are too many crash files in {}", directory.string()), "Remove some.");
}

CrashFile::~CrashFile() {
    if (m_descriptor)
        unlink(part_path().c_str());
}

Result<> CrashFile::write(std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(m_descriptor.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail_errno(fmt::format("cannot write the crash file {}", m_path.string()), errno);
        bytes = bytes.subspan(static_cast<size_t>(written));
    }
    return {};
}

Result<fs::path> CrashFile::finish() {
    if (rename(part_path().c_str(), m_path.c_str()) != 0)
        return fail_errno(fmt::format("cannot name the crash file {}", m_path.string()), errno);
    m_descriptor.reset();
    return m_path;
}

Result<> write_crash_sidecar(const fs::path& core, const InstanceFacts& facts, std::string_view reason,
                             std::string_view origin) {
    fs::path path = core;
    path.replace_extension(".json");
    return write_json(path, {{"version", 1},
                             {"name", facts.name},
                             {"image", facts.image},
                             {"build_id", facts.build_id},
                             {"reason", reason},
                             {"origin", origin},
                             {"time_unix", std::time(nullptr)},
                             {"cpus", facts.cpus},
                             {"memory_mib", facts.memory_mib},
                             {"machine", facts.machine},
                             {"accelerator", facts.accelerator}});
}

} // namespace tracer
