// Any bytes at all as an agent expression, with memory that has holes: the evaluation ends within its budget, and gives
// the same each time.
//
// The first byte says what the context offers. Bit 0: its optional parts. Bit 1: a small budget.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "gdbstub/agent/Machine.h"
#include "libos/base/Assert.h"

namespace {

using namespace gdbstub::agent;

class FuzzContext final : public Context, Variables, Collection, Printer {
public:
    explicit FuzzContext(bool offers_parts)
        : m_offers_parts(offers_parts) {}

    Result<uint64_t> read_register(uint16_t number) override {
        ++calls;
        if (number >= 24)
            return fail(Error::UnknownRegister);
        return uint64_t{number} * 0x0101010101010101;
    }

    /// Of each 64 bytes the last 16 are not there; each text ends after 32.
    bool read_memory(uint64_t address, std::span<uint8_t> out) override {
        ++calls;
        for (uint8_t& byte : out) {
            if (address % 64 >= 48)
                return false;
            byte = address % 32 == 31 ? 0 : static_cast<uint8_t>(address);
            ++address;
        }
        return true;
    }

    Variables* variables() override { return m_offers_parts ? this : nullptr; }
    Collection* collection() override { return m_offers_parts ? this : nullptr; }
    Printer* printer() override { return m_offers_parts ? this : nullptr; }

    uint64_t calls = 0;
    uint64_t collected = 0;
    std::string printed;

private:
    Result<uint64_t> get(uint16_t number) override {
        ++calls;
        if (number >= 4)
            return fail(Error::UnknownVariable);
        return m_values[number];
    }
    Result<> set(uint16_t number, uint64_t value) override {
        ++calls;
        if (number >= 4)
            return fail(Error::UnknownVariable);
        m_values[number] = value;
        return {};
    }
    Result<> collect_memory(uint64_t, uint64_t length) override {
        ++calls;
        collected += length;
        return {};
    }
    Result<> collect_variable(uint16_t) override {
        ++calls;
        return {};
    }
    void print(std::string_view text) override {
        ASSERT(!text.empty() && text.size() <= largest_print);
        printed += text;
    }

    bool m_offers_parts;
    uint64_t m_values[4] = {};
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0)
        return 0;
    uint64_t budget = (data[0] & 2) != 0 ? 64 : default_budget;
    auto code = std::span(data, size).subspan(1);
    FuzzContext first((data[0] & 1) != 0), second((data[0] & 1) != 0), third((data[0] & 1) != 0);

    auto value = evaluate(code, first, budget);
    ASSERT(first.calls <= budget && first.printed.size() <= budget);
    ASSERT(first.collected <= 8 * budget + 8 * first.calls);
    ASSERT(evaluate(code, second, budget) == value);
    ASSERT(second.printed == first.printed && second.calls == first.calls);

    auto done = run(code, third, budget);
    ASSERT(value || value.error() == Error::NoValue ? done.has_value() : done == fail(value.error()));
    if (!value)
        ASSERT(describe(value.error()).ends_with('.'));
    return 0;
}
