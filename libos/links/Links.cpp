#include "libos/links/Links.h"

#include "libos/console/Console.h"
#include "libos/drivers/SerialChannel.h"
#include "libos/links/SerialMux.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"
#include "libos/vsock/Event.h"
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
constinit vsock::Event g_mux_event;

void add(const Link& link) {
    for (const auto* channel : link.channels) {
        if (channel != nullptr) {
            g_links[g_count++] = link;
            return;
        }
    }
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

void start_mux(drivers::Platform& platform) {
    auto wake = [](void*) { g_mux_event.signal(); };
    auto thread = sched::Thread::create_kernel("serial", serve_mux, nullptr);
    if (!thread || !g_mux->start(platform, wake, nullptr)) {
        platform.log("serial line: no thread or no interrupt for it");
        return;
    }
    sched::scheduler().start(**thread);
    add({"serial-mux",
         {&g_mux->channel(Channel::Console), &g_mux->channel(Channel::Control), &g_mux->channel(Channel::Gdb),
          &g_mux->channel(Channel::Trace), &g_mux->channel(Channel::Crash)},
         true});
}

void add_serial(drivers::SerialChannel& channel, drivers::Platform& platform) {
    if (channel.is_present() && channel.start(platform))
        add({"serial", {nullptr, nullptr, &channel, nullptr, nullptr}});
}

} // namespace

void initialize_serial(SerialUse use) {
    (void)g_serial.initialize();
    if (use == SerialUse::Gdb) {
        console::give_up_uart();
        (void)g_first_serial.initialize();
    } else if (use != SerialUse::Console && console::uart().is_present()) {
        g_mux = new (std::nothrow) SerialMux(console::uart(), use == SerialUse::Mux);
        if (g_mux == nullptr)
            return; // the console goes on by itself
        g_mux->open(sched::tsc_hz(), boot_entropy());
        console::use(g_mux->channel(Channel::Console));
    }
}

drivers::ByteChannel* serial() {
    if (g_first_serial.is_present())
        return &g_first_serial;
    if (g_serial.is_present())
        return &g_serial;
    return g_mux != nullptr ? &g_mux->channel(Channel::Gdb) : nullptr;
}

void initialize(const drivers::Devices& devices, drivers::Platform& platform, bool open) {
    if (devices.console != nullptr)
        add(virtio_serial(*devices.console));
    if (devices.socket != nullptr && open)
        add(over_vsock());
    if (g_mux != nullptr)
        start_mux(platform);
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
