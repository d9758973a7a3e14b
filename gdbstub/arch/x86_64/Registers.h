#pragma once
// The one table of x86-64 registers: target.xml, `g`, `p` and the stop replies are made from it.
//
// Names, sizes and types: GDB manual, "i386 Features". gdb numbers registers in the order in which the
// target description lists them; this order is the one that gdbserver uses on x86-64 Linux.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "gdbstub/arch/Registers.h"

namespace gdbstub::arch {

inline constexpr std::string_view architecture = "i386:x86-64";
inline constexpr std::string_view os_abi = "GNU/Linux";
inline constexpr size_t largest_register_bytes = 16;

namespace detail {

constexpr Register integer(std::string_view name, size_t offset, std::string_view type = "int64") {
    return {name, 64, type, "", static_cast<uint16_t>(offset), 8};
}
constexpr Register selector(std::string_view name, size_t offset) {
    return {name, 32, "int32", "", static_cast<uint16_t>(offset), 4};
}
/// `at` is the offset in FXSAVE64's layout.
constexpr Register x87_control(std::string_view name, size_t at, uint16_t stored_bytes, Form form = Form::Plain) {
    return {name, 32, "int", "float", static_cast<uint16_t>(offsetof(RegisterFile, fxsave) + at), stored_bytes, form};
}
constexpr Register x87_data(std::string_view name, size_t index) {
    return {name, 80, "i387_ext", "float", static_cast<uint16_t>(offsetof(RegisterFile, fxsave) + 32 + 16 * index), 10};
}
constexpr Register xmm(std::string_view name, size_t index) {
    return {name, 128, "vec128", "vector", static_cast<uint16_t>(offsetof(RegisterFile, fxsave) + 160 + 16 * index),
            16};
}
constexpr Register ymm_high(std::string_view name, size_t index) {
    return {name, 128, "uint128", "vector", static_cast<uint16_t>(offsetof(RegisterFile, ymm_high) + 16 * index), 16};
}

inline constexpr std::string_view core_types =
    R"(<flags id="i386_eflags" size="4"><field name="" start="22" end="31"/><field name="CF" start="0" end="0"/>)"
    R"(<field name="" start="1" end="1"/><field name="PF" start="2" end="2"/><field name="AF" start="4" end="4"/>)"
    R"(<field name="ZF" start="6" end="6"/><field name="SF" start="7" end="7"/><field name="TF" start="8" end="8"/>)"
    R"(<field name="IF" start="9" end="9"/><field name="DF" start="10" end="10"/><field name="OF" start="11" end="11"/>)"
    R"(<field name="NT" start="14" end="14"/><field name="RF" start="16" end="16"/><field name="VM" start="17" end="17"/>)"
    R"(<field name="AC" start="18" end="18"/><field name="VIF" start="19" end="19"/>)"
    R"(<field name="VIP" start="20" end="20"/><field name="ID" start="21" end="21"/></flags>)";

inline constexpr std::string_view sse_types =
    R"(<vector id="v4f" type="ieee_single" count="4"/><vector id="v2d" type="ieee_double" count="2"/>)"
    R"(<vector id="v16i8" type="int8" count="16"/><vector id="v8i16" type="int16" count="8"/>)"
    R"(<vector id="v4i32" type="int32" count="4"/><vector id="v2i64" type="int64" count="2"/>)"
    R"(<union id="vec128"><field name="v4_float" type="v4f"/><field name="v2_double" type="v2d"/>)"
    R"(<field name="v16_int8" type="v16i8"/><field name="v8_int16" type="v8i16"/>)"
    R"(<field name="v4_int32" type="v4i32"/><field name="v2_int64" type="v2i64"/>)"
    R"(<field name="uint128" type="uint128"/></union>)"
    R"(<flags id="i386_mxcsr" size="4"><field name="IE" start="0" end="0"/><field name="DE" start="1" end="1"/>)"
    R"(<field name="ZE" start="2" end="2"/><field name="OE" start="3" end="3"/><field name="UE" start="4" end="4"/>)"
    R"(<field name="PE" start="5" end="5"/><field name="DAZ" start="6" end="6"/><field name="IM" start="7" end="7"/>)"
    R"(<field name="DM" start="8" end="8"/><field name="ZM" start="9" end="9"/><field name="OM" start="10" end="10"/>)"
    R"(<field name="UM" start="11" end="11"/><field name="PM" start="12" end="12"/>)"
    R"(<field name="FZ" start="15" end="15"/></flags>)";

} // namespace detail

inline constexpr std::array registers = {
    // 0: org.gnu.gdb.i386.core
    detail::integer("rax", offsetof(RegisterFile, rax)),
    detail::integer("rbx", offsetof(RegisterFile, rbx)),
    detail::integer("rcx", offsetof(RegisterFile, rcx)),
    detail::integer("rdx", offsetof(RegisterFile, rdx)),
    detail::integer("rsi", offsetof(RegisterFile, rsi)),
    detail::integer("rdi", offsetof(RegisterFile, rdi)),
    detail::integer("rbp", offsetof(RegisterFile, rbp), "data_ptr"),
    detail::integer("rsp", offsetof(RegisterFile, rsp), "data_ptr"),
    detail::integer("r8", offsetof(RegisterFile, r8)),
    detail::integer("r9", offsetof(RegisterFile, r9)),
    detail::integer("r10", offsetof(RegisterFile, r10)),
    detail::integer("r11", offsetof(RegisterFile, r11)),
    detail::integer("r12", offsetof(RegisterFile, r12)),
    detail::integer("r13", offsetof(RegisterFile, r13)),
    detail::integer("r14", offsetof(RegisterFile, r14)),
    detail::integer("r15", offsetof(RegisterFile, r15)),
    detail::integer("rip", offsetof(RegisterFile, rip), "code_ptr"),
    Register{"eflags", 32, "i386_eflags", "", offsetof(RegisterFile, eflags), 4},
    detail::selector("cs", offsetof(RegisterFile, cs)),
    detail::selector("ss", offsetof(RegisterFile, ss)),
    detail::selector("ds", offsetof(RegisterFile, ds)),
    detail::selector("es", offsetof(RegisterFile, es)),
    detail::selector("fs", offsetof(RegisterFile, fs)),
    detail::selector("gs", offsetof(RegisterFile, gs)),
    // 24
    detail::x87_data("st0", 0),
    detail::x87_data("st1", 1),
    detail::x87_data("st2", 2),
    detail::x87_data("st3", 3),
    detail::x87_data("st4", 4),
    detail::x87_data("st5", 5),
    detail::x87_data("st6", 6),
    detail::x87_data("st7", 7),
    // 32; in 64-bit mode the pointers' upper halves stand where the selectors were
    detail::x87_control("fctrl", 0, 2),
    detail::x87_control("fstat", 2, 2),
    detail::x87_control("ftag", 4, 1, Form::X87Tags),
    detail::x87_control("fiseg", 12, 2),
    detail::x87_control("fioff", 8, 4),
    detail::x87_control("foseg", 20, 2),
    detail::x87_control("fooff", 16, 4),
    detail::x87_control("fop", 6, 2, Form::X87Opcode),
    // 40: org.gnu.gdb.i386.sse
    detail::xmm("xmm0", 0),
    detail::xmm("xmm1", 1),
    detail::xmm("xmm2", 2),
    detail::xmm("xmm3", 3),
    detail::xmm("xmm4", 4),
    detail::xmm("xmm5", 5),
    detail::xmm("xmm6", 6),
    detail::xmm("xmm7", 7),
    detail::xmm("xmm8", 8),
    detail::xmm("xmm9", 9),
    detail::xmm("xmm10", 10),
    detail::xmm("xmm11", 11),
    detail::xmm("xmm12", 12),
    detail::xmm("xmm13", 13),
    detail::xmm("xmm14", 14),
    detail::xmm("xmm15", 15),
    Register{"mxcsr", 32, "i386_mxcsr", "vector", offsetof(RegisterFile, fxsave) + 24, 4},
    // 57: org.gnu.gdb.i386.linux
    Register{"orig_rax", 64, "int", "system", offsetof(RegisterFile, orig_rax), 8},
    // 58: org.gnu.gdb.i386.segments
    Register{"fs_base", 64, "int", "", offsetof(RegisterFile, fs_base), 8},
    Register{"gs_base", 64, "int", "", offsetof(RegisterFile, gs_base), 8},
    // 60: org.gnu.gdb.i386.avx
    detail::ymm_high("ymm0h", 0),
    detail::ymm_high("ymm1h", 1),
    detail::ymm_high("ymm2h", 2),
    detail::ymm_high("ymm3h", 3),
    detail::ymm_high("ymm4h", 4),
    detail::ymm_high("ymm5h", 5),
    detail::ymm_high("ymm6h", 6),
    detail::ymm_high("ymm7h", 7),
    detail::ymm_high("ymm8h", 8),
    detail::ymm_high("ymm9h", 9),
    detail::ymm_high("ymm10h", 10),
    detail::ymm_high("ymm11h", 11),
    detail::ymm_high("ymm12h", 12),
    detail::ymm_high("ymm13h", 13),
    detail::ymm_high("ymm14h", 14),
    detail::ymm_high("ymm15h", 15),
};

inline constexpr std::array features = {
    Feature{"org.gnu.gdb.i386.core", detail::core_types, 0, 40},
    Feature{"org.gnu.gdb.i386.sse", detail::sse_types, 40, 17},
    Feature{"org.gnu.gdb.i386.linux", "", 57, 1},
    Feature{"org.gnu.gdb.i386.segments", "", 58, 2},
    Feature{"org.gnu.gdb.i386.avx", "", 60, 16, OptionalRegisters::Avx},
};

/// rbp, rsp, rip: enough for gdb to name the frame that a thread stopped in.
inline constexpr std::array<uint16_t, 3> expedited_registers = {6, 7, 16};

static_assert(registers.size() <= 8 * sizeof(RegisterFile::unavailable));
static_assert([] {
    size_t next = 0;
    for (const Feature& feature : features) {
        if (feature.first != next)
            return false;
        next += feature.count;
    }
    return next == registers.size();
}());

constexpr uint64_t pc(const RegisterFile& file) {
    return file.rip;
}
constexpr void set_pc(RegisterFile& file, uint64_t value) {
    file.rip = value;
}

/// `out` has the register's size.
void read_register(const RegisterFile& file, const Register& which, std::span<uint8_t> out);
/// What an integer register holds, zero-extended. Nothing for one that does not exist, has more than 64 bits, or whose
/// value is not known.
std::optional<uint64_t> integer_value(const RegisterFile& file, size_t number);
void write_register(RegisterFile& file, const Register& which, std::span<const uint8_t> value);

/// Where a variable of a static executable's thread-local storage is: below the thread pointer.
/// Source: Drepper, "ELF Handling For Thread-Local Storage", §3.4.6 (x86-64, variant II).
/// `memory_size` and `alignment` (a power of two, or 0) are those of the PT_TLS program header.
constexpr uint64_t static_tls_address(uint64_t thread_pointer, uint64_t memory_size, uint64_t alignment,
                                      uint64_t offset) {
    uint64_t mask = alignment > 1 ? alignment - 1 : 0;
    return thread_pointer - ((memory_size + mask) & ~mask) + offset;
}

} // namespace gdbstub::arch
