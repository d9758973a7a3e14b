// qCRC and qSearch:memory: what gdb would otherwise read all memory for. GDB manual, "General Query Packets".

#include <algorithm>
#include <cstring>
#include <limits>

#include "gdbstub/Session.h"

namespace gdbstub {

namespace {

/// The CRC that gdb's compare-sections uses: polynomial 0x04c11db7, most significant bit first, start 0xffffffff.
uint32_t crc32(uint32_t crc, std::span<const uint8_t> bytes) {
    for (uint8_t byte : bytes) {
        crc ^= uint32_t{byte} << 24;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 0x80000000) != 0 ? crc << 1 ^ 0x04c11db7 : crc << 1;
    }
    return crc;
}

uint64_t clamp_length(uint64_t address, uint64_t length_untrusted) {
    uint64_t to_the_end = std::numeric_limits<uint64_t>::max() - address;
    return std::min(length_untrusted, to_the_end);
}

} // namespace

Session::Handled Session::handle(const QueryChecksum& command) {
    uint64_t length = clamp_length(command.address, command.length_untrusted);
    std::span<uint8_t> buffer = m_reply.scratch();
    uint32_t crc = 0xffffffff;
    for (uint64_t done = 0; done < length;) {
        auto chunk = buffer.first(std::min<uint64_t>(length - done, buffer.size()));
        if (machine().read_memory(command.address + done, chunk) != chunk.size())
            return refuse(base::Error::Fault, "Not all of this memory can be read.");
        crc = crc32(crc, chunk);
        done += chunk.size();
    }
    m_reply.put('C').number(crc);
    return Next::Reply;
}

Session::Handled Session::handle(const SearchMemory& command) {
    uint64_t length = clamp_length(command.address, command.length_untrusted);
    std::string_view pattern = command.pattern;
    // Windows of memory that overlap by one byte less than the pattern.
    std::span<uint8_t> buffer = m_reply.scratch();
    if (pattern.empty() || pattern.size() > buffer.size())
        return refuse(base::Error::TooBig, "The pattern is empty or too long.");
    for (uint64_t at = 0; length >= pattern.size() && at <= length - pattern.size();) {
        auto window = buffer.first(std::min<uint64_t>(length - at, buffer.size()));
        if (machine().read_memory(command.address + at, window) != window.size())
            return refuse(base::Error::Fault, "Not all of this memory can be read.");
        for (size_t i = 0; i + pattern.size() <= window.size(); ++i) {
            if (std::memcmp(window.data() + i, pattern.data(), pattern.size()) == 0) {
                m_reply.put("1,").number(command.address + at + i);
                return Next::Reply;
            }
        }
        at += window.size() - pattern.size() + 1;
    }
    m_reply.put('0');
    return Next::Reply;
}

} // namespace gdbstub
