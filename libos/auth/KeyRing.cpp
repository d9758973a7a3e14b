#include "libos/auth/KeyRing.h"

#include <algorithm>

namespace auth {

namespace {

std::optional<wire::Role> parse_role(std::string_view text) {
    if (text == "tracer")
        return wire::Role::Tracer;
    if (text == "observer")
        return wire::Role::Observer;
    if (text == "operator")
        return wire::Role::Operator;
    return std::nullopt;
}

std::optional<uint32_t> digit_value(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    if (c == '_')
        return 63;
    return std::nullopt;
}

/// Base64url without padding (RFC 4648, section 5) of exactly `out.size()` bytes. False: it is not that.
bool decode(std::string_view text, std::span<std::byte> out) {
    if (text.size() != (out.size() * 8 + 5) / 6)
        return false;
    uint32_t bits = 0;
    unsigned count = 0;
    size_t at = 0;
    for (char c : text) {
        auto value = digit_value(c);
        if (!value)
            return false;
        bits = bits << 6 | *value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[at++] = static_cast<std::byte>(bits >> count);
        }
    }
    return (bits & ((1u << count) - 1)) == 0; // one text for each value
}

std::optional<CompressedPoint> parse_key(std::string_view text) {
    CompressedPoint compressed;
    if (decode(text, compressed)) {
        if (compressed[0] != std::byte{2} && compressed[0] != std::byte{3})
            return std::nullopt;
        return compressed;
    }
    Point point;
    if (decode(text, point) && point[0] == std::byte{4})
        return compress(point);
    return std::nullopt;
}

bool is_name(std::string_view text) {
    return text.size() <= EnrolledKey::max_name &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

/// Up to the first of `separators`, which is taken off too.
std::string_view take_until(std::string_view& text, std::string_view separators) {
    size_t end = std::min(text.find_first_of(separators), text.size());
    std::string_view head = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return head;
}

constexpr std::string_view blanks = " \t";

std::string_view take_blank_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return take_until(text, blanks);
}

} // namespace

base::Result<> KeyRing::add_word(std::string_view word_untrusted) {
    std::string_view role = take_until(word_untrusted, ":");
    std::string_view key = take_until(word_untrusted, ":");
    return add(role, key, word_untrusted);
}

KeyRing::FileReport KeyRing::add_file(std::string_view text_untrusted) {
    FileReport report;
    if (text_untrusted.size() > max_file_size) {
        report.too_long = true;
        return report;
    }
    for (unsigned number = 1; !text_untrusted.empty(); ++number) {
        std::string_view line = take_until(text_untrusted, "\n");
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        std::string_view role = take_blank_word(line);
        if (role.empty() || role.front() == '#')
            continue;
        std::string_view key = take_blank_word(line);
        std::string_view name = take_blank_word(line);
        auto added = take_blank_word(line).empty() ? add(role, key, name) : base::fail(base::Error::Invalid);
        if (added) {
            ++report.added;
        } else if (added.error() == base::Error::TableFull) {
            report.table_full = true;
        } else {
            if (report.malformed++ == 0)
                report.first_bad = number;
        }
    }
    return report;
}

base::Result<> KeyRing::add(std::string_view role_text, std::string_view key_text, std::string_view name) {
    auto role = parse_role(role_text);
    auto key = parse_key(key_text);
    if (!role || !key || !is_name(name))
        return base::fail(base::Error::Invalid);
    KeyId id = id_of(*key);
    for (EnrolledKey& known : std::span(m_keys).first(m_count)) {
        if (known.id == id) {
            known.role = std::min(known.role, *role);
            return {};
        }
    }
    if (m_count == max_keys)
        return base::fail(base::Error::TableFull);
    EnrolledKey& entry = m_keys[m_count++];
    entry.role = *role;
    entry.key = *key;
    entry.id = id;
    std::copy(name.begin(), name.end(), entry.name);
    entry.name_length = static_cast<uint8_t>(name.size());
    return {};
}

const EnrolledKey* KeyRing::find(const KeyId& id) const {
    for (const EnrolledKey& key : keys()) {
        if (key.id == id)
            return &key;
    }
    return nullptr;
}

} // namespace auth
