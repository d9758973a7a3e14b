#include "tests/unit/gdbstub/AgentBench.h"

namespace gdbstub::test {

using agent::Error;
using agent::Opcode;
using agent::Result;

Code operator+(Code a, const Code& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Code constant(uint64_t value) {
    Code out = code(Opcode::Const64);
    for (int shift = 56; shift >= 0; shift -= 8)
        out.push_back(static_cast<uint8_t>(value >> shift));
    return out;
}

Code printf_code(std::string_view format, const std::vector<uint64_t>& arguments) {
    Code out;
    for (auto argument = arguments.rbegin(); argument != arguments.rend(); ++argument)
        out = out + constant(*argument);
    size_t length = format.size() + 1;
    out = out + constant(0) + constant(0) + code(Opcode::Printf, arguments.size(), length >> 8, length);
    out.insert(out.end(), format.begin(), format.end());
    return out + code(0, Opcode::End);
}

void AgentBench::load(uint64_t address, std::string_view bytes) {
    for (char c : bytes)
        memory[address++] = static_cast<uint8_t>(c);
}

std::optional<Error> AgentBench::error_of(const Code& code) {
    auto value = value_of(code);
    return value ? std::nullopt : std::optional(value.error());
}

std::string AgentBench::printf(std::string_view format, const std::vector<uint64_t>& arguments) {
    printed.clear();
    auto done = agent::run(printf_code(format, arguments), *this);
    if (!done)
        return std::string(agent::describe(done.error()));
    std::string all;
    for (const std::string& text : printed)
        all += text;
    return all;
}

std::optional<Error> AgentBench::print_error(std::string_view format, const std::vector<uint64_t>& arguments) {
    auto done = agent::run(printf_code(format, arguments), *this);
    return done ? std::nullopt : std::optional(done.error());
}

Result<uint64_t> AgentBench::read_register(uint16_t number) {
    auto found = registers.find(number);
    if (found == registers.end())
        return agent::fail(Error::UnknownRegister);
    return found->second;
}

bool AgentBench::read_memory(uint64_t address, std::span<uint8_t> out) {
    for (uint8_t& byte : out) {
        auto found = memory.find(address++);
        if (found == memory.end())
            return false;
        byte = found->second;
    }
    return true;
}

Result<uint64_t> AgentBench::get(uint16_t number) {
    auto found = variable_values.find(number);
    if (found == variable_values.end())
        return agent::fail(Error::UnknownVariable);
    return found->second;
}

Result<> AgentBench::set(uint16_t number, uint64_t value) {
    if (!variable_values.contains(number))
        return agent::fail(Error::UnknownVariable);
    variable_values[number] = value;
    return {};
}

Result<> AgentBench::collect_memory(uint64_t address, uint64_t length) {
    if (is_full)
        return agent::fail(Error::CollectionFull);
    collected.emplace_back(address, length);
    return {};
}

Result<> AgentBench::collect_variable(uint16_t number) {
    collected_variables.push_back(number);
    return {};
}

} // namespace gdbstub::test
