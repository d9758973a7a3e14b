#pragma once
// What boot learns and hands on; the stages of start-up.

#include "libos/boot/CommandLine.h"

#include <cstddef>
#include <span>
#include <string_view>

namespace boot {

const CommandLine& command_line();
/// As the boot loader gave it.
std::string_view raw_command_line();
uint64_t rsdp_address();
/// The archive given as initial RAM disk; empty without one.
std::span<const std::byte> initrd();

/// The kernel thread that goes on after the scheduler runs: CPUs, devices, files, the app.
void start(void*);

/// Prepares the application processors that ACPI lists: afterwards arch::cpu_count() is final.
void add_application_processors();
/// Brings them up, if that has not been done. From here on the world may be stopped, before and meanwhile too: see
/// debug::World::join().
void start_application_processors();

} // namespace boot
