#include "viewer/model/CrashAdapter.h"

#include "tracer/analysis/Timeline.h"
#include "tracer/arch/Registers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <fmt/format.h>
#include <utility>

namespace viewer {
namespace {

std::string state_of(const crash::CoreThreadState& thread) {
    if (!thread.has_info)
        return "state unknown";
    const wire::CoreThread& info = thread.info;
    std::string text;
    switch (static_cast<wire::CoreThreadState>(info.state)) {
    case wire::CoreThreadState::Running:
        text = info.cpu == wire::core_no_cpu ? "running" : fmt::format("running on CPU {}", info.cpu);
        break;
    case wire::CoreThreadState::Runnable:
        text = "runnable";
        break;
    case wire::CoreThreadState::Blocked:
        text = "blocked";
        break;
    case wire::CoreThreadState::Exited:
        text = "exited";
        break;
    default:
        text = "state unknown";
    }
    if (info.system_call != wire::core_no_system_call)
        text += " in " + tracer::system_call_name(info.system_call);
    return text;
}

std::vector<CrashRegister> registers_of(const wire::CoreRegisters& r) {
    std::vector<CrashRegister> registers;
    const auto values = std::bit_cast<std::array<uint64_t, wire::core_register_count>>(r);
    for (size_t index : tracer::displayed_registers)
        registers.push_back({std::string(tracer::register_names[index]), fmt::format("{:#x}", values[index])});
    return registers;
}

CrashThread thread_of(const crash::CrashThread& source) {
    CrashThread thread;
    thread.tid = source.state.tid;
    thread.name = source.state.name();
    thread.state = state_of(source.state);
    thread.registers = registers_of(source.state.registers);
    for (const crash::CrashFrame& frame : source.stack)
        thread.frames.push_back(
            {frame.frame.pc(), frame.source.function, frame.source.file, frame.source.line, frame.source.is_inlined});
    return thread;
}

} // namespace

CrashReport crash_report_of(const crash::CrashReport& report) {
    CrashReport result;
    result.reason = report.reason;
    result.origin =
        report.instance.empty() ? report.image_path : fmt::format("{}  ·  {}", report.instance, report.image_path);
    if (report.was_made_by_host)
        result.origin += "  ·  taken by the host";
    for (const crash::CrashThread& thread : report.threads)
        result.threads.push_back(thread_of(thread));
    if (!result.threads.empty()) { // the culprit comes first
        const std::uint64_t pc = tracer::program_counter(report.threads.front().state.registers);
        for (const crash::Instruction& instruction : report.code)
            result.threads.front().instructions.push_back(
                {instruction.address, instruction.text, instruction.address == pc});
    }
    return result;
}

} // namespace viewer
