#include "libos/links/Links.h"

#include "libos/drivers/SerialChannel.h"
#include "libos/vsock/Vsock.h"
#include "probes/wire/Channel.h"

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

void initialize_serial() {
    (void)g_serial.initialize();
}

drivers::ByteChannel* serial() {
    return g_serial.is_present() ? &g_serial : nullptr;
}

void initialize(const drivers::Devices& devices, drivers::Platform& platform, bool open) {
    if (devices.console != nullptr)
        add(virtio_serial(*devices.console));
    if (devices.socket != nullptr && open)
        add(over_vsock());
    if (g_serial.is_present() && g_serial.start(platform))
        add({"serial", {nullptr, nullptr, &g_serial, nullptr, nullptr}});
}

std::span<const Link> all() {
    return {g_links, g_count};
}

} // namespace links
