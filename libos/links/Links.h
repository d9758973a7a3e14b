#pragma once
// The ways to the host: each link carries some of the channels, and whoever serves a channel serves it on all links, so
// that a host that lost one way finds the others open.

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

    drivers::ByteChannel* channel(Channel channel) const { return channels[static_cast<size_t>(channel)]; }
};

inline constexpr size_t max_links = 4;

/// What the first UART carries. The second, where there is one, is gdb's alone.
enum class SerialUse : uint8_t {
    Console,
    Gdb,        ///< gdb's bare protocol and no console
    Mux,        ///< every channel, framed (docs/serial-link.md)
    EscapedMux, ///< the same for a line that is not 8-bit clean
};

/// Boot, thread context, before the devices are there: the UARTs, whose debugger may want to hold the machine early.
void initialize_serial(SerialUse use);
/// Gdb's channel on them, to poll; nullptr when there is none.
drivers::ByteChannel* serial();
/// Boot, thread context, when the devices are there. The order is that of preference. `platform` lives for ever.
/// `open`: anybody on the host may come; only then is there a link over vsock, whose ports no file's permissions
/// protect.
void initialize(const drivers::Devices& devices, drivers::Platform& platform, bool open);

/// Thread context, before the machine goes: until the host has what the console was given, or took nothing of it for a
/// second. Where the console is a bare UART it always has.
void flush_console();

/// Never changes after initialize(). Any context.
std::span<const Link> all();

} // namespace links
