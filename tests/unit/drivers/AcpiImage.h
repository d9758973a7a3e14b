#pragma once
// Builds small ACPI tables in a FakeMachine's firmware memory.

#include "tests/unit/drivers/FakeMachine.h"

#include <string_view>

namespace drivers::test {

inline void put_integer(std::vector<std::byte>& bytes, size_t offset, uint64_t value, unsigned width) {
    if (bytes.size() < offset + width)
        bytes.resize(offset + width);
    for (unsigned i = 0; i < width; ++i)
        bytes[offset + i] = static_cast<std::byte>(value >> (8 * i));
}

/// Sets byte `at` so that the first `size` bytes sum to zero.
inline void put_checksum(std::vector<std::byte>& bytes, size_t at, size_t size) {
    bytes[at] = std::byte{0};
    unsigned sum = 0;
    for (size_t i = 0; i < size; ++i)
        sum += std::to_integer<unsigned>(bytes[i]);
    bytes[at] = static_cast<std::byte>(0 - sum);
}

inline std::vector<std::byte> acpi_table(std::string_view signature, std::vector<std::byte> bytes) {
    if (bytes.size() < 36)
        bytes.resize(36);
    std::memcpy(bytes.data(), signature.data(), 4);
    put_integer(bytes, 4, bytes.size(), 4);
    put_checksum(bytes, 9, bytes.size());
    return bytes;
}

/// An RSDP at `root_pointer` and its root table, with 4-byte or 8-byte entries.
inline void put_acpi_root(FakeMachine& machine, PhysicalAddress root_pointer, bool extended,
                          const std::vector<PhysicalAddress>& tables) {
    PhysicalAddress root = root_pointer + 0x100;
    std::vector<std::byte> bytes(36);
    std::memcpy(bytes.data(), "RSD PTR ", 8);
    bytes[15] = std::byte{static_cast<uint8_t>(extended ? 2 : 0)};
    put_integer(bytes, extended ? 24 : 16, root, extended ? 8 : 4);
    put_checksum(bytes, 8, 20);
    put_checksum(bytes, 32, 36);
    machine.put_firmware(root_pointer, bytes);
    std::vector<std::byte> entries(36);
    for (auto table : tables)
        put_integer(entries, entries.size(), table, extended ? 8 : 4);
    machine.put_firmware(root, acpi_table(extended ? "XSDT" : "RSDT", entries));
}

} // namespace drivers::test
