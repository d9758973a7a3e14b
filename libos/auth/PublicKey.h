#pragma once
// Public keys on P-256 (NIST FIPS 186-4, D.1.2.3): ECDSA keys of people, and ephemeral ECDH keys.

#include "libos/auth/Hash.h"
#include "libos/base/Result.h"
#include "probes/wire/Handshake.h"

#include <array>
#include <cstddef>

namespace auth {

/// 04, x, y. May be no point of the curve: who computes with it checks that.
using Point = std::array<std::byte, wire::point_size>;
/// 02 or 03 by the parity of y, x.
using CompressedPoint = std::array<std::byte, wire::compressed_point_size>;
using KeyId = std::array<std::byte, wire::key_id_size>;
using Signature = std::array<std::byte, wire::signature_size>;
/// A number between 1 and the curve's order - 1, big-endian.
using Scalar = std::array<std::byte, 32>;

/// Of 65 bytes that begin with 04. Copies; checks nothing else.
CompressedPoint compress(const Point& point);
/// Error::Invalid when the curve has no such point. About as dear as a fifth of a signature's verification.
base::Result<Point> decompress(const CompressedPoint& point_untrusted);

/// By which a key is named: the beginning of SHA-256 of its compressed form.
KeyId id_of(const CompressedPoint& key);

} // namespace auth
