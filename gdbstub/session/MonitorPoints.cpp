// `monitor breakpoints`: what has been inserted, and how often it was met.

#include <array>

#include "gdbstub/Session.h"
#include "gdbstub/agent/Error.h"
#include "libos/base/Text.h"

namespace gdbstub {

namespace {

constexpr std::string_view kind_names[] = {"software", "hardware", "write", "read", "access"};

/// A column, to the right.
void put_number(base::TextBuilder& line, uint64_t value, size_t width) {
    std::array<char, 20> buffer;
    base::TextBuilder digits(buffer);
    digits.decimal(value);
    for (size_t i = digits.size(); i < width; ++i)
        line.put(' ');
    line.put(digits.view());
}

void put_record(const PointRecord& record, MonitorOutput& output) {
    std::array<char, 160> buffer;
    base::TextBuilder line(buffer);
    std::string_view kind = kind_names[static_cast<size_t>(record.point.type)];
    line.put("0x").hex(record.point.address, 16).put("  ").put(kind);
    for (size_t i = kind.size(); i < 8; ++i)
        line.put(' ');
    if (record.point.is_breakpoint()) {
        put_number(line, record.condition_count, 12);
        put_number(line, record.command_count, 10);
        put_number(line, record.evaluated, 11);
        put_number(line, record.hits, 11);
        if (record.left_behind)
            line.put("  left behind");
        else if (record.persists)
            line.put("  persists");
    }
    output.put(line.view()).put("\n");
    if (record.last_error != 0)
        output.put("    ").put(agent::describe(static_cast<agent::Error>(record.last_error))).put("\n");
}

} // namespace

void Session::list_points(MonitorOutput& output) {
    if (m_points.records().empty()) {
        output.put("There are no breakpoints in the target.\n");
        return;
    }
    output.put("address             kind      conditions  commands  evaluated       hits\n");
    for (const PointRecord& record : m_points.records())
        put_record(record, output);
}

} // namespace gdbstub
