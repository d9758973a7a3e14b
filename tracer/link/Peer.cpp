#include "tracer/link/Peer.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/socket.h>

#include <fstream>

namespace tracer {

std::optional<Peer> peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 || credentials.pid <= 0)
        return std::nullopt;
    return Peer{credentials.pid, credentials.uid};
}

std::string describe(const Peer& peer) {
    std::ifstream file(fmt::format("/proc/{}/comm", peer.pid));
    std::string program;
    std::getline(file, program);
    const passwd* user = getpwuid(peer.uid);
    return fmt::format("{}process {} of {}{}", program.empty() ? "" : program + " (", peer.pid,
                       user ? user->pw_name : std::to_string(peer.uid), program.empty() ? "" : ")");
}

} // namespace tracer
