#pragma once
// The instance's gate: its keys, its random numbers, and the thread that does the arithmetic of handshakes.
//
// Boot, in this order, in thread context:
//   open_to_all(), and nothing else; or
//   configure()       keys from the command line; enroll_file() for those of the root file system
//   (channels may be started from here on: GuardedChannel(kind, gate()).start(inner, protection))
//   add_entropy()     what the host's generator gives, when it was found; without enough from anywhere nobody is let in
//   start_worker()    before the first channel's interrupts

#include "libos/auth/GuardedChannel.h"
#include "libos/auth/RandomPool.h"

#include <span>
#include <string_view>

namespace auth {

extern constinit Gate g_gate;
/// A constant expression, so that guarded channels can be constinit.
constexpr Gate& gate() {
    return g_gate;
}

/// uniscope.debug=open
void open_to_all();

struct Options {
    std::span<const std::string_view> key_words{}; ///< values of uniscope.key=, untrusted
    std::array<std::byte, wire::build_id_size> build_id{};
};
/// Returns how many words are no key, or had no room.
unsigned configure(const Options& options);

/// The text of /etc/uniscope/authorized_keys.
KeyRing::FileReport enroll_file(std::string_view text_untrusted);

/// Whether it is worth while to ask for entropy: there are keys, so there may be handshakes.
bool wants_entropy();
void add_entropy(Bytes bytes);

void start_worker();

} // namespace auth
