#include "libos/fs/CpioReader.h"

#include "libos/base/Bits.h"

#include <algorithm>

namespace fs {

using base::Error;
using base::fail;

namespace {

constexpr size_t header_size = 110; // the magic and thirteen fields of eight hexadecimal digits
constexpr size_t max_name_size = 4096;

base::Result<uint32_t> hexadecimal(std::string_view digits) {
    uint32_t value = 0;
    for (char c : digits) {
        uint32_t digit = 0;
        if (c >= '0' && c <= '9')
            digit = static_cast<uint32_t>(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = static_cast<uint32_t>(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = static_cast<uint32_t>(c - 'A') + 10;
        else
            return fail(Error::Invalid);
        value = value << 4 | digit;
    }
    return value;
}

std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

base::Result<std::span<const std::byte>> CpioReader::take(uint64_t size_untrusted) {
    if (!base::range_fits(m_at, size_untrusted, m_archive.size()))
        return fail(Error::Invalid);
    auto bytes = m_archive.subspan(m_at, size_untrusted);
    m_at += size_untrusted;
    return bytes;
}

/// Names and data are followed by zeros up to a multiple of four. A last record may end the archive without them.
void CpioReader::skip_padding() {
    m_at = std::min(base::align_up(m_at, 4), m_archive.size());
}

base::Result<CpioRecord> CpioReader::read_record() {
    auto header = as_text(TRY(take(header_size)));
    auto magic = header.substr(0, 6);
    if (magic != "070701" && magic != "070702")
        return fail(Error::Invalid);
    uint32_t fields[13];
    for (size_t i = 0; i < std::size(fields); ++i)
        fields[i] = TRY(hexadecimal(header.substr(6 + 8 * i, 8)));
    CpioRecord record;
    record.inode = fields[0];
    record.mode = fields[1];
    record.user = fields[2];
    record.group = fields[3];
    record.links = fields[4];
    record.modified = fields[5];
    auto data_size_untrusted = fields[6];
    record.device_major = fields[7];
    record.device_minor = fields[8];
    record.special_major = fields[9];
    record.special_minor = fields[10];
    auto name_size_untrusted = fields[11];

    if (name_size_untrusted == 0 || name_size_untrusted > max_name_size)
        return fail(Error::Invalid);
    auto name = as_text(TRY(take(name_size_untrusted)));
    if (name.back() != 0 || name.find('\0') != name.size() - 1)
        return fail(Error::Invalid);
    record.name = name.substr(0, name.size() - 1);
    skip_padding();
    record.data = TRY(take(data_size_untrusted));
    skip_padding();
    return record;
}

base::Result<std::optional<CpioRecord>> CpioReader::next() {
    while (true) {
        while (m_at < m_archive.size() && m_archive[m_at] == std::byte{0})
            ++m_at;
        if (m_at == m_archive.size())
            return std::nullopt;
        auto record = TRY(read_record());
        if (record.name == "TRAILER!!!")
            continue;
        auto& name = record.name;
        while (name.starts_with('/') || name.starts_with("./"))
            name.remove_prefix(name.front() == '/' ? 1 : 2);
        if (name == ".")
            name = {};
        return record;
    }
}

} // namespace fs
