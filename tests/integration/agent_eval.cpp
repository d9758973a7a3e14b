// Evaluates agent expressions from standard input, for agent_oracle_test.py. A line `memory ADDRESS BYTES` says what is
// in memory, a line `code BYTES` is answered by the value or by what is wrong; all numbers are in hexadecimal.

#include <cstdint>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "gdbstub/agent/Machine.h"
#include "gdbstub/packet/Hex.h"

namespace {

using namespace gdbstub;

class StaticContext final : public agent::Context {
public:
    void load(uint64_t address, const std::vector<uint8_t>& bytes) {
        for (uint8_t byte : bytes)
            m_memory[address++] = byte;
    }

    agent::Result<uint64_t> read_register(uint16_t) override { return agent::fail(agent::Error::UnknownRegister); }

    bool read_memory(uint64_t address, std::span<uint8_t> out) override {
        for (uint8_t& byte : out) {
            auto found = m_memory.find(address++);
            if (found == m_memory.end())
                return false;
            byte = found->second;
        }
        return true;
    }

private:
    std::map<uint64_t, uint8_t> m_memory;
};

} // namespace

int main() {
    StaticContext context;
    std::string word, digits;
    while (std::cin >> word) {
        uint64_t address = 0;
        if (word == "memory")
            std::cin >> std::hex >> address;
        std::cin >> digits;
        if (!std::cin || !is_hex_bytes(digits))
            return 1;
        std::vector<uint8_t> bytes(digits.size() / 2);
        decode_hex(digits, bytes);
        if (word == "memory") {
            context.load(address, bytes);
            continue;
        }
        auto value = agent::evaluate(bytes, context);
        if (value)
            std::cout << std::hex << *value << '\n';
        else
            std::cout << agent::describe(value.error()) << '\n';
    }
    return 0;
}
