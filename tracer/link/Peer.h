#pragma once
// Who is at the other end of a Unix socket: "gdb (process 4711 of anna)".

#include <sys/types.h>

#include <optional>
#include <string>

namespace tracer {

struct Peer {
    pid_t pid = 0;
    uid_t uid = 0;
};

/// By SO_PEERCRED (unix(7)): as it was when it connected. Nothing when the socket has none.
std::optional<Peer> peer_of(int socket);

/// For a sentence. The program's name is what /proc has now.
std::string describe(const Peer& peer);

} // namespace tracer
