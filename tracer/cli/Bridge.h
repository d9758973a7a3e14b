#pragma once
// The standard streams joined to a channel.

#include "tracer/Result.h"
#include "tracer/link/Socket.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace cli {

/// Copies both ways until the channel ends; the end of the standard input is passed on. `encode` is applied to what
/// goes in; may be empty. Blocks; starts a thread that does not outlive the process.
tracer::Result<> bridge_standard_streams(const tracer::FileDescriptor& channel,
                                         std::function<std::vector<uint8_t>(std::span<const uint8_t>)> encode = {});

} // namespace cli
