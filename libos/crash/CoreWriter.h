#pragma once
// CoreWriter: streams an ELF core (probes/wire/Core.h) to the host's crash channel. The world is stopped for good, no
// lock is taken, the port is polled and nobody else uses it.

#include "libos/base/Result.h"
#include "probes/wire/Core.h"

#include <arch/TrapFrame.h>
#include <string_view>

namespace sched {
class Thread;
}

namespace crash {

struct Cause {
    std::string_view text;
    uint32_t signal = 0;
    bool in_kernel = false;
    bool has_address = false;
    uint64_t address = 0;
    sched::Thread* culprit = nullptr; ///< nullptr before there are threads
    const arch::TrapFrame* frame = nullptr;
};

/// Error::NoSuchDevice without a channel, or the port's errors: the host goes on with what it got, and says so.
base::Result<> write_core(const Cause& cause);

} // namespace crash
