#pragma once
// The registers that unwinding needs, by their DWARF numbers (of x86-64), and the memory that it reads.

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace tracer {

/// Fills `to` from `address` on; false if any of it is not there.
using MemoryReader = std::function<bool(uint64_t address, std::span<uint8_t> to)>;

inline std::optional<uint64_t> read_word(const MemoryReader& memory, uint64_t address) {
    uint64_t word = 0;
    if (!memory(address, {reinterpret_cast<uint8_t*>(&word), sizeof(word)}))
        return std::nullopt;
    return word;
}

/// General registers by DWARF number (System V ABI for x86-64, §3.7.2), the return address as pc.
struct UnwindRegisters {
    static constexpr size_t frame_pointer = 6;
    static constexpr size_t stack_pointer = 7;
    static constexpr size_t return_address = 16;
    static constexpr size_t count = 17;
    std::array<uint64_t, count> value{};

    uint64_t pc() const { return value[return_address]; }
    uint64_t sp() const { return value[stack_pointer]; }
};

} // namespace tracer
