#include "libos/drivers/VirtioConsole.h"

#include "libos/base/Text.h"

#include <arch/Processor.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace drivers {

namespace {

constexpr uint64_t feature_multiport = 1u << 1;
constexpr size_t config_max_ports = 4;

// Queues: 0 and 1 belong to port 0, 2 and 3 are for control, then a pair for each further port.
constexpr uint16_t control_receive_index = 2;
constexpr uint16_t control_transmit_index = 3;
constexpr uint16_t receive_index_of(unsigned port) {
    return static_cast<uint16_t>(port == 0 ? 0 : 2 * port + 2);
}

enum Event : uint16_t {
    DeviceReady = 0,
    PortAdd = 1,
    PortRemove = 2,
    PortReady = 3,
    ConsolePortEvent = 4,
    Resize = 5,
    PortOpen = 6,
    PortName = 7,
};

constexpr uint32_t no_port = UINT32_MAX;

} // namespace

VirtioConsole::VirtioConsole(Platform& platform, VirtioTransport& transport, std::string_view prefix)
    : m_platform(platform)
    , m_transport(transport)
    , m_prefix(prefix) {}

base::Result<> VirtioConsole::start() {
    auto started = set_up_queues();
    if (started)
        started = handshake();
    if (!started)
        virtio_fail(m_platform, m_transport);
    return started;
}

base::Result<> VirtioConsole::set_up_queues() {
    uint64_t features = TRY(virtio_negotiate(m_platform, m_transport, feature_multiport));
    if ((features & feature_multiport) == 0)
        return base::fail(base::Error::NotSupported);
    uint32_t ports_untrusted = TRY(m_transport.read_config32(config_max_ports));
    m_port_count = std::min(ports_untrusted, uint32_t{max_ports});
    m_needs_polling = !m_transport.connect_interrupt(on_interrupt, this);

    // All queues exist before the device starts, those of ports that may be plugged in later too.
    TRY(virtio_add_queue(m_platform, m_transport, control_receive_index, m_control_receive));
    TRY(virtio_add_queue(m_platform, m_transport, control_transmit_index, m_control_transmit));
    for (unsigned id = 0; id < m_port_count; ++id) {
        auto& port = m_ports[id];
        port.m_platform = &m_platform;
        port.m_transport = &m_transport;
        port.m_console = this;
        port.m_id = id;
        port.m_receive_index = receive_index_of(id);
        port.m_transmit_index = static_cast<uint16_t>(port.m_receive_index + 1);
        TRY(virtio_add_queue(m_platform, m_transport, port.m_receive_index, port.m_receive));
        TRY(virtio_add_queue(m_platform, m_transport, port.m_transmit_index, port.m_transmit));
    }
    m_control_page = TRY(m_platform.pages().allocate_zeroed_page());
    m_message_page = TRY(m_platform.pages().allocate_zeroed_page());
    m_message_slots_free = UINT64_MAX;
    virtio_start(m_transport);
    return {};
}

base::Result<> VirtioConsole::handshake() {
    static_assert(size_t{control_count} * control_size <= arch::page_size);
    {
        sched::NoStopLocker locker(m_control_lock);
        // Polled here: an interrupt for each would come when there is nothing left to do.
        m_control_receive.set_interrupts(false);
        m_control_transmit.set_interrupts(false);
        for (unsigned i = 0; i < std::min<unsigned>(control_count, m_control_receive.size()); ++i)
            TRY(post_control(i));
        if (m_control_receive.needs_notification())
            m_transport.notify(control_receive_index);
        m_control_posted = true;
        send_control(no_port, DeviceReady, 1);
    }
    // Each message of ours may bring some of the device, which bring more of ours: settled once it has taken all and
    // there is nothing to take from it.
    uint64_t limit = m_platform.timestamp_hz();
    uint64_t start = arch::timestamp();
    for (bool settled = false; !settled;) {
        {
            sched::NoStopLocker locker(m_control_lock);
            process_control();
            flush_control_queue();
        }
        open_named_ports();
        sched::NoStopLocker locker(m_control_lock);
        if (m_control_transmit.is_broken() || m_control_receive.is_broken())
            return base::fail(base::Error::Io);
        if (arch::timestamp() - start > limit)
            break; // a slow device: the rest comes by interrupt
        // An interrupt on another CPU may be opening ports meanwhile.
        settled = m_ports_to_open.load() == 0 && m_control_transmit.in_flight() == 0 && !m_control_receive.has_used();
    }
    bool came_meanwhile;
    {
        sched::NoStopLocker locker(m_control_lock);
        came_meanwhile = m_control_receive.set_interrupts(true);
        came_meanwhile |= m_control_transmit.set_interrupts(true);
    }
    if (came_meanwhile)
        poll();
    return {};
}

void VirtioConsole::open_named_ports() {
    if (uint32_t ignored = m_ignored_port.exchange(no_port, std::memory_order_relaxed); ignored != no_port) {
        base::Text<96> line;
        line.put("virtio-serial: port ").decimal(ignored).put(" ignored, ports 0 to ");
        line.decimal(m_port_count - 1).put(" can be used");
        m_platform.log(line.view());
    }
    // One CPU at a time. Whoever finds another at it leaves its ports to that one, which looks again after it said that
    // it is through: all four accesses are sequentially consistent, so one of the two sees the other.
    while (m_ports_to_open.load() != 0 && !m_opens_ports.exchange(true)) {
        for (unsigned id = 0; id < m_port_count; ++id) {
            auto& port = m_ports[id];
            if (!port.m_named.exchange(false, std::memory_order_acq_rel))
                continue;
            if (port.open(m_platform)) {
                sched::NoStopLocker locker(m_control_lock);
                send_control(id, PortOpen, 1);
            } else {
                m_platform.log("virtio-serial: no memory for a port's buffers");
            }
            m_ports_to_open.fetch_sub(1);
        }
        m_opens_ports.exchange(false);
    }
}

ConsolePort* VirtioConsole::port(std::string_view name) {
    sched::NoStopLocker locker(m_control_lock);
    for (auto& port : m_ports) {
        if (port.m_open && port.m_added && port.name() == name)
            return &port;
    }
    return nullptr;
}

std::string_view VirtioConsole::other_name(unsigned number) {
    sched::NoStopLocker locker(m_control_lock);
    return number < m_port_count && is_other(m_ports[number]) ? m_ports[number].name() : std::string_view();
}

base::Result<ConsolePort*> VirtioConsole::open_port(unsigned number) {
    if (other_name(number).empty())
        return base::fail(base::Error::NoSuchDevice);
    auto& port = m_ports[number];
    TRY(port.open(m_platform));
    std::byte stale[256];
    while (port.read(stale) != 0) {
    }
    sched::NoStopLocker locker(m_control_lock);
    send_control(number, PortOpen, 1);
    return &port;
}

void VirtioConsole::close_port(unsigned number) {
    sched::NoStopLocker locker(m_control_lock);
    send_control(number, PortOpen, 0);
}

void VirtioConsole::on_interrupt(void* context) {
    auto* self = static_cast<VirtioConsole*>(context);
    if (self->m_transport.acknowledge_interrupt())
        self->poll();
}

void VirtioConsole::poll() {
    {
        sched::NoStopLocker locker(m_control_lock);
        process_control();
    }
    open_named_ports();
    for (unsigned id = 0; id < m_port_count; ++id)
        m_ports[id].service();
}

void VirtioConsole::poll_stopped() {
    if (m_control_lock.is_held())
        return;
    process_control(); // ports named now are opened when the world goes on, by the interrupt that waits
}

base::Result<> VirtioConsole::post_control(unsigned buffer) {
    BufferSegment segment{m_control_page + uint64_t{buffer} * control_size, control_size, true};
    uint16_t number = TRY(m_control_receive.add({&segment, 1}));
    m_control_buffer[number] = static_cast<uint8_t>(buffer);
    return {};
}

void VirtioConsole::flush_control_queue() {
    while (auto completion = m_control_transmit.take_used())
        m_message_slots_free |= uint64_t{1} << m_message_slot[completion->buffer];
}

void VirtioConsole::process_control() {
    if (!m_control_posted)
        return; // an interrupt before the handshake
    flush_control_queue();
    bool posted = false;
    while (auto completion = m_control_receive.take_used()) {
        unsigned buffer = m_control_buffer[completion->buffer];
        // A copy: the device could change its own page under our eyes.
        std::byte message[control_size];
        auto* page = static_cast<const std::byte*>(m_platform.pages().to_pointer(m_control_page));
        std::memcpy(message, page + size_t{buffer} * control_size, completion->written);
        // Given back before the answer goes out, or the device's answer to that may find no buffer.
        if (!post_control(buffer))
            return;
        posted = true;
        handle_message({message, completion->written});
    }
    if (posted && m_control_receive.needs_notification())
        m_transport.notify(control_receive_index);
}

void VirtioConsole::send_control(uint32_t id, uint16_t event, uint16_t value) {
    flush_control_queue();
    if (m_message_slots_free == 0 || m_control_transmit.free_descriptors() == 0) {
        ++m_malformed; // a device that asks much and takes nothing
        return;
    }
    auto slot = static_cast<uint8_t>(std::countr_zero(m_message_slots_free));
    ControlMessage message{id, event, value};
    auto* page = static_cast<std::byte*>(m_platform.pages().to_pointer(m_message_page));
    std::memcpy(page + slot * sizeof(message), &message, sizeof(message));
    BufferSegment segment{m_message_page + slot * sizeof(message), sizeof(message), false};
    auto buffer = m_control_transmit.add({&segment, 1});
    if (!buffer)
        return;
    m_message_slots_free &= ~(uint64_t{1} << slot);
    m_message_slot[*buffer] = slot;
    if (m_control_transmit.needs_notification())
        m_transport.notify(control_transmit_index);
}

void VirtioConsole::handle_message(std::span<const std::byte> message_untrusted) {
    ControlMessage message;
    if (message_untrusted.size() < sizeof(message)) {
        ++m_malformed;
        return;
    }
    std::memcpy(&message, message_untrusted.data(), sizeof(message));
    if (message.id >= m_port_count) {
        ++m_malformed;
        if (message.event == PortAdd)
            m_ignored_port.store(message.id, std::memory_order_relaxed);
        return;
    }
    auto& port = m_ports[message.id];
    switch (message.event) {
    case PortAdd:
        port.m_added = true;
        send_control(message.id, PortReady, 1);
        break;
    case PortRemove:
        port.m_added = false;
        port.set_host_connected(false);
        break;
    case PortOpen:
        port.set_host_connected(message.value != 0);
        break;
    case PortName:
        if (port.m_added)
            handle_name(port, message_untrusted.subspan(sizeof(message)));
        break;
    case ConsolePortEvent:
    case Resize:
        break; // for terminals
    default:
        ++m_malformed;
        break;
    }
}

void VirtioConsole::handle_name(ConsolePort& port, std::span<const std::byte> name_untrusted) {
    auto* characters = reinterpret_cast<const char*>(name_untrusted.data());
    size_t length = 0;
    while (length < name_untrusted.size() && characters[length] != '\0') // QEMU's terminator; the standard has none
        ++length;
    std::string_view name(characters, length);
    if (name.size() > ConsolePort::max_name) {
        ++m_malformed;
        return;
    }
    if (!port.m_open) {
        std::memcpy(port.m_name, name.data(), name.size());
        port.m_name_length = name.size();
    } else if (name != port.name()) {
        return; // another port plugged into the same number: the old name is in use
    }
    if (!name.starts_with(m_prefix))
        return;
    if (!port.m_named.exchange(true, std::memory_order_acq_rel))
        m_ports_to_open.fetch_add(1);
}

} // namespace drivers
