#pragma once
// Symbolizer: from an address in an image to functions, files and lines, with what was inlined there.

#include "tracer/image/Image.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tracer {

/// One function at an address. Where something was inlined, an address has several.
struct SourceFrame {
    std::string function; ///< demangled; "0x401136" if the image does not know
    std::string file;     ///< absolute, as the compiler saw it; empty if not known
    uint32_t line = 0;    ///< 0 if not known
    bool is_inlined = false;
};

/// "main at shop.cpp:42", with the file's name alone; " (inlined)" where it was.
std::string to_string(const SourceFrame& frame);

/// Owns the image's debug information; reads it on demand and keeps each answer. Not thread-safe.
class Symbolizer {
public:
    /// The image whose build id is `build_id`, or any if that is empty: fails with both ids when they differ.
    static Result<Symbolizer> open(const std::filesystem::path& path, std::string_view build_id = {});

    Symbolizer(Symbolizer&&) noexcept;
    Symbolizer& operator=(Symbolizer&&) noexcept;
    ~Symbolizer();

    const Image& image() const;

    /// Innermost first; never empty. For a return address give the address before it.
    const std::vector<SourceFrame>& find(uint64_t address);
    /// The function itself at an address, not what was inlined into it.
    const std::string& function(uint64_t address) { return find(address).back().function; }

private:
    struct State;
    explicit Symbolizer(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

} // namespace tracer
