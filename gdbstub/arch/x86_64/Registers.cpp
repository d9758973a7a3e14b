#include "gdbstub/arch/Registers.h"

#include <cstring>

#include "libos/base/Assert.h"

namespace gdbstub::arch {

namespace {

constexpr size_t fxsave_status = 2;
constexpr size_t fxsave_data = 32;
enum Tag : unsigned { Valid = 0, Zero = 1, Special = 2, Empty = 3 };

/// The tag that the x87 would report for an 80-bit value. Source: Intel SDM vol. 1, §8.1.7 and §10.5.1.2.
Tag classify(const uint8_t* value) {
    uint64_t significand;
    std::memcpy(&significand, value, sizeof(significand));
    unsigned exponent = (value[8] | value[9] << 8) & 0x7fff;
    if (exponent == 0x7fff)
        return Special;
    if (exponent == 0)
        return significand == 0 ? Zero : Special;
    return significand >> 63 != 0 ? Valid : Special;
}

/// FXSAVE's byte has a bit for each physical register; data is stored in stack order, from the top in fstat.
unsigned expand_tags(const uint8_t* fxsave, uint8_t in_use) {
    unsigned top = fxsave[fxsave_status + 1] >> 3 & 7;
    unsigned tags = 0;
    for (unsigned physical = 0; physical < 8; ++physical) {
        Tag tag = Empty;
        if ((in_use >> physical & 1) != 0)
            tag = classify(fxsave + fxsave_data + size_t{16} * ((physical - top) & 7));
        tags |= tag << (2 * physical);
    }
    return tags;
}

uint8_t compress_tags(unsigned tags) {
    unsigned in_use = 0;
    for (unsigned physical = 0; physical < 8; ++physical)
        if ((tags >> (2 * physical) & 3) != Empty)
            in_use |= 1U << physical;
    return static_cast<uint8_t>(in_use);
}

} // namespace

void read_register(const RegisterFile& file, const Register& which, std::span<uint8_t> out) {
    ASSERT(out.size() == which.bytes());
    const auto* stored = reinterpret_cast<const uint8_t*>(&file) + which.offset;
    std::memset(out.data(), 0, out.size());
    std::memcpy(out.data(), stored, which.stored_bytes);
    if (which.form == Form::X87Tags) {
        unsigned tags = expand_tags(file.fxsave, *stored);
        out[0] = static_cast<uint8_t>(tags);
        out[1] = static_cast<uint8_t>(tags >> 8);
    } else if (which.form == Form::X87Opcode) {
        out[1] &= 0x07;
    }
}

std::optional<uint64_t> integer_value(const RegisterFile& file, size_t number) {
    uint64_t value = 0;
    if (number >= registers.size() || registers[number].bytes() > sizeof(value) ||
        file.is_unavailable(static_cast<unsigned>(number)))
        return std::nullopt;
    std::array<uint8_t, sizeof(value)> bytes{};
    read_register(file, registers[number], std::span(bytes).first(registers[number].bytes()));
    std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
}

void write_register(RegisterFile& file, const Register& which, std::span<const uint8_t> value) {
    ASSERT(value.size() == which.bytes());
    auto* stored = reinterpret_cast<uint8_t*>(&file) + which.offset;
    if (which.form == Form::X87Tags) {
        *stored = compress_tags(value[0] | value[1] << 8);
        return;
    }
    std::memcpy(stored, value.data(), which.stored_bytes);
    if (which.form == Form::X87Opcode)
        stored[1] &= 0x07;
}

} // namespace gdbstub::arch
