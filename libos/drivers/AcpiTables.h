#pragma once
// AcpiTables: finds ACPI tables by signature and reads fields out of them. No AML is interpreted.
//
// Tables are firmware's, so lengths are bounded and checksums checked before a byte is believed. Used at start-up, in
// thread context. Layouts: ACPI Specification 6.5, chapter 5.

#include "libos/drivers/Platform.h"

#include <optional>
#include <span>
#include <string_view>

namespace drivers {

class AcpiTables {
public:
    constexpr AcpiTables() = default;

    /// `root_pointer` is the RSDP's address, from the boot protocol. Error::NoSuchDevice for 0 or a bad one: the
    /// machine then has no ACPI and find() finds nothing.
    base::Result<> initialize(Platform& platform, PhysicalAddress root_pointer);

    /// The first table with this four-letter signature, header included; empty when there is none. "DSDT" works too.
    std::span<const std::byte> find(std::string_view signature) const;

private:
    std::span<const std::byte> table_at(PhysicalAddress address) const;

    Platform* m_platform = nullptr;
    std::span<const std::byte> m_root; // RSDT or XSDT
    size_t m_entry_size = 4;
};

/// Little-endian integer at `offset` of a table; nothing when it lies outside (older, shorter revisions).
template <typename T>
std::optional<T> table_field(std::span<const std::byte> table, size_t offset) {
    if (offset > table.size() || sizeof(T) > table.size() - offset)
        return std::nullopt;
    T value;
    __builtin_memcpy(&value, table.data() + offset, sizeof(T));
    return value;
}

} // namespace drivers
