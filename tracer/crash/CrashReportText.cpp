// A crash report as text and as JSON.
#include "tracer/crash/CrashReport.h"

#include "tracer/arch/Registers.h"
#include "tracer/trace/SystemCallNames.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace crash {

static std::string state_text(const CoreThreadState& thread) {
    if (!thread.has_info)
        return "";
    std::string text;
    switch (static_cast<wire::CoreThreadState>(thread.info.state)) {
    case wire::CoreThreadState::Running:
        text = fmt::format("running on cpu {}", thread.info.cpu);
        break;
    case wire::CoreThreadState::Runnable:
        text = "waiting for a CPU";
        break;
    case wire::CoreThreadState::Blocked:
        text = "blocked";
        break;
    case wire::CoreThreadState::Exited:
        text = "exited";
        break;
    default:
        text = "in an unknown state";
        break;
    }
    if (thread.info.system_call != wire::core_no_system_call)
        text += " in " + tracer::system_call_name(thread.info.system_call);
    if ((thread.info.flags & wire::CoreThreadKernel) != 0)
        text += ", of the kernel";
    return text;
}

/// A stack that is too long to read, as after endless recursion, shows its two ends: what went wrong, and who began it.
static void put_stack(std::string& text, const CrashThread& thread) {
    static constexpr size_t most_lines = 40, last_lines = 16;
    const size_t size = thread.stack.size();
    for (size_t number = 0; number < size; ++number) {
        if (size > most_lines && number == most_lines - last_lines) {
            number = size - last_lines;
            text += fmt::format("  … {} more\n", size - most_lines);
        }
        const auto& line = thread.stack[number];
        text += fmt::format("  #{:<2} {:#018x} {}{}\n", number, line.frame.pc(), to_string(line.source),
                            line.frame.found == tracer::StackFrame::Found::FramePointer ? "  (guessed)" : "");
    }
}

static void put_registers(std::string& text, const wire::CoreRegisters& registers) {
    auto values = std::bit_cast<std::array<uint64_t, wire::core_register_count>>(registers);
    size_t column = 0;
    for (auto name : tracer::shown_registers) {
        auto index =
            static_cast<size_t>(std::ranges::find(tracer::register_names, name) - tracer::register_names.begin());
        text += fmt::format("  {:<7} {:#018x}{}", name, values[index], ++column % 4 == 0 ? "\n" : "");
    }
}

std::string to_text(const CrashReport& report) {
    std::string text;
    const auto& culprit = report.threads.front();
    text += fmt::format("{}{}\n", report.instance.empty() ? "" : report.instance + ": ", report.reason);
    text += fmt::format("core {}{}\nimage {}, build id {}\n", report.core_path,
                        report.was_made_by_host ? " (taken by the host)" : "", report.image_path, report.build_id);
    text += fmt::format("\n{} {} \"{}\" {}\n", report.has_culprit ? "CULPRIT: thread" : "THREAD", culprit.state.tid,
                        culprit.state.name(), state_text(culprit.state));
    put_stack(text, culprit);
    text += "\nREGISTERS\n";
    put_registers(text, culprit.state.registers);
    text += "\nCODE\n";
    for (const auto& instruction : report.code)
        text += fmt::format("{} {:#x}  {}\n",
                            instruction.address == tracer::program_counter(culprit.state.registers) ? "=>" : "  ",
                            instruction.address, instruction.text);
    for (size_t i = 1; i < report.threads.size(); ++i) {
        const auto& thread = report.threads[i];
        if ((thread.state.info.flags & wire::CoreThreadIdle) != 0)
            continue;
        text += fmt::format("\nTHREAD {} \"{}\" {}\n", thread.state.tid, thread.state.name(), state_text(thread.state));
        put_stack(text, thread);
    }
    if (!report.last_events.empty()) {
        text += fmt::format("\nTHE LAST {} EVENTS{}\n", report.last_events.size(),
                            report.lost_events == 0 ? "" : fmt::format(" ({} were lost)", report.lost_events));
        for (const auto& line : report.last_events)
            text += line + "\n";
    }
    return text;
}

nlohmann::json to_json(const CrashReport& report) {
    nlohmann::json json = {{"core", report.core_path},          {"image", report.image_path},
                           {"build_id", report.build_id},       {"instance", report.instance},
                           {"reason", report.reason},           {"made_by_host", report.was_made_by_host},
                           {"has_culprit", report.has_culprit}, {"threads", nlohmann::json::array()},
                           {"code", nlohmann::json::array()},   {"last_events", report.last_events},
                           {"lost_events", report.lost_events}};
    for (const auto& thread : report.threads) {
        nlohmann::json entry = {{"tid", thread.state.tid},           {"name", thread.state.name()},
                                {"state", state_text(thread.state)}, {"signal", thread.state.signal},
                                {"stack", nlohmann::json::array()},  {"registers", nlohmann::json::object()}};
        for (const auto& line : thread.stack)
            entry["stack"].push_back({{"pc", line.frame.pc()},
                                      {"function", line.source.function},
                                      {"file", line.source.file},
                                      {"line", line.source.line},
                                      {"inlined", line.source.is_inlined}});
        auto values = std::bit_cast<std::array<uint64_t, wire::core_register_count>>(thread.state.registers);
        for (size_t i = 0; i < values.size(); ++i)
            entry["registers"][std::string(tracer::register_names[i])] = values[i];
        json["threads"].push_back(std::move(entry));
    }
    for (const auto& instruction : report.code)
        json["code"].push_back({{"address", instruction.address}, {"text", instruction.text}});
    return json;
}

} // namespace crash
