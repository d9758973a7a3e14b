#pragma once
// Seam below the handshake: random numbers, and arithmetic on the curve. BearsslPrimitives is the image's; tests and
// fuzz targets bring ones that are quick or predictable.

#include "libos/auth/PublicKey.h"

namespace auth {

class Primitives {
public:
    /// Unpredictable bytes. Error::NoData while there is not enough entropy. Any context; quick; takes no lock.
    virtual base::Result<> random(std::span<std::byte> out) = 0;

    // Milliseconds each, and up to 4 KiB of stack. Any context, but interrupts should be on; take no lock.

    /// The public key of a private one; Error::Range when `secret` is not between 1 and the curve's order - 1.
    virtual base::Result<Point> public_key(const Scalar& secret) = 0;
    /// ECDH (NIST SP 800-56A, 5.7.1.2): the x coordinate. Error::Invalid when `peer_untrusted` is no point of the
    /// curve.
    virtual base::Result<Digest> agree(const Scalar& secret, const Point& peer_untrusted) = 0;
    /// ECDSA (FIPS 186-4, 6.4) over a SHA-256 digest. Error::NotPermitted when the signature is not the key's.
    virtual base::Result<> verify(const CompressedPoint& key_untrusted, const Digest& digest,
                                  const Signature& signature_untrusted) = 0;

protected:
    constexpr Primitives() = default;
    ~Primitives() = default;
};

} // namespace auth
