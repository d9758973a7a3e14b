#pragma once
// Tracer: the kernel's rings, the flight recorder that fills them from boot on, and recording: their packets' way to
// the host's trace channel.
//
// A ring's owner methods must run on its own CPU with interrupts off: so what the control thread wants of a CPU is left
// in that CPU's mailbox, and its next timer tick does it.

#include "libos/base/Result.h"
#include "libos/drivers/VirtioConsole.h"
#include "probes/Registry.h"
#include "probes/wire/Channel.h"

#include <string_view>

namespace trace {

struct Geometry {
    uint64_t sub_buffer_size = 0; ///< 0: by the size of memory
    uint64_t sub_buffer_count = 0;
};

/// Boot, on the boot CPU, before other CPUs: event ids, the boot CPU's ring, the flight recorder on.
void initialize(Geometry geometry, probes::SitePatcher& patcher);
/// Boot, for each further CPU before it starts; its probes are off until then.
void add_cpu(uint32_t index);
/// Boot: the channels, and the requests that the control channels hand on (RecordStart, RecordStop, Snapshot,
/// ProbeEnable). Packets go to the link that asked.
void start();

/// From each timer interrupt.
void tick();

/// For the status and the hello message.
struct Totals {
    uint64_t produced = 0;
    uint64_t discarded = 0;
};
Totals totals();
Geometry geometry();
bool is_recording();

} // namespace trace
