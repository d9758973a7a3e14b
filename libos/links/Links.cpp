#include "libos/links/Links.h"

#include "libos/console/Console.h"
#include "libos/drivers/SerialChannel.h"
#include "libos/links/SerialMux.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Event.h"
#include "libos/sched/Scheduler.h"
#include "libos/vsock/Vsock.h"
#include "probes/wire/Channel.h"

#include <arch/Entropy.h>
#include <new>

namespace links {

namespace {

constinit Link g_links[max_links];
constinit size_t g_count = 0;
constinit drivers::SerialChannel g_serial(drivers::Uart16550::second);
constinit drivers::SerialChannel g_first_serial(drivers::Uart16550::first); // when gdb has it
constinit SerialMux* g_mux = nullptr;
constinit bool g_mux_gdb_is_open = false; // to whoever has the line
constinit bool g_mux_is_dead = false;
constinit sched::Event g_mux_event;

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

void serve_mux(void*) {
    for (;;) {
        uint64_t seen = g_mux_event.count();
        // While there is more to do, this thread takes its turns among the others, and is preempted like them.
        if (uint64_t wait_us = g_mux->service(); wait_us != 0)
            (void)g_mux_event.wait(seen, sched::deadline_after(wait_us * 1000));
    }
}

/// The nonces of the line's sessions need be new, not secret.
uint64_t boot_entropy() {
    return arch::hardware_entropy() ^ sched::realtime_ns();
}

/// From here on the line moves without polling. The console needs it, whoever may use the other channels.
void start_mux(drivers::Platform& platform) {
    auto wake = [](void*) { g_mux_event.signal(); };
    auto thread = sched::Thread::create_kernel("serial", serve_mux, nullptr);
    if (!thread || !g_mux->start(platform, wake, nullptr)) {
        platform.log("serial line: no thread or no interrupt for it");
        g_mux_is_dead = true;
        return;
    }
    sched::scheduler().start(**thread);
}

Link over_mux() {
    return {"serial-mux",
            {&g_mux->channel(Channel::Console), &g_mux->channel(Channel::Control), &g_mux->channel(Channel::Gdb),
             &g_mux->channel(Channel::Trace), &g_mux->channel(Channel::Crash)},
            true};
}

void add_serial(drivers::SerialChannel& channel, drivers::Platform& platform) {
    if (channel.is_present() && channel.start(platform))
        add({"serial", {nullptr, nullptr, &channel, nullptr, nullptr}});
}

} // namespace

wire::Role Link::role(Channel kind) const {
    if (const auto* guarded = guard(kind))
        return guarded->role();
    return channel(kind) != nullptr && channel(kind)->is_host_connected() ? wire::Role::Operator : wire::Role::None;
}

void initialize_serial(SerialUse use, const auth::Gate& gate) {
    if (gate.open)
        (void)g_serial.initialize();
    if (use == SerialUse::Gdb && gate.open) {
        console::give_up_uart();
        (void)g_first_serial.initialize();
    } else if ((use == SerialUse::Mux || use == SerialUse::EscapedMux) && console::uart().is_present()) {
        g_mux = new (std::nothrow) SerialMux(console::uart(), use == SerialUse::Mux);
        if (g_mux == nullptr)
            return; // the console goes on by itself
        g_mux->open(sched::tsc_hz(), boot_entropy());
        g_mux_gdb_is_open = gate.open;
        console::use(g_mux->channel(Channel::Console));
    }
}

drivers::ByteChannel* serial() {
    if (g_first_serial.is_present())
        return &g_first_serial;
    if (g_serial.is_present())
        return &g_serial;
    return g_mux != nullptr && g_mux_gdb_is_open ? &g_mux->channel(Channel::Gdb) : nullptr;
}

void initialize(const drivers::Devices& devices, drivers::Platform& platform, auth::Gate& gate) {
    if (g_mux != nullptr)
        start_mux(platform);
    if (gate.is_closed())
        return;
    if (devices.console != nullptr)
        add(guarded(virtio_serial(*devices.console), gate, wire::Protection::None));
    if (devices.socket != nullptr)
        add(guarded(over_vsock(), gate, wire::Protection::None));
    if (g_mux != nullptr && !g_mux_is_dead)
        add(guarded(over_mux(), gate, wire::Protection::Mac));
    add_serial(g_first_serial, platform);
    add_serial(g_serial, platform);
}

void flush_console() {
    constexpr uint64_t patience_ns = 1'000'000'000, pause_ns = 1'000'000;
    if (g_mux == nullptr)
        return;
    size_t before = g_mux->unacknowledged(Channel::Console);
    for (uint64_t deadline = sched::boottime_ns() + patience_ns; before != 0 && sched::boottime_ns() < deadline;) {
        (void)sched::scheduler().sleep_until(sched::deadline_after(pause_ns));
        size_t now = g_mux->unacknowledged(Channel::Console);
        if (now < before)
            deadline = sched::boottime_ns() + patience_ns;
        before = now;
    }
}

std::span<const Link> all() {
    return {g_links, g_count};
}

} // namespace links
