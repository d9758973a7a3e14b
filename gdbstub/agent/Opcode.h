#pragma once
// The instructions of gdb's agent expressions: GDB manual, "The GDB Agent Expression Mechanism", "Bytecode
// Descriptions". Operands follow their opcode, most significant byte first.

#include <cstdint>

namespace gdbstub::agent {

enum class Opcode : uint8_t {
    Float = 0x01,
    Add = 0x02,
    Sub = 0x03,
    Mul = 0x04,
    DivSigned = 0x05,
    DivUnsigned = 0x06,
    RemSigned = 0x07,
    RemUnsigned = 0x08,
    Lsh = 0x09,
    RshSigned = 0x0a,
    RshUnsigned = 0x0b,
    Trace = 0x0c,
    TraceQuick = 0x0d, ///< length, 1 byte
    LogNot = 0x0e,
    BitAnd = 0x0f,
    BitOr = 0x10,
    BitXor = 0x11,
    BitNot = 0x12,
    Equal = 0x13,
    LessSigned = 0x14,
    LessUnsigned = 0x15,
    Ext = 0x16, ///< number of bits, 1 byte
    Ref8 = 0x17,
    Ref16 = 0x18,
    Ref32 = 0x19,
    Ref64 = 0x1a,
    RefFloat = 0x1b,
    RefDouble = 0x1c,
    RefLongDouble = 0x1d,
    LToD = 0x1e,
    DToL = 0x1f,
    IfGoto = 0x20, ///< offset from the start of the code, 2 bytes
    Goto = 0x21,   ///< the same
    Const8 = 0x22,
    Const16 = 0x23,
    Const32 = 0x24,
    Const64 = 0x25,
    Reg = 0x26, ///< gdb's number, 2 bytes
    End = 0x27,
    Dup = 0x28,
    Pop = 0x29,
    ZeroExt = 0x2a, ///< number of bits, 1 byte
    Swap = 0x2b,
    GetV = 0x2c,   ///< variable, 2 bytes
    SetV = 0x2d,   ///< the same
    TraceV = 0x2e, ///< the same
    TraceNz = 0x2f,
    Trace16 = 0x30, ///< length, 2 bytes
    Invalid2 = 0x31,
    Pick = 0x32, ///< depth, 1 byte
    Rot = 0x33,
    Printf = 0x34, ///< number of arguments, 1 byte; length of the format, 2 bytes; the format and its zero byte
};

} // namespace gdbstub::agent
