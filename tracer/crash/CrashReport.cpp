#include "tracer/crash/CrashReport.h"

#include "tracer/arch/Registers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace crash {

tracer::MemoryReader memory_of(const CoreFile& core, const tracer::Image& image) {
    return [&core, &image](uint64_t address, std::span<uint8_t> to) {
        if (core.read(address, to))
            return true;
        for (const auto& section : image.sections()) {
            if (section.address == 0 || address < section.address)
                continue;
            uint64_t offset = address - section.address;
            if (offset < section.bytes.size() && to.size() <= section.bytes.size() - offset) {
                memcpy(to.data(), section.bytes.data() + offset, to.size());
                return true;
            }
        }
        return false;
    };
}

static std::vector<CrashFrame> stack_of(const CoreThreadState& thread, const tracer::MemoryReader& memory,
                                        tracer::Symbolizer& symbolizer, const tracer::CfiTable& cfi) {
    std::vector<CrashFrame> stack;
    for (const auto& frame : tracer::unwind(tracer::to_unwind_registers(thread.registers), memory, cfi))
        for (const auto& source : symbolizer.find(frame.lookup_pc()))
            stack.push_back({.frame = frame, .source = source});
    return stack;
}

/// Some instructions before and behind pc. Code is read from the start of its function, where an instruction begins.
static std::vector<Instruction> code_around(uint64_t pc, const tracer::MemoryReader& memory,
                                            const tracer::CfiTable& cfi) {
    static constexpr size_t before = 6;
    static constexpr size_t behind = 5;
    static constexpr uint64_t longest_function = 65536;
    uint64_t begin = cfi.function_begin(pc).value_or(pc);
    if (pc - begin > longest_function)
        begin = pc;
    std::vector<uint8_t> code(pc - begin + behind * 15); // 15 bytes: the longest instruction
    while (!code.empty() && !memory(begin, code))
        code.resize(code.size() - 1);
    auto instructions = disassemble(code, begin);
    auto at = std::ranges::find(instructions, pc, &Instruction::address) - instructions.begin();
    auto first = std::max<std::ptrdiff_t>(at - static_cast<std::ptrdiff_t>(before), 0);
    auto last = std::min<std::ptrdiff_t>(at + static_cast<std::ptrdiff_t>(behind), std::ssize(instructions));
    if (first >= last)
        return {};
    return {instructions.begin() + first, instructions.begin() + last};
}

CrashReport make_crash_report(const CoreFile& core, tracer::Symbolizer& symbolizer, const tracer::CfiTable& cfi) {
    CrashReport report;
    report.core_path = core.path().string();
    report.image_path = symbolizer.image().path().string();
    report.build_id = symbolizer.image().build_id();
    report.reason = core.reason() && !core.reason()->text.empty()
                        ? core.reason()->text
                        : fmt::format("signal {}", core.threads().front().signal);
    report.was_made_by_host =
        core.reason() && core.reason()->header.origin == static_cast<uint32_t>(wire::CoreOrigin::Host);
    report.has_culprit = !core.reason() || (core.reason()->header.flags & wire::CoreReasonOnDemand) == 0;
    auto memory = memory_of(core, symbolizer.image());
    for (const auto& thread : core.threads())
        report.threads.push_back({.state = thread, .stack = stack_of(thread, memory, symbolizer, cfi)});
    report.code = code_around(tracer::program_counter(core.threads().front().registers), memory, cfi);
    return report;
}

} // namespace crash
