#pragma once
// What the machine answers to the stub: a value, or why not.

#include <expected>
#include <string_view>

#include "libos/base/Result.h"

namespace gdbstub {

/// Why a request cannot be met: the number becomes gdb's Exx reply; the sentence is what `monitor why` prints, and
/// what gdb 16 and later show at once. An empty sentence is allowed.
struct Refusal {
    base::Error error;
    std::string_view reason{};
};

template <typename T = void>
using Answer = std::expected<T, Refusal>;

inline std::unexpected<Refusal> refuse(base::Error error, std::string_view reason = {}) {
    return std::unexpected(Refusal{error, reason});
}

} // namespace gdbstub
