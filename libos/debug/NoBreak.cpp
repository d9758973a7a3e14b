#include "libos/debug/NoBreak.h"

#include <arch/Image.h>

extern "C" {
[[gnu::visibility("hidden")]] extern const char trap_entry_text_start[];
[[gnu::visibility("hidden")]] extern const char trap_entry_text_end[];
// libos/image/relocatable.ld
[[gnu::visibility("hidden")]] extern const char debugger_text_start[];
[[gnu::visibility("hidden")]] extern const char debugger_text_end[];
}

namespace debug {

namespace {

bool is_between(uint64_t address, const char* start, const char* end) {
    return address >= reinterpret_cast<uint64_t>(start) && address < reinterpret_cast<uint64_t>(end);
}

} // namespace

bool is_no_break(uint64_t address) {
    return is_between(address, trap_entry_text_start, trap_entry_text_end) ||
           is_between(address, debugger_text_start, debugger_text_end) || arch::slot_range().contains(address);
}

} // namespace debug
