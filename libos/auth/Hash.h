#pragma once
// SHA-256, HMAC and HKDF over it, by BearSSL. Any context; no heap; a few hundred bytes of stack.

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace auth {

using Bytes = std::span<const std::byte>;
using Digest = std::array<std::byte, 32>;

inline Bytes bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

/// SHA-256 (FIPS 180-4) of the parts, one behind the other.
Digest sha256(std::initializer_list<Bytes> parts);

/// HMAC-SHA256 (RFC 2104) of the parts, one behind the other.
Digest hmac_sha256(Bytes key, std::initializer_list<Bytes> parts);

/// HKDF-SHA256 (RFC 5869): fills `out`, at most 255 * 32 bytes.
void hkdf_sha256(Bytes salt, Bytes secret, Bytes info, std::span<std::byte> out);

/// Whether two byte strings of one length are the same, in a time that does not depend on where they differ.
bool equal_in_constant_time(Bytes a, Bytes b);

/// Overwrites a secret in a way that the compiler does not leave out.
void wipe(std::span<std::byte> secret);

} // namespace auth
