#pragma once
// Seam between agent expressions and where they run: the registers, memory and outputs of one evaluation.
//
// An evaluation may happen in any context that its user has, a trap handler with interrupts off, say: implementations
// take no locks that the interrupted code may hold, do not sleep, and never fault.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "gdbstub/agent/Error.h"

namespace gdbstub::agent {

/// gdb's trace state variables, by the numbers that gdb gives them.
class Variables {
public:
    virtual Result<uint64_t> get(uint16_t number) = 0;
    virtual Result<> set(uint16_t number, uint64_t value) = 0;

protected:
    ~Variables() = default;
};

/// Where a trace frame's data goes. Refuse with CollectionFull what there is no room for, and with UnreadableMemory
/// what cannot be read.
class Collection {
public:
    virtual Result<> collect_memory(uint64_t address, uint64_t length) = 0;
    virtual Result<> collect_variable(uint16_t number) = 0;

protected:
    ~Collection() = default;
};

class Printer {
public:
    /// What one printf gives comes in one call as far as it is not longer than `largest_print`, otherwise in several.
    virtual void print(std::string_view text) = 0;

protected:
    ~Printer() = default;
};
inline constexpr size_t largest_print = 256;

class Context {
public:
    /// By gdb's number, zero-extended. UnknownRegister also for one of more than 64 bits, and one whose value is not
    /// known.
    virtual Result<uint64_t> read_register(uint16_t number) = 0;
    /// All of `out`, or false.
    [[nodiscard]] virtual bool read_memory(uint64_t address, std::span<uint8_t> out) = 0;

    // Optional parts: an expression that uses one that is null ends with an error.
    virtual Variables* variables() { return nullptr; }
    virtual Collection* collection() { return nullptr; }
    virtual Printer* printer() { return nullptr; }

protected:
    ~Context() = default;
};

} // namespace gdbstub::agent
