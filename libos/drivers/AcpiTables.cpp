#include "libos/drivers/AcpiTables.h"

#include <cstring>

namespace drivers {

namespace {

constexpr size_t header_size = 36;
constexpr size_t length_offset = 4;
// The largest real one, a DSDT, has some 100 KiB.
constexpr uint32_t max_table_length = 1u << 20;

bool sums_to_zero(std::span<const std::byte> bytes) {
    unsigned sum = 0;
    for (std::byte byte : bytes)
        sum += std::to_integer<unsigned>(byte);
    return (sum & 0xff) == 0;
}

bool has_signature(std::span<const std::byte> table, std::string_view signature) {
    return table.size() >= signature.size() && std::memcmp(table.data(), signature.data(), signature.size()) == 0;
}

} // namespace

base::Result<> AcpiTables::initialize(Platform& platform, PhysicalAddress root_pointer) {
    constexpr size_t first_version_size = 20;
    constexpr size_t second_version_size = 36;
    constexpr size_t revision_offset = 15, rsdt_offset = 16, xsdt_offset = 24;

    m_root = {};
    m_platform = &platform;
    if (root_pointer == 0)
        return base::fail(base::Error::NoSuchDevice);
    auto* bytes = platform.map_firmware(root_pointer, first_version_size);
    if (bytes == nullptr)
        return base::fail(base::Error::NoSuchDevice);
    std::span<const std::byte> pointer{bytes, first_version_size};
    if (!has_signature(pointer, "RSD PTR ") || !sums_to_zero(pointer))
        return base::fail(base::Error::NoSuchDevice);

    PhysicalAddress root = *table_field<uint32_t>(pointer, rsdt_offset);
    m_entry_size = 4;
    if (std::to_integer<unsigned>(pointer[revision_offset]) >= 2) {
        bytes = platform.map_firmware(root_pointer, second_version_size);
        if (bytes != nullptr && sums_to_zero({bytes, second_version_size})) {
            auto extended = *table_field<uint64_t>(std::span(bytes, second_version_size), xsdt_offset);
            if (extended != 0) {
                root = extended;
                m_entry_size = 8;
            }
        }
    }
    m_root = table_at(root);
    if (!has_signature(m_root, m_entry_size == 8 ? "XSDT" : "RSDT")) {
        m_root = {};
        return base::fail(base::Error::NoSuchDevice);
    }
    return {};
}

std::span<const std::byte> AcpiTables::table_at(PhysicalAddress address) const {
    if (address == 0)
        return {};
    auto* header = m_platform->map_firmware(address, header_size);
    if (header == nullptr)
        return {};
    auto length_untrusted = *table_field<uint32_t>(std::span(header, header_size), length_offset);
    if (length_untrusted < header_size || length_untrusted > max_table_length)
        return {};
    auto* bytes = m_platform->map_firmware(address, length_untrusted);
    if (bytes == nullptr || !sums_to_zero({bytes, length_untrusted}))
        return {};
    return {bytes, length_untrusted};
}

std::span<const std::byte> AcpiTables::find(std::string_view signature) const {
    if (signature == "DSDT") {
        constexpr size_t dsdt_offset = 40, extended_dsdt_offset = 140;
        auto fadt = find("FACP");
        PhysicalAddress address = table_field<uint64_t>(fadt, extended_dsdt_offset).value_or(0);
        if (address == 0)
            address = table_field<uint32_t>(fadt, dsdt_offset).value_or(0);
        auto table = table_at(address);
        return has_signature(table, signature) ? table : std::span<const std::byte>{};
    }
    for (size_t offset = header_size; offset < m_root.size(); offset += m_entry_size) {
        PhysicalAddress address = m_entry_size == 8 ? table_field<uint64_t>(m_root, offset).value_or(0)
                                                    : table_field<uint32_t>(m_root, offset).value_or(0);
        auto table = table_at(address);
        if (has_signature(table, signature))
            return table;
    }
    return {};
}

} // namespace drivers
