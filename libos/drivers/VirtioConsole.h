#pragma once
// VirtioConsole: a virtio-serial device with named ports (Virtual I/O Device 1.2, section 5.3, MULTIPORT).
//
// Owns the device, its control queues and its ports. The device announces ports on the control queue, each with a
// number and then a name; the ones whose name begins with the wanted prefix are opened, the others when somebody asks
// (opening a port is seen by the host, which may take it for an agent that answers).
//
// start() does the handshake by polling, so that with a VMM that answers at once (QEMU) all ports are there when it
// returns. What comes later (a host that connects, a port that is plugged in) arrives by interrupt or poll().

#include "libos/drivers/ConsolePort.h"
#include "libos/drivers/VirtioTransport.h"

#include <string_view>

namespace drivers {

class VirtioConsole {
public:
    /// Ports with higher numbers are ignored, and logged.
    static constexpr unsigned max_ports = 8;

    /// All three outlive the console.
    VirtioConsole(Platform& platform, VirtioTransport& transport, std::string_view prefix);
    VirtioConsole(const VirtioConsole&) = delete;
    VirtioConsole& operator=(const VirtioConsole&) = delete;

    /// Once, in thread context. Even when it fails the object has to stay where it is: an interrupt may still come.
    base::Result<> start();

    /// The open port of that name; nullptr when the host has none. Any context.
    ConsolePort* port(std::string_view name);

    // Ports whose names do not begin with the prefix, by number. Thread context.

    unsigned port_count() const { return m_port_count; }
    /// Empty: there is none that open_port() takes.
    std::string_view other_name(unsigned number);
    /// Tells the host that it is open; nothing that came before is read. Error::NoSuchDevice. Once, until close_port().
    base::Result<ConsolePort*> open_port(unsigned number);
    void close_port(unsigned number);

    /// What an interrupt does: control messages, finished writes, event handlers. Interrupt or thread context.
    void poll();
    /// Whether nobody but the caller of poll() moves this device: no interrupt could be had.
    bool needs_polling() const { return m_needs_polling; }
    /// Learns of hosts that connected, in the stopped world; does nothing if a CPU was stopped in the middle of that.
    void poll_stopped();

    uint32_t malformed_messages() const { return m_malformed; }

private:
    struct ControlMessage {
        uint32_t id;
        uint16_t event;
        uint16_t value;
    };
    static_assert(sizeof(ControlMessage) == 8);

    static constexpr unsigned control_count = 32; // QEMU drops messages that find no buffer
    static constexpr uint32_t control_size = 128; // of a buffer: message and name

    base::Result<> set_up_queues();
    base::Result<> handshake();
    static void on_interrupt(void* context);
    void process_control(); // with m_control_lock held, or in the stopped world
    void handle_message(std::span<const std::byte> message_untrusted);
    bool is_other(const ConsolePort& port) const {
        return port.m_added && !port.name().empty() && !port.name().starts_with(m_prefix);
    }
    void handle_name(ConsolePort& port, std::span<const std::byte> name_untrusted);
    void send_control(uint32_t id, uint16_t event, uint16_t value);
    base::Result<> post_control(unsigned buffer);
    void flush_control_queue();
    /// Memory and log lines, which others' locks stand before: without the control lock. Not in the stopped world.
    void open_named_ports();

    Platform& m_platform;
    VirtioTransport& m_transport;
    std::string_view m_prefix;
    bool m_needs_polling = false;
    uint32_t m_malformed = 0;

    sched::NoStopLock m_control_lock; // outside the ports' locks, inside of no other
    VirtQueue m_control_receive;
    VirtQueue m_control_transmit;
    PhysicalAddress m_control_page = 0; // what the device says
    PhysicalAddress m_message_page = 0; // what we say
    uint8_t m_control_buffer[VirtQueue::max_size] = {};
    uint64_t m_message_slots_free = 0; // a bit each
    uint8_t m_message_slot[VirtQueue::max_size] = {};
    bool m_control_posted = false;
    std::atomic<uint32_t> m_ignored_port{UINT32_MAX};
    std::atomic<unsigned> m_ports_to_open{0}; ///< named, and not yet open or given up
    std::atomic<bool> m_opens_ports{false};

    unsigned m_port_count = 0;
    ConsolePort m_ports[max_ports];
};

} // namespace drivers
