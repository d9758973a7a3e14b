#pragma once
// One trace ring for each CPU, and how another CPU has its owner do something with it.

#include "libos/trace/Tracer.h"
#include "probes/Ring.h"
#include "probes/wire/Core.h"

namespace trace {

enum class RingCommand : uint8_t { None, Flush, StartStreamingAnew, StartStreamingKeep, StopStreaming };

void set_geometry(Geometry wanted);
/// Allocates and attaches; false without memory, and for a CPU beyond the table.
bool attach_ring(uint32_t cpu);
probes::Ring& ring_of_cpu(uint32_t cpu);
/// For a crash file: the ring as it is now. Stopped world.
wire::CoreRing core_ring(uint32_t cpu);
/// For the crash root: geometry, and where the live counters are.
wire::CrashRing crash_ring(uint32_t cpu);

/// Leaves the command with every CPU and waits until their timer ticks have carried it out, a second at most. Thread
/// context.
bool on_every_cpu(RingCommand command);

} // namespace trace
