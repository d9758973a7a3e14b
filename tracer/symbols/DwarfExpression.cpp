#include "tracer/symbols/DwarfExpression.h"

#include <cstring>
#include <vector>

namespace tracer {

namespace {

// Operation codes: DWARF 5 §7.7.1.
enum Op : uint8_t {
    OpDeref = 0x06,
    OpConst1u = 0x08,
    OpConst1s = 0x09,
    OpConst2u = 0x0a,
    OpConst2s = 0x0b,
    OpConst4u = 0x0c,
    OpConst4s = 0x0d,
    OpConst8u = 0x0e,
    OpConst8s = 0x0f,
    OpConstu = 0x10,
    OpConsts = 0x11,
    OpDup = 0x12,
    OpDrop = 0x13,
    OpOver = 0x14,
    OpSwap = 0x16,
    OpAnd = 0x1a,
    OpMinus = 0x1c,
    OpMul = 0x1e,
    OpNeg = 0x1f,
    OpOr = 0x21,
    OpPlus = 0x22,
    OpPlusUconst = 0x23,
    OpShl = 0x24,
    OpShr = 0x25,
    OpXor = 0x27,
    OpBra = 0x28,
    OpEq = 0x29,
    OpGe = 0x2a,
    OpGt = 0x2b,
    OpLe = 0x2c,
    OpLt = 0x2d,
    OpNe = 0x2e,
    OpSkip = 0x2f,
    OpLit0 = 0x30,
    OpLit31 = 0x4f,
    OpBreg0 = 0x70,
    OpBreg31 = 0x8f,
    OpNop = 0x96,
};

class Machine {
public:
    Machine(std::span<const uint8_t> code, const UnwindRegisters& registers, const MemoryReader& memory)
        : m_code(code)
        , m_registers(registers)
        , m_memory(memory) {}

    std::optional<uint64_t> run(std::optional<uint64_t> initial) {
        static constexpr int longest_run = 1000;
        if (initial)
            m_stack.push_back(*initial);
        for (int steps = 0; m_at < m_code.size(); ++steps)
            if (steps == longest_run || !step() || m_failed || m_stack.size() > 64)
                return std::nullopt;
        return m_failed || m_stack.empty() ? std::nullopt : std::optional(m_stack.back());
    }

private:
    uint64_t pop() {
        if (m_stack.empty()) {
            m_failed = true;
            return 0;
        }
        uint64_t value = m_stack.back();
        m_stack.pop_back();
        return value;
    }
    bool push(uint64_t value) {
        m_stack.push_back(value);
        return true;
    }
    template <typename T>
    T fixed() {
        T value{};
        if (m_code.size() - m_at < sizeof(T)) {
            m_failed = true;
            m_at = m_code.size();
            return value;
        }
        memcpy(&value, m_code.data() + m_at, sizeof(T));
        m_at += sizeof(T);
        return value;
    }
    uint64_t leb(bool is_signed) {
        uint64_t value = 0;
        unsigned shift = 0;
        uint8_t byte;
        do {
            byte = fixed<uint8_t>();
            if (shift < 64)
                value |= uint64_t{byte & 0x7fu} << shift;
            shift += 7;
        } while ((byte & 0x80) != 0 && !m_failed);
        if (is_signed && shift < 64 && (byte & 0x40) != 0)
            value |= ~uint64_t{0} << shift;
        return value;
    }
    bool jump(int16_t distance) {
        int64_t target = static_cast<int64_t>(m_at) + distance;
        if (target < 0 || target > static_cast<int64_t>(m_code.size()))
            return false;
        m_at = static_cast<size_t>(target);
        return true;
    }
    template <typename F>
    bool binary(F f) {
        uint64_t right = pop();
        uint64_t left = pop();
        return push(f(left, right));
    }
    template <typename F>
    bool compare(F f) {
        return binary([f](uint64_t a, uint64_t b) {
            return uint64_t{f(static_cast<int64_t>(a), static_cast<int64_t>(b)) ? 1u : 0u};
        });
    }

    bool step() {
        auto op = fixed<uint8_t>();
        if (op >= OpLit0 && op <= OpLit31)
            return push(op - OpLit0);
        if (op >= OpBreg0 && op <= OpBreg31) {
            size_t number = op - OpBreg0;
            uint64_t offset = leb(true);
            return number < UnwindRegisters::count && push(m_registers.value[number] + offset);
        }
        switch (op) {
        case OpDeref: {
            auto word = read_word(m_memory, pop());
            return word && push(*word);
        }
        case OpConst1u:
            return push(fixed<uint8_t>());
        case OpConst1s:
            return push(static_cast<uint64_t>(fixed<int8_t>()));
        case OpConst2u:
            return push(fixed<uint16_t>());
        case OpConst2s:
            return push(static_cast<uint64_t>(fixed<int16_t>()));
        case OpConst4u:
            return push(fixed<uint32_t>());
        case OpConst4s:
            return push(static_cast<uint64_t>(fixed<int32_t>()));
        case OpConst8u:
        case OpConst8s:
            return push(fixed<uint64_t>());
        case OpConstu:
            return push(leb(false));
        case OpConsts:
            return push(leb(true));
        case OpDup: {
            uint64_t top = pop();
            return push(top) && push(top);
        }
        case OpDrop:
            pop();
            return true;
        case OpOver:
            return m_stack.size() >= 2 && push(m_stack[m_stack.size() - 2]);
        case OpSwap: {
            uint64_t top = pop();
            uint64_t below = pop();
            return push(top) && push(below);
        }
        case OpAnd:
            return binary([](uint64_t a, uint64_t b) { return a & b; });
        case OpMinus:
            return binary([](uint64_t a, uint64_t b) { return a - b; });
        case OpMul:
            return binary([](uint64_t a, uint64_t b) { return a * b; });
        case OpNeg:
            return push(0 - pop());
        case OpOr:
            return binary([](uint64_t a, uint64_t b) { return a | b; });
        case OpPlus:
            return binary([](uint64_t a, uint64_t b) { return a + b; });
        case OpPlusUconst:
            return push(pop() + leb(false));
        case OpShl:
            return binary([](uint64_t a, uint64_t b) { return b < 64 ? a << b : 0; });
        case OpShr:
            return binary([](uint64_t a, uint64_t b) { return b < 64 ? a >> b : 0; });
        case OpXor:
            return binary([](uint64_t a, uint64_t b) { return a ^ b; });
        case OpEq:
            return compare([](int64_t a, int64_t b) { return a == b; });
        case OpGe:
            return compare([](int64_t a, int64_t b) { return a >= b; });
        case OpGt:
            return compare([](int64_t a, int64_t b) { return a > b; });
        case OpLe:
            return compare([](int64_t a, int64_t b) { return a <= b; });
        case OpLt:
            return compare([](int64_t a, int64_t b) { return a < b; });
        case OpNe:
            return compare([](int64_t a, int64_t b) { return a != b; });
        case OpSkip:
            return jump(fixed<int16_t>());
        case OpBra: {
            auto distance = fixed<int16_t>();
            return pop() == 0 || jump(distance);
        }
        case OpNop:
            return true;
        default:
            return false;
        }
    }

    std::span<const uint8_t> m_code;
    const UnwindRegisters& m_registers;
    const MemoryReader& m_memory;
    std::vector<uint64_t> m_stack;
    size_t m_at = 0;
    bool m_failed = false;
};

} // namespace

std::optional<uint64_t> evaluate(std::span<const uint8_t> expression, const UnwindRegisters& registers,
                                 const MemoryReader& memory, std::optional<uint64_t> initial) {
    return Machine(expression, registers, memory).run(initial);
}

} // namespace tracer
