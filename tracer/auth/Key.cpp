#include "tracer/auth/Key.h"

#include "tracer/auth/Hash.h"

#include <bearssl.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tracer {

namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const br_ec_impl& curve_arithmetic() {
    return *br_ec_get_default();
}

} // namespace

std::string_view name_of(wire::Role role) {
    switch (role) {
    case wire::Role::Tracer:
        return "tracer";
    case wire::Role::Observer:
        return "observer";
    case wire::Role::Operator:
        return "operator";
    case wire::Role::None:
        break;
    }
    return "nobody";
}

Result<wire::Role> parse_role(std::string_view text) {
    for (const wire::Role role : {wire::Role::Tracer, wire::Role::Observer, wire::Role::Operator})
        if (text == name_of(role))
            return role;
    return fail(fmt::format("there is no role `{}`", text), "The roles are tracer, observer and operator.");
}

std::string_view name_of(wire::ChannelKind channel) {
    switch (channel) {
    case wire::ChannelKind::Console:
        return "console";
    case wire::ChannelKind::Gdb:
        return "gdb";
    case wire::ChannelKind::Control:
        return "control";
    case wire::ChannelKind::Trace:
        return "trace";
    case wire::ChannelKind::Crash:
        return "crash";
    }
    return "unknown";
}

std::string encode_base64url(std::span<const uint8_t> bytes) {
    std::string text;
    uint32_t bits = 0;
    unsigned count = 0;
    for (const uint8_t byte : bytes) {
        bits = bits << 8 | byte;
        count += 8;
        while (count >= 6) {
            count -= 6;
            text += digits[bits >> count & 63];
        }
    }
    if (count > 0)
        text += digits[bits << (6 - count) & 63];
    return text;
}

bool decode_base64url(std::string_view text, std::span<uint8_t> out) {
    if (text.size() != (out.size() * 8 + 5) / 6)
        return false;
    uint32_t bits = 0;
    unsigned count = 0;
    size_t at = 0;
    for (const char letter : text) {
        const size_t value = digits.find(letter);
        if (value == std::string_view::npos)
            return false;
        bits = bits << 6 | static_cast<uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[at++] = static_cast<uint8_t>(bits >> count);
        }
    }
    return (bits & ((1u << count) - 1)) == 0;
}

Result<> fill_random(std::span<uint8_t> out) {
    while (!out.empty()) {
        const ssize_t count = getrandom(out.data(), out.size(), 0);
        if (count > 0)
            out = out.subspan(static_cast<size_t>(count));
        else if (errno != EINTR)
            return fail_errno("the operating system gives no random numbers", errno);
    }
    return {};
}

Result<PublicKey> PublicKey::parse(std::string_view text) {
    CompressedPoint point;
    if (!decode_base64url(text, point) || (point[0] != 2 && point[0] != 3))
        return fail(fmt::format("`{}` is no public key", text), "`uniscope key list` shows yours.");
    return PublicKey(point);
}

KeyId PublicKey::id() const {
    const Digest digest = sha256({m_point});
    KeyId id;
    std::copy_n(digest.begin(), id.size(), id.begin());
    return id;
}

std::string PublicKey::id_text() const {
    std::string text;
    for (const uint8_t byte : id())
        text += fmt::format("{:02x}", byte);
    return text;
}

Result<PrivateKey> PrivateKey::make() {
    while (true) {
        Scalar scalar;
        if (auto filled = fill_random(scalar); !filled)
            return std::unexpected(filled.error());
        if (auto key = from_scalar(scalar))
            return key;
        // One in 2^32 numbers is out of range.
    }
}

Result<PrivateKey> PrivateKey::from_scalar(const Scalar& scalar) {
    size_t length = 0;
    const unsigned char* order = curve_arithmetic().order(BR_EC_secp256r1, &length);
    const bool is_zero = std::ranges::all_of(scalar, [](uint8_t byte) { return byte == 0; });
    if (is_zero || length != scalar.size() || std::memcmp(scalar.data(), order, length) >= 0)
        return fail("the number is no private key");
    PrivateKey key;
    key.m_scalar = scalar;
    curve_arithmetic().mulgen(key.m_point.data(), scalar.data(), scalar.size(), BR_EC_secp256r1);
    return key;
}

PrivateKey::PrivateKey(PrivateKey&& other) noexcept
    : m_scalar(other.m_scalar)
    , m_point(other.m_point) {
    explicit_bzero(other.m_scalar.data(), other.m_scalar.size());
}

PrivateKey::~PrivateKey() {
    explicit_bzero(m_scalar.data(), m_scalar.size());
}

PublicKey PrivateKey::public_key() const {
    CompressedPoint compressed;
    compressed[0] = static_cast<uint8_t>(2 | (m_point.back() & 1));
    std::copy_n(m_point.begin() + 1, compressed.size() - 1, compressed.begin() + 1);
    return PublicKey(compressed);
}

Signature PrivateKey::sign(const Digest& digest) const {
    Scalar copy = m_scalar;
    const br_ec_private_key key{BR_EC_secp256r1, copy.data(), copy.size()};
    Signature signature{};
    br_ecdsa_sign_raw_get_default()(&curve_arithmetic(), &br_sha256_vtable, digest.data(), &key, signature.data());
    explicit_bzero(copy.data(), copy.size());
    return signature;
}

Result<Digest> PrivateKey::agree(const Point& peer_untrusted) const {
    Point product = peer_untrusted;
    if (curve_arithmetic().mul(product.data(), product.size(), m_scalar.data(), m_scalar.size(), BR_EC_secp256r1) != 1)
        return fail("the peer's key is no point of the curve");
    Digest shared;
    std::copy_n(product.begin() + 1, shared.size(), shared.begin());
    return shared;
}

} // namespace tracer
