// QAllow: GDB manual, "General Query Packets".

#include "gdbstub/Permissions.h"

#include <algorithm>

#include "gdbstub/Session.h"
#include "gdbstub/command/Scanner.h"

namespace gdbstub {

std::optional<Permission> permission_for(const Command& command) {
    if (std::holds_alternative<WriteRegisters>(command) || std::holds_alternative<WriteRegister>(command) ||
        std::holds_alternative<WriteSignalInfo>(command))
        return Permission::WriteRegisters;
    if (const auto* resume = std::get_if<ResumeSimply>(&command); resume != nullptr && resume->new_pc)
        return Permission::WriteRegisters;
    if (std::holds_alternative<WriteMemory>(command))
        return Permission::WriteMemory;
    if (const auto* change = std::get_if<ChangePoint>(&command); change != nullptr && change->insert)
        return Permission::InsertBreakpoints;
    return std::nullopt;
}

/// "WriteReg:1;WriteMem:0": what is not named stays.
Session::Handled Session::handle(const SetPermissions& command) {
    constexpr Refusal malformed{base::Error::Invalid, "The list of permissions is malformed."};
    Permissions permissions = m_client.permissions;
    Scanner scanner(command.list_untrusted);
    do {
        std::string_view name = scanner.until(":");
        auto known = std::ranges::find(permission_names, name, &PermissionName::name);
        if (known == permission_names.end() || !scanner.accept(':'))
            return std::unexpected(malformed);
        auto value = scanner.hex();
        if (!value || *value > 1)
            return std::unexpected(malformed);
        permissions.set(known->permission, *value != 0);
    } while (scanner.accept(';'));
    if (!scanner.at_end())
        return std::unexpected(malformed);
    m_client.permissions = permissions;
    m_reply.put("OK");
    return Next::Reply;
}

/// Before anything is done, and after its access has been checked.
Answer<> Session::check_permission(const Command& command) {
    auto needed = permission_for(command);
    if (!needed || m_client.permissions.has(*needed))
        return {};
    tell_audit([&](Audit& audit) { audit.refused(access_rule(command).what, m_access); });
    auto name = std::ranges::find(permission_names, *needed, &PermissionName::permission);
    return refuse(base::Error::NotPermitted, name->refusal);
}

} // namespace gdbstub
