#pragma once
// The ways to the host: each link carries some of the channels, and whoever serves a channel serves it on all links, so
// that a host that lost one way finds the others open.
//
// All but the console are guarded (auth::GuardedChannel): nothing passes before the host has proved that it has an
// enrolled key. In an instance that was started open they are the links' own channels, and where there is neither a key
// nor an open word, there are none.

#include "libos/auth/GuardedChannel.h"
#include "libos/drivers/ByteChannel.h"
#include "libos/drivers/Devices.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace links {

enum class Channel : uint8_t { Console, Control, Gdb, Trace, Crash };
inline constexpr size_t channel_count = 5;

struct Link {
    std::string_view name;                              ///< as `uniscope ps` shows it
    drivers::ByteChannel* channels[channel_count] = {}; ///< nullptr: this link does not carry it
    /// The host connects when it finds the guest listening; that it has not yet says nothing.
    bool host_comes_late = false;
    auth::GuardedChannel* guards[channel_count] = {}; ///< the same channels, where they are guarded

    drivers::ByteChannel* channel(Channel channel) const { return channels[static_cast<size_t>(channel)]; }
    auth::GuardedChannel* guard(Channel channel) const { return guards[static_cast<size_t>(channel)]; }
    /// Who is at the channel's other end. Any context but an NMI.
    wire::Role role(Channel channel) const;
};

inline constexpr size_t max_links = 4;

/// What the first UART carries. The second, where there is one, is gdb's alone. gdb's bare protocol has no handshake:
/// both are served only where the gate is open.
enum class SerialUse : uint8_t {
    Console,
    Gdb,        ///< gdb's bare protocol and no console
    Mux,        ///< every channel, framed (docs/serial-link.md)
    EscapedMux, ///< the same for a line that is not 8-bit clean
};

/// Boot, thread context, before the devices are there: the UARTs, whose debugger may want to hold the machine early.
void initialize_serial(SerialUse use, const auth::Gate& gate);
/// Gdb's channel on them, to poll, where the gate is open; nullptr when there is none.
drivers::ByteChannel* serial();
/// Boot, thread context, when the devices and all keys are there. The order is that of preference. `platform` and
/// `gate` live for ever.
void initialize(const drivers::Devices& devices, drivers::Platform& platform, auth::Gate& gate);

/// Thread context, before the machine goes: until the host has what the console was given, or took nothing of it for a
/// second. Where the console is a bare UART it always has.
void flush_console();

/// Never changes after initialize(). Any context.
std::span<const Link> all();

} // namespace links
