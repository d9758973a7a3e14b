#include "libos/auth/Hash.h"

#include "libos/base/Assert.h"

#include <bearssl_hash.h>
#include <bearssl_hmac.h>
#include <bearssl_kdf.h>

namespace auth {

Digest sha256(std::initializer_list<Bytes> parts) {
    br_sha256_context context;
    br_sha256_init(&context);
    for (Bytes part : parts)
        br_sha256_update(&context, part.data(), part.size());
    Digest digest;
    br_sha256_out(&context, digest.data());
    return digest;
}

Digest hmac_sha256(Bytes key, std::initializer_list<Bytes> parts) {
    br_hmac_key_context key_context;
    br_hmac_key_init(&key_context, &br_sha256_vtable, key.data(), key.size());
    br_hmac_context context;
    br_hmac_init(&context, &key_context, 0);
    for (Bytes part : parts)
        br_hmac_update(&context, part.data(), part.size());
    Digest digest;
    br_hmac_out(&context, digest.data());
    return digest;
}

void hkdf_sha256(Bytes salt, Bytes secret, Bytes info, std::span<std::byte> out) {
    br_hkdf_context context;
    br_hkdf_init(&context, &br_sha256_vtable, salt.data(), salt.size());
    br_hkdf_inject(&context, secret.data(), secret.size());
    br_hkdf_flip(&context);
    size_t produced = br_hkdf_produce(&context, info.data(), info.size(), out.data(), out.size());
    ASSERT(produced == out.size());
}

bool equal_in_constant_time(Bytes a, Bytes b) {
    ASSERT(a.size() == b.size());
    std::byte difference{};
    for (size_t i = 0; i < a.size(); ++i)
        difference |= a[i] ^ b[i];
    return difference == std::byte{};
}

void wipe(std::span<std::byte> secret) {
    for (std::byte& byte : secret)
        *static_cast<volatile std::byte*>(&byte) = std::byte{};
}

} // namespace auth
