#pragma once
// HandshakeRelay: a thread between a channel of an instance and its user here. It shakes hands, for as long as that
// takes, and then passes bytes on, in records where the line needs them. So the user has a descriptor at once, and
// plain bytes on it. The process ignores SIGPIPE.

#include "tracer/auth/AuthenticatedChannel.h"

#include <functional>
#include <memory>

namespace tracer {

/// How an attempt came out.
struct Admission {
    bool is_open = false;                         ///< the instance asks for no key
    wire::Role role = wire::Role::None;           ///< else, as what the user was let in ...
    std::optional<AuthenticationFailure> failure; ///< ... or why not
};

struct RelayOptions {
    ClientHandshake::Wish wish;
    std::shared_ptr<const PrivateKey> key; ///< may be null: then only an open instance is of use
    std::string key_name;
    /// Sent first. An open instance answers it with frames; one that asks for a key takes it for noise.
    std::vector<uint8_t> greeting;
    /// The channel once more, when the instance turns out to be open: it may have been sent half a handshake. Without
    /// it, such an instance is a failure. In the thread; blocks.
    std::function<Result<FileDescriptor>()> reopen;
    /// Once, in the thread, before the first byte is passed on.
    std::function<void(const Admission&)> on_decided;
};

/// The user's end. The thread ends when either end is closed; a session in records is said goodbye then.
Result<FileDescriptor> start_handshake_relay(FileDescriptor instance, RelayOptions options);

/// The user's end of a channel behind the handshake: the descriptor itself where bytes are plain, else a relay's.
Result<FileDescriptor> plain_end(AuthenticatedChannel channel);

} // namespace tracer
