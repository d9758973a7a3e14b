#pragma once
// Control: the host's control channels (probes/wire/Channel.h, docs/channels.md), one a link. A kernel thread answers
// requests; the end of the app is told on all of them, so that its status arrives before the machine goes.

#include "libos/links/Links.h"
#include "probes/wire/Channel.h"

#include <cstdint>
#include <span>

namespace control {

struct Request {
    size_t link; ///< index in links::all() of the channel that it came from
    std::span<const std::byte> body_untrusted;
};

/// The error goes first, then up to `capacity` bytes.
struct Reply {
    static constexpr size_t capacity = 256;
    int32_t error = 0;
    std::byte body[capacity];
    size_t size = 0;
    template <typename T>
    void set(const T& message) {
        static_assert(sizeof(T) <= capacity);
        __builtin_memcpy(body, &message, sizeof(T));
        size = sizeof(T);
    }
};
/// Handles one request type, in the control thread.
using RequestHandler = void (*)(const Request& request, Reply& reply);

/// Boot: starts the thread. Where no link has a control channel, nothing here does anything.
void start();
/// Thread context: before the machine stops for a debugger, or ends, until a host knows what runs here. Ports tell
/// whether there is one; by vsock and the serial line it comes when it finds the guest listening, and is waited for up
/// to a second.
void wait_until_greeted();
/// Boot: who answers requests of this type.
void set_handler(wire::FrameType type, RequestHandler handler);

/// Boot: whoever counts events fills their part of the status in.
void set_status_source(void (*fill)(wire::StatusMessage& status));

/// From each timer interrupt.
void tick();

/// What the image is and how its clock runs.
wire::HelloMessage hello();

/// Tells the host how the app ended and waits up to a second until it has taken that in. Thread context.
void send_exited(uint32_t status, uint32_t signal);
/// The same when the world has stopped for good: polled, and without any lock.
void send_exited_polled(uint32_t status, uint32_t signal);

} // namespace control
