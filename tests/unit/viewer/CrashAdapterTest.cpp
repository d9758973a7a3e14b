#include "viewer/model/CrashAdapter.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

TEST(CrashAdapter, keeps_what_the_core_says) {
    crash::CrashReport source;
    source.reason = "write to 0x0, which is not mapped, at 0x401136";
    source.image_path = "/build/bin/crash";
    source.instance = "demo";
    source.was_made_by_host = true;
    crash::CrashThread culprit;
    culprit.state.tid = 4;
    culprit.state.has_info = true;
    culprit.state.info.cpu = 1;
    culprit.state.info.system_call = wire::core_no_system_call;
    culprit.state.registers.rip = 0x401136;
    tracer::StackFrame frame;
    frame.registers.value[tracer::UnwindRegisters::return_address] = 0x401136;
    culprit.stack.push_back({frame, {"main", "/src/Crash.cpp", 34, false}});
    crash::CrashThread other;
    other.state.tid = 5;
    source.threads = {culprit, other};
    source.code = {{0x401130, 6, "nop"}, {0x401136, 2, "movl %edx, (%rax)"}};

    CrashReport report = crash_report_of(source);
    EXPECT_EQ(report.reason, source.reason);
    EXPECT_EQ(report.origin, "demo  ·  /build/bin/crash  ·  taken by the host");
    ASSERT_EQ(report.threads.size(), 2u);
    EXPECT_EQ(report.culprit, 0u);
    EXPECT_EQ(report.threads[0].state, "running on CPU 1");
    EXPECT_EQ(report.threads[1].state, "state unknown");
    EXPECT_EQ(place_of(report.threads[0].frames.at(0)), "Crash.cpp:34");
    ASSERT_EQ(report.threads[0].instructions.size(), 2u);
    EXPECT_FALSE(report.threads[0].instructions[0].is_current);
    EXPECT_TRUE(report.threads[0].instructions[1].is_current);
    EXPECT_TRUE(report.threads[1].instructions.empty());
    bool has_rip = false;
    for (const CrashRegister& each : report.threads[0].registers)
        has_rip = has_rip || (each.name == "rip" && each.value == "0x401136");
    EXPECT_TRUE(has_rip);
}

TEST(CrashAdapter, copes_with_a_core_of_no_threads) {
    crash::CrashReport source;
    source.code = {{0x401130, 6, "nop"}};
    EXPECT_TRUE(crash_report_of(source).threads.empty());
}

} // namespace
} // namespace viewer
