#include "libos/debug/arch/x86_64/Instruction.h"

#include <cstddef>

namespace debug::x86_64 {

namespace {

// What follows an opcode, one character each, sixteen opcodes a row. Intel SDM vol. 2, tables.
//   .  nothing                     b  imm8                  r  rel8
//   m  ModRM                       z  imm16 or imm32        R  rel32
//   B  ModRM, imm8                 w  imm16                 e  imm16, imm8
//   Z  ModRM, imm16 or imm32       v  imm16, 32 or 64       o  an address
//   g  ModRM, imm8 if /0 or /1     G  the same with imm32   c  ModRM of two registers, whatever mod says
//   p  a prefix or an escape       x  unknown
constexpr char one_byte_map[] = "mmmmbzxxmmmmbzxp"  // 00
                                "mmmmbzxxmmmmbzxx"  // 10
                                "mmmmbzpxmmmmbzpx"  // 20
                                "mmmmbzpxmmmmbzpx"  // 30
                                "pppppppppppppppp"  // 40
                                "................"  // 50
                                "xxpmppppzZbB...."  // 60
                                "rrrrrrrrrrrrrrrr"  // 70
                                "BZxBmmmmmmmmmmmm"  // 80
                                "..........x....."  // 90
                                "oooo....bz......"  // a0
                                "bbbbbbbbvvvvvvvv"  // b0
                                "BBw.ppBZe.w..bx."  // c0
                                "mmmmxxx.mmmmmmmm"  // d0
                                "rrrrbbbbRRxr...."  // e0
                                "p.pp..gG......mm"; // f0
constexpr char two_byte_map[] = "mmmmx.....x.xm.B"  // 00
                                "mmmmmmmmmmmmmmmm"  // 10
                                "ccccxxxxmmmmmmmm"  // 20
                                "......x.pxpxxxxx"  // 30
                                "mmmmmmmmmmmmmmmm"  // 40
                                "mmmmmmmmmmmmmmmm"  // 50
                                "mmmmmmmmmmmmmmmm"  // 60
                                "BBBBmmm.mmxxmmmm"  // 70
                                "RRRRRRRRRRRRRRRR"  // 80
                                "mmmmmmmmmmmmmmmm"  // 90
                                "...mBmxx...mBmmm"  // a0
                                "mmmmmmmmmmBmmmmm"  // b0
                                "mmBmBBBm........"  // c0
                                "mmmmmmmmmmmmmmmm"  // d0
                                "mmmmmmmmmmmmmmmm"  // e0
                                "mmmmmmmmmmmmmmmm"; // f0
static_assert(sizeof(one_byte_map) == 257 && sizeof(two_byte_map) == 257);

constexpr uint8_t rex_w = 8;

class Decoder {
public:
    explicit Decoder(std::span<const uint8_t> bytes)
        : m_bytes(bytes.size() > longest_instruction ? bytes.first(longest_instruction) : bytes) {}

    std::optional<Instruction> run() {
        take_prefixes();
        take_opcode();
        if (m_failed)
            return std::nullopt;
        m_result.length = static_cast<uint8_t>(m_at);
        return m_result;
    }

private:
    uint8_t next() {
        if (m_at == m_bytes.size()) {
            m_failed = true;
            return 0;
        }
        return m_bytes[m_at++];
    }

    int64_t take_signed(uint8_t size) {
        uint64_t value = 0;
        for (unsigned i = 0; i < size; ++i)
            value |= uint64_t{next()} << (8 * i);
        unsigned unused = 64 - 8 * size;
        return size == 0 ? 0 : static_cast<int64_t>(value << unused) >> unused;
    }

    void take_immediate(unsigned size) {
        m_result.immediate_size = static_cast<uint8_t>(size);
        m_result.immediate = take_signed(m_result.immediate_size);
    }

    /// True: it was one.
    bool take_legacy_prefix(uint8_t byte) {
        switch (byte) {
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
            return true;
        case 0x64:
        case 0x65:
            m_result.segment = byte;
            return true;
        case 0x66:
            m_result.has_operand_size = true;
            return true;
        case 0x67:
            m_result.has_address_size = true;
            return true;
        case 0xf0:
            m_has_lock = true;
            return true;
        case 0xf2:
        case 0xf3:
            m_result.has_repeat = true;
            return true;
        default:
            return false;
        }
    }

    void take_prefixes() {
        while (m_at < m_bytes.size()) {
            uint8_t byte = m_bytes[m_at];
            if ((byte & 0xf0) == 0x40)
                m_result.rex = byte;
            else if (take_legacy_prefix(byte))
                m_result.rex = 0; // it counts only right before the opcode
            else
                return;
            ++m_at;
        }
    }

    void take_opcode() {
        uint8_t opcode = next();
        if (opcode == 0xc4 || opcode == 0xc5 || opcode == 0x62)
            return take_vector(opcode);
        if (opcode != 0x0f) {
            m_result.opcode = opcode;
            return take_operands(one_byte_map[opcode]);
        }
        opcode = next();
        m_result.map = opcode == 0x38 ? OpcodeMap::Map38 : opcode == 0x3a ? OpcodeMap::Map3A : OpcodeMap::TwoByte;
        if (m_result.map != OpcodeMap::TwoByte) {
            m_result.opcode = next();
            return take_operands(m_result.map == OpcodeMap::Map3A ? 'B' : 'm');
        }
        m_result.opcode = opcode;
        // With these prefixes AMD's extrq and insertq, which have immediates.
        bool is_sse4a = opcode == 0x78 && (m_result.has_operand_size || m_result.has_repeat);
        take_operands(is_sse4a ? 'x' : two_byte_map[opcode]);
    }

    /// VEX and EVEX: the map is a number in the prefix.
    void take_vector(uint8_t prefix) {
        if (m_result.has_operand_size || m_result.has_repeat || m_has_lock || m_result.rex != 0) {
            m_failed = true;
            return;
        }
        m_result.map = OpcodeMap::Vector;
        unsigned map = 1;
        if (prefix == 0xc5) {
            next();
        } else if (prefix == 0xc4) {
            map = next() & 31;
            next();
        } else {
            uint8_t first = next();
            map = first & 7;
            // Bits that are fixed. Intel SDM vol. 2, table 2-36.
            m_failed = m_failed || (first & 8) != 0 || (next() & 4) == 0;
            next();
        }
        m_result.opcode = next();
        take_operands(vector_operands(prefix == 0x62, map));
    }

    char vector_operands(bool is_evex, unsigned map) const {
        uint8_t opcode = m_result.opcode;
        if (map == 1 && opcode == 0x77)
            return is_evex ? 'x' : '.'; // vzeroupper
        if (map == 1)
            return (opcode >= 0x70 && opcode <= 0x73) || (opcode >= 0xc4 && opcode <= 0xc6) || opcode == 0xc2 ? 'B'
                                                                                                              : 'm';
        if (map == 2 || (is_evex && (map == 5 || map == 6)))
            return 'm';
        return map == 3 ? 'B' : 'x';
    }

    void take_operands(char kind) {
        bool wide = (m_result.rex & rex_w) != 0;
        // Of a branch Intel's processors ignore prefix 66, AMD's do not.
        if (kind == 'R' && m_result.has_operand_size && !wide)
            kind = 'x';
        unsigned operand = !wide && m_result.has_operand_size ? 2 : 4;
        switch (kind) {
        case '.':
            return;
        case 'm':
        case 'c':
            return take_modrm(kind == 'c');
        case 'B':
            take_modrm(false);
            return take_immediate(1);
        case 'Z':
            take_modrm(false);
            return take_immediate(operand);
        case 'g':
        case 'G':
            take_modrm(false);
            return take_immediate(m_result.reg() > 1 ? 0 : kind == 'g' ? 1 : operand);
        case 'b':
        case 'r':
            return take_immediate(1);
        case 'z':
            return take_immediate(operand);
        case 'R':
            return take_immediate(4);
        case 'w':
            return take_immediate(2);
        case 'v':
            return take_immediate(wide ? 8 : operand);
        case 'e':
            take_immediate(2);
            return take_immediate(1);
        case 'o':
            return take_immediate(m_result.has_address_size ? 4 : 8);
        default:
            m_failed = true;
        }
    }

    void take_modrm(bool is_registers_only) {
        m_result.has_modrm = true;
        m_result.modrm = next();
        if (is_registers_only)
            m_result.modrm |= 0xc0;
        if (m_result.map == OpcodeMap::OneByte && m_result.opcode == 0x8f && m_result.reg() != 0)
            m_failed = true; // XOP
        if (m_result.mod() == 3)
            return;
        unsigned base = m_result.rm();
        if (m_result.has_sib()) {
            m_result.sib = next();
            base = m_result.sib & 7;
        }
        if (m_result.mod() == 1)
            m_result.displacement_size = 1;
        else if (m_result.mod() == 2 || base == 5)
            m_result.displacement_size = 4;
        m_result.displacement_offset = static_cast<uint8_t>(m_at);
        m_result.displacement = static_cast<int32_t>(take_signed(m_result.displacement_size));
    }

    std::span<const uint8_t> m_bytes;
    size_t m_at = 0;
    bool m_failed = false;
    bool m_has_lock = false;
    Instruction m_result;
};

} // namespace

std::optional<Instruction> decode(std::span<const uint8_t> bytes) {
    return Decoder(bytes).run();
}

} // namespace debug::x86_64
