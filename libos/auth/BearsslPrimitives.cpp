#include "libos/auth/BearsslPrimitives.h"

#include <algorithm>

#include <bearssl_ec.h>

namespace auth {

namespace {

constexpr int curve = BR_EC_secp256r1;

const unsigned char* unsigned_bytes(const std::byte* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}

/// Between 1 and the order - 1. Looks at all bytes, whatever they are.
bool is_private_key(const Scalar& secret) {
    size_t length = 0;
    const unsigned char* order = br_ec_p256_m31.order(curve, &length);
    uint32_t borrow = 0;
    uint32_t any = 0;
    for (size_t i = secret.size(); i-- > 0;) {
        auto byte = std::to_integer<uint32_t>(secret[i]);
        borrow = (byte - order[i] - borrow) >> 31;
        any |= byte;
    }
    return length == secret.size() && borrow == 1 && any != 0;
}

} // namespace

base::Result<Point> BearsslPrimitives::public_key(const Scalar& secret) {
    if (!is_private_key(secret))
        return base::fail(base::Error::Range);
    Point point;
    size_t length = br_ec_p256_m31.mulgen(reinterpret_cast<unsigned char*>(point.data()), unsigned_bytes(secret.data()),
                                          secret.size(), curve);
    if (length != point.size())
        return base::fail(base::Error::Range);
    return point;
}

base::Result<Digest> BearsslPrimitives::agree(const Scalar& secret, const Point& peer_untrusted) {
    if (!is_private_key(secret))
        return base::fail(base::Error::Range);
    Point product = peer_untrusted;
    uint32_t is_on_curve = br_ec_p256_m31.mul(reinterpret_cast<unsigned char*>(product.data()), product.size(),
                                              unsigned_bytes(secret.data()), secret.size(), curve);
    if (is_on_curve != 1)
        return base::fail(base::Error::Invalid);
    size_t length = 0;
    size_t offset = br_ec_p256_m31.xoff(curve, &length);
    Digest shared;
    std::copy_n(product.begin() + static_cast<ptrdiff_t>(offset), shared.size(), shared.begin());
    wipe(product);
    return shared;
}

base::Result<> BearsslPrimitives::verify(const CompressedPoint& key_untrusted, const Digest& digest,
                                         const Signature& signature_untrusted) {
    Point key = TRY(decompress(key_untrusted));
    br_ec_public_key public_key{curve, reinterpret_cast<unsigned char*>(key.data()), key.size()};
    if (br_ecdsa_i31_vrfy_raw(&br_ec_p256_m31, digest.data(), digest.size(), &public_key, signature_untrusted.data(),
                              signature_untrusted.size()) != 1)
        return base::fail(base::Error::NotPermitted);
    return {};
}

} // namespace auth
