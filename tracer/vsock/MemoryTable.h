#pragma once
// MemoryTable: the guest's memory as the front-end shares it, mapped here (vhost-user SET_MEM_TABLE).
//
// Two address spaces lead into it: guest-physical addresses, which the guest writes into descriptors, and the
// front-end's own, by which it says where the rings are. Both are untrusted; every translation checks the whole range.

#include "tracer/Result.h"
#include "tracer/vsock/Scatter.h"
#include "tracer/vsock/VhostUserMessage.h"

#include <utility>
#include <vector>

namespace tracer::vsock {

/// Owns the mappings. Pointers that it gave out die with it, and with the next table that takes its place.
class MemoryTable {
public:
    MemoryTable() = default;
    MemoryTable(MemoryTable&&) = default;
    MemoryTable& operator=(MemoryTable&&) = default;

    /// Maps every region. An error when one wraps around, overlaps another, or is not wholly inside its file, and when
    /// a descriptor is no file.
    static Result<MemoryTable> create(std::span<MemoryCommand::Entry> entries_untrusted);

    /// `size` bytes from a guest-physical address on, appended to `parts` (several pieces where regions adjoin).
    /// False, and nothing appended, when they are not all there. A range of no bytes is nowhere and everywhere.
    bool append_guest(uint64_t address_untrusted, uint64_t size_untrusted, std::vector<iovec>& parts) const;

    /// The same in one piece, or nullptr. What an indirect descriptor points to must lie so.
    std::byte* guest(uint64_t address_untrusted, uint64_t size_untrusted) const;

    /// `size` bytes at an address of the front-end, or nullptr.
    std::byte* user(uint64_t address_untrusted, uint64_t size_untrusted) const;

    bool is_empty() const { return m_regions.empty(); }

private:
    /// Owns one mapping of a file.
    class Mapping {
    public:
        Mapping(std::byte* address, size_t size)
            : m_address(address)
            , m_size(size) {}
        Mapping(Mapping&& other) noexcept
            : m_address(std::exchange(other.m_address, nullptr))
            , m_size(other.m_size) {}
        Mapping& operator=(Mapping&& other) noexcept {
            std::swap(m_address, other.m_address);
            std::swap(m_size, other.m_size);
            return *this;
        }
        ~Mapping();

    private:
        std::byte* m_address;
        size_t m_size;
    };
    struct Region {
        uint64_t guest_address;
        uint64_t user_address;
        uint64_t size;
        std::byte* memory;
        Mapping mapping;
    };

    static Result<Region> map(const MemoryCommand::Entry& entry_untrusted);

    std::vector<Region> m_regions;
};

} // namespace tracer::vsock
