// Z0 to Z4 and z0 to z4: GDB manual, "Packets". Both are idempotent: gdb repeats them when in doubt.

#include "gdbstub/Session.h"

namespace gdbstub {

namespace {

PointKind hardware_kind(Session::Point::Type type) {
    using Type = Session::Point::Type;
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

/// At one address there is one breakpoint instruction, whatever kind gdb calls it.
bool is_same(const Session::Point& a, const Session::Point& b) {
    return a.type == b.type && a.address == b.address &&
           (a.type == Session::Point::Type::Software || a.kind_or_length == b.kind_or_length);
}

} // namespace

Session::Handled Session::handle(const ChangePoint& command) {
    if (command.type_untrusted > static_cast<uint64_t>(Point::Type::Access))
        return Next::Unsupported;
    Point wanted{command.address, command.kind_untrusted, static_cast<Point::Type>(command.type_untrusted)};
    if (!supports(wanted.type))
        return Next::Unsupported;

    size_t index = 0;
    while (index < m_point_count && !is_same(m_points[index], wanted))
        ++index;
    bool is_inserted = index < m_point_count;
    if (command.insert != is_inserted) {
        if (command.insert && m_point_count == m_points.size())
            return refuse(base::Error::NoSpace, "There are as many breakpoints already as the stub can hold.");
        if (auto changed = change_point(command.insert ? wanted : m_points[index], command.insert); !changed)
            return std::unexpected(changed.error());
        tell_audit([&](Audit& audit) {
            audit.point_changed(command.insert, static_cast<unsigned>(wanted.type), wanted.address);
        });
        if (command.insert)
            m_points[m_point_count++] = wanted;
        else
            m_points[index] = m_points[--m_point_count];
    }
    m_reply.put("OK");
    return Next::Reply;
}

bool Session::supports(Point::Type type) const {
    if (type == Point::Type::Software)
        return m_target.breakpoints() != nullptr;
    HardwarePoints* hardware = m_target.hardware_points();
    return hardware != nullptr && hardware->supports(hardware_kind(type));
}

Answer<> Session::change_point(const Point& point, bool insert) {
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

void Session::remove_all_points() {
    while (m_point_count > 0)
        if (auto removed = change_point(m_points[--m_point_count], false); !removed)
            remember(removed.error());
}

} // namespace gdbstub
