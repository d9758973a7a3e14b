#pragma once
// How long an evaluation may take, counted rather than timed: one for each instruction, for each character that is
// looked at or printed, and for each eight bytes that are collected.

#include <cstdint>

#include "gdbstub/agent/Error.h"

namespace gdbstub::agent {

class Budget {
public:
    constexpr explicit Budget(uint64_t units)
        : m_left(units) {}

    Result<> spend(uint64_t units) {
        if (units > m_left)
            return fail(Error::TooManyInstructions);
        m_left -= units;
        return {};
    }

private:
    uint64_t m_left;
};

} // namespace gdbstub::agent
