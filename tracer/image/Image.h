#pragma once
// An ELF file as this project needs it: identity, whether it boots, and its sections' bytes.

#include "tracer/Result.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tracer {

/// The image's identity: the bytes of its .note.gnu.build-id, as lower-case hexadecimal digits.
using BuildId = std::string;

BuildId build_id_from_bytes(std::span<const uint8_t> bytes);

/// A section of the file; `bytes` points into the Image and is empty for one without contents in the file (.bss).
struct Section {
    std::string_view name;
    uint64_t address;
    uint64_t size;
    std::span<const uint8_t> bytes;
};

/// A symbol of .symtab, in the file's order.
struct Symbol {
    std::string_view name;
    uint64_t address;
    uint64_t size;
};

/// Owns a mapped ELF64 x86-64 file. Immutable after open, so any thread may read it.
class Image {
public:
    /// Fails in words when the file is missing, is no ELF, or is for another machine.
    static Result<Image> open(const std::filesystem::path& path);

    Image(Image&&) noexcept;
    Image& operator=(Image&&) noexcept;
    ~Image();

    const std::filesystem::path& path() const;
    /// Empty when the file was linked without --build-id.
    const BuildId& build_id() const;
    /// The PVH entry point (Xen note 18), physical: without one, no machine can boot this file.
    std::optional<uint64_t> pvh_entry() const;
    /// The address at which a Linux process starts.
    uint64_t entry() const;

    const std::vector<Section>& sections() const;
    const Section* find_section(std::string_view name) const;
    std::optional<Symbol> find_symbol(std::string_view name) const;

    /// Fails, with what to do, unless the file can boot as an instance and has a build id.
    Result<> check_bootable() const;

private:
    struct State;
    explicit Image(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

} // namespace tracer
