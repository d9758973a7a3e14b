#include "libos/process/Random.h"

#include "libos/sched/SpinLock.h"

#include <arch/Entropy.h>
#include <bit>
#include <cstring>

namespace process {

namespace {

/// ChaCha20 with fast key erasure: each request's first block is the next key. Block function: RFC 8439, section 2.3.
class Generator final : public fs::RandomSource {
public:
    void fill(std::span<std::byte> to) override {
        sched::SpinLocker locker(m_lock);
        if (!m_seeded)
            seed();
        uint32_t block[16];
        next_block(block);
        uint32_t key[8];
        std::memcpy(key, block, sizeof(key));
        while (!to.empty()) {
            next_block(block);
            size_t step = to.size() < sizeof(block) ? to.size() : sizeof(block);
            std::memcpy(to.data(), block, step);
            to = to.subspan(step);
        }
        std::memcpy(m_key, key, sizeof(key));
        m_counter = 0;
    }

    void mix(std::span<const std::byte> bytes) {
        sched::SpinLocker locker(m_lock);
        if (!m_seeded)
            seed();
        for (size_t i = 0; i < bytes.size(); ++i) {
            m_key[i / 4 % 8] ^= static_cast<uint32_t>(bytes[i]) << (i % 4 * 8);
            if (i % 32 == 31 || i + 1 == bytes.size()) {
                uint32_t block[16];
                next_block(block);
                std::memcpy(m_key, block, sizeof(m_key));
            }
        }
    }

private:
    void seed() {
        m_seeded = true;
        for (auto& word : m_key)
            word ^= static_cast<uint32_t>(arch::hardware_entropy());
    }

    void next_block(uint32_t (&out)[16]) {
        uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
        std::memcpy(in + 4, m_key, sizeof(m_key));
        in[12] = m_counter++;
        in[13] = in[14] = in[15] = 0;
        std::memcpy(out, in, sizeof(in));
        // Rolled up: each boot runs this a few times, and without KVM new code costs more than turns.
        static constexpr uint8_t quarters[8][4] = {{0, 4, 8, 12},  {1, 5, 9, 13},  {2, 6, 10, 14}, {3, 7, 11, 15},
                                                   {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13},  {3, 4, 9, 14}};
        for (int i = 0; i < 80; ++i) {
            auto& [a, b, c, d] = quarters[i % 8];
            out[a] += out[b], out[d] = std::rotl(out[d] ^ out[a], 16);
            out[c] += out[d], out[b] = std::rotl(out[b] ^ out[c], 12);
            out[a] += out[b], out[d] = std::rotl(out[d] ^ out[a], 8);
            out[c] += out[d], out[b] = std::rotl(out[b] ^ out[c], 7);
        }
        for (int i = 0; i < 16; ++i)
            out[i] += in[i];
    }

    sched::SpinLock m_lock; // leaf
    uint32_t m_key[8] = {};
    uint32_t m_counter = 0;
    bool m_seeded = false;
};

constinit Generator g_generator;

} // namespace

fs::RandomSource& random_source() {
    return g_generator;
}
void add_entropy(std::span<const std::byte> bytes) {
    g_generator.mix(bytes);
}

} // namespace process
