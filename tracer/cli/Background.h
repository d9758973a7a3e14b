#pragma once
// Supervisors in the background.

#include "tracer/Result.h"
#include "tracer/instance/Registry.h"

#include <functional>

namespace cli {

using Ready = std::function<void(const tracer::Result<>&)>;

/// Runs `serve` in a process of its own, without a terminal, its words in the instance's supervisor.log, and waits
/// until it calls `ready`, which passes its result on. The name's lock is the other process' from then on.
tracer::Result<> start_in_background(tracer::ClaimedName name,
                                     std::function<tracer::Result<>(tracer::ClaimedName name, Ready ready)> serve);

} // namespace cli
