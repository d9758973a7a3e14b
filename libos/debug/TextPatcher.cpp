#include "libos/debug/TextPatcher.h"

#include <algorithm>
#include <arch/CpuLocal.h>
#include <arch/CpuRequests.h>
#include <arch/Debug.h>
#include <arch/PageTable.h>
#include <cstring>
#include <new>

namespace debug {

namespace {
constinit TextPatcher g_text_patcher;
} // namespace

TextPatcher& text_patcher() {
    return g_text_patcher;
}

namespace {

/// Calls `visit(bytes where they can be written, offset, count)` for each page's part. False: a page is not mapped, and
/// those from it on were not visited.
template <typename Visit>
bool for_each_page(uint64_t address, size_t size, Visit visit) {
    for (size_t offset = 0; offset < size;) {
        auto page = arch::find_page(address + offset);
        if (!page)
            return false;
        size_t in_page = (address + offset) % arch::page_size;
        size_t count = std::min<size_t>(size - offset, arch::page_size - in_page);
        visit(static_cast<uint8_t*>(arch::direct_map(page->frame)) + in_page, offset, count);
        offset += count;
    }
    return true;
}

bool read(uint64_t address, std::span<uint8_t> out) {
    return for_each_page(address, out.size(), [&](const uint8_t* memory, size_t offset, size_t count) {
        std::memcpy(out.data() + offset, memory, count);
    });
}

} // namespace

bool TextPatcher::store(uint64_t address, std::span<const uint8_t> bytes) {
    return for_each_page(address, bytes.size(), [&](uint8_t* memory, size_t offset, size_t count) {
        std::memcpy(memory, bytes.data() + offset, count);
    });
}

base::Result<> TextPatcher::reserve_sites(size_t count) {
    auto* sites = new (std::nothrow) Site[count];
    if (sites == nullptr)
        return base::fail(base::Error::NoMemory);
    m_sites = {sites, count};
    return {};
}

TextPatcher::Site* TextPatcher::remember(const TextChange& change) {
    for (size_t i = 0; i < m_site_count; ++i) {
        if (m_sites[i].address == change.address)
            return &m_sites[i];
    }
    if (m_site_count == m_sites.size())
        return nullptr;
    Site& site = m_sites[m_site_count];
    site.address = change.address;
    site.size = change.size;
    if (!read(change.address, std::span(site.image).first(change.size)))
        return nullptr;
    ++m_site_count;
    return &site;
}

void TextPatcher::store_below_breakpoints(uint64_t address, std::span<const uint8_t> bytes, bool transient) {
    bool covered = false;
    for (auto& breakpoint : std::span(m_breakpoints).first(m_breakpoint_count)) {
        if (breakpoint.state == Breakpoint::State::Removed || breakpoint.address < address ||
            breakpoint.address - address >= bytes.size())
            continue;
        covered = true;
        if (!transient)
            breakpoint.saved = bytes[breakpoint.address - address];
    }
    if (!covered) {
        store(address, bytes);
        return;
    }
    for (size_t i = 0; i < bytes.size(); ++i) {
        if (!stops_at(address + i))
            store(address + i, bytes.subspan(i, 1));
    }
}

void TextPatcher::store_phase(std::span<const TextChange> changes, Phase phase) {
    // Each phase twice: QEMU 7.2 loses about one store in a thousand to a translation block that runs at that moment,
    // and storing again is what heals it.
    int rounds = phase == Phase::Whole ? 1 : 2;
    for (int round = 0; round < rounds; ++round) {
        for (const auto& change : changes) {
            auto bytes = std::span(change.bytes).first(change.size);
            if (phase == Phase::Breakpoint)
                store_below_breakpoints(change.address, {&arch::breakpoint_instruction, 1}, true);
            else if (phase == Phase::Tail)
                store_below_breakpoints(change.address + 1, bytes.subspan(1), false);
            else
                store_below_breakpoints(change.address, phase == Phase::Whole ? bytes : bytes.first(1), false);
        }
        arch::synchronize_instruction_streams();
    }
}

base::Result<> TextPatcher::change(std::span<const TextChange> changes) {
    sched::SpinLocker locker(m_lock);
    for (const auto& change : changes) {
        if (change.size == 0 || change.size > TextChange::max_size)
            return base::fail(base::Error::Invalid);
        if (remember(change) == nullptr)
            return base::fail(base::Error::NoSpace);
    }
    // release: a CPU that meets one of the breakpoints stored below finds the batch.
    if (arch::cpu_count() == 1) {
        // Nobody else runs it, and this CPU is here: whole, and once.
        store_phase(changes, Phase::Whole);
        return {};
    }
    m_batch_size.store(changes.size(), std::memory_order_relaxed);
    m_batch.store(changes.data(), std::memory_order_release);
    store_phase(changes, Phase::Breakpoint);
    store_phase(changes, Phase::Tail);
    store_phase(changes, Phase::FirstByte);
    // A CPU may have fetched the breakpoint before the last phase and come to its handler after it: all have
    // acknowledged, and a handler runs with interrupts off until it has looked, so none is left.
    m_batch.store(nullptr, std::memory_order_release);
    return {};
}

bool TextPatcher::resolve_transient(uint64_t address, uint64_t* continue_at) const {
    const TextChange* batch = m_batch.load(std::memory_order_acquire);
    size_t size = m_batch_size.load(std::memory_order_relaxed);
    for (size_t i = 0; batch != nullptr && i < size; ++i) {
        if (batch[i].address == address) {
            *continue_at = batch[i].continue_at;
            return true;
        }
    }
    return false;
}

TextPatcher::Breakpoint* TextPatcher::find(uint64_t address) {
    for (auto& breakpoint : std::span(m_breakpoints).first(m_breakpoint_count)) {
        if (breakpoint.address == address)
            return &breakpoint;
    }
    return nullptr;
}

void TextPatcher::erase(Breakpoint& breakpoint) {
    const auto& last = m_breakpoints[--m_breakpoint_count];
    breakpoint.address = last.address;
    breakpoint.state = last.state;
    breakpoint.saved = last.saved;
    breakpoint.lifted = last.lifted.load(std::memory_order_relaxed);
}

base::Result<> TextPatcher::insert_breakpoint(uint64_t address) {
    uint8_t saved = 0;
    if (!read(address, {&saved, 1}))
        return base::fail(base::Error::Fault);
    auto* breakpoint = find(address);
    if (breakpoint == nullptr && m_breakpoint_count == max_breakpoints) {
        auto removed = std::ranges::find(m_breakpoints, Breakpoint::State::Removed, &Breakpoint::state);
        if (removed == std::end(m_breakpoints))
            return base::fail(base::Error::NoSpace);
        erase(*removed);
    }
    if (breakpoint == nullptr)
        breakpoint = &m_breakpoints[m_breakpoint_count++];
    breakpoint->address = address;
    breakpoint->state = Breakpoint::State::Inserted;
    breakpoint->saved = saved;
    breakpoint->lifted = false;
    store(address, {&arch::breakpoint_instruction, 1});
    return {};
}

base::Result<> TextPatcher::remove_breakpoint(uint64_t address) {
    auto* breakpoint = find(address);
    if (breakpoint == nullptr || breakpoint->state != Breakpoint::State::Inserted)
        return base::fail(base::Error::NoEntry);
    breakpoint->state = Breakpoint::State::Removed;
    breakpoint->lifted = false;
    store(address, {&breakpoint->saved, 1}); // gone with its mapping, perhaps: then there is nothing to restore
    return {};
}

bool TextPatcher::has_breakpoint(uint64_t address) const {
    const auto* breakpoint = find(address);
    return breakpoint != nullptr && breakpoint->state == Breakpoint::State::Inserted;
}

bool TextPatcher::is_guard(uint64_t address) const {
    const auto* breakpoint = find(address);
    return breakpoint != nullptr && breakpoint->state == Breakpoint::State::Guard;
}

void TextPatcher::take_out_guards() {
    for (auto& breakpoint : std::span(m_breakpoints).first(m_breakpoint_count)) {
        if (breakpoint.state != Breakpoint::State::Guard)
            continue;
        breakpoint.state = Breakpoint::State::Removed;
        breakpoint.lifted = false;
        store(breakpoint.address, {&breakpoint.saved, 1});
    }
}

void TextPatcher::put_guards(gdbstub::FunctionRef<bool(uint64_t address)> needs_guard) {
    for (size_t i = m_breakpoint_count; i-- > 0;) {
        auto& breakpoint = m_breakpoints[i];
        if (breakpoint.state != Breakpoint::State::Removed)
            continue;
        // What lies there now: the debugger may have written meanwhile.
        if (!needs_guard(breakpoint.address) || !read(breakpoint.address, {&breakpoint.saved, 1})) {
            erase(breakpoint);
            continue;
        }
        breakpoint.state = Breakpoint::State::Guard;
        store(breakpoint.address, {&arch::breakpoint_instruction, 1});
    }
}

size_t TextPatcher::read_text(uint64_t address, std::span<uint8_t> out) const {
    size_t done = 0;
    for_each_page(address, out.size(), [&](const uint8_t* memory, size_t offset, size_t count) {
        std::memcpy(out.data() + offset, memory, count);
        done = offset + count;
    });
    for (const auto& breakpoint : std::span(m_breakpoints).first(m_breakpoint_count)) {
        if (breakpoint.state != Breakpoint::State::Removed && breakpoint.address >= address &&
            breakpoint.address - address < done)
            out[breakpoint.address - address] = breakpoint.saved;
    }
    return done;
}

void TextPatcher::lift_breakpoint(uint64_t address) {
    auto* breakpoint = find(address);
    if (breakpoint == nullptr || breakpoint->state == Breakpoint::State::Removed)
        return;
    store(address, {&breakpoint->saved, 1});
    breakpoint->lifted.store(true, std::memory_order_release);
}

void TextPatcher::put_back_lifted() {
    for (auto& breakpoint : std::span(m_breakpoints).first(m_breakpoint_count)) {
        if (breakpoint.lifted.exchange(false, std::memory_order_acquire))
            store(breakpoint.address, {&arch::breakpoint_instruction, 1});
    }
}

void TextPatcher::hide_changes(uint64_t address, std::span<uint8_t> bytes) const {
    auto put = [&](uint64_t at, uint8_t byte) {
        if (at >= address && at - address < bytes.size())
            bytes[at - address] = byte;
    };
    for (const auto& breakpoint : std::span(m_breakpoints).first(m_breakpoint_count)) {
        if (breakpoint.state != Breakpoint::State::Removed)
            put(breakpoint.address, breakpoint.saved);
    }
    for (size_t i = 0; i < m_site_count; ++i) {
        for (size_t j = 0; j < m_sites[i].size; ++j)
            put(m_sites[i].address + j, m_sites[i].image[j]);
    }
}

bool TextPatcher::take_write(uint64_t address, uint8_t byte) {
    auto* breakpoint = find(address);
    if (breakpoint == nullptr || breakpoint->state == Breakpoint::State::Removed)
        return true;
    breakpoint->saved = byte;
    return false;
}

} // namespace debug
