#pragma once
// One x86-64 instruction: its length, and where its parts lie. Intel SDM vol. 2, chapter 2 and appendix A.
//
// What the decoder does not know for certain has no length: encodings that Intel and AMD read differently, XOP, and the
// undefined ones of the first two opcode maps. In the others an undefined opcode has the length that its map gives it.

#include <cstdint>
#include <optional>
#include <span>

namespace debug::x86_64 {

inline constexpr uint8_t longest_instruction = 15;

enum class OpcodeMap : uint8_t {
    OneByte,
    TwoByte, ///< 0f
    Map38,   ///< 0f 38
    Map3A,   ///< 0f 3a
    Vector,  ///< whatever VEX and EVEX encode
};

struct Instruction {
    uint8_t length = 0;
    OpcodeMap map = OpcodeMap::OneByte;
    uint8_t opcode = 0; ///< of `map`

    bool has_operand_size = false; ///< prefix 66
    bool has_address_size = false; ///< 67
    bool has_repeat = false;       ///< f2 or f3
    uint8_t segment = 0;           ///< the prefix of fs or gs, 64 or 65; 0 without
    uint8_t rex = 0;               ///< 40 to 4f, 0 without; of VEX and EVEX nothing is here

    bool has_modrm = false;
    uint8_t modrm = 0;
    uint8_t sib = 0;
    uint8_t displacement_offset = 0;
    uint8_t displacement_size = 0; ///< bytes; 0 without
    int32_t displacement = 0;
    /// The last immediate, sign-extended; of a relative branch its distance. 0 without.
    int64_t immediate = 0;
    uint8_t immediate_size = 0;

    unsigned mod() const { return modrm >> 6; }
    unsigned reg() const { return modrm >> 3 & 7; }
    unsigned rm() const { return modrm & 7; }
    bool has_sib() const { return has_modrm && mod() != 3 && rm() == 4; }
    /// Its operand lies at a distance from the next instruction.
    bool is_rip_relative() const { return has_modrm && displacement_size == 4 && mod() == 0 && rm() == 5; }
};

/// nullopt: unknown, or `bytes` end before it does.
std::optional<Instruction> decode(std::span<const uint8_t> bytes);

} // namespace debug::x86_64
