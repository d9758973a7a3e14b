// HandshakeDriver.h with arithmetic that only pretends: a signature is the digest twice.

#include "tests/fuzz/auth/HandshakeDriver.h"

namespace {

using namespace auth;

Signature pretended_signature(const Digest& digest) {
    Signature signature;
    std::copy(digest.begin(), digest.end(), signature.begin());
    std::copy(digest.begin(), digest.end(), signature.begin() + 32);
    return signature;
}

class PretendedPrimitives final : public Primitives {
public:
    base::Result<> random(std::span<std::byte> out) override {
        std::memset(out.data(), ++m_drawn, out.size());
        return {};
    }
    base::Result<Point> public_key(const Scalar& secret) override {
        Point point{};
        std::copy(secret.begin(), secret.end(), point.begin() + 1);
        return point;
    }
    base::Result<Digest> agree(const Scalar& secret, const Point& peer_untrusted) override {
        if (peer_untrusted[0] == std::byte{})
            return base::fail(base::Error::Invalid);
        return secret;
    }
    base::Result<> verify(const CompressedPoint&, const Digest& digest, const Signature& signature_untrusted) override {
        if (signature_untrusted != pretended_signature(digest))
            return base::fail(base::Error::NotPermitted);
        return {};
    }

private:
    uint8_t m_drawn = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    PretendedPrimitives primitives;
    Point ephemeral;
    ephemeral.fill(std::byte{4});
    // RFC 6979, A.2.5.
    test::FuzzHost host{primitives, "operator:A2D-1LolWp0xyWHrdMY1bWjASbiSO2H6bOZpYi5g8p-2:fuzz", ephemeral,
                        pretended_signature};
    test::Driver(host, {data, size}).run();
    return 0;
}
