#include "libos/debug/arch/StepPlan.h"

#include "libos/debug/arch/x86_64/Instruction.h"
#include "libos/debug/arch/x86_64/Operand.h"

#include <cstring>

namespace debug {

namespace {

using arch::TrapFrame;
using x86_64::Instruction;
using x86_64::OpcodeMap;

enum class Class : uint8_t {
    Plain, ///< does the same anywhere, once its distance to its operand is rewritten
    Jump,
    ConditionalJump,
    Loop,
    Call,
    Return,
    IndirectJump,
    IndirectCall,
    Immovable,
};

constexpr uint8_t breakpoint = 0xcc;
/// In a slot, behind the longest instruction: what a call pushes.
constexpr size_t return_address_offset = 48;

constexpr uint64_t carry = 1u << 0, parity = 1u << 2, zero = 1u << 6, sign = 1u << 7, overflow = 1u << 11;

Class class_of_two_byte(const Instruction& instruction) {
    switch (instruction.opcode) {
    case 0x01: // what enters and leaves guests, enclaves and user interrupts
        switch (instruction.modrm) {
        case 0xc2:
        case 0xc3:
        case 0xcf:
        case 0xd7:
        case 0xd8:
        case 0xec:
            return Class::Immovable;
        default:
            return Class::Plain;
        }
    case 0x07: // sysret
    case 0x34: // sysenter
    case 0x35: // sysexit
    case 0xaa: // rsm
        return Class::Immovable;
    default:
        return (instruction.opcode & 0xf0) == 0x80 ? Class::ConditionalJump : Class::Plain;
    }
}

Class class_of_one_byte(const Instruction& instruction) {
    switch (instruction.opcode) {
    case 0xc2:
    case 0xc3:
        return Class::Return;
    case 0xc7: // xbegin names its abort handler by distance
        return instruction.modrm == 0xf8 ? Class::Immovable : Class::Plain;
    case 0xca: // far returns, interrupts, iret
    case 0xcb:
    case 0xcc:
    case 0xcd:
    case 0xcf:
    case 0xf1:
        return Class::Immovable;
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3:
        return Class::Loop;
    case 0xe8:
        return Class::Call;
    case 0xe9:
    case 0xeb:
        return Class::Jump;
    case 0xff:
        switch (instruction.reg()) {
        case 2:
            return Class::IndirectCall;
        case 4:
            return Class::IndirectJump;
        case 3: // far
        case 5:
            return Class::Immovable;
        default:
            return Class::Plain;
        }
    default:
        return (instruction.opcode & 0xf0) == 0x70 ? Class::ConditionalJump : Class::Plain;
    }
}

Class class_of(const Instruction& instruction) {
    if (instruction.map != OpcodeMap::OneByte && instruction.map != OpcodeMap::TwoByte)
        return Class::Plain;
    Class found =
        instruction.map == OpcodeMap::OneByte ? class_of_one_byte(instruction) : class_of_two_byte(instruction);
    if (found == Class::Plain)
        return found;
    // Branches whose prefixes change more than can be relied on: see Instruction.h.
    bool has_operand = instruction.has_modrm && instruction.mod() != 3;
    if (instruction.has_operand_size || instruction.has_address_size || (has_operand && instruction.segment != 0))
        return Class::Immovable;
    return found;
}

/// The distance that names from `slot` what `instruction` names from `address`.
std::optional<int32_t> moved_displacement(const Instruction& instruction, uint64_t address, uint64_t slot) {
    auto moved = static_cast<int64_t>(static_cast<uint64_t>(int64_t{instruction.displacement}) + address - slot);
    if (moved != static_cast<int32_t>(moved) || instruction.has_address_size)
        return std::nullopt;
    return static_cast<int32_t>(moved);
}

/// Low nibble of jcc's opcode. Intel SDM vol. 1, appendix B.
bool is_condition_met(unsigned condition, uint64_t flags) {
    auto is_set = [flags](uint64_t flag) { return (flags & flag) != 0; };
    bool met = false;
    switch (condition >> 1 & 7) {
    case 0:
        met = is_set(overflow);
        break;
    case 1:
        met = is_set(carry);
        break;
    case 2:
        met = is_set(zero);
        break;
    case 3:
        met = is_set(carry | zero);
        break;
    case 4:
        met = is_set(sign);
        break;
    case 5:
        met = is_set(parity);
        break;
    case 6:
        met = is_set(sign) != is_set(overflow);
        break;
    case 7:
        met = is_set(zero) || is_set(sign) != is_set(overflow);
        break;
    }
    return met != ((condition & 1) != 0);
}

/// One plan in the making.
class Planner {
public:
    Planner(const TrapFrame& frame, const Instruction& instruction, WordReader read_word)
        : m_frame(frame)
        , m_instruction(instruction)
        , m_read_word(read_word)
        , m_behind(frame.pc() + instruction.length) {
        std::memset(m_plan.code, breakpoint, sizeof(m_plan.code));
        m_plan.pc = m_behind;
        m_plan.sp = frame.rsp;
        m_plan.counter = frame.rcx;
    }

    std::optional<StepPlan> run(std::span<const uint8_t> text, uint64_t slot) {
        auto target = m_behind + static_cast<uint64_t>(m_instruction.immediate);
        m_plan.kind = StepPlan::Kind::Emulated;
        switch (class_of(m_instruction)) {
        case Class::Plain:
            return copy(text, slot);
        case Class::Jump:
            m_plan.pc = target;
            return m_plan;
        case Class::ConditionalJump:
            if (is_condition_met(m_instruction.opcode, m_frame.rflags))
                m_plan.pc = target;
            return m_plan;
        case Class::Loop:
            if (loops())
                m_plan.pc = target;
            return m_plan;
        case Class::Call:
            return call(target);
        case Class::Return:
            return take_return();
        case Class::IndirectJump:
            if (auto place = operand()) {
                m_plan.pc = *place;
                return m_plan;
            }
            return std::nullopt;
        case Class::IndirectCall:
            if (auto place = operand())
                return call(*place);
            return std::nullopt;
        case Class::Immovable:
            return std::nullopt;
        }
        return std::nullopt;
    }

private:
    std::optional<StepPlan> copy(std::span<const uint8_t> text, uint64_t slot) {
        m_plan.kind = StepPlan::Kind::InSlot;
        m_plan.code_length = m_instruction.length;
        std::memcpy(m_plan.code, text.data(), m_instruction.length);
        if (!m_instruction.is_rip_relative())
            return m_plan;
        auto displacement = moved_displacement(m_instruction, m_frame.pc(), slot);
        if (!displacement)
            return std::nullopt;
        std::memcpy(m_plan.code + m_instruction.displacement_offset, &*displacement, sizeof(*displacement));
        return m_plan;
    }

    /// In the slot the return address is pushed, which may fault as the call would; then the thread goes on at the
    /// target.
    StepPlan call(uint64_t target) {
        constexpr uint8_t push_relative[] = {0xff, 0x35};
        constexpr size_t length = sizeof(push_relative) + sizeof(int32_t);
        constexpr int32_t distance = return_address_offset - length;
        std::memcpy(m_plan.code, push_relative, sizeof(push_relative));
        std::memcpy(m_plan.code + sizeof(push_relative), &distance, sizeof(distance));
        std::memcpy(m_plan.code + return_address_offset, &m_behind, sizeof(m_behind));
        m_plan.kind = StepPlan::Kind::InSlot;
        m_plan.code_length = length;
        m_plan.pc = target;
        return m_plan;
    }

    std::optional<StepPlan> take_return() {
        if (!m_read_word(m_frame.rsp, m_plan.pc))
            return std::nullopt;
        m_plan.sp = m_frame.rsp + sizeof(uint64_t) + static_cast<uint16_t>(m_instruction.immediate);
        return m_plan;
    }

    /// loopne, loope, loop count down; jrcxz looks.
    bool loops() {
        if (m_instruction.opcode == 0xe3)
            return m_frame.rcx == 0;
        --m_plan.counter;
        bool is_zero = (m_frame.rflags & zero) != 0;
        bool wanted = m_instruction.opcode == 0xe2 || is_zero == (m_instruction.opcode == 0xe1);
        return m_plan.counter != 0 && wanted;
    }

    std::optional<uint64_t> operand() {
        if (m_instruction.mod() == 3)
            return x86_64::value_of(m_frame, m_instruction, m_instruction.rm(), x86_64::rex_b);
        uint64_t value = 0;
        return m_read_word(x86_64::operand_address(m_frame, m_instruction, m_behind), value) ? std::optional(value)
                                                                                             : std::nullopt;
    }

    const TrapFrame& m_frame;
    const Instruction& m_instruction;
    WordReader m_read_word;
    uint64_t m_behind;
    StepPlan m_plan;
};

} // namespace

std::optional<StepPlan> plan_step(const TrapFrame& frame, std::span<const uint8_t> text, uint64_t slot,
                                  WordReader read_word) {
    auto instruction = x86_64::decode(text);
    if (!instruction)
        return std::nullopt;
    return Planner(frame, *instruction, read_word).run(text, slot);
}

bool has_step_plan(uint64_t address, std::span<const uint8_t> text, uint64_t slot) {
    auto instruction = x86_64::decode(text);
    if (!instruction || class_of(*instruction) == Class::Immovable)
        return false;
    bool is_moved = class_of(*instruction) == Class::Plain && instruction->is_rip_relative();
    return !is_moved || moved_displacement(*instruction, address, slot);
}

void apply(const StepPlan& plan, TrapFrame& frame) {
    frame.rip = plan.pc;
    frame.rsp = plan.sp;
    frame.rcx = plan.counter;
}

} // namespace debug
