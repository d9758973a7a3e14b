#pragma once
// Page: one shared 4 KiB frame of file data. An inode holds one count, each mapping of it and each copy in flight
// another, so a frame outlives a truncate that happens meanwhile.
// PageMap: a file's frames by index, sparse.

#include "libos/base/Reference.h"
#include "libos/base/Result.h"
#include "libos/memory/PageAllocator.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace fs {

inline constexpr uint64_t page_size = 4096;

class Page final : public base::RefCounted {
public:
    /// A frame of zeros. Error::NoSpace when the limit of file data or physical memory is reached.
    static base::Result<base::Reference<Page>> create();
    ~Page();

    memory::PhysicalAddress address() const { return m_address; }
    std::span<std::byte> bytes() const;

private:
    explicit Page(memory::PhysicalAddress address)
        : m_address(address) {}
    memory::PhysicalAddress m_address;
};

/// How many frames file data takes now.
uint64_t pages_in_use();

/// A radix tree of 64 children a level, as high as the largest index needs. No lock of its own.
class PageMap {
public:
    constexpr PageMap() = default;
    ~PageMap() { remove_from(0); }
    PageMap(const PageMap&) = delete;
    PageMap& operator=(const PageMap&) = delete;

    /// Null for a hole. The pointer is valid until the page is removed.
    Page* find(uint64_t index) const;
    /// The place is empty. Error::NoMemory.
    base::Result<> insert(uint64_t index, base::Reference<Page> page);
    /// Removes [first, last].
    void remove_range(uint64_t first, uint64_t last);
    void remove_from(uint64_t first) { remove_range(first, UINT64_MAX); }
    /// The first index at or after `index` that has a page.
    std::optional<uint64_t> next(uint64_t index) const;
    uint64_t count() const { return m_count; }

private:
    struct Node;
    static constexpr unsigned bits_a_level = 6;
    static constexpr uint64_t fan_out = 1 << bits_a_level;

    bool covers(uint64_t index) const;
    bool remove_in(Node* node, unsigned level, uint64_t base, uint64_t first, uint64_t last);
    static std::optional<uint64_t> next_in(const Node* node, unsigned level, uint64_t base, uint64_t index);

    Node* m_root = nullptr;
    unsigned m_levels = 0;
    uint64_t m_count = 0;
};

} // namespace fs
