#pragma once
// The printf of agent expressions: gdb's `dprintf` and `agent-printf`.
//
// What gdb lets through: flags, width, precision; h, l, ll, z; d i u o x X c s p. The format has C's escapes as they
// stand in a source text. Floating-point numbers, wide strings and characters, and `*` are errors, and so are widths of
// more than `largest_width`: gdb then gets the breakpoint, and can do it itself.

#include <cstdint>
#include <span>
#include <string_view>

#include "gdbstub/agent/Budget.h"
#include "gdbstub/agent/Context.h"
#include "gdbstub/agent/Error.h"

namespace gdbstub::agent {

inline constexpr unsigned largest_width = 255;
/// A string without an end is an error, unless a precision says how much of it is wanted.
inline constexpr uint64_t longest_string = 1024;

/// `arguments` as they are on the stack: the first one is the last. The whole format is checked before anything is
/// printed; a string that cannot be read is found while it is, and nothing of the print comes out unless it is longer
/// than `largest_print`.
Result<> print_formatted(std::string_view format, std::span<const uint64_t> arguments, Context& context,
                         Budget& budget);

} // namespace gdbstub::agent
