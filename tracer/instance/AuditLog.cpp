#include "tracer/instance/AuditLog.h"

#include "tracer/auth/Key.h"
#include "tracer/link/Socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace tracer {

namespace fs = std::filesystem;

namespace {

using wire::AuditKind;

std::string text_of(const wire::AuditMessage& message_untrusted) {
    std::string text;
    for (const char letter : message_untrusted.text) {
        if (letter == '\0')
            break;
        text += letter >= ' ' && letter <= '~' ? letter : '?';
    }
    return text;
}

std::string_view event_of(uint8_t kind_untrusted) {
    switch (static_cast<AuditKind>(kind_untrusted)) {
    case AuditKind::SessionBegan:
        return "session-began";
    case AuditKind::SessionEnded:
        return "session-ended";
    case AuditKind::AttemptRefused:
        return "attempt-refused";
    case AuditKind::DebuggerAttached:
        return "debugger-attached";
    case AuditKind::DebuggerLeft:
        return "debugger-left";
    case AuditKind::RequestRefused:
        return "request-refused";
    case AuditKind::MemoryWritten:
        return "memory-written";
    case AuditKind::RegistersWritten:
        return "registers-written";
    case AuditKind::PointSet:
        return "point-set";
    case AuditKind::PointRemoved:
        return "point-removed";
    case AuditKind::Monitor:
        return "monitor";
    }
    return "unknown";
}

std::string_view reason_of(uint8_t reason_untrusted) {
    using wire::RefuseReason;
    switch (static_cast<RefuseReason>(reason_untrusted)) {
    case RefuseReason::Version:
        return "another version";
    case RefuseReason::NoEntropy:
        return "no random numbers";
    case RefuseReason::RateLimited:
        return "too soon";
    case RefuseReason::UnknownKey:
        return "the key is not enrolled";
    case RefuseReason::Role:
        return "the key has a lower role";
    case RefuseReason::Channel:
        return "the role has nothing there";
    case RefuseReason::Signature:
        return "the signature is not the key's";
    case RefuseReason::Malformed:
        break;
    }
    return "it was no handshake";
}

std::string_view point_of(uint8_t type_untrusted) {
    constexpr std::array names = {"breakpoint", "hardware breakpoint", "write watchpoint", "read watchpoint",
                                  "access watchpoint"};
    return type_untrusted < names.size() ? names[type_untrusted] : "point";
}

uint64_t time_of(const nlohmann::json& entry) {
    const auto found = entry.find("time_ns");
    return found != entry.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

Result<> write_line(const fs::path& path, mode_t mode, const std::string& line) {
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file || ::write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        return fail_errno(fmt::format("cannot write {}", path.string()), errno);
    return {};
}

} // namespace

std::string describe_audit(const wire::AuditMessage& message_untrusted) {
    const auto& message = message_untrusted;
    const auto channel = name_of(static_cast<wire::ChannelKind>(message.channel));
    switch (static_cast<AuditKind>(message.kind)) {
    case AuditKind::SessionBegan:
        return fmt::format("came in on {}", channel);
    case AuditKind::SessionEnded:
        return fmt::format("left {}{}", channel,
                           message.detail == static_cast<uint8_t>(wire::SessionEndReason::Forged)
                               ? ": bytes came that were somebody else's"
                           : message.detail == static_cast<uint8_t>(wire::SessionEndReason::Replaced) ? ": sent away"
                                                                                                      : "");
    case AuditKind::AttemptRefused:
        return fmt::format("was refused on {}: {}", channel, reason_of(message.detail));
    case AuditKind::DebuggerAttached:
        return "attached a debugger";
    case AuditKind::DebuggerLeft:
        return "left with the debugger";
    case AuditKind::RequestRefused:
        if (static_cast<wire::ChannelKind>(message.channel) == wire::ChannelKind::Control)
            return fmt::format("was refused request {}", message.address);
        return fmt::format("was refused: {}", text_of(message));
    case AuditKind::MemoryWritten:
        return fmt::format("wrote {} byte{} at {:#x}", message.length, message.length == 1 ? "" : "s", message.address);
    case AuditKind::RegistersWritten:
        return fmt::format("wrote registers of thread {}", message.address);
    case AuditKind::PointSet:
        return fmt::format("set a {} at {:#x}", point_of(message.detail), message.address);
    case AuditKind::PointRemoved:
        return fmt::format("removed the {} at {:#x}", point_of(message.detail), message.address);
    case AuditKind::Monitor:
        return fmt::format("monitor {}", text_of(message));
    }
    return fmt::format("something that this tool does not know: {}", message.kind);
}

nlohmann::json to_json(const wire::AuditMessage& message_untrusted) {
    const auto& message = message_untrusted;
    nlohmann::json entry = {{"time_ns", message.realtime_ns},
                            {"sequence", message.sequence},
                            {"event", event_of(message.kind)},
                            {"channel", name_of(static_cast<wire::ChannelKind>(message.channel))},
                            {"role", name_of(static_cast<wire::Role>(message.role))},
                            {"detail", message.detail},
                            {"line", describe_audit(message)}};
    const auto kind = static_cast<AuditKind>(message.kind);
    const bool names_key =
        kind == AuditKind::SessionBegan || kind == AuditKind::SessionEnded || kind == AuditKind::AttemptRefused;
    if (const std::string text = text_of(message); !text.empty())
        entry[names_key ? "key" : "text"] = text;
    if (std::ranges::any_of(message.key_id, [](uint8_t byte) { return byte != 0; })) {
        std::string id;
        for (const uint8_t byte : message.key_id)
            id += fmt::format("{:02x}", byte);
        entry["key_id"] = id;
    }
    if (message.address != 0)
        entry["address"] = fmt::format("{:#x}", message.address);
    if (message.length != 0)
        entry["length"] = message.length;
    return entry;
}

Result<> AuditLog::append(const wire::AuditMessage& message_untrusted) {
    if (!m_last_time) {
        m_last_time = 0;
        for (const auto& entry : TRY(read_audit_log(m_path)))
            m_last_time = std::max(*m_last_time, time_of(entry));
    }
    if (message_untrusted.realtime_ns <= *m_last_time)
        return {};
    m_last_time = message_untrusted.realtime_ns;
    std::error_code error;
    if (const auto size = fs::file_size(m_path, error); !error && size > max_size)
        fs::rename(m_path, m_path.string() + ".1", error);
    return write_line(m_path, m_mode,
                      to_json(message_untrusted).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n");
}

Result<std::vector<nlohmann::json>> read_audit_log(const fs::path& path) {
    std::vector<nlohmann::json> entries;
    for (const fs::path& part : {fs::path(path.string() + ".1"), path}) {
        std::error_code error;
        if (!fs::is_regular_file(part, error))
            continue;
        std::ifstream file(part);
        if (!file)
            return fail(fmt::format("cannot read {}", part.string()));
        for (std::string line; std::getline(file, line);)
            if (auto entry = nlohmann::json::parse(line, nullptr, false); entry.is_object())
                entries.push_back(std::move(entry));
    }
    return entries;
}

} // namespace tracer
