#include "tracer/auth/Hash.h"

#include <bearssl.h>

namespace tracer {

Digest sha256(std::initializer_list<ByteSpan> parts) {
    br_sha256_context context;
    br_sha256_init(&context);
    for (const ByteSpan part : parts)
        br_sha256_update(&context, part.data(), part.size());
    Digest digest;
    br_sha256_out(&context, digest.data());
    return digest;
}

Digest hmac_sha256(ByteSpan key, std::initializer_list<ByteSpan> parts) {
    br_hmac_key_context key_context;
    br_hmac_key_init(&key_context, &br_sha256_vtable, key.data(), key.size());
    br_hmac_context context;
    br_hmac_init(&context, &key_context, 0);
    for (const ByteSpan part : parts)
        br_hmac_update(&context, part.data(), part.size());
    Digest digest;
    br_hmac_out(&context, digest.data());
    return digest;
}

Digest hkdf_sha256(ByteSpan salt, ByteSpan secret, ByteSpan info) {
    br_hkdf_context context;
    br_hkdf_init(&context, &br_sha256_vtable, salt.data(), salt.size());
    br_hkdf_inject(&context, secret.data(), secret.size());
    br_hkdf_flip(&context);
    Digest key;
    br_hkdf_produce(&context, info.data(), info.size(), key.data(), key.size());
    return key;
}

bool equal_in_constant_time(ByteSpan a, ByteSpan b) {
    if (a.size() != b.size())
        return false;
    uint8_t difference = 0;
    for (size_t i = 0; i < a.size(); ++i)
        difference |= a[i] ^ b[i];
    return difference == 0;
}

} // namespace tracer
