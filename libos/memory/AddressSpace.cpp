#include "libos/memory/AddressSpace.h"

#include "libos/base/Assert.h"
#include "libos/base/Bits.h"
#include "libos/base/Text.h"
#include "libos/memory/FileView.h"
#include "libos/memory/PhysicalMemory.h"

#include <arch/PageTable.h>
#include <arch/Processor.h>
#include <arch/TlbShootdown.h>
#include <cstring>
#include <new>

namespace memory {

namespace {

constexpr uint64_t page = arch::page_size;
constexpr uint64_t lowest_address = 0x10000; // NULL and its neighbourhood stay unmapped
constexpr uint64_t search_top = 0x00007ff000000000;

constinit AddressSpace g_address_space;

bool is_app_range(uint64_t start, uint64_t length) {
    return start >= lowest_address && base::range_fits(start, length, arch::app_end);
}

} // namespace

AddressSpace& address_space() {
    return g_address_space;
}

/// Frames on their way back to the allocator: first every CPU forgets them, then they are freed. Any number may pass
/// through.
class AddressSpace::FrameBatch {
public:
    ~FrameBatch() { flush(); }
    void add(PhysicalAddress frame) {
        if (m_count == capacity)
            flush();
        m_frames[m_count++] = frame;
    }
    void require_flush() { m_flush = true; }
    void flush() {
        if (m_count != 0 || m_flush)
            arch::shoot_down_tlbs();
        for (size_t i = 0; i < m_count; ++i)
            physical_memory().free_page(m_frames[i]);
        m_count = 0;
        m_flush = false;
    }

private:
    static constexpr size_t capacity = 128;
    PhysicalAddress m_frames[capacity];
    size_t m_count = 0;
    bool m_flush = false;
};

Mapping* AddressSpace::find(uint64_t address) const {
    for (Mapping* m = m_first; m != nullptr && m->start <= address; m = m->next) {
        if (address < m->end)
            return m;
    }
    return nullptr;
}

bool AddressSpace::reads_as_zeros(uint64_t address) const {
    sched::SpinLocker locker(m_lock);
    const Mapping* mapping = find(address);
    return mapping != nullptr && mapping->view == nullptr && !mapping->fixed_frames;
}

const Mapping* AddressSpace::find_unlocked(uint64_t address) const {
    return m_lock.is_held() ? nullptr : find(address);
}

bool AddressSpace::range_is_free(uint64_t start, uint64_t end) const {
    for (Mapping* m = m_first; m != nullptr && m->start < end; m = m->next) {
        if (m->end > start)
            return false;
    }
    return true;
}

bool AddressSpace::range_is_mapped(uint64_t start, uint64_t end) const {
    for (Mapping* m = m_first; m != nullptr && start < end; m = m->next) {
        if (m->end <= start)
            continue;
        if (m->start > start)
            return false;
        start = m->end;
    }
    return start >= end;
}

base::Result<uint64_t> AddressSpace::choose_address(uint64_t length, uint64_t hint) const {
    hint = base::align_down(hint, page);
    if (hint != 0 && is_app_range(hint, length) && range_is_free(hint, hint + length))
        return hint;
    // The highest gap below search_top that is large enough.
    uint64_t best = 0;
    uint64_t gap_start = lowest_address;
    for (Mapping* m = m_first;; m = m->next) {
        uint64_t gap_end = m != nullptr && m->start < search_top ? m->start : search_top;
        if (gap_end > gap_start && gap_end - gap_start >= length)
            best = gap_end - length;
        if (m == nullptr || m->start >= search_top)
            break;
        gap_start = m->end;
    }
    if (best == 0)
        return base::fail(base::Error::NoMemory);
    return best;
}

base::Result<> AddressSpace::insert(const Mapping& mapping) {
    auto* record = new (std::nothrow) Mapping(mapping);
    if (record == nullptr)
        return base::fail(base::Error::NoMemory);
    Mapping** link = &m_first;
    while (*link != nullptr && (*link)->start < mapping.start)
        link = &(*link)->next;
    record->next = *link;
    *link = record;
    return {};
}

void AddressSpace::remove(Mapping& mapping) {
    for (Mapping** link = &m_first; *link != nullptr; link = &(*link)->next) {
        if (*link != &mapping)
            continue;
        *link = mapping.next;
        if (mapping.view != nullptr && mapping.view->release())
            delete mapping.view;
        delete &mapping;
        return;
    }
}

base::Result<> AddressSpace::split_at(uint64_t address) {
    Mapping* m = find(address);
    if (m == nullptr || m->start == address)
        return {};
    Mapping upper = *m;
    upper.start = address;
    upper.offset += address - m->start;
    uint64_t old_end = m->end;
    m->end = address;
    if (auto inserted = insert(upper); !inserted) {
        m->end = old_end;
        return inserted;
    }
    if (upper.view != nullptr)
        upper.view->reference();
    return {};
}

base::Result<> AddressSpace::isolate(uint64_t start, uint64_t end) {
    TRY(split_at(start));
    return split_at(end);
}

void AddressSpace::merge(uint64_t start, uint64_t end) {
    for (Mapping* m = m_first; m != nullptr && m->start <= end;) {
        Mapping* next = m->next;
        bool joins = next != nullptr && m->end >= start && m->end == next->start && m->protection == next->protection &&
                     m->shared == next->shared && m->fixed_frames == next->fixed_frames && m->view == next->view &&
                     m->label == next->label && !next->grows_down &&
                     (m->view == nullptr || m->offset + (m->end - m->start) == next->offset);
        if (!joins) {
            m = next;
            continue;
        }
        uint64_t joined_end = next->end;
        remove(*next);
        m->end = joined_end;
    }
}

void AddressSpace::drop_pages(const Mapping& mapping, uint64_t start, uint64_t end) {
    FrameBatch batch;
    for (uint64_t address = start; (address = arch::next_mapped_candidate(address, end)) < end; address += page) {
        auto old = arch::unmap_page(address);
        if (!old)
            continue;
        --m_resident;
        if (old->flags.borrowed || mapping.fixed_frames)
            batch.require_flush();
        else
            batch.add(old->frame);
    }
}

base::Result<> AddressSpace::clear_range(uint64_t start, uint64_t end) {
    TRY(isolate(start, end));
    for (Mapping* m = m_first; m != nullptr && m->start < end;) {
        Mapping* next = m->next;
        if (m->start >= start) {
            drop_pages(*m, m->start, m->end);
            remove(*m);
        }
        m = next;
    }
    return {};
}

base::Result<uint64_t> AddressSpace::map_locked(const Request& request) {
    uint64_t length = base::align_up(request.length, page);
    if (request.length == 0 || length < request.length)
        return base::fail(request.length == 0 ? base::Error::Invalid : base::Error::NoMemory);
    if (request.protection.write && request.protection.execute)
        return base::fail(base::Error::Access); // W^X
    uint64_t address = request.address;
    if (request.fixed) {
        if (!base::is_aligned(address, page))
            return base::fail(base::Error::Invalid);
        if (!is_app_range(address, length))
            return base::fail(base::Error::NoMemory);
        if (!range_is_free(address, address + length)) {
            if (!request.replace)
                return base::fail(base::Error::Exists);
            for (Mapping* m = m_first; m != nullptr && m->start < address + length; m = m->next) {
                if (m->end > address && m->label[0] == '{') // the libOS itself
                    return base::fail(base::Error::NoMemory);
            }
            TRY(clear_range(address, address + length));
        }
    } else {
        address = TRY(choose_address(length, address));
    }
    Mapping mapping;
    mapping.start = address;
    mapping.end = address + length;
    mapping.protection = request.protection;
    mapping.shared = request.shared;
    mapping.grows_down = request.grows_down;
    mapping.label = request.label;
    mapping.offset = request.offset;
    if (request.inode != nullptr) {
        mapping.view = FileView::create(*request.inode, request.offset / page, length / page, request.name);
        if (mapping.view == nullptr)
            return base::fail(base::Error::NoMemory);
    }
    if (auto inserted = insert(mapping); !inserted) {
        if (mapping.view != nullptr && mapping.view->release())
            delete mapping.view;
        return base::fail(inserted.error());
    }
    if (request.populate) {
        for (uint64_t at = address; at < address + length; at += page) {
            if (!resolve_in(mapping, at, request.protection.write ? Access::Write : Access::Read))
                break; // MAP_POPULATE is best effort
        }
    }
    if (mapping.view == nullptr)
        merge(address, address + length);
    return address;
}

base::Result<uint64_t> AddressSpace::map(const Request& request) {
    sched::SpinLocker locker(m_lock);
    return map_locked(request);
}

base::Result<> AddressSpace::unmap(uint64_t address, uint64_t length) {
    length = base::align_up(length, page);
    if (!base::is_aligned(address, page) || length == 0 || !base::range_fits(address, length, arch::app_end))
        return base::fail(base::Error::Invalid);
    sched::SpinLocker locker(m_lock);
    for (Mapping* m = m_first; m != nullptr && m->start < address + length; m = m->next) {
        if (m->end > address && m->label[0] == '{')
            return base::fail(base::Error::Invalid);
    }
    return clear_range(address, address + length);
}

base::Result<> AddressSpace::protect(uint64_t address, uint64_t length, Protection protection) {
    uint64_t end = base::align_up(address + length, page);
    if (!base::is_aligned(address, page))
        return base::fail(base::Error::Invalid);
    if (length == 0)
        return {};
    if (!base::range_fits(address, end - address, arch::app_end))
        return base::fail(base::Error::NoMemory);
    if (protection.write && protection.execute)
        return base::fail(base::Error::Access); // W^X
    sched::SpinLocker locker(m_lock);
    if (!range_is_mapped(address, end))
        return base::fail(base::Error::NoMemory);
    TRY(isolate(address, end));
    bool changed = false;
    for (Mapping* m = m_first; m != nullptr && m->start < end; m = m->next) {
        if (m->start < address)
            continue;
        if (m->label[0] == '{')
            return base::fail(base::Error::Access);
        m->protection = protection;
        for (uint64_t at = m->start; (at = arch::next_mapped_candidate(at, m->end)) < m->end; at += page) {
            auto old = arch::find_page(at);
            if (!old)
                continue;
            arch::PageFlags flags = old->flags;
            flags.readable = protection.read || protection.write || protection.execute;
            flags.executable = protection.execute;
            // A borrowed frame of a private mapping must be copied first: stays read-only until the write fault.
            flags.writable = protection.write && (!old->flags.borrowed || m->shared);
            arch::change_page(at, old->frame, flags);
            changed = true;
        }
    }
    if (changed)
        arch::shoot_down_tlbs();
    merge(address, end);
    return {};
}

base::Result<> AddressSpace::discard(uint64_t address, uint64_t length) {
    uint64_t end = base::align_up(address + length, page);
    if (!base::is_aligned(address, page) || !base::range_fits(address, end - address, arch::app_end))
        return base::fail(base::Error::Invalid);
    sched::SpinLocker locker(m_lock);
    if (!range_is_mapped(address, end))
        return base::fail(base::Error::NoMemory);
    for (Mapping* m = m_first; m != nullptr && m->start < end; m = m->next) {
        if (m->end <= address || m->fixed_frames)
            continue;
        drop_pages(*m, m->start > address ? m->start : address, m->end < end ? m->end : end);
    }
    return {};
}

base::Result<uint64_t> AddressSpace::remap(uint64_t address, uint64_t old_length, uint64_t new_length, bool may_move,
                                           bool fixed, uint64_t new_address) {
    old_length = base::align_up(old_length, page);
    new_length = base::align_up(new_length, page);
    if (!base::is_aligned(address, page) || new_length == 0 || old_length == 0)
        return base::fail(base::Error::Invalid);
    sched::SpinLocker locker(m_lock);
    Mapping* m = find(address);
    if (m == nullptr || address + old_length > m->end || m->fixed_frames)
        return base::fail(base::Error::Fault);
    if (!fixed) {
        if (new_length <= old_length) {
            if (new_length < old_length)
                TRY(clear_range(address + new_length, address + old_length));
            return address;
        }
        if (address + old_length == m->end && m->view == nullptr && is_app_range(address, new_length) &&
            range_is_free(m->end, address + new_length)) {
            m->end = address + new_length;
            return address;
        }
        if (!may_move)
            return base::fail(base::Error::NoMemory);
        new_address = TRY(choose_address(new_length, 0));
    } else {
        if (!base::is_aligned(new_address, page) || !is_app_range(new_address, new_length) ||
            (new_address < address + old_length && address < new_address + new_length))
            return base::fail(base::Error::Invalid);
        TRY(clear_range(new_address, new_address + new_length));
    }
    TRY(isolate(address, address + old_length));
    m = find(address);
    if (m->view != nullptr && new_length > old_length)
        return base::fail(base::Error::NotSupported); // growing a file mapping: see docs/limits.md
    Mapping moved = *m;
    moved.start = new_address;
    moved.end = new_address + new_length;
    if (moved.view != nullptr)
        moved.view->reference();
    if (auto inserted = insert(moved); !inserted) {
        if (moved.view != nullptr && moved.view->release())
            delete moved.view;
        return base::fail(inserted.error());
    }
    uint64_t kept = old_length < new_length ? old_length : new_length;
    for (uint64_t at = address; (at = arch::next_mapped_candidate(at, address + kept)) < address + kept; at += page) {
        auto old = arch::unmap_page(at);
        if (!old)
            continue;
        if (!arch::map_page(new_address + (at - address), old->frame, old->flags)) {
            // No table could be had: the page's contents would be lost, so this ends the app's request and the page
            // stays.
            (void)arch::map_page(at, old->frame, old->flags);
            return base::fail(base::Error::NoMemory);
        }
    }
    arch::shoot_down_tlbs();
    TRY(clear_range(address, address + old_length));
    return new_address;
}

void AddressSpace::set_heap_start(uint64_t address) {
    m_heap_start = m_break = address;
}

uint64_t AddressSpace::set_break(uint64_t address) {
    sched::SpinLocker locker(m_lock);
    if (address < m_heap_start)
        return m_break;
    uint64_t old_end = base::align_up(m_break, page);
    uint64_t new_end = base::align_up(address, page);
    if (new_end > old_end) {
        Request request{.address = old_end,
                        .length = new_end - old_end,
                        .protection = {.read = true, .write = true},
                        .fixed = true,
                        .label = "[heap]"};
        if (!map_locked(request))
            return m_break;
    } else if (new_end < old_end) {
        if (!clear_range(new_end, old_end))
            return m_break;
    }
    m_break = address;
    return m_break;
}

base::Result<> AddressSpace::adopt(uint64_t start, uint64_t end, Protection protection, uint64_t physical,
                                   const char* label) {
    sched::SpinLocker locker(m_lock);
    for (uint64_t at = start; at < end; at += page)
        TRY(arch::map_page(at, physical + (at - start),
                           {.writable = protection.write, .executable = protection.execute, .borrowed = false}));
    m_resident += (end - start) / page;
    Mapping mapping;
    mapping.start = start;
    mapping.end = end;
    mapping.protection = protection;
    mapping.fixed_frames = true;
    mapping.label = label;
    return insert(mapping);
}

base::Result<> AddressSpace::reserve(uint64_t start, uint64_t end, const char* label) {
    sched::SpinLocker locker(m_lock);
    Mapping mapping;
    mapping.start = start;
    mapping.end = end;
    mapping.fixed_frames = true;
    mapping.label = label;
    return insert(mapping);
}

void AddressSpace::print_maps(base::TextBuilder& text) const {
    sched::SpinLocker locker(m_lock);
    for (const Mapping* m = m_first; m != nullptr; m = m->next) {
        text.hex(m->start, 8).put('-').hex(m->end, 8).put(' ');
        text.put(m->protection.read ? 'r' : '-').put(m->protection.write ? 'w' : '-');
        text.put(m->protection.execute ? 'x' : '-').put(m->shared ? 's' : 'p').put(' ');
        text.hex(m->offset, 8).put(" 00:00 ");
        text.unsigned_decimal(m->view != nullptr ? m->view->inode().number() : 0);
        if (const char* name = m->view != nullptr ? m->view->name() : m->label; name[0] != 0)
            text.put("                    ").put(name);
        text.put('\n');
    }
}

void AddressSpace::for_each_mapping(void (*visit)(const Mapping&, const char* name)) const {
    sched::SpinLocker locker(m_lock);
    for (const Mapping* m = m_first; m != nullptr; m = m->next)
        visit(*m, m->view != nullptr ? m->view->name() : m->label);
}

void AddressSpace::release_all() {
    sched::SpinLocker locker(m_lock);
    while (m_first != nullptr) {
        drop_pages(*m_first, m_first->start, m_first->end);
        remove(*m_first);
    }
}

uint64_t AddressSpace::mapped_bytes() const {
    sched::SpinLocker locker(m_lock);
    uint64_t sum = 0;
    for (const Mapping* m = m_first; m != nullptr; m = m->next)
        sum += m->end - m->start;
    return sum;
}

} // namespace memory
