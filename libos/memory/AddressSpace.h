#pragma once
// AddressSpace: what the app has mapped, and what a page fault in it means.
//
// One lock guards the list of mappings and the page table entries below arch::app_end. It is taken in thread context
// and in the page fault handler, which may interrupt kernel code that touches app memory: so nothing that holds it, or
// a lock taken inside it, touches app memory. Lock order: file system > this > file pages > frames.

#include "libos/base/Result.h"
#include "libos/memory/PageAllocator.h"
#include "libos/sched/SpinLock.h"

#include <cstdint>

#include <string_view>

namespace base {
class TextBuilder;
}

namespace fs {
class Inode;
}

namespace memory {

struct Protection {
    bool read = false;
    bool write = false;
    bool execute = false;
    bool operator==(const Protection&) const = default;
};

enum class Access : uint8_t { Read, Write, Execute };

class FileView;

/// One mapping: [start, end), page-aligned.
struct Mapping {
    uint64_t start = 0;
    uint64_t end = 0;
    Protection protection;
    bool shared = false;
    bool fixed_frames = false; ///< frames of the loaded image: never freed
    bool grows_down = false;   ///< the main stack
    const char* label = "";    ///< for /proc/self/maps: [heap], [stack], ...
    FileView* view = nullptr;  ///< counted; nullptr for anonymous memory
    uint64_t offset = 0;       ///< of `start` in the file, bytes
    Mapping* next = nullptr;
};

class AddressSpace {
public:
    constexpr AddressSpace() = default;

    struct Request {
        uint64_t address = 0; ///< hint, or exact when `fixed`
        uint64_t length = 0;
        Protection protection;
        bool fixed = false;
        bool replace =
            false; ///< with `fixed`: what is there goes (MAP_FIXED), else it is an error (MAP_FIXED_NOREPLACE)
        bool shared = false;
        bool populate = false;
        bool grows_down = false;
        fs::Inode* inode = nullptr;
        uint64_t offset = 0;
        const char* label = "";
        std::string_view name = {}; ///< of the file, for /proc/self/maps
    };

    base::Result<uint64_t> map(const Request& request);
    base::Result<> unmap(uint64_t address, uint64_t length);
    base::Result<> protect(uint64_t address, uint64_t length, Protection protection);
    base::Result<uint64_t> remap(uint64_t address, uint64_t old_length, uint64_t new_length, bool may_move, bool fixed,
                                 uint64_t new_address);
    /// MADV_DONTNEED: anonymous pages read as zero again, file pages are read anew.
    base::Result<> discard(uint64_t address, uint64_t length);
    /// brk(2): moves the end of the heap; returns where it is then.
    uint64_t set_break(uint64_t address);
    void set_heap_start(uint64_t address);

    /// Boot only: a segment of the image, whose frames lie at physical address = virtual address - `offset`.
    base::Result<> adopt(uint64_t start, uint64_t end, Protection protection, uint64_t physical, const char* label);

    /// Boot only: a range that the app can never have.
    base::Result<> reserve(uint64_t start, uint64_t end, const char* label);

    /// Makes the page present, or says why the access is an error: Error::Fault (nothing mapped), Error::Access
    /// (protection), Error::NoMemory. From the page fault handler and from the debugger's running-world paths.
    base::Result<> resolve(uint64_t address, Access access);

    /// Mapped by the app, and what it never touched reads as zeros; of a page that is not present.
    bool reads_as_zeros(uint64_t address) const;

    /// For the stopped world, where the lock cannot be taken: what an access would see, without changing anything that
    /// is locked. nullptr: not mapped, or the lock was held when the world stopped.
    const Mapping* find_unlocked(uint64_t address) const;
    const Mapping* first_unlocked() const { return m_first; }
    bool is_consistent() const { return !m_lock.is_held(); }

    /// Lines of /proc/self/maps.
    void print_maps(base::TextBuilder& text) const;

    /// visit(mapping, name) for each, in order, with the lock held: it must not touch app memory.
    void for_each_mapping(void (*visit)(const Mapping&, const char* name)) const;

    /// Forgets everything, the reserved ranges too: for tests, since the one of the kernel lives for ever.
    void release_all();

    uint64_t resident_pages() const { return m_resident; }
    uint64_t mapped_bytes() const;

private:
    class FrameBatch;

    Mapping* find(uint64_t address) const;
    base::Result<> split_at(uint64_t address);
    base::Result<> isolate(uint64_t start, uint64_t end);
    base::Result<> clear_range(uint64_t start, uint64_t end);
    bool range_is_free(uint64_t start, uint64_t end) const;
    bool range_is_mapped(uint64_t start, uint64_t end) const;
    base::Result<uint64_t> choose_address(uint64_t length, uint64_t hint) const;
    base::Result<> insert(const Mapping& mapping);
    void remove(Mapping& mapping);
    void merge(uint64_t start, uint64_t end);
    void drop_pages(const Mapping& mapping, uint64_t start, uint64_t end);
    base::Result<> resolve_in(const Mapping& mapping, uint64_t page, Access access);
    base::Result<uint64_t> map_locked(const Request& request);

    mutable sched::SpinLock m_lock;
    Mapping* m_first = nullptr;
    uint64_t m_heap_start = 0;
    uint64_t m_break = 0;
    uint64_t m_resident = 0;
};

AddressSpace& address_space();

} // namespace memory
