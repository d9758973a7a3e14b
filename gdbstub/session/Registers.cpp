// g, G, p, P: GDB manual, "Packets".

#include <array>

#include "gdbstub/Session.h"
#include "gdbstub/arch/Registers.h"
#include "gdbstub/packet/Hex.h"

namespace gdbstub {

Answer<> Session::load_registers(ThreadId thread) {
    m_registers = {};
    return machine().read_registers(thread, m_registers);
}

Answer<> Session::store_registers(ThreadId thread) {
    auto stored = m_target.write_registers(thread, m_registers);
    if (stored)
        tell_audit([thread](Audit& audit) { audit.registers_written(thread); });
    return stored;
}

bool Session::has_feature_of(size_t number) const {
    for (const arch::Feature& feature : arch::features)
        if (number >= feature.first && number < size_t{feature.first} + feature.count)
            return !feature.optional || machine().has(*feature.optional);
    return false;
}

/// Of the thread that load_registers() was called for.
void Session::write_register_value(size_t number) {
    const arch::Register& which = arch::registers[number];
    if (m_registers.is_unavailable(static_cast<unsigned>(number))) {
        for (size_t i = 0; i < 2 * which.bytes(); ++i)
            m_reply.put('x');
        return;
    }
    std::array<uint8_t, arch::largest_register_bytes> bytes;
    auto value = std::span(bytes).first(which.bytes());
    arch::read_register(m_registers, which, value);
    m_reply.hex_bytes(value);
}

Session::Handled Session::handle(const ReadRegisters&) {
    if (auto loaded = load_registers(general_thread()); !loaded)
        return std::unexpected(loaded.error());
    for (size_t number = 0; number < arch::registers.size(); ++number)
        if (has_feature_of(number))
            write_register_value(number);
    return Next::Reply;
}

Session::Handled Session::handle(const WriteRegisters& command) {
    ThreadId thread = general_thread();
    if (auto loaded = load_registers(thread); !loaded)
        return std::unexpected(loaded.error());
    // A register may be written as 'x's, which leaves it as it is; each is looked at in its turn.
    std::string_view text = command.hex_untrusted;
    for (size_t number = 0; number < arch::registers.size() && !text.empty(); ++number) {
        if (!has_feature_of(number))
            continue;
        const arch::Register& which = arch::registers[number];
        if (text.size() < 2 * which.bytes())
            return refuse(base::Error::Invalid, "The registers do not add up.");
        std::string_view digits = text.substr(0, 2 * which.bytes());
        text.remove_prefix(digits.size());
        if (digits.front() == 'x')
            continue;
        if (!is_hex_bytes(digits))
            return refuse(base::Error::Invalid, "A register's value is no number.");
        std::array<uint8_t, arch::largest_register_bytes> bytes;
        auto value = std::span(bytes).first(which.bytes());
        decode_hex(digits, value);
        arch::write_register(m_registers, which, value);
    }
    if (!text.empty())
        return refuse(base::Error::Invalid, "There are more registers than this target has.");
    if (auto stored = store_registers(thread); !stored)
        return std::unexpected(stored.error());
    m_reply.put("OK");
    return Next::Reply;
}

Session::Handled Session::handle(const ReadRegister& command) {
    uint64_t number_untrusted = command.number_untrusted;
    if (number_untrusted >= arch::registers.size() || !has_feature_of(number_untrusted))
        return refuse(base::Error::Invalid, "There is no register with this number.");
    if (auto loaded = load_registers(general_thread()); !loaded)
        return std::unexpected(loaded.error());
    write_register_value(number_untrusted);
    return Next::Reply;
}

Session::Handled Session::handle(const WriteRegister& command) {
    uint64_t number_untrusted = command.number_untrusted;
    if (number_untrusted >= arch::registers.size() || !has_feature_of(number_untrusted))
        return refuse(base::Error::Invalid, "There is no register with this number.");
    const arch::Register& which = arch::registers[number_untrusted];
    if (command.hex_untrusted.size() != 2 * which.bytes() || !is_hex_bytes(command.hex_untrusted))
        return refuse(base::Error::Invalid, "The value does not fit the register.");
    ThreadId thread = general_thread();
    if (auto loaded = load_registers(thread); !loaded)
        return std::unexpected(loaded.error());
    std::array<uint8_t, arch::largest_register_bytes> bytes;
    auto value = std::span(bytes).first(which.bytes());
    decode_hex(command.hex_untrusted, value);
    arch::write_register(m_registers, which, value);
    if (auto stored = store_registers(thread); !stored)
        return std::unexpected(stored.error());
    m_reply.put("OK");
    return Next::Reply;
}

} // namespace gdbstub
