#pragma once
// Devices: finds the machine's virtio devices and starts their drivers, once, at boot, in thread context.
//
// On PCI machines bus 0 is scanned. Without PCI, devices are where `virtio_mmio.device=SIZE@ADDRESS:LINE` words on the
// command line say (QEMU's microvm with acpi=off and Firecracker append them); and without such words, in the slots of
// QEMU's microvm. A device that cannot be used is logged and left alone; none is needed to run.

#include "libos/drivers/AcpiTables.h"
#include "libos/drivers/Platform.h"
#include "libos/drivers/VirtioConsole.h"
#include "libos/drivers/VirtioMmio.h"
#include "libos/drivers/VirtioRng.h"
#include "libos/drivers/VirtioSocket.h"

#include <optional>
#include <string_view>

namespace drivers {

/// The first device of each kind; nullptr when there is none that works. They live for ever.
struct Devices {
    VirtioConsole* console = nullptr;
    VirtioRng* rng = nullptr;
    VirtioSocket* socket = nullptr;
};

/// Ports of the console whose names begin like this are opened.
inline constexpr std::string_view console_port_prefix = "uniscope.";

/// `platform` lives for ever. `tables` may be uninitialised.
Devices initialize(Platform& platform, const AcpiTables& tables, std::string_view command_line);

inline constexpr std::string_view mmio_device_word = "virtio_mmio.device=";

/// What follows mmio_device_word: SIZE@ADDRESS:LINE, in the notation of Linux (K and M for sizes, 0x for hexadecimal;
/// a further `:ID` is ignored). Nothing for anything else.
std::optional<VirtioMmio::Location> parse_mmio_device(std::string_view value);

} // namespace drivers
