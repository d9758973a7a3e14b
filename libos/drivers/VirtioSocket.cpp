#include "libos/drivers/VirtioSocket.h"

#include <arch/Processor.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace drivers {

namespace {

constexpr uint16_t receive_index = 0;
constexpr uint16_t transmit_index = 1;
constexpr uint16_t event_index = 2;

constexpr size_t config_cid_low = 0;
constexpr size_t config_cid_high = 4;

constexpr uint32_t header_size = sizeof(SocketPacketHeader);

/// struct virtio_vsock_event, section 5.10.6.7. There is only one.
struct Event {
    uint32_t id;
};
constexpr uint32_t transport_reset = 0;

} // namespace

base::Result<> VirtioSocket::start() {
    auto ready = set_up();
    if (!ready)
        virtio_fail(m_platform, m_transport);
    return ready;
}

base::Result<> VirtioSocket::read_cid() {
    uint32_t low = TRY(m_transport.read_config32(config_cid_low));
    uint32_t high = TRY(m_transport.read_config32(config_cid_high));
    m_cid = uint64_t{high} << 32 | low;
    return {};
}

base::Result<> VirtioSocket::set_up() {
    uint64_t features = TRY(virtio_negotiate(m_platform, m_transport, virtio_feature_event_index));
    bool by_index = (features & virtio_feature_event_index) != 0;
    TRY(read_cid());
    m_needs_polling = !m_transport.connect_interrupt(on_interrupt, this);
    TRY(virtio_add_queue(m_platform, m_transport, receive_index, m_receive, by_index));
    TRY(virtio_add_queue(m_platform, m_transport, transmit_index, m_transmit, by_index));
    TRY(virtio_add_queue(m_platform, m_transport, event_index, m_events, by_index));
    if (m_receive.size() < 2 || m_transmit.size() < 2)
        return base::fail(base::Error::NotSupported); // a packet takes two descriptors

    auto& pages = m_platform.pages();
    m_receive_headers = TRY(pages.allocate_zeroed_page());
    m_event_page = TRY(pages.allocate_zeroed_page());
    for (auto& page : m_transmit_headers)
        page = TRY(pages.allocate_zeroed_page());
    for (unsigned i = 0; i < transmit_count; ++i)
        m_free_headers[m_free_header_count++] = static_cast<uint8_t>(transmit_count - 1 - i);
    static_assert(receive_count * header_stride <= arch::page_size && payload_size == arch::page_size);
    for (unsigned i = 0; i < std::min<unsigned>(receive_count, m_receive.size() / 2); ++i) {
        m_payloads[i] = TRY(pages.allocate_zeroed_page());
        TRY(post_receive(i));
    }
    for (unsigned i = 0; i < std::min<unsigned>(event_count, m_events.size()); ++i)
        TRY(post_event(i));
    m_transmit.set_interrupts(false);

    virtio_start(m_transport);
    notify();
    if (m_events.needs_notification())
        m_transport.notify(event_index);
    return {};
}

void VirtioSocket::set_event_handler(EventHandler handler, void* context) {
    m_context = context;
    m_handler.store(handler, std::memory_order_release);
}

void VirtioSocket::on_interrupt(void* context) {
    auto* self = static_cast<VirtioSocket*>(context);
    if (!self->m_transport.acknowledge_interrupt())
        return;
    if (auto handler = self->m_handler.load(std::memory_order_acquire))
        handler(self->m_context);
}

// --- Receiving

base::Result<> VirtioSocket::post_receive(unsigned buffer) {
    BufferSegment segments[] = {{m_receive_headers + uint64_t{buffer} * header_stride, header_size, true},
                                {m_payloads[buffer], payload_size, true}};
    uint16_t number = TRY(m_receive.add(segments));
    m_receive_buffer[number] = static_cast<uint8_t>(buffer);
    m_posted = true;
    return {};
}

std::optional<SocketDevice::Packet> VirtioSocket::receive() {
    while (auto completion = m_receive.take_used()) {
        m_received = m_receive_buffer[completion->buffer];
        if (completion->written < header_size) {
            ++m_malformed;
            release_received();
            continue;
        }
        auto& pages = m_platform.pages();
        Packet packet;
        // A copy: the device could change its own page under our eyes.
        auto* headers = static_cast<const std::byte*>(pages.to_pointer(m_receive_headers));
        std::memcpy(&packet.header, headers + size_t{m_received} * header_stride, header_size);
        auto* payload = static_cast<const std::byte*>(pages.to_pointer(m_payloads[m_received]));
        packet.payload = {payload, completion->written - header_size};
        return packet;
    }
    return std::nullopt;
}

void VirtioSocket::release_received() {
    // Fails only on a queue that is broken, which then gives nothing either.
    [[maybe_unused]] auto posted = post_receive(m_received);
}

base::Result<> VirtioSocket::post_event(unsigned buffer) {
    BufferSegment segment{m_event_page + uint64_t{buffer} * sizeof(Event), sizeof(Event), true};
    uint16_t number = TRY(m_events.add({&segment, 1}));
    m_event_buffer[number] = static_cast<uint8_t>(buffer);
    return {};
}

bool VirtioSocket::take_transport_reset() {
    bool reset = false;
    bool posted = false;
    while (auto completion = m_events.take_used()) {
        unsigned buffer = m_event_buffer[completion->buffer];
        Event event;
        auto* page = static_cast<const std::byte*>(m_platform.pages().to_pointer(m_event_page));
        std::memcpy(&event, page + buffer * sizeof(event), sizeof(event));
        if (completion->written >= sizeof(event) && event.id == transport_reset)
            reset = true;
        posted |= post_event(buffer).has_value();
    }
    if (posted && m_events.needs_notification())
        m_transport.notify(event_index);
    // A read that fails leaves the old address; the device then answers nobody anyway.
    if (reset) [[maybe_unused]]
        auto known = read_cid();
    return reset;
}

// --- Sending

size_t VirtioSocket::room() const {
    if (m_transmit.is_broken())
        return 0;
    return std::min<size_t>(m_transmit.free_descriptors() / 2, m_free_header_count);
}

base::Result<> VirtioSocket::send(const SocketPacketHeader& header, PhysicalAddress payload, uint32_t length,
                                  void* token) {
    if (m_transmit.is_broken())
        return base::fail(base::Error::Io);
    if (m_free_header_count == 0)
        return base::fail(base::Error::Again);
    uint8_t slot = m_free_headers[m_free_header_count - 1];
    PhysicalAddress page = m_transmit_headers[slot / headers_per_page];
    size_t offset = size_t{slot % headers_per_page} * header_stride;
    std::memcpy(static_cast<std::byte*>(m_platform.pages().to_pointer(page)) + offset, &header, header_size);
    BufferSegment segments[] = {{page + offset, header_size, false}, {payload, length, false}};
    uint16_t buffer = TRY(m_transmit.add(std::span(segments).first(length != 0 ? 2 : 1)));
    --m_free_header_count;
    m_sent[buffer] = {token, slot};
    m_queued = true;
    return {};
}

std::optional<void*> VirtioSocket::take_sent() {
    auto completion = m_transmit.take_used();
    if (!completion)
        return std::nullopt;
    auto& sent = m_sent[completion->buffer];
    m_free_headers[m_free_header_count++] = sent.header;
    return sent.token;
}

void VirtioSocket::notify() {
    if (std::exchange(m_posted, false) && m_receive.needs_notification())
        m_transport.notify(receive_index);
    if (std::exchange(m_queued, false) && m_transmit.needs_notification())
        m_transport.notify(transmit_index);
}

bool VirtioSocket::want_sent(bool wanted) {
    // Packets are done in a row: one interrupt for half of those that are out, so that who waits fills the queue again
    // before it is empty.
    return m_transmit.set_interrupts(wanted, m_transmit.in_flight() / 2);
}

bool VirtioSocket::rearm() {
    bool more = m_receive.set_interrupts(true);
    more |= m_events.set_interrupts(true);
    return more;
}

} // namespace drivers
