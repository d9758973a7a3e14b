#pragma once
// Starting QEMU, and putting a supervisor into the background.

#include "tracer/Result.h"

#include <sys/types.h>

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tracer {

/// Runs `command` in a process group of its own (a terminal's Ctrl-C is not for it), with no input, its output and
/// errors in `log`, and only `inherited` descriptors. It dies with its parent. Fails when the program cannot be
/// executed.
Result<pid_t> spawn(const std::vector<std::string>& command, std::span<const int> inherited,
                    const std::filesystem::path& log);

/// The exit of a child in words: "exit status 1", "signal 9 (Killed)".
std::string describe_wait_status(int wait_status);

} // namespace tracer
