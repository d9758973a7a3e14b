#pragma once
// DebugAudit: what clients of the stub do, for the audit. In the stopped world, in the thread that serves observers,
// and with the feeding lock held.

#include "gdbstub/Target.h"

namespace debug {

class DebugAudit final : public gdbstub::Audit {
public:
    constexpr DebugAudit() = default;

    void client_attached(gdbstub::Access access) override;
    void client_left(gdbstub::Access access) override;
    void refused(std::string_view what, gdbstub::Access access) override;
    void memory_written(uint64_t address, uint64_t length) override;
    void registers_written(gdbstub::ThreadId thread) override;
    void point_changed(bool inserted, unsigned type, uint64_t address) override;
    void monitor_command(std::string_view command) override;
};

} // namespace debug
