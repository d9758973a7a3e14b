#pragma once
// The QEMU command line of an instance.

#include "tracer/instance/LaunchOptions.h"

#include <array>
#include <string>
#include <vector>

namespace tracer {

/// What joins QEMU with its supervisor: a line for each channel, by the number of ChannelName, and these two.
inline constexpr size_t qmp_line = all_channels.size();
inline constexpr size_t vhost_user_line = qmp_line + 1;
inline constexpr size_t line_count = vhost_user_line + 1;

/// Which of them a machine needs.
bool needs_line(const LaunchOptions& options, size_t line);

/// QEMU's ends, as descriptors that it inherits; of lines that it does not need, anything.
using QemuDescriptors = std::array<int, line_count>;

/// The program: $UNISCOPE_QEMU, else qemu-system-x86_64 of the PATH.
Result<std::string> find_qemu();

/// `accelerator` is what was chosen, not Auto; `initrd` may be empty.
std::vector<std::string> make_qemu_command(const std::string& qemu, const LaunchOptions& options,
                                           Accelerator accelerator, const std::filesystem::path& initrd,
                                           const QemuDescriptors& descriptors);

} // namespace tracer
