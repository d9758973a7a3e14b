#pragma once
// Device interrupts: which handlers a line or a message has. Registration at boot, in thread context.

#include "libos/base/Result.h"

#include <cstdint>

namespace trap {

using Handler = void (*)(void* context);

/// A free device vector, counted from arch::first_device_vector, calling `handler`. Error::NoSpace.
base::Result<unsigned> add_interrupt(const char* name, Handler handler, void* context);
/// Another handler on a vector that exists.
base::Result<> share_interrupt(unsigned index, Handler handler, void* context);

} // namespace trap
