#pragma once
// Why an agent expression has no value. None of these harms anybody: the evaluation ends there.

#include <cstdint>
#include <expected>
#include <string_view>

namespace gdbstub::agent {

enum class Error : uint8_t {
    NoCode = 1,
    Truncated,
    UnknownOpcode,
    FloatingPoint,
    InvalidOpcode,
    BadOperand,
    StackOverflow,
    StackUnderflow,
    NoValue,
    DivisionByZero,
    JumpOutside,
    TooManyInstructions,
    UnreadableMemory,
    UnknownRegister,
    UnknownVariable,
    NoVariables,
    NoCollection,
    CollectionFull,
    NoPrinting,
    BadFormat,
    WrongArgumentCount,
    UnsupportedConversion,
    StringTooLong,
};

/// A sentence for people.
std::string_view describe(Error error);

template <typename T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Error error) {
    return std::unexpected(error);
}

} // namespace gdbstub::agent
