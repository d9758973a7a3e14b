#pragma once
// What an app finds when it starts. Contract header.

#include "arch/TrapFrame.h"

#include <cstdint>
#include <string_view>

namespace arch {

inline constexpr std::string_view platform_name = "x86_64";

/// Registers of thread 1 at the app's entry point.
TrapFrame app_start_frame(uint64_t entry, uint64_t stack_pointer);
/// AT_HWCAP.
uint64_t hardware_capabilities();
/// AT_MINSIGSTKSZ: bytes of a signal frame.
uint64_t minimum_signal_stack();

} // namespace arch
