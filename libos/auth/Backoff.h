#pragma once
// Backoff: how long a channel refuses to listen after failed attempts. The wait doubles with each one and is bounded; a
// success ends it, and failures are forgotten after a quiet while. Pure: the time is an argument, in nanoseconds.

#include <cstdint>

namespace auth {

class Backoff {
public:
    static constexpr uint64_t first_wait_ns = 250'000'000;
    static constexpr uint64_t longest_wait_ns = 32'000'000'000;
    static constexpr uint64_t forget_after_ns = 300'000'000'000;

    constexpr void note_failure(uint64_t now) {
        if (m_failures != 0 && now - m_last_failure > forget_after_ns)
            m_failures = 0;
        m_wait = m_failures == 0 ? first_wait_ns : m_wait * 2 < longest_wait_ns ? m_wait * 2 : longest_wait_ns;
        ++m_failures;
        m_last_failure = now;
    }

    constexpr void note_success() { m_failures = 0; }

    /// 0 when attempts are welcome.
    constexpr uint64_t wait_ns(uint64_t now) const {
        if (m_failures == 0)
            return 0;
        uint64_t passed = now - m_last_failure;
        return passed < m_wait ? m_wait - passed : 0;
    }

    constexpr uint64_t failures() const { return m_failures; }

private:
    uint64_t m_failures = 0;
    uint64_t m_last_failure = 0;
    uint64_t m_wait = 0;
};

} // namespace auth
