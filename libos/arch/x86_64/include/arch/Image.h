#pragma once
// Where the libOS lies in the image: symbols of the linker script libos.ld. Contract header.

#include "arch/AsmOffsets.h"
#include "arch/CpuLocal.h"

#include <cstdint>

extern "C" {
[[gnu::visibility("hidden")]] extern const char __libos_start[];
[[gnu::visibility("hidden")]] extern const char __libos_text_end[];
[[gnu::visibility("hidden")]] extern const char __libos_rodata_end[];
[[gnu::visibility("hidden")]] extern const char __libos_end[];
/// The ELF header of the image; absent in a libOS linked without an app.
[[gnu::weak, gnu::visibility("hidden")]] extern const char __ehdr_start[];
}

namespace arch {

struct AddressRange {
    uint64_t start;
    uint64_t end;
    bool contains(uint64_t address) const { return address >= start && address < end; }
};

inline AddressRange libos_image() {
    return {reinterpret_cast<uint64_t>(__libos_start), reinterpret_cast<uint64_t>(__libos_end)};
}
inline AddressRange libos_text() {
    return {reinterpret_cast<uint64_t>(__libos_start), reinterpret_cast<uint64_t>(__libos_text_end)};
}
inline constexpr uint64_t libos_offset = KERNEL_OFFSET;

/// Behind the libOS, so that a 32-bit distance reaches the app's text and the libOS' from there: a page for each CPU
/// that the debugger executes instructions in (libos/debug/OutOfLine.h).
inline uint64_t slot_address(uint32_t cpu) {
    return libos_image().end + uint64_t{cpu} * 4096;
}
inline AddressRange slot_range() {
    return {slot_address(0), slot_address(max_cpus)};
}

} // namespace arch
