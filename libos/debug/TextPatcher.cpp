#include "libos/debug/TextPatcher.h"

#include <arch/CpuLocal.h>
#include <arch/CpuRequests.h>
#include <arch/Debug.h>
#include <arch/PageTable.h>
#include <cstring>

namespace debug {

namespace {
constinit TextPatcher g_text_patcher;
} // namespace

TextPatcher& text_patcher() {
    return g_text_patcher;
}

bool TextPatcher::store(uint64_t address, std::span<const uint8_t> bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
        auto page = arch::find_page(address + i);
        if (!page)
            return false;
        auto* byte = static_cast<volatile uint8_t*>(arch::direct_map(page->frame)) + ((address + i) & 4095);
        *byte = bytes[i];
    }
    return true;
}

TextPatcher::Site* TextPatcher::remember(const TextChange& change) {
    for (size_t i = 0; i < m_site_count; ++i) {
        if (m_sites[i].address == change.address)
            return &m_sites[i];
    }
    if (m_site_count == max_sites)
        return nullptr;
    Site& site = m_sites[m_site_count];
    site.address = change.address;
    site.size = change.size;
    for (size_t i = 0; i < change.size; ++i) {
        auto page = arch::find_page(change.address + i);
        if (!page)
            return nullptr;
        site.image[i] = static_cast<uint8_t*>(arch::direct_map(page->frame))[(change.address + i) & 4095];
    }
    ++m_site_count;
    return &site;
}

void TextPatcher::store_phase(std::span<const TextChange> changes, unsigned phase) {
    // Each phase twice: QEMU 7.2 loses about one store in a thousand to a translation block that runs at that moment,
    // and storing again is what heals it.
    int rounds = arch::cpu_count() == 1 ? 1 : 2;
    for (int round = 0; round < rounds; ++round) {
        for (const auto& change : changes) {
            // A breakpoint of the debugger stays on top; what lies below it changes.
            for (size_t i = 0; i < change.size; ++i) {
                bool first = i == 0;
                if ((phase == 1) == first)
                    continue;
                uint8_t byte = phase == 0 ? arch::breakpoint_instruction : change.bytes[i];
                if (phase == 0 && !first)
                    continue;
                bool covered = false;
                for (size_t b = 0; b < m_breakpoint_count; ++b) {
                    if (m_breakpoints[b].address == change.address + i) {
                        if (phase != 0)
                            m_breakpoints[b].saved = byte;
                        covered = true;
                    }
                }
                if (!covered)
                    store(change.address + i, {&byte, 1});
            }
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
        store_phase(changes, 1);
        store_phase(changes, 2);
        return {};
    }
    m_batch_size.store(changes.size(), std::memory_order_relaxed);
    m_batch.store(changes.data(), std::memory_order_release);
    store_phase(changes, 0); // breakpoint on each first byte
    store_phase(changes, 1); // the tails
    store_phase(changes, 2); // the first bytes
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

base::Result<> TextPatcher::insert_breakpoint(uint64_t address) {
    if (m_breakpoint_count == max_breakpoints)
        return base::fail(base::Error::NoSpace);
    auto page = arch::find_page(address);
    if (!page)
        return base::fail(base::Error::Fault);
    uint8_t saved = static_cast<uint8_t*>(arch::direct_map(page->frame))[address & 4095];
    m_breakpoints[m_breakpoint_count++] = {address, saved};
    store(address, {&arch::breakpoint_instruction, 1});
    return {};
}

base::Result<> TextPatcher::remove_breakpoint(uint64_t address) {
    for (size_t i = 0; i < m_breakpoint_count; ++i) {
        if (m_breakpoints[i].address != address)
            continue;
        uint8_t saved = m_breakpoints[i].saved;
        m_breakpoints[i] = m_breakpoints[--m_breakpoint_count];
        store(address, {&saved, 1}); // gone with its mapping, perhaps: then there is nothing to restore
        return {};
    }
    return base::fail(base::Error::NoEntry);
}

bool TextPatcher::has_breakpoint(uint64_t address) const {
    for (size_t i = 0; i < m_breakpoint_count; ++i) {
        if (m_breakpoints[i].address == address)
            return true;
    }
    return false;
}

void TextPatcher::hide_changes(uint64_t address, std::span<uint8_t> bytes) const {
    auto put = [&](uint64_t at, uint8_t byte) {
        if (at >= address && at - address < bytes.size())
            bytes[at - address] = byte;
    };
    for (size_t i = 0; i < m_breakpoint_count; ++i)
        put(m_breakpoints[i].address, m_breakpoints[i].saved);
    for (size_t i = 0; i < m_site_count; ++i) {
        for (size_t j = 0; j < m_sites[i].size; ++j)
            put(m_sites[i].address + j, m_sites[i].image[j]);
    }
}

bool TextPatcher::take_write(uint64_t address, uint8_t byte) {
    for (size_t i = 0; i < m_breakpoint_count; ++i) {
        if (m_breakpoints[i].address == address) {
            m_breakpoints[i].saved = byte;
            return false;
        }
    }
    return true;
}

} // namespace debug
