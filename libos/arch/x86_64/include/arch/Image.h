#pragma once
// Where the libOS lies in the image: symbols of the linker script libos.ld. Contract header.

#include "arch/AsmOffsets.h"

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

} // namespace arch
