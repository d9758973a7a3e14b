// HandshakeDriver.h with BearSSL.

#include "tests/fuzz/auth/HandshakeDriver.h"
#include "tests/unit/auth/TestHost.h"

namespace {

using namespace auth;

const test::KeyPair& key() {
    static const test::KeyPair pair = test::KeyPair::make("fuzz");
    return pair;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    test::TestPrimitives primitives;
    static const Point ephemeral = primitives.public_key(sha256({})).value();
    static const std::string word = key().word("operator");
    test::FuzzHost host{primitives, word, ephemeral,
                        [](const Digest& digest) { return test::sign(key().secret, digest); }};
    test::Driver(host, {data, size}).run();
    return 0;
}
