#include "libos/links/Links.h"

#include "libos/drivers/SerialChannel.h"
#include "libos/vsock/Vsock.h"
#include "probes/wire/Channel.h"

#include <new>

namespace links {

namespace {

constinit Link g_links[max_links];
constinit size_t g_count = 0;
constinit drivers::SerialChannel g_serial(drivers::Uart16550::second);

void add(const Link& link) {
    for (const auto* channel : link.channels) {
        if (channel != nullptr) {
            g_links[g_count++] = link;
            return;
        }
    }
}

constexpr wire::ChannelKind kind_of(Channel channel) {
    switch (channel) {
    case Channel::Control:
        return wire::ChannelKind::Control;
    case Channel::Gdb:
        return wire::ChannelKind::Gdb;
    case Channel::Trace:
        return wire::ChannelKind::Trace;
    case Channel::Crash:
        return wire::ChannelKind::Crash;
    case Channel::Console:
        break;
    }
    return wire::ChannelKind::Console;
}

/// Puts guards before the channels, in memory that is never given back: most instances need none. A channel whose guard
/// finds no memory is not carried. `protection`: None where only the two ends can write to the line.
Link guarded(Link link, auth::Gate& gate, wire::Protection protection) {
    for (size_t i = 0; i < channel_count && !gate.open; ++i) {
        auto*& inner = link.channels[i];
        auto kind = kind_of(static_cast<Channel>(i));
        if (inner == nullptr || kind == wire::ChannelKind::Console)
            continue;
        auto* guard = new (std::nothrow) auth::GuardedChannel(kind, gate);
        if (guard != nullptr)
            guard->start(*inner, protection);
        link.guards[i] = guard;
        inner = guard;
    }
    return link;
}

Link virtio_serial(drivers::VirtioConsole& console) {
    return {"virtio-serial",
            {console.port(wire::console_port_name), console.port(wire::control_port_name),
             console.port(wire::gdb_port_name), console.port(wire::trace_port_name),
             console.port(wire::crash_port_name)}};
}

Link over_vsock() {
    return {"vsock",
            // Nobody serves a console there yet: what nobody serves is refused.
            {nullptr, vsock::open_channel(wire::vsock_port_control), vsock::open_channel(wire::vsock_port_gdb),
             vsock::open_channel(wire::vsock_port_trace), vsock::open_channel(wire::vsock_port_crash)},
            true};
}

} // namespace

wire::Role Link::role(Channel kind) const {
    if (const auto* guarded = guard(kind))
        return guarded->role();
    return channel(kind) != nullptr && channel(kind)->is_host_connected() ? wire::Role::Operator : wire::Role::None;
}

void initialize_serial(const auth::Gate& gate) {
    if (gate.open)
        (void)g_serial.initialize();
}

drivers::ByteChannel* serial() {
    return g_serial.is_present() ? &g_serial : nullptr;
}

void initialize(const drivers::Devices& devices, drivers::Platform& platform, auth::Gate& gate) {
    if (gate.is_closed())
        return;
    if (devices.console != nullptr)
        add(guarded(virtio_serial(*devices.console), gate, wire::Protection::None));
    if (devices.socket != nullptr)
        add(guarded(over_vsock(), gate, wire::Protection::None));
    if (g_serial.is_present() && g_serial.start(platform))
        add({"serial", {nullptr, nullptr, &g_serial, nullptr, nullptr}});
}

std::span<const Link> all() {
    return {g_links, g_count};
}

} // namespace links
