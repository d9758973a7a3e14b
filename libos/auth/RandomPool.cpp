#include "libos/auth/RandomPool.h"

#include <algorithm>

namespace auth {

namespace {

template <typename T>
Bytes bytes_of_value(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

} // namespace

void RandomPool::seed_from_cpu() {
    uint64_t words[seed_size / sizeof(uint64_t)] = {};
    bool differ = false;
    for (uint64_t& word : words) {
        auto drawn = m_cpu.random();
        if (!drawn)
            return;
        word = *drawn;
        differ = differ || word != words[0];
    }
    // There are CPUs whose generator gives the same number for ever.
    if (differ)
        seed(std::as_bytes(std::span(words)));
}

void RandomPool::seed(Bytes bytes) {
    m_secret = hmac_sha256(m_secret, {bytes, bytes_of_value(m_collected)});
    m_collected += std::min(bytes.size(), seed_size);
    if (m_collected >= seed_size)
        m_ready.store(true, std::memory_order_release); // after the secret
}

base::Result<> RandomPool::fill(std::span<std::byte> out) {
    // acquire: whoever sees it ready sees the secret.
    if (!m_ready.load(std::memory_order_acquire))
        return base::fail(base::Error::NoData);
    // relaxed: only that no two requests have the same number matters.
    uint64_t request[] = {m_requests.fetch_add(1, std::memory_order_relaxed), m_cpu.timestamp(),
                          m_cpu.random().value_or(0), m_cpu.random().value_or(0)};
    Digest key = hmac_sha256(m_secret, {std::as_bytes(std::span(request))});
    for (uint64_t block = 0; !out.empty(); ++block) {
        Digest drawn = hmac_sha256(key, {bytes_of_value(block)});
        size_t step = std::min(out.size(), drawn.size());
        std::copy_n(drawn.begin(), step, out.begin());
        out = out.subspan(step);
    }
    wipe(key);
    return {};
}

} // namespace auth
