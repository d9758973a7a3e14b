#pragma once
// What a packet asks for, as a value. Layer 2 makes these from text, layer 3 carries them out.
//
// Packets: GDB manual, "Packets" and "General Query Packets". Text and bytes point into the packet. What
// is named `_untrusted` has not been compared with anything yet; thread numbers are checked by Target::thread().

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "gdbstub/Stop.h"

namespace gdbstub {

/// A thread as packets name one.
struct ThreadSelector {
    enum class Kind : uint8_t { Any, All, One } kind = Kind::Any;
    ThreadId id = 0;
};

/// A packet that this stub does not know: the empty reply.
struct Unknown {};
/// One that it knows, but not like this.
struct Malformed {};

// Packets about a stop and what comes after it.
struct QueryStopReason {};
struct QueryResumeActions {};
/// vCont; see parse_resume_actions().
struct Resume {
    std::string_view actions_untrusted;
};
/// c, C, s, S: what a gdb without vCont sends.
struct ResumeSimply {
    ResumeKind kind = ResumeKind::Continue;
    uint64_t gdb_signal_untrusted = 0;
    std::optional<uint64_t> new_pc{};
};
struct Detach {};
struct Kill {
    bool wants_reply = false;
};

// Registers.
struct ReadRegisters {};
struct WriteRegisters {
    std::string_view hex_untrusted;
};
struct ReadRegister {
    uint64_t number_untrusted;
};
struct WriteRegister {
    uint64_t number_untrusted;
    std::string_view hex_untrusted;
};

// Memory.
enum class Encoding : uint8_t { Hex, Binary };
struct ReadMemory {
    uint64_t address;
    uint64_t length_untrusted;
    Encoding encoding;
};
struct WriteMemory {
    uint64_t address;
    uint64_t length_untrusted;
    std::string_view data_untrusted;
    Encoding encoding;
};
struct QueryChecksum {
    uint64_t address;
    uint64_t length_untrusted;
};
struct SearchMemory {
    uint64_t address;
    uint64_t length_untrusted;
    std::string_view pattern;
};

// Breakpoints and watchpoints.
struct ChangePoint {
    bool insert;
    uint64_t type_untrusted;
    uint64_t address;
    uint64_t kind_untrusted;
    /// Lists of agent expressions for parse_expression(); well-formed, what they do is unknown.
    std::string_view conditions{};
    std::string_view commands{};
    /// The commands are to go on when gdb is gone.
    bool persists = false;
};

// Threads.
struct SelectThread {
    char operation_untrusted;
    ThreadSelector thread;
};
struct QueryThreadAlive {
    ThreadSelector thread;
};
struct QueryCurrentThread {};
struct ListThreads {
    bool first;
};
struct QueryThreadText {
    ThreadSelector thread;
};
struct QueryThreadLocal {
    ThreadSelector thread;
    uint64_t offset;
    uint64_t link_map;
};

// The session itself.
struct QuerySupported {
    std::string_view features;
};
struct QueryAttached {};
struct StartNoAckMode {};
struct SetSignals {
    enum class Set : uint8_t { Pass, Program } set;
    std::string_view list_untrusted;
};
/// QAllow.
struct SetPermissions {
    std::string_view list_untrusted;
};
struct CatchSystemCalls {
    std::string_view list_untrusted;
};
struct Transfer {
    std::string_view object;
    std::string_view annex;
    uint64_t offset_untrusted;
    uint64_t length_untrusted;
};
/// qXfer:siginfo:write, the only object that can be written.
struct WriteSignalInfo {
    uint64_t offset_untrusted;
    std::string_view data;
};
struct MonitorCommand {
    std::string_view hex_untrusted;
};

// Files: vFile. Paths come as hexadecimal digits.
struct SelectFileSystem {};
struct OpenFile {
    std::string_view path_untrusted;
    /// gdb's numbers: GDB manual, "Open Flags".
    uint64_t flags_untrusted;
};
struct CloseFile {
    uint64_t file_untrusted;
};
struct ReadFile {
    uint64_t file_untrusted;
    uint64_t length_untrusted;
    uint64_t offset_untrusted;
};
struct QueryFileStatus {
    uint64_t file_untrusted;
};
struct QueryPathStatus {
    std::string_view path_untrusted;
};
struct ReadLink {
    std::string_view path_untrusted;
};
/// pwrite and unlink.
struct ChangeFile {};

using Command =
    std::variant<Unknown, Malformed, QueryStopReason, QueryResumeActions, Resume, ResumeSimply, Detach, Kill,
                 ReadRegisters, WriteRegisters, ReadRegister, WriteRegister, ReadMemory, WriteMemory, QueryChecksum,
                 SearchMemory, ChangePoint, SelectThread, QueryThreadAlive, QueryCurrentThread, ListThreads,
                 QueryThreadText, QueryThreadLocal, QuerySupported, QueryAttached, StartNoAckMode, SetSignals,
                 SetPermissions, CatchSystemCalls, Transfer, WriteSignalInfo, MonitorCommand, SelectFileSystem,
                 OpenFile, CloseFile, ReadFile, QueryFileStatus, QueryPathStatus, ReadLink, ChangeFile>;

} // namespace gdbstub
