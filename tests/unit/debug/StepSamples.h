#pragma once
// Instructions that StepPlanTest executes where they are, and out of line.
//
// rbx, r8, rsi, rdi and rbp point into data, whose first 64 words are step_sample_target; rsp into a stack full of it,
// and r15 is it. rcx is 0 to 8.

#include <cstdint>
#include <span>

struct StepSample {
    const uint8_t* begin;
    const uint8_t* end;
    const char* text;
};

std::span<const StepSample> step_samples();

extern "C" {
extern const uint8_t step_sample_target[];
/// 16 words that they reach by distance; the first two are step_sample_target.
extern uint64_t step_sample_cells[16];
}
