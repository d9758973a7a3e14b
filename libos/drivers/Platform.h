#pragma once
// Platform: what the drivers need of the machine and the kernel below them. libos implements it once, unit tests bring
// a fake; no driver touches page tables, interrupt controllers or clocks any other way.
//
// The drivers call it at start-up, in thread context with interrupts on or off, unless a function says otherwise.

#include "libos/base/Result.h"
#include "libos/memory/PageAllocator.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace drivers {

using memory::PhysicalAddress;

/// Called in interrupt context on some CPU, with interrupts masked; the platform acknowledges its controller
/// afterwards. Must not block.
using InterruptHandler = void (*)(void* context);

enum class InterruptTrigger {
    Edge,
    Level, ///< active high; the handler has quieted the device when it returns
};

/// What a device writes where, to interrupt by message (PCI MSI-X).
struct InterruptMessage {
    uint64_t address;
    uint32_t data;
};

class Platform {
public:
    /// Device registers at [physical, physical + length), mapped uncached, for ever. Neither need be page-aligned.
    virtual base::Result<volatile std::byte*> map_mmio(PhysicalAddress physical, size_t length) = 0;
    /// Ordinary memory that firmware filled (ACPI tables), readable for ever. nullptr when there is no memory there.
    /// `length` comes from the tables and may be anything.
    virtual const std::byte* map_firmware(PhysicalAddress physical, size_t length) = 0;

    virtual memory::PageAllocator& pages() = 0;

    /// Routes I/O APIC input `line` to `handler` on some CPU and unmasks it. Lines may be shared: all handlers of a
    /// line are called.
    virtual base::Result<> connect_interrupt(unsigned line, InterruptTrigger trigger, InterruptHandler handler,
                                             void* context) = 0;
    /// A vector for messages that calls `handler`. Error::NotSupported: the driver polls instead.
    virtual base::Result<InterruptMessage> connect_message_interrupt(InterruptHandler handler, void* context) = 0;

    /// One line for the kernel's log: a device that cannot be used, and why. Start-up and interrupt context.
    virtual void log(std::string_view line) = 0;
    /// Ticks of arch::timestamp() in a second, roughly. For bounds on polling: called in the stopped world too.
    virtual uint64_t timestamp_hz() const = 0;

protected:
    ~Platform() = default;
};

} // namespace drivers
