// Z0 to Z4 and z0 to z4: GDB manual, "Packets". Both are idempotent: gdb repeats them when in doubt. A Z for what is
// inserted already replaces its conditions and commands.

#include <algorithm>

#include "gdbstub/Session.h"

namespace gdbstub {

namespace {

constexpr Refusal table_is_full{base::Error::NoSpace, "There are as many breakpoints already as the stub can hold."};
constexpr Refusal code_is_full{base::Error::NoSpace,
                               "There is no room left for the conditions and commands of this breakpoint."};
constexpr Refusal no_expressions{base::Error::NotSupported,
                                 "This target does not evaluate conditions or run commands by itself there."};

PointKind hardware_kind(Point::Type type) {
    using Type = Point::Type;
    switch (type) {
    case Type::Write:
        return PointKind::Write;
    case Type::Read:
        return PointKind::Read;
    case Type::Access:
        return PointKind::Access;
    case Type::Software:
    case Type::Execute:
        break;
    }
    return PointKind::Execute;
}

} // namespace

Session::Handled Session::handle(const ChangePoint& command) {
    if (command.type_untrusted > static_cast<uint64_t>(Point::Type::Access))
        return Next::Unsupported;
    Point wanted{command.address, command.kind_untrusted, static_cast<Point::Type>(command.type_untrusted)};
    if (!supports(wanted.type))
        return Next::Unsupported;

    PointRecord* record = m_points.find(wanted);
    if (command.insert) {
        if (auto inserted = insert_point(wanted, command); !inserted)
            return std::unexpected(inserted.error());
    } else if (record != nullptr) {
        if (auto removed = change_in_target(record->point, false); !removed)
            return std::unexpected(removed.error());
        m_points.remove(*record);
    }
    if (command.insert != (record != nullptr))
        tell_audit([&](Audit& audit) {
            audit.point_changed(command.insert, static_cast<unsigned>(wanted.type), wanted.address);
        });
    m_reply.put("OK");
    return Next::Reply;
}

/// Unless it is already, in which case `command` may still bring other expressions.
Answer<> Session::insert_point(const Point& point, const ChangePoint& command) {
    bool has_code = !command.conditions.empty() || !command.commands.empty();
    if (has_code && !(evaluates_expressions() && point.is_breakpoint()))
        return std::unexpected(no_expressions);
    PointRecord* record = m_points.find(point);
    if (record == nullptr && m_points.is_full())
        return std::unexpected(table_is_full);
    if (!m_points.has_room_for(command, record))
        return std::unexpected(code_is_full);
    if (record == nullptr) {
        if (auto inserted = change_in_target(point, true); !inserted)
            return inserted;
        record = &m_points.add(point);
    }
    m_points.set_code(*record, command);
    return {};
}

bool Session::supports(Point::Type type) const {
    if (type == Point::Type::Software)
        return m_target.breakpoints() != nullptr;
    HardwarePoints* hardware = m_target.hardware_points();
    return hardware != nullptr && hardware->supports(hardware_kind(type));
}

bool Session::evaluates_expressions() const {
    return m_target.passes_breakpoints() && m_points.holds_code();
}

Answer<> Session::change_in_target(const Point& point, bool insert) {
    if (point.type == Point::Type::Software) {
        Breakpoints& software = *m_target.breakpoints();
        return insert ? software.insert(point.address, point.kind_or_length)
                      : software.remove(point.address, point.kind_or_length);
    }
    HardwarePoints& hardware = *m_target.hardware_points();
    PointKind kind = hardware_kind(point.type);
    return insert ? hardware.insert(kind, point.address, point.kind_or_length)
                  : hardware.remove(kind, point.address, point.kind_or_length);
}

/// Their client is gone: all are removed but those whose commands persist.
void Session::leave_points() {
    for (PointRecord& record : m_points.records())
        record.left_behind = record.persists;
    remove_points(false);
}

void Session::remove_points(bool left_behind) {
    // From the end: the last record takes the place of one that is removed.
    for (size_t i = m_points.records().size(); i-- > 0;) {
        PointRecord& record = m_points.records()[i];
        if (record.left_behind != left_behind)
            continue;
        if (auto removed = change_in_target(record.point, false); !removed)
            remember(removed.error());
        m_points.remove(record);
    }
}

bool Session::has_points_left_behind() const {
    return std::ranges::any_of(m_points.records(), &PointRecord::left_behind);
}

Verdict Session::judge_breakpoint(uint64_t address, agent::Context& context) {
    Judgement judgement = m_points.judge(address, context);
    if (judgement.error)
        m_agent_error.store(static_cast<uint8_t>(*judgement.error), std::memory_order_relaxed);
    return judgement.verdict;
}

} // namespace gdbstub
