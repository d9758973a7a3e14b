#include "tracer/vsock/MemoryTable.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tracer::vsock {

namespace {

bool overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size) {
    return a < b + b_size && b < a + a_size;
}

} // namespace

MemoryTable::Mapping::~Mapping() {
    if (m_address)
        munmap(m_address, m_size);
}

Result<MemoryTable::Region> MemoryTable::map(const MemoryCommand::Entry& entry) {
    const MemoryRegion& region = entry.region;
    const auto wraps = [&region](uint64_t address) { return address + region.size < address; };
    if (region.size == 0 || wraps(region.guest_address) || wraps(region.user_address) || wraps(region.file_offset))
        return fail(fmt::format("QEMU shares a memory region of {:#x} bytes at {:#x} that cannot be", region.size,
                                region.guest_address));
    struct stat status{};
    if (fstat(entry.file.get(), &status) != 0 || !S_ISREG(status.st_mode))
        return fail("QEMU shares guest memory that is not in a file",
                    "Start it with -object memory-backend-memfd,id=mem,size=...,share=on and memory-backend=mem.");
    if (static_cast<uint64_t>(status.st_size) < region.file_offset + region.size)
        return fail(fmt::format("QEMU shares {:#x} bytes at {:#x} of a file that has {:#x}", region.size,
                                region.file_offset, status.st_size));
    // st_blksize is the page size, of huge pages too: offset and length of a mapping are multiples of it.
    const uint64_t page = std::max<uint64_t>(static_cast<uint64_t>(status.st_blksize), sysconf(_SC_PAGESIZE));
    const uint64_t skipped = region.file_offset % page;
    const uint64_t length = (skipped + region.size + page - 1) / page * page;
    void* mapped = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, entry.file.get(),
                        static_cast<off_t>(region.file_offset - skipped));
    if (mapped == MAP_FAILED)
        return fail_errno(fmt::format("cannot map {:#x} bytes of guest memory", region.size), errno);
    auto* memory = static_cast<std::byte*>(mapped);
    return Region{region.guest_address, region.user_address, region.size, memory + skipped, Mapping(memory, length)};
}

Result<MemoryTable> MemoryTable::create(std::span<MemoryCommand::Entry> entries) {
    MemoryTable table;
    for (const auto& entry : entries) {
        Region region = TRY(map(entry));
        for (const Region& other : table.m_regions)
            if (overlaps(region.guest_address, region.size, other.guest_address, other.size) ||
                overlaps(region.user_address, region.size, other.user_address, other.size))
                return fail(fmt::format("QEMU shares two memory regions that overlap, at {:#x} and {:#x}",
                                        other.guest_address, region.guest_address));
        table.m_regions.push_back(std::move(region));
    }
    return table;
}

std::byte* MemoryTable::guest(uint64_t address, uint64_t size) const {
    for (const Region& region : m_regions)
        if (address >= region.guest_address && address - region.guest_address < region.size &&
            size <= region.size - (address - region.guest_address))
            return region.memory + (address - region.guest_address);
    return nullptr;
}

std::byte* MemoryTable::user(uint64_t address, uint64_t size) const {
    for (const Region& region : m_regions)
        if (address >= region.user_address && address - region.user_address < region.size &&
            size <= region.size - (address - region.user_address))
            return region.memory + (address - region.user_address);
    return nullptr;
}

bool MemoryTable::append_guest(uint64_t address, uint64_t size, std::vector<iovec>& parts) const {
    if (size != 0 && address + (size - 1) < address)
        return false;
    const size_t before = parts.size();
    while (size != 0) {
        const auto region = std::ranges::find_if(m_regions, [address](const Region& candidate) {
            return address >= candidate.guest_address && address - candidate.guest_address < candidate.size;
        });
        if (region == m_regions.end()) {
            parts.resize(before);
            return false;
        }
        const uint64_t inside = address - region->guest_address;
        const uint64_t portion = std::min(size, region->size - inside);
        parts.push_back({region->memory + inside, portion});
        address += portion;
        size -= portion;
    }
    return true;
}

} // namespace tracer::vsock
