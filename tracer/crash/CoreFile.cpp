#include "tracer/crash/CoreFile.h"

#include "tracer/crash/ElfFile.h"
#include "tracer/image/Image.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>

namespace crash {

using tracer::Result;

std::string CoreThreadState::name() const {
    std::string text(info.name, strnlen(info.name, sizeof(info.name)));
    return text.empty() ? fmt::format("thread {}", tid) : text;
}

template <typename T>
static std::vector<T> read_table(std::span<const uint8_t> descriptor) {
    std::vector<T> result;
    auto header = read_structure<wire::CoreTableHeader>(descriptor);
    if (descriptor.size() < sizeof(header) || header.entry_size < sizeof(T))
        return result;
    auto entries = descriptor.subspan(sizeof(header));
    for (uint32_t i = 0; i < header.count && entries.size() >= header.entry_size; ++i) {
        result.push_back(read_structure<T>(entries));
        entries = entries.subspan(header.entry_size);
    }
    return result;
}

void CoreFile::read_note(std::string_view name, uint32_t type, std::span<const uint8_t> descriptor) {
    if (name == "CORE" && type == wire::nt_prstatus && descriptor.size() >= sizeof(wire::CorePrStatus)) {
        auto status = read_structure<wire::CorePrStatus>(descriptor);
        CoreThreadState thread;
        thread.tid = static_cast<uint32_t>(status.pr_pid);
        thread.signal = status.pr_cursig;
        thread.registers = status.pr_reg;
        m_threads.push_back(thread);
        return;
    }
    if (name == "CORE" && type == wire::nt_prpsinfo && descriptor.size() >= sizeof(wire::CorePrPsInfo)) {
        auto info = read_structure<wire::CorePrPsInfo>(descriptor);
        m_command.assign(info.pr_psargs, strnlen(info.pr_psargs, sizeof(info.pr_psargs)));
        return;
    }
    if (name != wire::core_note_name)
        return;
    switch (static_cast<wire::CoreNote>(type)) {
    case wire::CoreNote::Reason: {
        CoreReason reason;
        reason.header = read_structure<wire::CoreReason>(descriptor);
        auto text = descriptor.subspan(std::min(sizeof(reason.header), descriptor.size()));
        text = text.first(std::min<size_t>(text.size(), reason.header.text_length));
        reason.text.assign(text.begin(), text.end());
        m_reason = std::move(reason);
        break;
    }
    case wire::CoreNote::Threads:
        m_thread_infos = read_table<wire::CoreThread>(descriptor);
        break;
    case wire::CoreNote::Rings:
        m_rings = read_table<wire::CoreRing>(descriptor);
        break;
    case wire::CoreNote::Cpus:
        m_cpus = read_table<wire::CoreCpu>(descriptor);
        break;
    case wire::CoreNote::Hello:
        if (descriptor.size() >= sizeof(wire::HelloMessage))
            m_hello = read_structure<wire::HelloMessage>(descriptor);
        break;
    }
}

void CoreFile::read_notes(std::span<const uint8_t> bytes) {
    visit_notes(bytes, [this](std::string_view name, uint32_t type, std::span<const uint8_t> descriptor) {
        read_note(name, type, descriptor);
    });
    for (auto& thread : m_threads) {
        auto info = std::ranges::find(m_thread_infos, thread.tid, &wire::CoreThread::tid);
        if (thread.has_info || info == m_thread_infos.end())
            continue;
        thread.info = *info;
        thread.has_info = true;
        info->tid = 0xffffffff; // idle threads of several CPUs may share tid 0
    }
}

Result<CoreFile> CoreFile::open(const std::filesystem::path& path) {
    auto elf = TRY(ElfFile::open(path));
    CoreFile core;
    core.m_path = path;
    core.m_mapping = elf.mapping;
    for (const auto& segment : elf.segments) {
        if (segment.type == PT_LOAD)
            core.m_segments.push_back({.address = segment.virtual_address,
                                       .size = segment.memory_size,
                                       .bytes = segment.bytes,
                                       .flags = segment.flags});
        else if (segment.type == PT_NOTE)
            core.read_notes(segment.bytes);
    }
    if (core.m_threads.empty())
        return tracer::fail(fmt::format("{} holds no threads", path.string()), "It may have been cut short.");
    std::ranges::sort(core.m_segments, {}, &CoreSegment::address);
    return core;
}

std::string CoreFile::build_id() const {
    return m_hello ? tracer::build_id_from_bytes(m_hello->build_id) : std::string();
}

bool CoreFile::read(uint64_t address, std::span<uint8_t> to) const {
    while (!to.empty()) {
        auto after = std::ranges::upper_bound(m_segments, address, {}, &CoreSegment::address);
        if (after == m_segments.begin())
            return false;
        const auto& segment = *(after - 1);
        uint64_t offset = address - segment.address;
        if (offset >= segment.size)
            return false;
        auto count = static_cast<size_t>(std::min<uint64_t>(to.size(), segment.size - offset));
        size_t in_file = offset < segment.bytes.size() ? std::min<size_t>(count, segment.bytes.size() - offset) : 0;
        if (in_file != 0)
            memcpy(to.data(), segment.bytes.data() + offset, in_file);
        memset(to.data() + in_file, 0, count - in_file);
        to = to.subspan(count);
        address += count;
    }
    return true;
}

} // namespace crash
