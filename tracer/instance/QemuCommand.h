#pragma once
// The QEMU command line of an instance.

#include "tracer/instance/LaunchOptions.h"

#include <string>
#include <vector>

namespace tracer {

/// QEMU's end of each channel, as descriptors that it inherits.
struct ChannelDescriptors {
    int console = -1;
    int gdb = -1;
    int control = -1;
    int trace = -1;
    int crash = -1;
    int qmp = -1;
};

/// The program: $UNISCOPE_QEMU, else qemu-system-x86_64 of the PATH.
Result<std::string> find_qemu();

/// `accelerator` is what was chosen, not Auto; `initrd` may be empty.
std::vector<std::string> make_qemu_command(const std::string& qemu, const LaunchOptions& options,
                                           Accelerator accelerator, const std::filesystem::path& initrd,
                                           const ChannelDescriptors& channels);

} // namespace tracer
