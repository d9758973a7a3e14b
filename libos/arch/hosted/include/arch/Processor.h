#pragma once
// Contract header for hosted unit tests.

#include <chrono>
#include <cstdint>

namespace arch {

inline void relax() {}

inline uint64_t timestamp() {
    return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

inline constexpr uint64_t page_size = 4096;

} // namespace arch
