// Published results. Compiled once for the hosted libraries and once for the objects of the image.

#include "libos/auth/BearsslPrimitives.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace auth {
namespace {

std::vector<std::byte> from_hex(std::string_view digits) {
    std::vector<std::byte> bytes;
    for (size_t i = 0; i + 1 < digits.size(); i += 2)
        bytes.push_back(static_cast<std::byte>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16)));
    return bytes;
}

template <typename Array>
Array array_from_hex(std::string_view digits) {
    auto bytes = from_hex(digits);
    Array array{};
    EXPECT_EQ(bytes.size(), array.size());
    std::copy(bytes.begin(), bytes.end(), array.begin());
    return array;
}

std::string to_hex(Bytes bytes) {
    std::string text;
    for (std::byte byte : bytes) {
        text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
        text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
    }
    return text;
}

RandomPool& no_random() {
    static RandomPool pool({[]() -> std::optional<uint64_t> { return std::nullopt; }, []() -> uint64_t { return 0; }});
    return pool;
}

// FIPS 180-4, examples.
TEST(KnownAnswers, Sha256) {
    EXPECT_EQ(to_hex(sha256({bytes_of("abc")})), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(sha256({bytes_of("abcdbcdecdefdefgefghfghighijhijk"), bytes_of("ijkljklmklmnlmnomnopnopq")})),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

// RFC 4231, test case 2.
TEST(KnownAnswers, Hmac) {
    EXPECT_EQ(to_hex(hmac_sha256(bytes_of("Jefe"), {bytes_of("what do ya want "), bytes_of("for nothing?")})),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

// RFC 5869, test case 1.
TEST(KnownAnswers, Hkdf) {
    std::vector<std::byte> out(42);
    hkdf_sha256(from_hex("000102030405060708090a0b0c"), std::vector(22, std::byte{0x0b}),
                from_hex("f0f1f2f3f4f5f6f7f8f9"), out);
    EXPECT_EQ(to_hex(out), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

struct SignatureVector {
    std::string_view message, r, s;
};
// RFC 6979, A.2.5, with SHA-256.
constexpr std::string_view signer_secret = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
constexpr std::string_view signer_x = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
constexpr std::string_view signer_y = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
constexpr SignatureVector signatures[] = {
    {"sample", "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
     "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
    {"test", "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
     "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"},
};

CompressedPoint signer() {
    return array_from_hex<CompressedPoint>("03" + std::string(signer_x)); // y is odd
}

TEST(KnownAnswers, SignaturesVerify) {
    BearsslPrimitives primitives(no_random());
    for (const auto& vector : signatures) {
        auto signature = array_from_hex<Signature>(std::string(vector.r) + std::string(vector.s));
        EXPECT_TRUE(primitives.verify(signer(), sha256({bytes_of(vector.message)}), signature));
        EXPECT_FALSE(primitives.verify(signer(), sha256({bytes_of("another message")}), signature));
    }
}

TEST(KnownAnswers, NoBitOfASignatureMayBeAnother) {
    BearsslPrimitives primitives(no_random());
    auto right = array_from_hex<Signature>(std::string(signatures[0].r) + std::string(signatures[0].s));
    Digest digest = sha256({bytes_of("sample")});
    for (size_t i = 0; i < right.size(); ++i) {
        Signature wrong = right;
        wrong[i] ^= static_cast<std::byte>(1u << i % 8);
        EXPECT_FALSE(primitives.verify(signer(), digest, wrong)) << i;
    }
    EXPECT_FALSE(primitives.verify(signer(), digest, Signature{}));
    Signature ones;
    ones.fill(std::byte{0xff});
    EXPECT_FALSE(primitives.verify(signer(), digest, ones));
}

TEST(KnownAnswers, PublicKeys) {
    BearsslPrimitives primitives(no_random());
    auto point = primitives.public_key(array_from_hex<Scalar>(signer_secret));
    ASSERT_TRUE(point);
    EXPECT_EQ(to_hex(*point), "04" + std::string(signer_x) + std::string(signer_y));
    EXPECT_EQ(compress(*point), signer());
    EXPECT_EQ(decompress(signer()), *point);
}

TEST(KnownAnswers, PrivateKeysOutOfRangeAreRefused) {
    BearsslPrimitives primitives(no_random());
    // FIPS 186-4, D.1.2.3.
    auto order = array_from_hex<Scalar>("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    EXPECT_EQ(primitives.public_key(order), base::fail(base::Error::Range));
    EXPECT_EQ(primitives.public_key(Scalar{}), base::fail(base::Error::Range));
    order.back() = std::byte{0x50};
    EXPECT_TRUE(primitives.public_key(order));
}

// RFC 5903, 8.1.
TEST(KnownAnswers, Agreement) {
    BearsslPrimitives primitives(no_random());
    auto i = array_from_hex<Scalar>("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
    auto r = array_from_hex<Scalar>("c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53");
    std::string shared = "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de";
    EXPECT_EQ(to_hex(primitives.agree(i, *primitives.public_key(r)).value()), shared);
    EXPECT_EQ(to_hex(primitives.agree(r, *primitives.public_key(i)).value()), shared);
}

TEST(KnownAnswers, WhatIsNoPointIsRefused) {
    BearsslPrimitives primitives(no_random());
    auto secret = array_from_hex<Scalar>(signer_secret);
    auto point = *primitives.public_key(secret);
    point.back() ^= std::byte{1};
    EXPECT_EQ(primitives.agree(secret, point), base::fail(base::Error::Invalid));
    EXPECT_EQ(primitives.agree(secret, Point{}), base::fail(base::Error::Invalid));
    point.fill(std::byte{0xff});
    point.front() = std::byte{4};
    EXPECT_EQ(primitives.agree(secret, point), base::fail(base::Error::Invalid));
}

// Half of all x are on the curve. For each that is, both points come back to what they were compressed from.
TEST(KnownAnswers, CompressionOfManyPoints) {
    BearsslPrimitives primitives(no_random());
    unsigned on_curve = 0;
    for (unsigned x = 1; x <= 64; ++x) {
        CompressedPoint compressed{};
        compressed.back() = static_cast<std::byte>(x);
        Point points[2];
        unsigned found = 0;
        for (unsigned parity = 0; parity < 2; ++parity) {
            compressed.front() = static_cast<std::byte>(2 + parity);
            auto point = decompress(compressed);
            if (!point)
                continue;
            points[found++] = *point;
            EXPECT_EQ(compress(*point), compressed);
            EXPECT_TRUE(primitives.agree(array_from_hex<Scalar>(signer_secret), *point)) << x;
        }
        ASSERT_TRUE(found == 0 || found == 2) << x;
        if (found == 2) {
            ++on_curve;
            EXPECT_NE(points[0], points[1]);
        }
    }
    EXPECT_GT(on_curve, 16U);
    EXPECT_LT(on_curve, 48U);
    CompressedPoint wrong = signer();
    wrong.front() = std::byte{4};
    EXPECT_FALSE(decompress(wrong));
    wrong.fill(std::byte{0xff});
    wrong.front() = std::byte{2};
    EXPECT_FALSE(decompress(wrong)); // x is not below the prime
}

} // namespace
} // namespace auth
