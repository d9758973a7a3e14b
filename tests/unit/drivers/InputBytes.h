#pragma once
// The bytes of a fuzzer or a random generator, taken as numbers by a simulated device; zeros when they are used up.

#include <cstdint>
#include <span>

class InputBytes {
public:
    explicit InputBytes(std::span<const uint8_t> input)
        : m_input(input) {}

    bool empty() const { return m_input.empty(); }
    uint8_t next() {
        if (m_input.empty())
            return 0;
        uint8_t byte = m_input.front();
        m_input = m_input.subspan(1);
        return byte;
    }
    uint16_t next16() {
        uint16_t low = next();
        return static_cast<uint16_t>(low | next() << 8);
    }
    uint32_t next32() {
        uint32_t low = next16();
        return low | uint32_t{next16()} << 16;
    }

private:
    std::span<const uint8_t> m_input;
};
