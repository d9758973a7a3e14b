#pragma once
// What ACPI says of the machine, and the platform that drivers run on. Boot, thread context.

#include "libos/drivers/AcpiTables.h"
#include "libos/drivers/Platform.h"

#include <cstdint>
#include <span>

namespace boot {

drivers::Platform& platform();
const drivers::AcpiTables& acpi_tables();

/// Reads the tables: I/O APICs, CPUs.
void discover_machine();
/// APIC ids of the CPUs that do not run yet.
std::span<const uint32_t> application_processors();

} // namespace boot
