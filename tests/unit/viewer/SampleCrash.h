#pragma once
// A crash as the viewer shows it, for tests.

#include "viewer/model/CrashReport.h"

#include <fmt/format.h>

#include <memory>

namespace viewer {

inline std::shared_ptr<const CrashReport> sample_crash() {
    CrashReport report{.reason = "write to 0x8, which is not mapped, at 0x401172",
                       .origin = "signal 11 (SIGSEGV)  ·  build/samples/crash",
                       .threads = {},
                       .culprit = 1};
    CrashThread idle{
        .tid = 10, .name = "alice", .state = "blocked in futex", .frames = {}, .registers = {}, .instructions = {}};
    idle.frames = {{0x2000100, "kernel::block", "/src/libos/sched/WaitQueue.cpp", 61, false},
                   {0x401900, "__lll_lock_wait", "", 0, false},
                   {0x401200, "main", "/src/samples/crash/main.cpp", 80, false}};
    CrashThread culprit{
        .tid = 11, .name = "bob", .state = "running on CPU 1", .frames = {}, .registers = {}, .instructions = {}};
    culprit.frames = {{0x401172, "Ledger::book(Order const&)", "/src/samples/shop/Ledger.cpp", 42, true},
                      {0x401172, "worker(void*)", "/src/samples/shop/Shop.cpp", 118, false},
                      {0x40a000, "start_thread", "", 0, false}};
    for (const char* name : {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12",
                             "r13", "r14", "r15", "rip", "eflags"})
        culprit.registers.push_back({name, fmt::format("{:#x}", 0x401000 + culprit.registers.size() * 0x1111)});
    for (unsigned i = 0; i < 14; ++i)
        culprit.instructions.push_back(
            {0x401150 + i * 4u, i % 3 ? "mov %rax, 0x8(%rdx)" : "call 0x401900 <lock>", i == 8});
    report.threads = {idle, culprit};
    return std::make_shared<const CrashReport>(std::move(report));
}

} // namespace viewer
