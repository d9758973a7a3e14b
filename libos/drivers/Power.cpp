#include "libos/drivers/Power.h"

#include <arch/Interrupts.h>
#include <arch/Io.h>
#include <arch/Processor.h>

#include <cstring>

namespace drivers {

namespace {

// Fixed ACPI Description Table, ACPI 6.5 table 5.9.
constexpr size_t fadt_pm1a_control = 64;
constexpr size_t fadt_pm1b_control = 68;
constexpr size_t fadt_flags = 112;
constexpr size_t fadt_reset_register = 116;
constexpr size_t fadt_reset_value = 128;
constexpr size_t fadt_sleep_control = 244;
constexpr uint32_t flag_reset_register = 1u << 10;
constexpr uint32_t flag_hardware_reduced = 1u << 20;

constexpr uint16_t keyboard_controller = 0x64;
constexpr uint8_t pulse_reset_line = 0xfe;

/// The first element of the package \_S5, which is the value of SLP_TYP for "off". The package is always a constant, so
/// its bytes are found without an interpreter: name, PackageOp, PkgLength, count, element (ACPI 6.5, 20.2.5.4).
std::optional<uint8_t> soft_off_sleep_type(std::span<const std::byte> dsdt) {
    constexpr std::byte package_op{0x12}, byte_prefix{0x0a}, one_op{0x01};
    constexpr std::string_view name = "_S5_";
    for (size_t at = 0; at + name.size() < dsdt.size(); ++at) {
        if (std::memcmp(dsdt.data() + at, name.data(), name.size()) != 0)
            continue;
        size_t cursor = at + name.size();
        if (dsdt[cursor] != package_op)
            continue;
        ++cursor;
        if (cursor >= dsdt.size())
            continue;
        size_t more_length_bytes = std::to_integer<size_t>(dsdt[cursor]) >> 6;
        cursor += 1 + more_length_bytes + 1;
        if (cursor >= dsdt.size())
            continue;
        if (dsdt[cursor] == byte_prefix)
            ++cursor;
        else if (dsdt[cursor] > one_op)
            continue;
        if (cursor < dsdt.size())
            return std::to_integer<uint8_t>(dsdt[cursor]) & 7;
    }
    return std::nullopt;
}

} // namespace

Power::Register Power::describe(Platform& platform, std::span<const std::byte> table, size_t offset, uint8_t width) {
    constexpr uint8_t space_memory = 0, space_port = 1;
    auto space = table_field<uint8_t>(table, offset);
    auto address = table_field<uint64_t>(table, offset + 4).value_or(0);
    if (!space || address == 0)
        return {};
    if (*space == space_port && address <= UINT16_MAX)
        return {Kind::Port, width, static_cast<uint16_t>(address), nullptr};
    if (*space == space_memory) {
        if (auto mapped = platform.map_mmio(address, width))
            return {Kind::Memory, width, 0, *mapped};
    }
    return {};
}

void Power::discover(Platform& platform, const AcpiTables& tables) {
    m_sleep = m_second_sleep = m_reset = {};
    auto fadt = tables.find("FACP");
    if (fadt.empty())
        return;
    auto flags = table_field<uint32_t>(fadt, fadt_flags).value_or(0);
    if ((flags & flag_reset_register) != 0) {
        m_reset = describe(platform, fadt, fadt_reset_register, 1);
        m_reset_value = table_field<uint8_t>(fadt, fadt_reset_value).value_or(0);
    }

    auto sleep_type = soft_off_sleep_type(tables.find("DSDT"));
    if ((flags & flag_hardware_reduced) != 0) {
        // SLP_TYP in bits 2-4, SLP_EN is bit 5 (4.8.3.7). 5 is what hypervisors use.
        m_sleep = describe(platform, fadt, fadt_sleep_control, 1);
        m_sleep_value = static_cast<uint16_t>(sleep_type.value_or(5) << 2 | 1u << 5);
        return;
    }
    // SLP_TYP in bits 10-12, SLP_EN is bit 13 (4.8.3.2.1). 0 is what QEMU uses.
    m_sleep_value = static_cast<uint16_t>(sleep_type.value_or(0) << 10 | 1u << 13);
    auto port_at = [&](size_t offset) -> Register {
        auto port = table_field<uint32_t>(fadt, offset).value_or(0);
        if (port == 0 || port > UINT16_MAX)
            return {};
        return {Kind::Port, 2, static_cast<uint16_t>(port), nullptr};
    };
    m_sleep = port_at(fadt_pm1a_control);
    m_second_sleep = port_at(fadt_pm1b_control);
}

void Power::write(const Register& target, uint16_t value) const {
    switch (target.kind) {
    case Kind::None:
        break;
    case Kind::Port:
        if (target.width == 2)
            arch::port_write16(target.port, value);
        else
            arch::port_write8(target.port, static_cast<uint8_t>(value));
        break;
    case Kind::Memory:
        arch::mmio_write8(target.address, static_cast<uint8_t>(value));
        break;
    }
}

void Power::wait() const {
    uint64_t start = arch::timestamp();
    while (arch::timestamp() - start < m_patience)
        arch::relax();
}

void Power::try_off() {
    if (m_sleep.kind == Kind::None)
        return;
    write(m_sleep, m_sleep_value);
    write(m_second_sleep, m_sleep_value);
    wait();
}

void Power::try_reset() {
    if (m_reset.kind != Kind::None) {
        write(m_reset, m_reset_value);
        wait();
    }
    if (arch::port_read8(keyboard_controller) == 0xff)
        return; // nobody decodes the port
    arch::port_write8(keyboard_controller, pulse_reset_line);
    wait();
}

void Power::off() {
    (void)arch::disable_interrupts();
    try_off();
    reset();
}

void Power::reset() {
    (void)arch::disable_interrupts();
    try_reset();
    arch::force_machine_reset();
}

} // namespace drivers
