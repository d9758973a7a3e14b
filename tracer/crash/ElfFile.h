#pragma once
// The program headers of an ELF64 x86-64 core, checked, and its notes: what crash files and QEMU's dumps share.

#include "tracer/Result.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace crash {

struct ElfSegment {
    uint32_t type = 0;
    uint32_t flags = 0;
    uint64_t virtual_address = 0;
    uint64_t physical_address = 0;
    uint64_t memory_size = 0;
    std::span<const uint8_t> bytes;
};

/// A mapped core file.
struct ElfFile {
    std::shared_ptr<const void> mapping;
    std::vector<ElfSegment> segments;

    /// Segments that reach beyond the file are cut where it ends. Fails in words if it is no core for x86-64.
    static tracer::Result<ElfFile> open(const std::filesystem::path& path);
};

/// The structure at the front of `bytes`; zeros where they are too few.
template <typename T>
T read_structure(std::span<const uint8_t> bytes) {
    T value{};
    memcpy(&value, bytes.data(), std::min(sizeof(T), bytes.size()));
    return value;
}

/// Calls `visit` with name, type and descriptor of each note that lies whole in `bytes`.
void visit_notes(std::span<const uint8_t> bytes,
                 const std::function<void(std::string_view, uint32_t, std::span<const uint8_t>)>& visit);

} // namespace crash
