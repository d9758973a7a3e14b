#pragma once
// Agent expressions written by hand, and a context with a little of everything.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gdbstub/agent/Machine.h"
#include "gdbstub/agent/Opcode.h"

namespace gdbstub::test {

using Code = std::vector<uint8_t>;

/// Opcodes and operand bytes, one behind the other.
template <typename... Bytes>
Code code(Bytes... bytes) {
    return {static_cast<uint8_t>(bytes)...};
}

Code operator+(Code a, const Code& b);
/// `const64 value`.
Code constant(uint64_t value);
/// `printf` of `arguments` and its `end`.
Code printf_code(std::string_view format, const std::vector<uint64_t>& arguments = {});

class AgentBench final : public agent::Context, agent::Variables, agent::Collection, agent::Printer {
public:
    // What a test may set or look at.
    std::map<uint16_t, uint64_t> registers;
    std::map<uint64_t, uint8_t> memory;
    std::map<uint16_t, uint64_t> variable_values;
    std::vector<std::pair<uint64_t, uint64_t>> collected;
    std::vector<uint16_t> collected_variables;
    std::vector<std::string> printed;
    bool offers_parts = true;
    bool is_full = false;

    void load(uint64_t address, std::string_view bytes);

    /// What `code` gives, or why it gives nothing.
    agent::Result<uint64_t> value_of(const Code& code) { return agent::evaluate(code, *this); }
    /// Empty if it has a value.
    std::optional<agent::Error> error_of(const Code& code);
    /// What one printf prints.
    std::string printf(std::string_view format, const std::vector<uint64_t>& arguments = {});
    std::optional<agent::Error> print_error(std::string_view format, const std::vector<uint64_t>& arguments = {});

    // agent::Context
    agent::Result<uint64_t> read_register(uint16_t number) override;
    bool read_memory(uint64_t address, std::span<uint8_t> out) override;
    agent::Variables* variables() override { return offers_parts ? this : nullptr; }
    agent::Collection* collection() override { return offers_parts ? this : nullptr; }
    agent::Printer* printer() override { return offers_parts ? this : nullptr; }

private:
    agent::Result<uint64_t> get(uint16_t number) override;
    agent::Result<> set(uint16_t number, uint64_t value) override;
    agent::Result<> collect_memory(uint64_t address, uint64_t length) override;
    agent::Result<> collect_variable(uint16_t number) override;
    void print(std::string_view text) override { printed.emplace_back(text); }
};

} // namespace gdbstub::test
