#pragma once
// RandomPool: the unpredictable bytes of handshakes. A secret that is collected at boot, and for each request a number
// never used before and what the CPU's generator and clock say then, through HMAC-SHA256.
//
// fill() takes no lock and changes nothing but a counter: also for the stopped world, where any lock may be held. With
// the CPU's generator, two machines that were started from one snapshot draw different bytes; without, only their
// clocks tell them apart.

#include "libos/auth/Hash.h"
#include "libos/base/Result.h"

#include <atomic>
#include <cstdint>
#include <optional>

namespace auth {

class RandomPool {
public:
    /// The CPU's generator, empty where it has none or it fails; and its clock, in any unit.
    struct Cpu {
        std::optional<uint64_t> (*random)();
        uint64_t (*timestamp)();
    };

    constexpr explicit RandomPool(Cpu cpu)
        : m_cpu(cpu) {}
    RandomPool(const RandomPool&) = delete;
    RandomPool& operator=(const RandomPool&) = delete;

    /// Boot: from the CPU's generator.
    void seed_from_cpu();
    /// Boot: from the host's, `bytes` of full entropy. Any amount; enough together are seed_size.
    void seed(Bytes bytes);
    static constexpr size_t seed_size = 32;

    /// Error::NoData before enough was seeded.
    base::Result<> fill(std::span<std::byte> out);

private:
    Cpu m_cpu;
    Digest m_secret{};
    size_t m_collected = 0;
    std::atomic<bool> m_ready{false};
    std::atomic<uint64_t> m_requests{0};
};

} // namespace auth
