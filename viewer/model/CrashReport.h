#pragma once
// CrashReport: what a core says, as text ready to show. A value without any reference to where it came from, so that
// the picture of a crash and its tests need no core.

#include <cstdint>
#include <string>
#include <vector>

namespace viewer {

struct CrashFrame {
    std::uint64_t pc = 0;
    std::string function;
    std::string file; // empty if not known
    std::uint32_t line = 0;
    bool is_inlined = false;
};

struct CrashRegister {
    std::string name;
    std::string value; // "0x401136"
};

struct CrashInstruction {
    std::uint64_t address = 0;
    std::string text; // "mov (%rax), %rdx"
    bool is_current = false;
};

struct CrashThread {
    std::uint32_t tid = 0;
    std::string name;
    std::string state;              // "running on CPU 1", "blocked in futex"
    std::vector<CrashFrame> frames; // innermost first
    std::vector<CrashRegister> registers;
    std::vector<CrashInstruction> instructions; // around its pc
};

struct CrashReport {
    std::string reason; // one sentence
    std::string origin; // what crashed: image, signal
    std::vector<CrashThread> threads;
    std::size_t culprit = 0; // index into threads; meaningless if there are none
};

/// "shop.cpp:42", the file's name alone; "" if the file is not known.
std::string place_of(const CrashFrame& frame);

} // namespace viewer
