#pragma once
// Where the app's start-up data lies, for /proc and the debugger. Written once at boot.

#include <cstdint>

namespace process {

struct StartState {
    uint64_t entry = 0;
    uint64_t stack_start = 0;
    uint64_t arguments_start = 0, arguments_end = 0;
    uint64_t environment_start = 0, environment_end = 0;
    uint64_t auxiliary_start = 0, auxiliary_end = 0;
};

const StartState& start_state();

} // namespace process
