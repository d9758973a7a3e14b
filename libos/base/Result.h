#pragma once
// Result<T>: what every fallible guest function returns. Guest code has no exceptions; an error is a value.
//
// The enumerators are Linux error numbers, because that is what an app sees when one of them leaves a system call;
// inside the guest they travel only as this type, never as a bare integer.
// Source of the numbers: include/uapi/asm-generic/errno-base.h and errno.h of Linux (the system call ABI).

#include <expected>

namespace base {

enum class Error : int {
    NotPermitted = 1,
    NoEntry = 2,
    NoSuchProcess = 3,
    Interrupted = 4,
    Io = 5,
    NoSuchDevice = 6,
    TooBig = 7,
    NoExec = 8,
    BadFile = 9,
    NoChild = 10,
    Again = 11,
    NoMemory = 12,
    Access = 13,
    Fault = 14,
    Busy = 16,
    Exists = 17,
    CrossDevice = 18,
    NoDevice = 19,
    NotDirectory = 20,
    IsDirectory = 21,
    Invalid = 22,
    TableFull = 23,
    TooManyFiles = 24,
    NotTerminal = 25,
    TextBusy = 26,
    FileTooBig = 27,
    NoSpace = 28,
    IllegalSeek = 29,
    ReadOnly = 30,
    BrokenPipe = 32,
    Domain = 33,
    Range = 34,
    Deadlock = 35,
    NameTooLong = 36,
    NoSystemCall = 38,
    NotEmpty = 39,
    Loop = 40,
    NoData = 61,
    Protocol = 71,
    Overflow = 75,
    NotSocket = 88,
    MessageTooLong = 90,
    NoProtocolOption = 92,
    ProtocolNotSupported = 93,
    SocketTypeNotSupported = 94,
    NotSupported = 95,
    AddressFamilyNotSupported = 97,
    AddressInUse = 98,
    AddressNotAvailable = 99,
    ConnectionReset = 104,
    NoBuffers = 105,
    IsConnected = 106,
    NotConnected = 107,
    TimedOut = 110,
    Already = 114,
    InProgress = 115,
};

template <typename T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Error e) {
    return std::unexpected(e);
}

} // namespace base

/// Evaluates `expression`, a Result<T>; yields its T, or returns its error from the enclosing function.
#define TRY(expression)                                                                                                \
    ({                                                                                                                 \
        auto&& try_result = (expression);                                                                              \
        if (!try_result.has_value()) [[unlikely]]                                                                      \
            return std::unexpected(try_result.error());                                                                \
        *static_cast<decltype(try_result)&&>(try_result);                                                              \
    })
