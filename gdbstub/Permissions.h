#pragma once
// What a client has given up of what its access allows (QAllow): `set observer on` and `set may-... off` of gdb.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "gdbstub/command/Command.h"

namespace gdbstub {

enum class Permission : uint8_t {
    WriteRegisters,
    WriteMemory,
    InsertBreakpoints,
    InsertTracepoints,
    InsertFastTracepoints,
    Stop,
};

struct PermissionName {
    std::string_view name; ///< as QAllow calls it: GDB manual, "General Query Packets"
    Permission permission;
    std::string_view refusal;
};
inline constexpr std::array permission_names = {
    PermissionName{"WriteReg", Permission::WriteRegisters, "This debugger has given up writing registers (QAllow)."},
    PermissionName{"WriteMem", Permission::WriteMemory, "This debugger has given up writing memory (QAllow)."},
    PermissionName{"InsertBreak", Permission::InsertBreakpoints,
                   "This debugger has given up inserting breakpoints (QAllow)."},
    PermissionName{"InsertTrace", Permission::InsertTracepoints,
                   "This debugger has given up inserting tracepoints (QAllow)."},
    PermissionName{"InsertFastTrace", Permission::InsertFastTracepoints,
                   "This debugger has given up inserting fast tracepoints (QAllow)."},
    PermissionName{"Stop", Permission::Stop, "This debugger has given up stopping the target (QAllow)."},
};

class Permissions {
public:
    constexpr bool has(Permission permission) const {
        return (m_given_up >> static_cast<unsigned>(permission) & 1) == 0;
    }
    constexpr void set(Permission permission, bool allowed) {
        uint8_t bit = static_cast<uint8_t>(1U << static_cast<unsigned>(permission));
        m_given_up = static_cast<uint8_t>(allowed ? m_given_up & ~bit : m_given_up | bit);
    }

private:
    uint8_t m_given_up = 0;
};

/// What carrying `command` out takes; nothing for most.
std::optional<Permission> permission_for(const Command& command);

} // namespace gdbstub
