#pragma once
// WatchPoints: what the debug registers of all CPUs hold. Changed in the stopped world; each CPU loads them when it
// goes on.

#include "gdbstub/Target.h"

#include <arch/Debug.h>

namespace debug {

class WatchPoints final : public gdbstub::HardwarePoints {
public:
    constexpr WatchPoints() = default;

    /// Not reads alone, for which x86 has no registers: gdb then asks for accesses, and tells reads by the value.
    bool supports(gdbstub::PointKind kind) const override { return kind != gdbstub::PointKind::Read; }
    gdbstub::Answer<> insert(gdbstub::PointKind kind, uint64_t address, uint64_t length) override;
    gdbstub::Answer<> remove(gdbstub::PointKind kind, uint64_t address, uint64_t length) override;

    /// On each CPU when it goes on.
    void apply() { arch::load_watch_points(m_points); }
    bool any() const;
    /// Whether an instruction there is a breakpoint of theirs.
    bool stops_at(uint64_t address) const;
    const arch::WatchPoint& at(int index) const { return m_points[index]; }
    gdbstub::PointKind kind_of(int index) const { return m_kinds[index]; }

private:
    arch::WatchPoint m_points[arch::watch_registers];
    gdbstub::PointKind m_kinds[arch::watch_registers] = {};
};

WatchPoints& watch_points();

} // namespace debug
