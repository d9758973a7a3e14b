#pragma once
// Access to memory by addresses that the app gave in a system call.
//
// App and kernel share one address space, so an app address is checked (never the kernel's memory) and then touched;
// pages that are mapped but not present are faulted in; what cannot be is Error::Fault, not a crash. Thread context
// only, no SpinLock held: a fault takes the address space's lock.

#include "libos/base/Result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace memory {

/// An address as the app passed it; untrusted until one of the functions below has taken it.
using UserAddress = uint64_t;

base::Result<> copy_from_user(std::span<std::byte> to, UserAddress from);
base::Result<> copy_to_user(UserAddress to, std::span<const std::byte> from);

/// The length without the terminating 0; Error::NameTooLong when none is found in `buffer.size()` bytes.
base::Result<size_t> copy_string_from_user(std::span<char> buffer, UserAddress from);

template <typename T>
    requires std::is_trivially_copyable_v<T>
base::Result<T> read_user(UserAddress from) {
    T value;
    TRY(copy_from_user(std::as_writable_bytes(std::span(&value, 1)), from));
    return value;
}

template <typename T>
    requires std::is_trivially_copyable_v<T>
base::Result<> write_user(UserAddress to, const T& value) {
    return copy_to_user(to, std::as_bytes(std::span(&value, 1)));
}

} // namespace memory
