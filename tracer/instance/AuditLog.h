#pragma once
// NAME/audit.log: what an instance said was done to it from outside (probes/wire/Audit.h), one JSON object a line:
//
//     {"time_ns": …, "sequence": …, "event": "memory-written", "channel": "gdb", "role": "operator", "key": "anna",
//      "key_id": "…", "address": "0x…", "length": 8, "text": "…", "detail": 0, "line": "wrote 8 bytes at 0x…"}
//
// Members that say nothing are left out. It is the instance's word: an app that was taken over can tell anything.

#include "probes/wire/Audit.h"
#include "tracer/Result.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace tracer {

/// What is said of a message, without its time.
std::string describe_audit(const wire::AuditMessage& message_untrusted);
nlohmann::json to_json(const wire::AuditMessage& message_untrusted);

/// Appends what is new; what it has been told already, by this supervisor or the one before, is left out. Two files of
/// at most max_size bytes, the older one `.1`, hold the newest.
class AuditLog {
public:
    static constexpr uintmax_t max_size = 1u << 20;

    AuditLog(std::filesystem::path path, mode_t mode)
        : m_path(std::move(path))
        , m_mode(mode) {}

    Result<> append(const wire::AuditMessage& message_untrusted);

private:
    std::filesystem::path m_path;
    mode_t m_mode;
    std::optional<uint64_t> m_last_time; ///< of the newest entry; the instance's clock never goes back in it
};

/// All entries, oldest first; lines that are none are skipped. None when there is no log.
Result<std::vector<nlohmann::json>> read_audit_log(const std::filesystem::path& path);

} // namespace tracer
