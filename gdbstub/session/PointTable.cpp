#include "gdbstub/PointTable.h"

#include <atomic>
#include <cstring>

#include "gdbstub/agent/Machine.h"
#include "gdbstub/command/Parser.h"
#include "libos/base/Assert.h"

namespace gdbstub {

namespace {

constexpr size_t length_bytes = 2;

bool is_same(const Point& a, const Point& b) {
    return a.type == b.type && a.address == b.address &&
           (a.type == Point::Type::Software || a.kind_or_length == b.kind_or_length);
}

/// How much of the pool a list of expressions takes.
size_t stored_size(std::string_view expressions) {
    size_t size = 0;
    for (Scanner scanner(expressions); !scanner.at_end();)
        size += length_bytes + parse_expression(scanner)->size() / 2;
    return size;
}

void count(uint64_t& counter) {
    std::atomic_ref(counter).fetch_add(1, std::memory_order_relaxed);
}

} // namespace

/// The expressions of one record, one after the other.
class PointTable::CodeReader {
public:
    CodeReader(const PointTable& table, const PointRecord& record)
        : m_rest(table.m_code.subspan(record.code_begin, record.code_size)) {}

    std::span<const uint8_t> next() {
        size_t length = size_t{m_rest[0]} << 8 | m_rest[1];
        auto code = m_rest.subspan(length_bytes, length);
        m_rest = m_rest.subspan(length_bytes + length);
        return code;
    }

private:
    std::span<const uint8_t> m_rest;
};

PointRecord* PointTable::find(const Point& point) {
    for (PointRecord& record : records())
        if (is_same(record.point, point))
            return &record;
    return nullptr;
}

PointRecord& PointTable::add(const Point& point) {
    ASSERT(!is_full());
    m_records[m_count] = {.point = point};
    return m_records[m_count++];
}

void PointTable::remove(PointRecord& record) {
    free_code(record);
    record = m_records[--m_count];
}

void PointTable::clear() {
    m_count = 0;
    m_code_used = 0;
}

bool PointTable::has_room_for(const ChangePoint& command, const PointRecord* record) const {
    size_t needed = stored_size(command.conditions) + stored_size(command.commands);
    size_t freed = record != nullptr ? record->code_size : 0;
    return needed <= m_code.size() - m_code_used + freed;
}

void PointTable::set_code(PointRecord& record, const ChangePoint& command) {
    free_code(record);
    record.code_begin = m_code_used;
    record.condition_count = append(command.conditions);
    record.command_count = append(command.commands);
    record.code_size = m_code_used - record.code_begin;
    record.persists = command.persists && record.command_count > 0;
    record.left_behind = false;
}

/// How many expressions there were.
uint16_t PointTable::append(std::string_view expressions) {
    uint16_t number = 0; // a packet has no room for more
    for (Scanner scanner(expressions); !scanner.at_end(); ++number) {
        std::string_view digits = *parse_expression(scanner);
        size_t length = digits.size() / 2;
        auto place = m_code.subspan(m_code_used, length_bytes + length);
        place[0] = static_cast<uint8_t>(length >> 8);
        place[1] = static_cast<uint8_t>(length);
        decode_hex(digits, place.subspan(length_bytes));
        m_code_used += static_cast<uint32_t>(place.size());
    }
    return number;
}

void PointTable::free_code(PointRecord& record) {
    size_t end = record.code_begin + record.code_size;
    if (record.code_size > 0)
        std::memmove(&m_code[record.code_begin], m_code.data() + end, m_code_used - end);
    for (PointRecord& other : records())
        if (other.code_begin >= end)
            other.code_begin -= record.code_size;
    m_code_used -= record.code_size;
    record.code_size = 0;
    record.condition_count = record.command_count = 0;
}

Judgement PointTable::judge(uint64_t address, agent::Context& context) const {
    Judgement judgement;
    // A software and a hardware breakpoint may be at one address.
    for (const PointRecord& record : records()) {
        if (record.point.address != address || !record.point.is_breakpoint())
            continue;
        if (judge(record, context, judgement.error))
            judgement.verdict = Verdict::Stop;
        else if (judgement.verdict == Verdict::NotOurs)
            judgement.verdict = Verdict::GoOn;
    }
    return judgement;
}

/// Whether to stop.
bool PointTable::judge(const PointRecord& record, agent::Context& context, std::optional<agent::Error>& error) const {
    count(record.evaluated);
    CodeReader code(*this, record);
    auto holds = conditions_hold(record, code, context);
    if (holds && !*holds)
        return false;
    if (holds)
        count(record.hits);
    agent::Result<> done;
    if (!holds)
        done = agent::fail(holds.error());
    else if (record.command_count > 0)
        done = run_commands(record, code, context);
    if (!done) {
        error = done.error();
        std::atomic_ref(record.last_error).store(static_cast<uint8_t>(done.error()), std::memory_order_relaxed);
    }
    bool is_done = done && record.command_count > 0;
    return !is_done && !record.left_behind;
}

/// One that is true is enough: gdb may have several breakpoints at one address. With none it is true.
agent::Result<bool> PointTable::conditions_hold(const PointRecord& record, CodeReader& code,
                                                agent::Context& context) const {
    std::optional<agent::Error> error;
    bool holds = record.condition_count == 0;
    for (uint32_t i = 0; i < record.condition_count; ++i) {
        auto expression = code.next();
        if (holds)
            continue;
        auto value = agent::evaluate(expression, context);
        if (!value)
            error = value.error();
        else
            holds = *value != 0;
    }
    if (!holds && error)
        return agent::fail(*error);
    return holds;
}

agent::Result<> PointTable::run_commands(const PointRecord& record, CodeReader& code, agent::Context& context) const {
    for (uint32_t i = 0; i < record.command_count; ++i)
        if (auto done = agent::run(code.next(), context); !done)
            return done;
    return {};
}

} // namespace gdbstub
