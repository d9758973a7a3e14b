#pragma once
// SHA-256, HMAC and HKDF over it, by BearSSL.

#include "tracer/auth/Key.h"

#include <initializer_list>

namespace tracer {

using ByteSpan = std::span<const uint8_t>;

Digest sha256(std::initializer_list<ByteSpan> parts);
Digest hmac_sha256(ByteSpan key, std::initializer_list<ByteSpan> parts);
Digest hkdf_sha256(ByteSpan salt, ByteSpan secret, ByteSpan info);
bool equal_in_constant_time(ByteSpan a, ByteSpan b);

template <typename T>
ByteSpan span_of(const T& value) {
    return {reinterpret_cast<const uint8_t*>(&value), sizeof value};
}
inline ByteSpan span_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

} // namespace tracer
