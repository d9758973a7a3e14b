#pragma once
// Which system calls a client wants to hear of (QCatchSyscalls).
//
// Written while packets are handled, read by any CPU in the running world. Whoever reads acts on a moment's answer, and
// a client changes it in the stopped world, which orders it: relaxed accesses do.

#include <array>
#include <atomic>
#include <cstdint>

namespace gdbstub {

class CaughtSystemCalls {
public:
    /// Larger numbers are caught with all of them only.
    static constexpr uint64_t number_limit = 1024;

    bool contains(uint64_t number) const {
        switch (m_which.load(std::memory_order_relaxed)) {
        case Which::None:
            return false;
        case Which::All:
            return true;
        case Which::Some:
            break;
        }
        return number < number_limit && (m_bits[number / 64].load(std::memory_order_relaxed) >> number % 64 & 1) != 0;
    }

    void clear() {
        m_which.store(Which::None, std::memory_order_relaxed);
        for (auto& bits : m_bits)
            bits.store(0, std::memory_order_relaxed);
    }
    void add_all() { m_which.store(Which::All, std::memory_order_relaxed); }
    /// After clear() or add().
    void add(uint64_t number) {
        m_bits[number / 64].fetch_or(uint64_t{1} << number % 64, std::memory_order_relaxed);
        m_which.store(Which::Some, std::memory_order_relaxed);
    }

private:
    enum class Which : uint8_t { None, Some, All };
    std::atomic<Which> m_which{Which::None};
    std::array<std::atomic<uint64_t>, number_limit / 64> m_bits{};
};

} // namespace gdbstub
