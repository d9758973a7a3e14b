#include "libos/debug/WatchPoints.h"

namespace debug {

namespace {

constinit WatchPoints g_watch_points;

arch::WatchKind kind_for(gdbstub::PointKind kind) {
    switch (kind) {
    case gdbstub::PointKind::Execute:
        return arch::WatchKind::Execute;
    case gdbstub::PointKind::Write:
        return arch::WatchKind::Write;
    default:
        return arch::WatchKind::ReadWrite;
    }
}

/// The longest aligned piece at the start of [address, address + length).
uint64_t piece_of(uint64_t address, uint64_t length) {
    for (uint64_t size = 8; size > 1; size /= 2) {
        if (address % size == 0 && length >= size)
            return size;
    }
    return 1;
}

} // namespace

WatchPoints& watch_points() {
    return g_watch_points;
}

bool WatchPoints::any() const {
    for (const auto& point : m_points) {
        if (point.used)
            return true;
    }
    return false;
}

bool WatchPoints::stops_at(uint64_t address) const {
    for (const auto& point : m_points) {
        if (point.used && point.kind == arch::WatchKind::Execute && point.address == address)
            return true;
    }
    return false;
}

gdbstub::Answer<> WatchPoints::insert(gdbstub::PointKind kind, uint64_t address, uint64_t length) {
    if (kind == gdbstub::PointKind::Execute)
        length = 1;
    if (length == 0 || length > sizeof(uint64_t) * arch::watch_registers)
        return gdbstub::refuse(base::Error::Invalid, "a watched region is 1 to 32 bytes long");
    // A datum that is long or not aligned takes several registers: all or none.
    arch::WatchPoint saved[arch::watch_registers];
    for (unsigned i = 0; i < arch::watch_registers; ++i)
        saved[i] = m_points[i];
    unsigned next = 0;
    while (length != 0) {
        while (next < arch::watch_registers && m_points[next].used)
            ++next;
        if (next == arch::watch_registers) {
            for (unsigned i = 0; i < arch::watch_registers; ++i)
                m_points[i] = saved[i];
            return gdbstub::refuse(base::Error::NoSpace, "all four debug registers are in use");
        }
        uint64_t piece = piece_of(address, length);
        m_points[next] = {true, kind_for(kind), address, piece};
        m_kinds[next] = kind;
        address += piece;
        length -= piece;
    }
    return {};
}

gdbstub::Answer<> WatchPoints::remove(gdbstub::PointKind kind, uint64_t address, uint64_t length) {
    if (kind == gdbstub::PointKind::Execute)
        length = 1;
    bool found = false;
    for (unsigned i = 0; i < arch::watch_registers; ++i) {
        auto& point = m_points[i];
        if (point.used && m_kinds[i] == kind && point.address >= address && point.address < address + length) {
            point.used = false;
            found = true;
        }
    }
    if (!found)
        return gdbstub::refuse(base::Error::NoEntry);
    return {};
}

} // namespace debug
