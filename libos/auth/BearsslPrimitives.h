#pragma once
// The handshake's arithmetic by BearSSL, in a time that does not depend on secrets, and its random numbers by a
// RandomPool.

#include "libos/auth/Primitives.h"
#include "libos/auth/RandomPool.h"

namespace auth {

class BearsslPrimitives final : public Primitives {
public:
    /// `pool` lives as long.
    constexpr explicit BearsslPrimitives(RandomPool& pool)
        : m_pool(pool) {}

    base::Result<> random(std::span<std::byte> out) override { return m_pool.fill(out); }
    base::Result<Point> public_key(const Scalar& secret) override;
    base::Result<Digest> agree(const Scalar& secret, const Point& peer_untrusted) override;
    base::Result<> verify(const CompressedPoint& key_untrusted, const Digest& digest,
                          const Signature& signature_untrusted) override;

private:
    RandomPool& m_pool;
};

} // namespace auth
