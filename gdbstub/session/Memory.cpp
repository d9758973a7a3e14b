// m, x, M, X: GDB manual, "Packets". A short answer is a right one: gdb asks for the rest, and learns of the hole.

#include <algorithm>
#include <array>
#include <limits>

#include "gdbstub/Session.h"
#include "gdbstub/packet/Hex.h"

namespace gdbstub {

namespace {

constexpr size_t chunk_size = 256;
constexpr Refusal no_access{base::Error::Fault, "There is no memory at this address."};

/// Whether [address, address + length) does not run past the end of the address space.
bool fits_address_space(uint64_t address, uint64_t length) {
    return length == 0 || length - 1 <= std::numeric_limits<uint64_t>::max() - address;
}

} // namespace

Session::Handled Session::handle(const ReadMemory& command) {
    bool binary = command.encoding == Encoding::Binary;
    if (!fits_address_space(command.address, command.length_untrusted))
        return std::unexpected(no_access);
    if (binary)
        m_reply.put('b');
    uint64_t limit = binary ? m_reply.room() : m_reply.room() / 2;
    uint64_t length = std::min(command.length_untrusted, limit);
    uint64_t done = 0;
    bool full = false;
    std::array<uint8_t, chunk_size> bytes;
    while (done < length && !full) {
        auto chunk = std::span(bytes).first(std::min<uint64_t>(length - done, chunk_size));
        size_t count = machine().read_memory(command.address + done, chunk);
        size_t taken = 0;
        for (; taken < count && !full; ++taken) {
            if (!binary)
                m_reply.hex_byte(chunk[taken]);
            else if (!m_reply.binary_byte(chunk[taken]))
                break;
        }
        done += taken;
        full = taken < chunk.size();
    }
    if (done == 0 && length != 0)
        return std::unexpected(no_access);
    return Next::Reply;
}

Session::Handled Session::handle(const WriteMemory& command) {
    std::string_view data = command.data_untrusted;
    bool binary = command.encoding == Encoding::Binary;
    if (binary ? data.size() != command.length_untrusted
               : !is_hex_bytes(data) || data.size() / 2 != command.length_untrusted)
        return refuse(base::Error::Invalid, "The data does not have the length that the packet says.");
    uint64_t length = command.length_untrusted; // checked: the packet holds as much
    if (!fits_address_space(command.address, length))
        return std::unexpected(no_access);
    std::array<uint8_t, chunk_size> bytes;
    uint64_t done = 0;
    bool written = true;
    while (done < length && written) {
        auto chunk = std::span(bytes).first(std::min<uint64_t>(length - done, chunk_size));
        if (binary)
            std::copy_n(data.data() + done, chunk.size(), chunk.begin());
        else
            decode_hex({data.data() + 2 * done, 2 * chunk.size()}, chunk);
        size_t count = m_target.write_memory(command.address + done, chunk);
        written = count == chunk.size();
        done += count;
    }
    if (done != 0)
        tell_audit([&](Audit& audit) { audit.memory_written(command.address, done); });
    if (!written)
        return refuse(base::Error::Fault, "This memory cannot be written.");
    m_reply.put("OK");
    return Next::Reply;
}

} // namespace gdbstub
