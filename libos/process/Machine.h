#pragma once
// The machine's devices that the process' life depends on: power and the host's channels.

#include "libos/drivers/AcpiTables.h"
#include "libos/drivers/Devices.h"
#include "libos/drivers/Platform.h"

#include <string_view>

namespace process {

/// Boot, thread context.
void initialize_machine(drivers::Platform& platform, const drivers::AcpiTables& tables, std::string_view command_line);
const drivers::Devices& devices();
/// Any context.
[[noreturn]] void power_off();

} // namespace process
