#pragma once
// Memory as the app sees it, for the stopped world: no fault, no lock, nothing touched but RAM. read_live() is for the
// running one.
//
// A page that is mapped but was never touched reads as zeros; a write, or a breakpoint, makes it present first.

#include <cstddef>
#include <cstdint>
#include <span>

namespace debug::guest_memory {

/// Bytes read from the start on.
size_t read(uint64_t address, std::span<uint8_t> out);
/// The same in the running world, in a thread.
size_t read_live(uint64_t address, std::span<uint8_t> out);
/// Any context: what is there, and no more.
size_t read_present(uint64_t address, std::span<uint8_t> out);
bool write(uint64_t address, uint8_t byte);
/// Mapped RAM, or a page that make_present() can have.
bool is_writable_by_debugger(uint64_t address);
/// Best effort.
void make_present(uint64_t address);

} // namespace debug::guest_memory
