#pragma once
// Power: switches the machine off, or resets it.
//
// discover() reads once, at start-up, where the switch is; off() and reset() then only write registers: no lock, no
// memory, so they may be called from anywhere, a crash included, and before discover() too.
//
// What works where (checked on QEMU 7.2):
//   q35                  PM1a control register of the FADT, sleep type from the DSDT's \_S5
//   microvm              sleep control register of a hardware-reduced FADT
//   microvm, acpi=off    nothing but a CPU shutdown, which the VMM takes as a reset; Firecracker: the keyboard
//                        controller's reset line

#include "libos/drivers/AcpiTables.h"
#include "libos/drivers/Platform.h"

#include <cstdint>

namespace drivers {

class Power {
public:
    constexpr Power() = default;
    Power(const Power&) = delete;
    Power& operator=(const Power&) = delete;

    void discover(Platform& platform, const AcpiTables& tables);

    /// False: off() can only reset the machine, so the host has to be told first that the end is an orderly one.
    bool can_switch_off() const { return m_sleep.kind != Kind::None; }

    /// Writes the switches and returns when none had an effect within about a second.
    void try_off();
    void try_reset();

    /// The last thing an instance does. When nothing switches it off, resets it by CPU shutdown.
    [[noreturn]] void off();
    [[noreturn]] void reset();

    /// Ticks of arch::timestamp() given to a write before the next way is tried: a VMM stops its CPUs when it comes
    /// to it, and a reset on top would turn a power-off into a crash. Tests set 0.
    void set_patience(uint64_t ticks) { m_patience = ticks; }

private:
    enum class Kind : uint8_t { None, Port, Memory };
    /// A register that ACPI describes by a Generic Address Structure.
    struct Register {
        Kind kind = Kind::None;
        uint8_t width = 1; // bytes
        uint16_t port = 0;
        volatile std::byte* address = nullptr;
    };
    static Register describe(Platform& platform, std::span<const std::byte> table, size_t offset, uint8_t width);
    void write(const Register& target, uint16_t value) const;
    void wait() const;

    Register m_sleep;
    Register m_second_sleep; // PM1b, hardly ever there
    uint16_t m_sleep_value = 0;
    Register m_reset;
    uint8_t m_reset_value = 0;
    uint64_t m_patience = 4'000'000'000;
};

} // namespace drivers
