// Instructions executed where they are and out of line, from the same registers and memory: both end alike.
#include "libos/debug/arch/StepPlan.h"
#include "StepSamples.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <sys/mman.h>
#include <ucontext.h>
#include <vector>

namespace {

using arch::TrapFrame;
using debug::StepPlan;

constexpr uint64_t arithmetic_flags = 0x8d5;

struct Memory {
    std::array<uint64_t, 512> data;
    std::array<uint64_t, 512> stack;
    std::array<uint64_t, 16> cells;
    bool operator==(const Memory&) const = default;
};

struct Vectors {
    std::array<std::array<uint32_t, 4>, 16> xmm;
    std::array<std::array<uint16_t, 8>, 8> st;
    uint16_t status;
    bool operator==(const Vectors&) const = default;
};

struct State {
    TrapFrame registers{};
    Vectors vectors{};
    Memory memory{};
};

alignas(64) std::array<uint64_t, 512> g_data;
alignas(64) std::array<uint64_t, 512> g_stack;

void store_memory(const Memory& memory) {
    g_data = memory.data;
    g_stack = memory.stack;
    std::ranges::copy(memory.cells, step_sample_cells);
}

Memory load_memory() {
    Memory memory{g_data, g_stack, {}};
    std::ranges::copy(step_sample_cells, memory.cells.begin());
    return memory;
}

/// Runs code in this process from one breakpoint instruction to the next, by the signal that those raise.
class Runner {
public:
    Runner() {
        stack_t stack{};
        stack.ss_sp = m_signal_stack.data();
        stack.ss_size = m_signal_stack.size();
        EXPECT_EQ(sigaltstack(&stack, &m_old_stack), 0);
        struct sigaction action{};
        action.sa_sigaction = on_trap;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        EXPECT_EQ(sigaction(SIGTRAP, &action, &m_old_action), 0);
    }
    ~Runner() {
        sigaction(SIGTRAP, &m_old_action, nullptr);
        sigaltstack(&m_old_stack, nullptr);
    }

    /// Afterwards pc is the breakpoint instruction's address.
    static State run(const State& start) {
        store_memory(start.memory);
        s_state = &start;
        s_runs = false;
        asm volatile("int3" ::: "memory", "cc");
        State end = s_end;
        end.memory = load_memory();
        return end;
    }

private:
    static void on_trap(int, siginfo_t*, void* context) {
        auto& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
        auto& fpu = *machine.fpregs;
        if (!s_runs) {
            s_runs = true;
            std::memcpy(s_saved_registers, machine.gregs, sizeof(machine.gregs));
            s_saved_fpu = fpu;
            to_machine(*s_state, machine);
            return;
        }
        from_machine(machine, s_end);
        s_end.registers.rip -= 1;
        std::memcpy(machine.gregs, s_saved_registers, sizeof(machine.gregs));
        fpu = s_saved_fpu;
    }

    template <typename Frame>
    static auto registers_of(Frame& frame) {
        return std::array{&frame.r8,  &frame.r9,  &frame.r10, &frame.r11, &frame.r12, &frame.r13,
                          &frame.r14, &frame.r15, &frame.rdi, &frame.rsi, &frame.rbp, &frame.rbx,
                          &frame.rdx, &frame.rax, &frame.rcx, &frame.rsp, &frame.rip};
    }

    static void to_machine(const State& state, mcontext_t& machine) {
        auto registers = registers_of(state.registers);
        for (size_t i = 0; i < registers.size(); ++i)
            machine.gregs[REG_R8 + static_cast<int>(i)] = static_cast<greg_t>(*registers[i]);
        machine.gregs[REG_EFL] = static_cast<greg_t>(state.registers.rflags);
        std::memcpy(machine.fpregs->_xmm, &state.vectors.xmm, sizeof(state.vectors.xmm));
        // An empty FPU with all exceptions masked.
        machine.fpregs->cwd = 0x37f;
        machine.fpregs->swd = 0;
        machine.fpregs->ftw = 0;
        machine.fpregs->mxcsr = 0x1f80;
    }

    static void from_machine(const mcontext_t& machine, State& state) {
        auto registers = registers_of(state.registers);
        for (size_t i = 0; i < registers.size(); ++i)
            *registers[i] = static_cast<uint64_t>(machine.gregs[REG_R8 + static_cast<int>(i)]);
        state.registers.rflags = static_cast<uint64_t>(machine.gregs[REG_EFL]);
        std::memcpy(&state.vectors.xmm, machine.fpregs->_xmm, sizeof(state.vectors.xmm));
        for (size_t i = 0; i < 8; ++i)
            std::memcpy(&state.vectors.st[i], &machine.fpregs->_st[i], 10);
        state.vectors.status = machine.fpregs->swd;
    }

    std::vector<std::byte> m_signal_stack{65536};
    stack_t m_old_stack{};
    struct sigaction m_old_action{};
    inline static const State* s_state = nullptr;
    inline static State s_end;
    inline static volatile bool s_runs = false;
    inline static gregset_t s_saved_registers;
    inline static _libc_fpstate s_saved_fpu;
};

/// A slot in reach of this program's code.
class Slot {
public:
    Slot() {
        auto near = reinterpret_cast<uint64_t>(step_sample_target) & ~uint64_t{0xfff};
        for (uint64_t distance = 0x10000000; m_address == nullptr && distance < 0x70000000; distance += 0x1000000) {
            void* page = mmap(reinterpret_cast<void*>(near - distance), 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
            if (page != MAP_FAILED)
                m_address = static_cast<uint8_t*>(page);
        }
        EXPECT_NE(m_address, nullptr);
    }
    ~Slot() { munmap(m_address, 4096); }
    uint64_t address() const { return reinterpret_cast<uint64_t>(m_address); }
    void write(const StepPlan& plan) { std::memcpy(m_address, plan.code, sizeof(plan.code)); }

private:
    uint8_t* m_address = nullptr;
};

std::span<const uint8_t> text_of(const StepSample& sample) {
    return {sample.begin, sample.end};
}

constexpr auto read_word = [](uint64_t address, uint64_t& word) {
    std::memcpy(&word, reinterpret_cast<const void*>(address), sizeof(word));
    return true;
};

class StepPlanTest : public testing::Test {
protected:
    State random_state(const StepSample& sample) {
        State state;
        auto& registers = state.registers;
        for (auto* value : {&registers.rax, &registers.rdx, &registers.r9, &registers.r10, &registers.r11,
                            &registers.r12, &registers.r13, &registers.r14})
            *value = m_random() >> (m_random() % 8 == 0 ? 60 : m_random() % 2 == 0 ? 32 : 0);
        auto target = reinterpret_cast<uint64_t>(step_sample_target);
        auto data = reinterpret_cast<uint64_t>(g_data.data());
        registers.rbx = data;
        registers.r8 = data + 64;
        registers.rsi = data + 1024;
        registers.rdi = data + 2048;
        registers.rbp = data + 3072;
        registers.rsp = reinterpret_cast<uint64_t>(g_stack.data()) + 2048;
        registers.r15 = target;
        registers.rcx = m_random() % 9;
        registers.rip = reinterpret_cast<uint64_t>(sample.begin);
        registers.rflags = 0x202 | (m_random() & arithmetic_flags);
        for (auto& vector : state.vectors.xmm)
            for (auto& word : vector)
                word = static_cast<uint32_t>(m_random());
        for (auto& word : state.memory.data)
            word = m_random();
        for (size_t i = 0; i < 64; ++i)
            state.memory.data[i] = target;
        state.memory.stack.fill(target);
        for (auto& word : state.memory.cells)
            word = m_random();
        state.memory.cells[0] = state.memory.cells[1] = target;
        // Strings that are equal for a while.
        for (size_t i = 0; i < m_random() % 3; ++i)
            state.memory.data[128 + i] = state.memory.data[256 + i];
        if (std::strstr(sample.text, "cmpxchg") != nullptr && m_random() % 2 == 0) {
            registers.rax = std::strchr(sample.text, '(') != nullptr && std::strstr(sample.text, "rip") != nullptr
                                ? state.memory.cells[2]
                                : state.memory.data[8];
            registers.rdx = state.memory.data[9];
        }
        return state;
    }

    State run_out_of_line(const State& start, const StepSample& sample, const StepPlan& plan) {
        State end = start;
        if (plan.kind == StepPlan::Kind::Emulated) {
            store_memory(start.memory);
            debug::apply(plan, end.registers);
            return end;
        }
        m_slot.write(plan);
        end.registers.rip = m_slot.address();
        end = Runner::run(end);
        EXPECT_EQ(end.registers.rip, m_slot.address() + plan.code_length) << sample.text;
        end.registers.rip = plan.pc;
        return end;
    }

    std::mt19937_64 m_random{1};
    Runner m_runner;
    Slot m_slot;
};

} // namespace

TEST_F(StepPlanTest, OutOfLineDoesWhatInLineDoes) {
    size_t emulated = 0;
    for (const auto& sample : step_samples()) {
        for (int round = 0; round < 40; ++round) {
            State start = random_state(sample);
            State wanted = Runner::run(start);
            store_memory(start.memory);
            auto plan = debug::plan_step(start.registers, text_of(sample), m_slot.address(), read_word);
            ASSERT_TRUE(plan) << sample.text;
            ASSERT_TRUE(debug::has_step_plan(start.registers.rip, text_of(sample), m_slot.address())) << sample.text;
            State found = run_out_of_line(start, sample, *plan);
            if (plan->kind == StepPlan::Kind::Emulated) {
                ++emulated;
                found.vectors = wanted.vectors; // it touched none
            }
            ASSERT_EQ(std::memcmp(&found.registers, &wanted.registers, sizeof(TrapFrame)), 0)
                << sample.text << std::hex << ": at " << found.registers.rip << " instead of " << wanted.registers.rip
                << ", flags " << found.registers.rflags << " instead of " << wanted.registers.rflags;
            ASSERT_EQ(found.memory, wanted.memory) << sample.text;
            ASSERT_EQ(found.vectors, wanted.vectors) << sample.text;
        }
    }
    EXPECT_GT(emulated, 1000u);
}

TEST_F(StepPlanTest, WhatCannotBeMovedIsRefused) {
    TrapFrame frame{};
    frame.rip = m_slot.address() + 0x1000;
    auto is_refused = [&](std::initializer_list<uint8_t> bytes, uint64_t slot) {
        std::vector<uint8_t> text(bytes);
        bool has_plan = debug::plan_step(frame, text, slot, read_word).has_value();
        EXPECT_EQ(has_plan, debug::has_step_plan(frame.rip, text, slot));
        return !has_plan;
    };
    uint64_t slot = m_slot.address();
    EXPECT_TRUE(is_refused({0xcc}, slot));                                // int3
    EXPECT_TRUE(is_refused({0xcd, 0x80}, slot));                          // int
    EXPECT_TRUE(is_refused({0x48, 0xcf}, slot));                          // iretq
    EXPECT_TRUE(is_refused({0xcb}, slot));                                // lret
    EXPECT_TRUE(is_refused({0xff, 0x2b}, slot));                          // ljmp *(%rbx)
    EXPECT_TRUE(is_refused({0x0f, 0x07}, slot));                          // sysret
    EXPECT_TRUE(is_refused({0xc7, 0xf8, 0, 0, 0, 0}, slot));              // xbegin
    EXPECT_TRUE(is_refused({0x66, 0xeb, 0x00}, slot));                    // jmp, prefix 66
    EXPECT_TRUE(is_refused({0x64, 0xff, 0x23}, slot));                    // jmp *%fs:(%rbx)
    EXPECT_TRUE(is_refused({0x67, 0xe3, 0x00}, slot));                    // jecxz
    EXPECT_TRUE(is_refused({0x67, 0x8b, 0x05, 0, 0, 0, 0}, slot));        // mov (%eip), %eax
    EXPECT_TRUE(is_refused({0x06}, slot));                                // none
    EXPECT_TRUE(is_refused({0x8b, 0x05}, slot));                          // cut off
    EXPECT_FALSE(is_refused({0x8b, 0x05, 0, 0, 0, 0}, slot));             // mov (%rip), %eax
    EXPECT_TRUE(is_refused({0x8b, 0x05, 0, 0, 0, 0}, slot + (1L << 40))); // from too far
    EXPECT_FALSE(is_refused({0xe8, 0, 0, 0, 0}, slot + (1L << 40)));      // a call can
    EXPECT_FALSE(is_refused({0x0f, 0x05}, slot));                         // syscall
    EXPECT_FALSE(is_refused({0xf4}, slot));                               // hlt
}

TEST_F(StepPlanTest, MemoryThatCannotBeReadIsRefused) {
    TrapFrame frame{};
    auto read_nothing = [](uint64_t, uint64_t&) { return false; };
    for (std::vector<uint8_t> text : {std::vector<uint8_t>{0xc3}, {0xff, 0x23}, {0xff, 0x13}})
        EXPECT_FALSE(debug::plan_step(frame, text, m_slot.address(), read_nothing));
}
