#include "tracer/crash/MachineDump.h"

#include "tracer/arch/QemuCpuState.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>

namespace crash {

using tracer::Result;

namespace {

// Intel SDM volume 3, §4.5: four-level paging.
constexpr uint64_t pte_present = 1;
constexpr uint64_t pte_writable = 2;
constexpr uint64_t pte_large = 0x80;
constexpr uint64_t pte_no_execute = uint64_t{1} << 63;
constexpr uint64_t pte_address = 0x000f'ffff'ffff'f000;
constexpr int top_level = 4;

constexpr uint64_t page_size(int level) {
    return uint64_t{1} << (12 + 9 * (level - 1));
}
constexpr uint64_t canonical(uint64_t address) {
    return (address & (uint64_t{1} << 47)) != 0 ? address | 0xffff'0000'0000'0000 : address;
}

} // namespace

Result<MachineDump> MachineDump::open(const std::filesystem::path& path) {
    MachineDump dump;
    auto add_cpu = [&dump](const tracer::QemuCpuState& state) {
        dump.m_cpus.push_back({.registers = state.registers(),
                               .page_table = state.page_table(),
                               .kernel_gs_base = state.kernel_gs_base,
                               .cannot_take_exceptions = state.cannot_take_exceptions()});
    };
    dump.m_file = TRY(ElfFile::open(path));
    for (const auto& segment : dump.m_file.segments)
        if (segment.type == PT_NOTE)
            visit_notes(segment.bytes, [&](std::string_view name, uint32_t, std::span<const uint8_t> descriptor) {
                if (name == "QEMU" && descriptor.size() >= sizeof(tracer::QemuCpuState))
                    add_cpu(read_structure<tracer::QemuCpuState>(descriptor));
            });
    if (dump.m_cpus.empty())
        return tracer::fail(fmt::format("{} has no state of QEMU's CPUs", path.string()),
                            "It must come from QEMU's dump-guest-memory.");
    return dump;
}

bool MachineDump::read_physical(uint64_t address, std::span<uint8_t> to) const {
    for (const auto& segment : m_file.segments) {
        if (segment.type != PT_LOAD || address < segment.physical_address)
            continue;
        uint64_t offset = address - segment.physical_address;
        if (offset >= segment.bytes.size() || to.size() > segment.bytes.size() - offset)
            continue;
        memcpy(to.data(), segment.bytes.data() + offset, to.size());
        return true;
    }
    return false;
}

bool MachineDump::has_physical(uint64_t address) const {
    uint8_t byte;
    return read_physical(address, {&byte, 1});
}

std::optional<uint64_t> MachineDump::entry(uint64_t table, uint64_t index) const {
    uint64_t value = 0;
    if (!read_physical(table + index * 8, {reinterpret_cast<uint8_t*>(&value), sizeof(value)}) ||
        (value & pte_present) == 0)
        return std::nullopt;
    return value;
}

std::optional<MachineDump::Translation> MachineDump::translate(uint64_t address) const {
    uint64_t table = m_cpus[0].page_table;
    if (canonical(address & 0x0000'ffff'ffff'ffff) != address)
        return std::nullopt;
    for (int level = top_level; level >= 1; --level) {
        auto value = entry(table, (address >> (12 + 9 * (level - 1))) & 511);
        if (!value)
            return std::nullopt;
        if (level == 1 || ((*value & pte_large) != 0 && level <= 3)) {
            uint64_t size = page_size(level);
            return Translation{.physical = (*value & pte_address & ~(size - 1)) + (address & (size - 1)),
                               .size = size,
                               .flags = *value};
        }
        table = *value & pte_address;
    }
    return std::nullopt;
}

bool MachineDump::read(uint64_t address, std::span<uint8_t> to) const {
    while (!to.empty()) {
        auto page = translate(address);
        if (!page)
            return false;
        auto count = static_cast<size_t>(std::min<uint64_t>(to.size(), page->size - (address & (page->size - 1))));
        if (!read_physical(page->physical, to.first(count)))
            return false;
        to = to.subspan(count);
        address += count;
    }
    return true;
}

void MachineDump::walk(uint64_t table, int level, uint64_t base, uint64_t flags, Walk& walked) const {
    static constexpr size_t most_ranges = 60'000;
    auto& ranges = walked.ranges;
    if (walked.tables_left == 0)
        return;
    --walked.tables_left;
    for (uint64_t index = 0; index < 512 && ranges.size() < most_ranges; ++index) {
        auto value = entry(table, index);
        if (!value)
            continue;
        uint64_t address = canonical(base + index * page_size(level));
        // Writable if every level says so, executable unless one says no.
        uint64_t here = (flags & *value & pte_writable) | ((flags | *value) & pte_no_execute);
        bool is_page = level == 1 || ((*value & pte_large) != 0 && level <= 3);
        if (!is_page) {
            walk(*value & pte_address, level - 1, address, here, walked);
            continue;
        }
        if (level == 3 || !has_physical(*value & pte_address & ~(page_size(level) - 1)))
            continue;
        uint32_t protection =
            PF_R | ((here & pte_writable) != 0 ? PF_W : 0) | ((here & pte_no_execute) == 0 ? PF_X : 0);
        if (!ranges.empty() && ranges.back().address + ranges.back().size == address &&
            ranges.back().flags == protection)
            ranges.back().size += page_size(level);
        else
            ranges.push_back({.address = address, .size = page_size(level), .flags = protection});
    }
}

std::vector<CoreRange> MachineDump::mapped_ranges() const {
    Walk walked;
    walk(m_cpus[0].page_table, top_level, 0, pte_writable, walked);
    return std::move(walked.ranges);
}

} // namespace crash
