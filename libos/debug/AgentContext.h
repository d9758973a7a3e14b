#pragma once
// What agent expressions find at a thread that ran into a breakpoint: its registers as gdb would see them, and memory
// without side effects. Trap handler, in a no-stop section; the world runs.

#include "gdbstub/Evaluation.h"
#include "gdbstub/arch/RegisterFile.h"

#include <arch/TrapFrame.h>
#include <optional>

namespace debug {

class AgentContext final : public gdbstub::EvaluationContext {
public:
    /// `frame` stays as it is while this lives.
    explicit AgentContext(const arch::TrapFrame& frame)
        : m_frame(frame) {}

    /// Those of the vector units are not known: they are saved only when the thread leaves its CPU.
    gdbstub::Evaluated<uint64_t> read_register(uint16_t number) override;
    /// Of pages that are there; one that nobody has touched yet cannot be made present in here.
    bool read_memory(uint64_t address, std::span<uint8_t> out) override;
    gdbstub::EvaluationPrinter* printer() override;

private:
    const arch::TrapFrame& m_frame;
    std::optional<gdbstub::RegisterFile> m_registers; ///< from the first use on
};

} // namespace debug
