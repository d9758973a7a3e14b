#pragma once
// Endpoint: where an instance that somebody else started can be reached, as the command line says it.
//
//     serial:PATH       a terminal device, or the Unix socket of a chardev
//     unix:PATH         the Unix socket of a vsock device (Firecracker, Cloud Hypervisor), or a directory of Unix
//                       sockets named like the virtio-serial ports: PATH/uniscope.control
//     vsock:CID         an AF_VSOCK address
//     tcp:HOST:PORT     a serial line over TCP
//     ssh://HOST/NAME   the instance NAME of the uniscope on another host
//
// serial: and tcp: may end in `,raw` or `,mux`: what the line carries, gdb's protocol or the framed channels
// (docs/channels.md); serial: may also tell the speed of a real line, `,115200` unless told.

#include "tracer/Result.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tracer {

/// What a serial line carries: found out when it is opened, unless told.
enum class LineProtocol { Auto, RawGdb, Mux };

struct Endpoint {
    enum class Kind { Serial, Unix, Vsock, Tcp, Ssh };

    Kind kind = Kind::Serial;
    std::string path = {};                      ///< Serial, Unix
    uint32_t cid = 0;                           ///< Vsock
    std::string host = {};                      ///< Tcp; Ssh, where it may begin with `user@`
    uint16_t port = 0;                          ///< Tcp; Ssh, where 0 leaves it to ssh
    std::string name = {};                      ///< Ssh: what the instance is called there
    uint32_t speed = 0;                         ///< Serial, bits a second; 0 unless told
    LineProtocol protocol = LineProtocol::Auto; ///< Serial, Tcp

    bool operator==(const Endpoint&) const = default;
};

/// Whether `text` begins like an endpoint: then it is not the name of an instance or of a file.
bool looks_like_endpoint(std::string_view text);

/// Fails with what is wrong and what is right.
Result<Endpoint> parse_endpoint(std::string_view text);

/// The text that parse_endpoint() reads as the same endpoint.
std::string to_string(const Endpoint& endpoint);

/// {"kind": "tcp", "host": …, "port": …, "text": "tcp:…"}: the members that the kind has, and the whole as text.
nlohmann::json to_json(const Endpoint& endpoint);

/// With a path that holds from any directory.
Endpoint made_absolute(Endpoint endpoint);

} // namespace tracer
