#pragma once
// Keys of people: ECDSA on P-256 (docs/control-protocol.md, "Keys"), by BearSSL.

#include "probes/wire/Handshake.h"
#include "tracer/Result.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tracer {

using KeyId = std::array<uint8_t, wire::key_id_size>;
using Digest = std::array<uint8_t, 32>;
using Signature = std::array<uint8_t, wire::signature_size>;
using Point = std::array<uint8_t, wire::point_size>;
using CompressedPoint = std::array<uint8_t, wire::compressed_point_size>;

std::string_view name_of(wire::Role role);
Result<wire::Role> parse_role(std::string_view text);
std::string_view name_of(wire::ChannelKind channel);

/// RFC 4648, section 5, without padding.
std::string encode_base64url(std::span<const uint8_t> bytes);
/// Fills exactly `out`; false for any other text.
bool decode_base64url(std::string_view text, std::span<uint8_t> out);

/// Random bytes of the operating system.
Result<> fill_random(std::span<uint8_t> out);

class PublicKey {
public:
    PublicKey() = default;
    explicit PublicKey(const CompressedPoint& point)
        : m_point(point) {}
    /// The text form: base64url of the compressed point. The point itself is checked by whoever computes with it.
    static Result<PublicKey> parse(std::string_view text);

    std::string text() const { return encode_base64url(m_point); }
    KeyId id() const;
    /// The id as people see it: hexadecimal.
    std::string id_text() const;
    bool operator==(const PublicKey&) const = default;

private:
    CompressedPoint m_point{};
};

/// A secret: not copied, and wiped at its end.
class PrivateKey {
public:
    using Scalar = std::array<uint8_t, 32>;

    static Result<PrivateKey> make();
    /// Fails when it is not between 1 and the curve's order - 1.
    static Result<PrivateKey> from_scalar(const Scalar& scalar);
    PrivateKey(PrivateKey&& other) noexcept;
    PrivateKey& operator=(PrivateKey&&) = delete;
    ~PrivateKey();

    const Scalar& scalar() const { return m_scalar; }
    const Point& point() const { return m_point; }
    PublicKey public_key() const;
    /// ECDSA over a SHA-256 digest, deterministic (RFC 6979).
    Signature sign(const Digest& digest) const;
    /// ECDH: the x coordinate. Fails when `peer` is no point of the curve.
    Result<Digest> agree(const Point& peer_untrusted) const;

private:
    PrivateKey() = default;
    Scalar m_scalar{};
    Point m_point{};
};

} // namespace tracer
