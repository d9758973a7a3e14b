// Any text as /etc/uniscope/authorized_keys, and its lines as words of the command line: what comes out is keys with
// roles and printable names, the text says nothing that a second reading of it does not say, and both ways agree.

#include "libos/auth/KeyRing.h"
#include "libos/base/Assert.h"

#include <algorithm>
#include <string_view>

namespace {

using auth::KeyRing;

void check(const KeyRing& ring) {
    ASSERT(ring.keys().size() <= KeyRing::max_keys);
    for (const auto& key : ring.keys()) {
        ASSERT(key.role >= wire::Role::Tracer && key.role <= wire::Role::Operator);
        ASSERT(key.key[0] == std::byte{2} || key.key[0] == std::byte{3});
        ASSERT(key.id == auth::id_of(key.key) && ring.find(key.id) == &key);
        ASSERT(key.name_length <= auth::EnrolledKey::max_name);
        for (char c : key.name_view())
            ASSERT(c > ' ' && c <= '~');
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    KeyRing ring;
    auto report = ring.add_file(text);
    check(ring);
    ASSERT(report.added >= ring.keys().size());
    ASSERT((report.malformed == 0) == (report.first_bad == 0));

    // Once more: the same keys, with the same roles.
    KeyRing again;
    again.add_file(text);
    again.add_file(text);
    ASSERT(std::equal(ring.keys().begin(), ring.keys().end(), again.keys().begin(), again.keys().end(),
                      [](const auto& a, const auto& b) { return a.id == b.id && a.role == b.role; }));

    KeyRing words;
    for (size_t at = 0; at < text.size();) {
        size_t end = std::min(text.find('\n', at), text.size());
        (void)words.add_word(text.substr(at, end - at));
        at = end + 1;
    }
    check(words);
    return 0;
}
