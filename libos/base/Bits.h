#pragma once
// Arithmetic on sizes, addresses and bit fields. Pure; callable from anywhere.

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace base {

template <std::unsigned_integral T>
constexpr bool is_power_of_two(T value) {
    return value != 0 && (value & (value - 1)) == 0; // std::has_single_bit would call libgcc's popcount
}

/// `alignment` is a power of two. Wraps around past the type's maximum: check untrusted values first.
template <std::unsigned_integral T>
constexpr T align_down(T value, std::type_identity_t<T> alignment) {
    return value & ~(alignment - 1);
}

template <std::unsigned_integral T>
constexpr T align_up(T value, std::type_identity_t<T> alignment) {
    return (value + alignment - 1) & ~(alignment - 1);
}

template <std::unsigned_integral T>
constexpr bool is_aligned(T value, std::type_identity_t<T> alignment) {
    return (value & (alignment - 1)) == 0;
}

/// True if [offset, offset + length) lies inside [0, size), without overflow. The check for untrusted lengths.
constexpr bool range_fits(uint64_t offset, uint64_t length, uint64_t size) {
    return offset <= size && length <= size - offset;
}

} // namespace base
