#include "libos/auth/PublicKey.h"

#include <algorithm>

// BearSSL's 31-bit big integers: inside it, and declared in a header that C++ cannot read. Numbers are arrays of words,
// the first of which is the bit length; functions with a `ctl` do their work if it is 1 and return the carry either
// way.
extern "C" {
void br_i31_decode(uint32_t* x, const void* source, size_t length);
uint32_t br_i31_decode_mod(uint32_t* x, const void* source, size_t length, const uint32_t* modulus);
void br_i31_encode(void* destination, size_t length, const uint32_t* x);
uint32_t br_i31_ninv31(uint32_t x);
void br_i31_montymul(uint32_t* d, const uint32_t* x, const uint32_t* y, const uint32_t* modulus, uint32_t m0i);
void br_i31_to_monty(uint32_t* x, const uint32_t* modulus);
void br_i31_from_monty(uint32_t* x, const uint32_t* modulus, uint32_t m0i);
uint32_t br_i31_add(uint32_t* a, const uint32_t* b, uint32_t ctl);
uint32_t br_i31_sub(uint32_t* a, const uint32_t* b, uint32_t ctl);
void br_i31_modpow(uint32_t* x, const unsigned char* exponent, size_t length, const uint32_t* modulus, uint32_t m0i,
                   uint32_t* t1, uint32_t* t2);
}

namespace auth {

namespace {

constexpr size_t field_size = 32;
constexpr size_t words = 1 + (256 + 30) / 31;
using Number = uint32_t[words];

// FIPS 186-4, D.1.2.3. p = 3 mod 4, so a square root of v is v^((p + 1) / 4).
constexpr unsigned char prime[field_size] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
                                             0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff,
                                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr unsigned char coefficient_b[field_size] = {0x5a, 0xc6, 0x35, 0xd8, 0xaa, 0x3a, 0x93, 0xe7, 0xb3, 0xeb, 0xbd,
                                                     0x55, 0x76, 0x98, 0x86, 0xbc, 0x65, 0x1d, 0x06, 0xb0, 0xcc, 0x53,
                                                     0xb0, 0xf6, 0x3b, 0xce, 0x3c, 0x3e, 0x27, 0xd2, 0x60, 0x4b};
constexpr unsigned char root_exponent[field_size] = {0x3f, 0xff, 0xff, 0xff, 0xc0, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00,
                                                     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00,
                                                     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};

void subtract(Number& a, const Number& b, const Number& modulus) {
    br_i31_add(a, modulus, br_i31_sub(a, b, 1));
}

void add(Number& a, const Number& b, const Number& modulus) {
    uint32_t carry = br_i31_add(a, b, 1);
    br_i31_sub(a, modulus, carry | (br_i31_sub(a, modulus, 0) ^ 1));
}

} // namespace

CompressedPoint compress(const Point& point) {
    CompressedPoint compressed;
    compressed[0] = std::byte{2} | (point.back() & std::byte{1});
    std::copy_n(point.begin() + 1, field_size, compressed.begin() + 1);
    return compressed;
}

base::Result<Point> decompress(const CompressedPoint& point_untrusted) {
    if (point_untrusted[0] != std::byte{2} && point_untrusted[0] != std::byte{3})
        return base::fail(base::Error::Invalid);
    Number modulus, x, b, square, y, scratch, more_scratch;
    br_i31_decode(modulus, prime, field_size);
    uint32_t m0i = br_i31_ninv31(modulus[1]);
    if (br_i31_decode_mod(x, point_untrusted.data() + 1, field_size, modulus) == 0)
        return base::fail(base::Error::Invalid);
    br_i31_decode_mod(b, coefficient_b, field_size, modulus);

    // y^2 = x^3 - 3x + b, in Montgomery form.
    br_i31_to_monty(x, modulus);
    br_i31_to_monty(b, modulus);
    br_i31_montymul(scratch, x, x, modulus, m0i);
    br_i31_montymul(square, scratch, x, modulus, m0i);
    for (int i = 0; i < 3; ++i)
        subtract(square, x, modulus);
    add(square, b, modulus);
    std::copy_n(square, words, y);
    br_i31_from_monty(y, modulus, m0i);
    br_i31_modpow(y, root_exponent, field_size, modulus, m0i, scratch, more_scratch);

    // Half of all x have no such root.
    std::copy_n(y, words, scratch);
    br_i31_to_monty(scratch, modulus);
    br_i31_montymul(more_scratch, scratch, scratch, modulus, m0i);
    if (!std::equal(square, square + words, more_scratch))
        return base::fail(base::Error::Invalid);

    if ((y[1] & 1) != (std::to_integer<uint32_t>(point_untrusted[0]) & 1)) {
        std::copy_n(modulus, words, scratch);
        br_i31_sub(scratch, y, 1);
        std::copy_n(scratch, words, y);
    }
    Point point;
    point[0] = std::byte{4};
    std::copy_n(point_untrusted.begin() + 1, field_size, point.begin() + 1);
    br_i31_encode(point.data() + 1 + field_size, field_size, y);
    return point;
}

KeyId id_of(const CompressedPoint& key) {
    Digest digest = sha256({key});
    KeyId id;
    std::copy_n(digest.begin(), id.size(), id.begin());
    return id;
}

} // namespace auth
