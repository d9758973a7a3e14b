#include "libos/debug/NoBreak.h"

#include <arch/Image.h>

extern "C" {
[[gnu::visibility("hidden")]] extern const char trap_entry_text_start[];
[[gnu::visibility("hidden")]] extern const char trap_entry_text_end[];
}

namespace debug {

bool is_no_break(uint64_t address) {
    return address >= reinterpret_cast<uint64_t>(trap_entry_text_start) &&
           address < reinterpret_cast<uint64_t>(trap_entry_text_end);
}

} // namespace debug
