#pragma once
// Result<T>: what every fallible function of the host side returns.

#include <expected>
#include <string>
#include <utility>

namespace tracer {

/// One failure, told to a user: `message` is one sentence without a full stop, `hint` is what to do next (may be
/// empty).
struct Error {
    std::string message;
    std::string hint;
};

template <typename T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string message, std::string hint = {}) {
    return std::unexpected(Error{std::move(message), std::move(hint)});
}

/// "cannot open /x: No such file or directory" from an error number.
std::unexpected<Error> fail_errno(std::string what, int error_number, std::string hint = {});

} // namespace tracer

#ifndef TRY
/// Evaluates `expression`, a Result<T>; yields its T, or returns its error from the enclosing function.
#define TRY(expression)                                                                                                \
    ({                                                                                                                 \
        auto&& try_result = (expression);                                                                              \
        if (!try_result.has_value()) [[unlikely]]                                                                      \
            return std::unexpected(try_result.error());                                                                \
        *static_cast<decltype(try_result)&&>(try_result);                                                              \
    })
#endif
