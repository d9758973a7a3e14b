#pragma once
// KeyRing: the public keys that this instance answers to, and what each may do. Filled at boot, before the channels
// that ask it exist, and from then on only read: any context, no lock.
//
// Where keys come from, both untrusted text (docs/control-protocol.md, "Enrolled keys"):
//   the kernel command line               uniscope.key=ROLE:KEY[:NAME]
//   /etc/uniscope/authorized_keys         a line "ROLE KEY [NAME]" each; blank lines and lines that begin with # are
//   skipped
// ROLE is tracer, observer or operator; KEY is a point of P-256, compressed or not, in base64url without padding.

#include "libos/auth/PublicKey.h"

#include <optional>
#include <string_view>

namespace auth {

struct EnrolledKey {
    static constexpr size_t max_name = 31;

    wire::Role role = wire::Role::None;
    CompressedPoint key{}; ///< perhaps no point of the curve: decompress() says
    KeyId id{};
    char name[max_name + 1] = {}; ///< for people: printable ASCII, empty if none was given
    uint8_t name_length = 0;

    std::string_view name_view() const { return {name, name_length}; }
};

class KeyRing {
public:
    static constexpr size_t max_keys = 32;
    static constexpr size_t max_file_size = 16384;

    constexpr KeyRing() = default;
    KeyRing(const KeyRing&) = delete;
    KeyRing& operator=(const KeyRing&) = delete;

    /// "ROLE:KEY[:NAME]". Error::Invalid: not of this form, nothing is added; Error::TableFull: no room.
    /// A key that is there already gets the lower one of the two roles.
    base::Result<> add_word(std::string_view word_untrusted);

    struct FileReport {
        unsigned added = 0;
        unsigned malformed = 0;  ///< lines that are no key
        unsigned first_bad = 0;  ///< number of the first such line, from 1
        bool too_long = false;   ///< the file has over max_file_size bytes: none of it was taken
        bool table_full = false; ///< there were more keys than fit
    };
    FileReport add_file(std::string_view text_untrusted);

    /// nullptr when no such key is enrolled.
    const EnrolledKey* find(const KeyId& id) const;
    std::span<const EnrolledKey> keys() const { return std::span(m_keys).first(m_count); }

private:
    base::Result<> add(std::string_view role, std::string_view key, std::string_view name);

    EnrolledKey m_keys[max_keys];
    size_t m_count = 0;
};

} // namespace auth
