#include "gdbstub/agent/Machine.h"

#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "gdbstub/agent/Budget.h"
#include "gdbstub/agent/Opcode.h"
#include "gdbstub/agent/Print.h"
#include "libos/base/Result.h"

namespace gdbstub::agent {

namespace {

constexpr unsigned word_bits = 64;

uint64_t sign_extend(uint64_t value, uint64_t bits) {
    if (bits >= word_bits)
        return value;
    unsigned unused = word_bits - static_cast<unsigned>(bits);
    return static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused);
}

uint64_t zero_extend(uint64_t value, uint64_t bits) {
    return bits >= word_bits ? value : value & ((uint64_t{1} << bits) - 1);
}

Result<uint64_t> divide(Opcode opcode, uint64_t a, uint64_t b) {
    if (b == 0)
        return fail(Error::DivisionByZero);
    auto signed_a = static_cast<int64_t>(a);
    auto signed_b = static_cast<int64_t>(b);
    bool overflows = signed_a == std::numeric_limits<int64_t>::min() && signed_b == -1;
    switch (opcode) {
    case Opcode::DivSigned:
        return overflows ? a : static_cast<uint64_t>(signed_a / signed_b);
    case Opcode::RemSigned:
        return overflows ? 0 : static_cast<uint64_t>(signed_a % signed_b);
    case Opcode::DivUnsigned:
        return a / b;
    default:
        return a % b;
    }
}

uint64_t shift(Opcode opcode, uint64_t value, uint64_t count) {
    bool all = count >= word_bits;
    switch (opcode) {
    case Opcode::Lsh:
        return all ? 0 : value << count;
    case Opcode::RshUnsigned:
        return all ? 0 : value >> count;
    default:
        return static_cast<uint64_t>(static_cast<int64_t>(value) >> (all ? word_bits - 1 : count));
    }
}

/// For the instructions that take two numbers and give one; `b` was on the top.
Result<uint64_t> combine(Opcode opcode, uint64_t a, uint64_t b) {
    switch (opcode) {
    case Opcode::Add:
        return a + b;
    case Opcode::Sub:
        return a - b;
    case Opcode::Mul:
        return a * b;
    case Opcode::DivSigned:
    case Opcode::DivUnsigned:
    case Opcode::RemSigned:
    case Opcode::RemUnsigned:
        return divide(opcode, a, b);
    case Opcode::Lsh:
    case Opcode::RshSigned:
    case Opcode::RshUnsigned:
        return shift(opcode, a, b);
    case Opcode::BitAnd:
        return a & b;
    case Opcode::BitOr:
        return a | b;
    case Opcode::BitXor:
        return a ^ b;
    case Opcode::Equal:
        return a == b ? 1 : 0;
    case Opcode::LessSigned:
        return static_cast<int64_t>(a) < static_cast<int64_t>(b) ? 1 : 0;
    case Opcode::LessUnsigned:
        return a < b ? 1 : 0;
    default:
        return fail(Error::UnknownOpcode);
    }
}

class Machine {
public:
    Machine(std::span<const uint8_t> code, Context& context, uint64_t budget)
        : m_code(code)
        , m_context(context)
        , m_budget(budget) {}

    Result<> run();
    Result<uint64_t> pop();

private:
    Result<> step(Opcode opcode);
    Result<> compute(Opcode opcode);
    Result<> rearrange(Opcode opcode);
    Result<> jump(bool taken);
    Result<> dereference(size_t bytes);
    Result<> variable(Opcode opcode);
    Result<> collect(Opcode opcode);
    Result<uint64_t> string_length(uint64_t address, uint64_t limit);
    Result<> print();

    Result<uint64_t> operand(size_t bytes);
    Result<> push(uint64_t value);

    std::span<const uint8_t> m_code;
    size_t m_at = 0;
    Context& m_context;
    Budget m_budget;
    std::array<uint64_t, stack_depth> m_stack;
    size_t m_depth = 0;
};

Result<> Machine::run() {
    if (m_code.empty())
        return fail(Error::NoCode);
    for (;;) {
        TRY(m_budget.spend(1));
        auto opcode = static_cast<Opcode>(TRY(operand(1)));
        if (opcode == Opcode::End)
            return {};
        TRY(step(opcode));
    }
}

Result<> Machine::step(Opcode opcode) {
    switch (opcode) {
    case Opcode::Add:
    case Opcode::Sub:
    case Opcode::Mul:
    case Opcode::DivSigned:
    case Opcode::DivUnsigned:
    case Opcode::RemSigned:
    case Opcode::RemUnsigned:
    case Opcode::Lsh:
    case Opcode::RshSigned:
    case Opcode::RshUnsigned:
    case Opcode::BitAnd:
    case Opcode::BitOr:
    case Opcode::BitXor:
    case Opcode::Equal:
    case Opcode::LessSigned:
    case Opcode::LessUnsigned: {
        uint64_t b = TRY(pop());
        uint64_t a = TRY(pop());
        return push(TRY(combine(opcode, a, b)));
    }
    case Opcode::LogNot:
    case Opcode::BitNot:
    case Opcode::Ext:
    case Opcode::ZeroExt:
        return compute(opcode);
    case Opcode::Ref8:
        return dereference(1);
    case Opcode::Ref16:
        return dereference(2);
    case Opcode::Ref32:
        return dereference(4);
    case Opcode::Ref64:
        return dereference(8);
    case Opcode::IfGoto:
        return jump(TRY(pop()) != 0);
    case Opcode::Goto:
        return jump(true);
    case Opcode::Const8:
        return push(TRY(operand(1)));
    case Opcode::Const16:
        return push(TRY(operand(2)));
    case Opcode::Const32:
        return push(TRY(operand(4)));
    case Opcode::Const64:
        return push(TRY(operand(8)));
    case Opcode::Reg:
        return push(TRY(m_context.read_register(static_cast<uint16_t>(TRY(operand(2))))));
    case Opcode::Dup:
    case Opcode::Pop:
    case Opcode::Swap:
    case Opcode::Pick:
    case Opcode::Rot:
        return rearrange(opcode);
    case Opcode::GetV:
    case Opcode::SetV:
        return variable(opcode);
    case Opcode::Trace:
    case Opcode::TraceQuick:
    case Opcode::Trace16:
    case Opcode::TraceNz:
    case Opcode::TraceV:
        return collect(opcode);
    case Opcode::Printf:
        return print();
    case Opcode::Float:
    case Opcode::RefFloat:
    case Opcode::RefDouble:
    case Opcode::RefLongDouble:
    case Opcode::LToD:
    case Opcode::DToL:
        return fail(Error::FloatingPoint);
    case Opcode::Invalid2:
        return fail(Error::InvalidOpcode);
    case Opcode::End:
        break;
    }
    return fail(Error::UnknownOpcode);
}

/// What makes one number out of one.
Result<> Machine::compute(Opcode opcode) {
    uint64_t bits = 0;
    if (opcode == Opcode::Ext || opcode == Opcode::ZeroExt)
        bits = TRY(operand(1));
    uint64_t value = TRY(pop());
    switch (opcode) {
    case Opcode::LogNot:
        return push(value == 0 ? 1 : 0);
    case Opcode::BitNot:
        return push(~value);
    case Opcode::Ext:
        if (bits == 0)
            return fail(Error::BadOperand);
        return push(sign_extend(value, bits));
    default:
        return push(zero_extend(value, bits));
    }
}

Result<> Machine::rearrange(Opcode opcode) {
    uint64_t depth = opcode == Opcode::Pick ? TRY(operand(1)) : 0;
    size_t needed = opcode == Opcode::Rot ? 3 : opcode == Opcode::Swap ? 2 : depth + 1;
    if (m_depth < needed)
        return fail(Error::StackUnderflow);
    uint64_t* top = &m_stack[m_depth - 1];
    switch (opcode) {
    case Opcode::Pop:
        --m_depth;
        return {};
    case Opcode::Swap:
        std::swap(top[0], top[-1]);
        return {};
    case Opcode::Rot: {
        // a b c becomes c a b
        uint64_t c = top[0];
        top[0] = top[-1];
        top[-1] = top[-2];
        top[-2] = c;
        return {};
    }
    default: // Dup is Pick of depth 0
        return push(m_stack[m_depth - 1 - depth]);
    }
}

Result<> Machine::jump(bool taken) {
    uint64_t target = TRY(operand(2));
    if (target >= m_code.size())
        return fail(Error::JumpOutside);
    if (taken)
        m_at = target;
    return {};
}

Result<> Machine::dereference(size_t bytes) {
    uint64_t address = TRY(pop());
    // The lower bytes come first, as the target's CPU, which this is, has them.
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    std::array<uint8_t, sizeof(uint64_t)> raw{};
    if (!m_context.read_memory(address, std::span(raw).first(bytes)))
        return fail(Error::UnreadableMemory);
    uint64_t value;
    std::memcpy(&value, raw.data(), sizeof(value));
    return push(value);
}

Result<> Machine::variable(Opcode opcode) {
    auto number = static_cast<uint16_t>(TRY(operand(2)));
    Variables* variables = m_context.variables();
    if (variables == nullptr)
        return fail(Error::NoVariables);
    if (opcode == Opcode::GetV)
        return push(TRY(variables->get(number)));
    // The value stays, for an expression around the assignment.
    if (m_depth == 0)
        return fail(Error::StackUnderflow);
    return variables->set(number, m_stack[m_depth - 1]);
}

Result<> Machine::collect(Opcode opcode) {
    uint64_t length = 0;
    if (opcode == Opcode::TraceQuick)
        length = TRY(operand(1));
    else if (opcode == Opcode::Trace16 || opcode == Opcode::TraceV)
        length = TRY(operand(2));
    Collection* collection = m_context.collection();
    if (collection == nullptr)
        return fail(Error::NoCollection);
    if (opcode == Opcode::TraceV)
        return collection->collect_variable(static_cast<uint16_t>(length));

    bool keeps_address = opcode == Opcode::TraceQuick || opcode == Opcode::Trace16;
    if (!keeps_address)
        length = TRY(pop());
    uint64_t address = TRY(pop());
    if (keeps_address)
        TRY(push(address));
    if (opcode == Opcode::TraceNz)
        length = TRY(string_length(address, length));
    TRY(m_budget.spend(length / 8));
    return collection->collect_memory(address, length);
}

/// With its zero byte, but at most `limit`.
Result<uint64_t> Machine::string_length(uint64_t address, uint64_t limit) {
    uint8_t c = 1;
    uint64_t length = 0;
    while (length < limit && c != 0) {
        TRY(m_budget.spend(1));
        if (!m_context.read_memory(address + length, {&c, 1}))
            return fail(Error::UnreadableMemory);
        ++length;
    }
    return length;
}

Result<> Machine::print() {
    uint64_t count = TRY(operand(1));
    uint64_t length = TRY(operand(2));
    if (length > m_code.size() - m_at)
        return fail(Error::Truncated);
    auto format = m_code.subspan(m_at, length);
    if (format.empty() || format.back() != 0)
        return fail(Error::BadFormat);
    m_at += length;
    TRY(pop()); // function
    TRY(pop()); // channel
    if (count > m_depth)
        return fail(Error::StackUnderflow);
    m_depth -= count;
    size_t text_length = 0;
    while (format[text_length] != 0)
        ++text_length;
    std::string_view text(reinterpret_cast<const char*>(format.data()), text_length);
    return print_formatted(text, std::span(m_stack).subspan(m_depth, count), m_context, m_budget);
}

/// `bytes` of them, most significant first.
Result<uint64_t> Machine::operand(size_t bytes) {
    if (m_code.size() - m_at < bytes)
        return fail(Error::Truncated);
    uint64_t value = 0;
    for (uint8_t byte : m_code.subspan(m_at, bytes))
        value = value << 8 | byte;
    m_at += bytes;
    return value;
}

Result<> Machine::push(uint64_t value) {
    if (m_depth == m_stack.size())
        return fail(Error::StackOverflow);
    m_stack[m_depth++] = value;
    return {};
}

Result<uint64_t> Machine::pop() {
    if (m_depth == 0)
        return fail(Error::StackUnderflow);
    return m_stack[--m_depth];
}

} // namespace

Result<uint64_t> evaluate(std::span<const uint8_t> code, Context& context, uint64_t budget) {
    Machine machine(code, context, budget);
    TRY(machine.run());
    auto value = machine.pop();
    return value ? value : fail(Error::NoValue);
}

Result<> run(std::span<const uint8_t> code, Context& context, uint64_t budget) {
    return Machine(code, context, budget).run();
}

} // namespace gdbstub::agent
