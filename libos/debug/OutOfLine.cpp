#include "libos/debug/OutOfLine.h"

#include "libos/debug/Debugger.h"
#include "libos/debug/GuestMemory.h"
#include "libos/debug/TextPatcher.h"
#include "libos/debug/WatchPoints.h"
#include "libos/debug/arch/StepPlan.h"
#include "libos/memory/PhysicalMemory.h"

#include <arch/CpuLocal.h>
#include <arch/Debug.h>
#include <arch/Image.h>
#include <arch/PageTable.h>
#include <cstring>

namespace debug {

namespace {

/// Its own CPU's only.
struct Slot {
    uint8_t* memory = nullptr; ///< in the direct map; nullptr before there is one
    // The step under way, while CpuLocal::in_slot.
    uint64_t address = 0; ///< the instruction's own
    uint64_t length = 0;
    uint64_t continue_at = 0;
};
constinit Slot g_slots[arch::max_cpus];

bool read_word(uint64_t address, uint64_t& word) {
    return guest_memory::read_present(address, {reinterpret_cast<uint8_t*>(&word), sizeof(word)}) == sizeof(word);
}

/// Breakpoints that the planning itself runs into find the slot taken, and are lifted.
std::optional<StepPlan> plan_at(const arch::TrapFrame& frame) {
    uint8_t text[longest_step_text];
    size_t size = text_patcher().read_text(frame.pc(), text);
    auto reader = [](uint64_t address, uint64_t& word) { return read_word(address, word); };
    return plan_step(frame, std::span(text).first(size), arch::slot_address(arch::this_cpu().index), reader);
}

bool take_slot() {
    auto& cpu = arch::this_cpu();
    if (cpu.in_slot || g_slots[cpu.index].memory == nullptr)
        return false;
    cpu.in_slot = true;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return true;
}

/// An NMI that came meanwhile takes place now: `frame` is whole.
void give_up_slot(arch::TrapFrame& frame) {
    auto& cpu = arch::this_cpu();
    std::atomic_signal_fence(std::memory_order_seq_cst);
    cpu.in_slot = false;
    if (!cpu.nmi_deferred)
        return;
    cpu.nmi_deferred = false;
    handle_nmi(frame);
}

} // namespace

base::Result<> initialize_slots() {
    for (uint32_t i = 0; i < arch::cpu_count(); ++i) {
        auto& memory = memory::physical_memory();
        auto frame = TRY(memory.allocate_page());
        auto* bytes = static_cast<uint8_t*>(arch::direct_map(frame));
        std::memset(bytes, arch::breakpoint_instruction, arch::page_size);
        TRY(arch::map_page(arch::slot_address(i), frame, {.executable = true, .borrowed = true}));
        g_slots[i].memory = bytes;
    }
    return {};
}

bool has_slots() {
    return g_slots[arch::cpu_count() - 1].memory != nullptr;
}

bool can_pass(uint64_t address) {
    uint32_t self = arch::this_cpu().index;
    uint8_t text[longest_step_text];
    size_t size = text_patcher().read_text(address, text);
    return g_slots[self].memory != nullptr &&
           has_step_plan(address, std::span(text).first(size), arch::slot_address(self));
}

Passed pass_breakpoint(arch::TrapFrame& frame) {
    if (!take_slot())
        return Passed::No;
    uint64_t address = frame.pc();
    Passed passed = Passed::No;
    if (auto plan = plan_at(frame)) {
        passed = plan->kind == StepPlan::Kind::Emulated ? Passed::Done : Passed::InSlot;
        if (passed == Passed::Done)
            apply(*plan, frame);
    }
    give_up_slot(frame);
    // In a stop just now the debugger may have sent the thread elsewhere.
    return passed == Passed::InSlot && frame.pc() != address ? Passed::Done : passed;
}

SlotExit leave_slot(arch::TrapFrame& frame, bool is_breakpoint) {
    auto& cpu = arch::this_cpu();
    const Slot& slot = g_slots[cpu.index];
    uint64_t start = arch::slot_address(cpu.index);
    uint64_t pc = is_breakpoint ? arch::breakpoint_address(frame) : frame.pc();
    SlotExit exit;
    if (pc == start + slot.length) {
        frame.set_pc(slot.continue_at);
        exit.was_its_end = is_breakpoint;
    } else if (pc == start) {
        frame.set_pc(slot.address);
        exit.unfinished = slot.address;
    } else {
        return exit; // a breakpoint in the way of somebody who has taken the slot, and is not in it yet
    }
    std::atomic_signal_fence(std::memory_order_seq_cst);
    cpu.in_slot = false;
    return exit;
}

void return_to_slot(arch::TrapFrame& frame, uint64_t address) {
    if (frame.pc() != address || !take_slot())
        return;
    Slot& slot = g_slots[arch::this_cpu().index];
    bool is_breakpoint = text_patcher().stops_at(address) || watch_points().stops_at(address);
    auto plan = is_breakpoint ? plan_at(frame) : std::nullopt;
    if (!plan || plan->kind != StepPlan::Kind::InSlot) {
        give_up_slot(frame); // it goes on in place: into the breakpoint again, if that is still there
        return;
    }
    slot.address = address;
    slot.length = plan->code_length;
    slot.continue_at = plan->pc;
    // The same as last time, mostly; to QEMU's translator a write is dear.
    if (std::memcmp(slot.memory, plan->code, slot_size) != 0)
        std::memcpy(slot.memory, plan->code, slot_size);
    frame.set_pc(arch::slot_address(arch::this_cpu().index));
}

} // namespace debug
