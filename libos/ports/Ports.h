#pragma once
// The ports of the virtio-serial device that are the app's: those whose names are not Uniscope's.

#include "libos/drivers/VirtioConsole.h"
#include "libos/fs/Services.h"

namespace ports {

/// Boot, once, before ports(): what the machine has.
void initialize(drivers::VirtioConsole* console, memory::PageAllocator& pages);

/// nullptr: the machine has no such device.
fs::PortSource* ports();

} // namespace ports
