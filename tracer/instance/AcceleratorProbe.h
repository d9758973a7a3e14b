#pragma once
// Whether KVM is worth using: a /dev/kvm that opens proves nothing.

#include "tracer/Result.h"
#include "tracer/instance/LaunchOptions.h"

#include <string>

namespace tracer {

struct AcceleratorChoice {
    Accelerator accelerator = Accelerator::Tcg; ///< never Auto
    std::string reason;                         ///< a clause for --verbose: "KVM booted the probe image in 80 ms"
};

/// For Auto: KVM where a tiny long-mode image, under the CPU model that instances get, came up in time; else TCG. The
/// answer is kept in cache_directory() for this QEMU, kernel and machine. For Kvm: fails where there is no /dev/kvm.
Result<AcceleratorChoice> choose_accelerator(Accelerator wanted, const std::string& qemu);

} // namespace tracer
