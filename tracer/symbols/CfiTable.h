#pragma once
// CfiTable: call frame information of an image (.eh_frame and .debug_frame), as rules for one address.

#include "tracer/Result.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace tracer {

/// How the caller's value of a register, or the CFA, is found.
struct CfiRule {
    enum class Kind : uint8_t {
        Same,       ///< unchanged
        Undefined,  ///< lost; for the return address: the outermost frame
        CfaOffset,  ///< CFA + offset
        Register,   ///< register + offset
        Expression, ///< the value of an expression; for a register the CFA is on its stack at first
        Constant,   ///< offset
    };
    Kind kind = Kind::Same;
    bool in_memory = false; ///< what kind yields is the address of the value
    uint32_t register_number = 0;
    int64_t offset = 0;
    std::vector<uint8_t> expression;
};

struct CfiRow {
    CfiRule cfa;
    std::array<CfiRule, 17> registers; ///< by DWARF number, 16 the return address
    bool is_signal_frame = false;      ///< the caller's pc is not behind a call
};

/// Owns the image's tables. Not thread-safe.
class CfiTable {
public:
    static Result<CfiTable> open(const std::filesystem::path& path);

    CfiTable(CfiTable&&) noexcept;
    CfiTable& operator=(CfiTable&&) noexcept;
    ~CfiTable();

    /// The rules at `pc`; nothing if no table knows that address.
    std::optional<CfiRow> find(uint64_t pc) const;
    /// Where the code begins that the same rules are about: its function, or a cold part of it.
    std::optional<uint64_t> function_begin(uint64_t pc) const;

private:
    struct State;
    explicit CfiTable(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

} // namespace tracer
