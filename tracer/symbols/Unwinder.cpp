#include "tracer/symbols/Unwinder.h"

#include "tracer/symbols/DwarfExpression.h"

namespace tracer {

static constexpr size_t g_most_frames = 65536;

static std::optional<uint64_t> apply(const CfiRule& rule, size_t number, uint64_t cfa, const UnwindRegisters& registers,
                                     const MemoryReader& memory, bool is_cfa) {
    std::optional<uint64_t> value;
    switch (rule.kind) {
    case CfiRule::Kind::Same:
        return registers.value[number];
    case CfiRule::Kind::Undefined:
        return std::nullopt;
    case CfiRule::Kind::CfaOffset:
        value = cfa + static_cast<uint64_t>(rule.offset);
        break;
    case CfiRule::Kind::Register:
        if (rule.register_number >= UnwindRegisters::count)
            return std::nullopt;
        value = registers.value[rule.register_number] + static_cast<uint64_t>(rule.offset);
        break;
    case CfiRule::Kind::Expression:
        value = evaluate(rule.expression, registers, memory, is_cfa ? std::nullopt : std::optional(cfa));
        break;
    case CfiRule::Kind::Constant:
        value = static_cast<uint64_t>(rule.offset);
        break;
    }
    return value && rule.in_memory ? read_word(memory, *value) : value;
}

static std::optional<StackFrame> caller_by_cfi(const StackFrame& frame, const CfiRow& row, const MemoryReader& memory) {
    const auto& registers = frame.registers;
    auto cfa = apply(row.cfa, UnwindRegisters::stack_pointer, 0, registers, memory, true);
    if (!cfa)
        return std::nullopt;
    StackFrame caller;
    caller.found = StackFrame::Found::Cfi;
    caller.is_exact_pc = row.is_signal_frame;
    for (size_t number = 0; number < UnwindRegisters::count; ++number) {
        const CfiRule& rule = row.registers[number];
        if (number == UnwindRegisters::stack_pointer && rule.kind == CfiRule::Kind::Same) {
            caller.registers.value[number] = *cfa;
            continue;
        }
        auto value = apply(rule, number, *cfa, registers, memory, false);
        if (!value && (number == UnwindRegisters::return_address || number == UnwindRegisters::stack_pointer))
            return std::nullopt;
        caller.registers.value[number] = value.value_or(0);
    }
    return caller;
}

static std::optional<StackFrame> caller_by_frame_pointer(const StackFrame& frame, const MemoryReader& memory) {
    uint64_t frame_pointer = frame.registers.value[UnwindRegisters::frame_pointer];
    if (frame_pointer % 8 != 0 || frame_pointer < frame.registers.sp())
        return std::nullopt;
    auto saved = read_word(memory, frame_pointer);
    auto return_address = read_word(memory, frame_pointer + 8);
    if (!saved || !return_address)
        return std::nullopt;
    StackFrame caller;
    caller.found = StackFrame::Found::FramePointer;
    caller.is_exact_pc = false;
    caller.registers.value[UnwindRegisters::frame_pointer] = *saved;
    caller.registers.value[UnwindRegisters::stack_pointer] = frame_pointer + 16;
    caller.registers.value[UnwindRegisters::return_address] = *return_address;
    return caller;
}

/// After a call through a bad pointer nothing is at pc, and the call has just pushed its return address.
static std::optional<StackFrame> caller_on_stack_top(const StackFrame& frame, const MemoryReader& memory,
                                                     const CfiTable& cfi) {
    auto return_address = read_word(memory, frame.registers.sp());
    if (!return_address || !cfi.find(*return_address - 1))
        return std::nullopt;
    StackFrame caller = frame;
    caller.found = StackFrame::Found::StackTop;
    caller.is_exact_pc = false;
    caller.registers.value[UnwindRegisters::stack_pointer] += 8;
    caller.registers.value[UnwindRegisters::return_address] = *return_address;
    return caller;
}

std::vector<StackFrame> unwind(const UnwindRegisters& registers, const MemoryReader& memory, const CfiTable& cfi) {
    std::vector<StackFrame> frames;
    frames.push_back({.registers = registers, .found = StackFrame::Found::Registers, .is_exact_pc = true});
    while (frames.size() < g_most_frames) {
        const StackFrame& frame = frames.back();
        std::optional<StackFrame> caller;
        if (auto row = cfi.find(frame.lookup_pc())) {
            // A trampoline is entered by a return to its first instruction: no call is before it.
            frames.back().is_exact_pc = frame.is_exact_pc || row->is_signal_frame;
            caller = caller_by_cfi(frame, *row, memory);
        } else {
            if (frame.found == StackFrame::Found::Registers)
                caller = caller_on_stack_top(frame, memory, cfi);
            if (!caller)
                caller = caller_by_frame_pointer(frame, memory);
        }
        if (!caller || caller->pc() == 0)
            break;
        if (caller->pc() == frame.pc() && caller->registers.sp() == frame.registers.sp())
            break;
        frames.push_back(std::move(*caller));
    }
    return frames;
}

} // namespace tracer
