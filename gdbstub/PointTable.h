#pragma once
// The breakpoints and watchpoints that gdb has inserted, and the agent expressions that gdb gave with them.
//
// Who may call: everything but judge() and code_at() only in the stopped world. judge() is for the running one: any
// CPUs at once, with no lock, in a trap handler. That is safe because nothing that it reads changes meanwhile, and what
// changed before is visible:
//   - A record or a byte of code is written by the CPU that serves gdb, while all others are parked. It then releases
//     them, and each one's leaving of its parking place acquires what the releasing one had written.
//   - A CPU inside judge() is not parked: the kernel holds off a stop that lands there until judge() has returned, as
//     it does for Session::feed(). Its arrival in the parking place then orders what it read before what is written.
// The counters, which judge() writes, are relaxed atomics: they order nothing, and are exact in the stopped world.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "gdbstub/agent/Context.h"
#include "gdbstub/agent/Error.h"
#include "gdbstub/command/Command.h"

namespace gdbstub {

struct Point {
    uint64_t address = 0;
    uint64_t kind_or_length = 0;
    enum class Type : uint8_t { Software, Execute, Write, Read, Access } type = Type::Software;

    bool operator==(const Point&) const = default;

    bool is_breakpoint() const { return type == Type::Software || type == Type::Execute; }
};

/// What a kernel does with a thread that ran into a breakpoint.
enum class Verdict : uint8_t {
    /// gdb has inserted none there.
    NotOurs,
    /// Stop the world and report it.
    Stop,
    /// Pass it: its condition is false, or commands were all that it was for.
    GoOn,
};

struct Judgement {
    Verdict verdict = Verdict::NotOurs;
    /// Why an expression could not be evaluated, if one could not.
    std::optional<agent::Error> error{};
};

struct PointRecord {
    Point point{};
    uint16_t condition_count = 0;
    uint16_t command_count = 0;
    /// Where in the pool its expressions are: the conditions, then the commands, a length of two bytes before each.
    uint32_t code_begin = 0;
    uint32_t code_size = 0;
    /// The commands are to go on when gdb is gone.
    bool persists = false;
    /// gdb is gone. Nobody is there to stop for.
    bool left_behind = false;
    /// An agent::Error, or 0. This and the counters by atomic_ref.
    mutable uint8_t last_error = 0;
    /// How often a thread came here, and how often of these the conditions held.
    mutable uint64_t evaluated = 0;
    mutable uint64_t hits = 0;
};

class PointTable {
public:
    /// `code` may be empty: then there are no conditions and no commands.
    constexpr PointTable(std::span<PointRecord> records, std::span<uint8_t> code)
        : m_records(records)
        , m_code(code) {}

    bool is_full() const { return m_count == m_records.size(); }
    bool holds_code() const { return !m_code.empty(); }
    std::span<const PointRecord> records() const { return m_records.first(m_count); }
    std::span<PointRecord> records() { return m_records.first(m_count); }

    /// At one address there is one breakpoint instruction, whatever kind gdb calls it. null if there is none such.
    PointRecord* find(const Point& point);
    /// Not while it is full.
    PointRecord& add(const Point& point);
    /// Another record may take its place in the table.
    void remove(PointRecord& record);
    void clear();

    /// Whether the expressions of `command` find room, for a new point or in place of those of `record`.
    bool has_room_for(const ChangePoint& command, const PointRecord* record) const;
    /// Replaces the expressions, for which there is room. The lists have been checked by the parser.
    void set_code(PointRecord& record, const ChangePoint& command);

    Judgement judge(uint64_t address, agent::Context& context) const;

private:
    class CodeReader;

    bool judge(const PointRecord& record, agent::Context& context, std::optional<agent::Error>& error) const;
    agent::Result<bool> conditions_hold(const PointRecord& record, CodeReader& code, agent::Context& context) const;
    agent::Result<> run_commands(const PointRecord& record, CodeReader& code, agent::Context& context) const;
    void free_code(PointRecord& record);
    uint16_t append(std::string_view expressions);

    std::span<PointRecord> m_records;
    size_t m_count = 0;
    /// Used from its start without gaps: what is freed is closed up at once, as it may be with the world stopped.
    std::span<uint8_t> m_code;
    uint32_t m_code_used = 0;
};

} // namespace gdbstub
