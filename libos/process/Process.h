#pragma once
// Process: the one app of an instance: how it starts, what it calls itself, how it ends.

#include "libos/base/Result.h"

#include <arch/TrapFrame.h>
#include <cstdint>
#include <span>
#include <string_view>

namespace boot {
struct CommandLine;
}

namespace process {

inline constexpr uint32_t process_id = 1;

/// Boot: maps the image's segments with their protections. The probes' tables lie in them.
base::Result<> map_image();
/// Builds the initial stack and starts thread 1 at the app's entry point.
base::Result<> start_app(const boot::CommandLine& command_line);

/// exit_group: ends the instance with this status (0-255). From thread context.
[[noreturn]] void exit(uint32_t status);
/// As by a signal whose default is to end the process: status 128 + signal.
[[noreturn]] void exit_by_signal(int number);
/// exit: ends the current thread; the last one's ends the instance.
[[noreturn]] void exit_thread(uint32_t status = 0);

std::string_view executable_path();

} // namespace process
