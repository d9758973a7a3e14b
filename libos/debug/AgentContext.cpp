#include "libos/debug/AgentContext.h"

#include "gdbstub/arch/Registers.h"
#include "libos/debug/AgentOutput.h"
#include "libos/debug/GuestMemory.h"
#include "libos/debug/TextPatcher.h"
#include "libos/debug/arch/RegisterFiles.h"
#include "libos/sched/Thread.h"

#include <arch/CpuLocal.h>

namespace debug {

gdbstub::Evaluated<uint64_t> AgentContext::read_register(uint16_t number) {
    if (!m_registers) {
        const auto* thread = arch::this_cpu().current;
        arch_registers::from_frame(m_frame, thread != nullptr ? thread->fs_base : 0, nullptr, m_frame.from_app(),
                                   m_registers.emplace());
    }
    auto value = gdbstub::arch::integer_value(*m_registers, number);
    if (!value)
        return gdbstub::fail(gdbstub::EvaluationError::UnknownRegister);
    return *value;
}

bool AgentContext::read_memory(uint64_t address, std::span<uint8_t> out) {
    if (guest_memory::read_present(address, out) != out.size())
        return false;
    text_patcher().hide_changes(address, out);
    return true;
}

gdbstub::EvaluationPrinter* AgentContext::printer() {
    return &agent_output();
}

} // namespace debug
