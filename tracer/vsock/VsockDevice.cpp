#include "tracer/vsock/VsockDevice.h"

#include <asio/post.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace tracer::vsock {

namespace {

/// From a kick to the certainty that what it announced will not be seen. A guest that is stopped may need longer, which
/// is why nothing but a sentence follows.
constexpr std::chrono::seconds doubt_time{1};

} // namespace

VsockDevice::VsockDevice(asio::io_context& loop, PacketEngine& engine, Hooks hooks)
    : m_loop(loop)
    , m_engine(engine)
    , m_hooks(std::move(hooks))
    , m_doubt(loop)
    , m_alive(std::make_shared<char>()) {}

// --- What QEMU tells ---

void VsockDevice::set_features(bool event_index, bool indirect, bool rings_need_enabling) {
    m_rings_need_enabling = rings_need_enabling;
    for (Ring& ring : m_rings) {
        ring.setup.event_index = event_index;
        ring.setup.indirect = indirect;
    }
}

void VsockDevice::set_memory(MemoryTable memory) {
    m_memory = std::move(memory);
    for (uint32_t index = 0; index < ring_count; ++index)
        if (const auto mapped = m_rings[index].queue.remap(m_memory); !mapped)
            broken(index, mapped.error());
}

void VsockDevice::set_ring_addresses(uint32_t index, const RingAddresses& addresses) {
    m_rings[index].setup.addresses = addresses;
}

Result<> VsockDevice::keep_event(FileDescriptor& kept, FileDescriptor descriptor) {
    // QEMU's eventfds are so already. A write to one that is full must not wait.
    if (descriptor) {
        const int flags = fcntl(descriptor.get(), F_GETFL);
        if (flags < 0 || ((flags & O_NONBLOCK) == 0 && fcntl(descriptor.get(), F_SETFL, flags | O_NONBLOCK) != 0))
            return fail_errno("QEMU sent an event descriptor that cannot be used", errno);
    }
    kept = std::move(descriptor);
    return {};
}

Result<> VsockDevice::set_call(uint32_t index, FileDescriptor descriptor) {
    Ring& ring = m_rings[index];
    TRY(keep_event(ring.call, std::move(descriptor)));
    ring.queue.forget_calls();
    // What the guest was told by the old one may have reached nobody.
    if (m_running)
        signal(ring.call);
    return {};
}

Result<> VsockDevice::set_error(uint32_t index, FileDescriptor descriptor) {
    return keep_event(m_rings[index].error, std::move(descriptor));
}

Result<> VsockDevice::set_kick(uint32_t index, FileDescriptor descriptor) {
    if (!descriptor)
        return fail("QEMU wants a ring to be polled, which this device does not do");
    FileDescriptor event;
    TRY(keep_event(event, std::move(descriptor)));
    Ring& ring = m_rings[index];
    ring.kick = std::make_unique<Watch>(
        m_loop, std::move(event),
        Watch::Callbacks{.on_readable = [this, index] { kicked(index); },
                         .on_unusable =
                             [this, index] {
                                 broken(index, fail("QEMU sent a kick descriptor that cannot be waited for").error());
                             }});
    if (const auto started = ring.queue.start(m_memory, ring.setup); !started)
        broken(index, started.error());
    ring.queue.disable_kicks();
    ring.kick->await_readable();
    update_running();
    return {};
}

void VsockDevice::set_enabled(uint32_t index, bool enabled) {
    if (!enabled)
        take_the_rest();
    m_rings[index].enabled = enabled;
    update_running();
}

uint16_t VsockDevice::stop_ring(uint32_t index) {
    take_the_rest();
    Ring& ring = m_rings[index];
    if (ring.kick)
        ring.setup.next_available = ring.queue.next_available();
    ring.stopped_at = ring.setup.next_available;
    ring.queue.stop();
    ring.kick.reset();
    m_was_stopped = true;
    update_running();
    return ring.stopped_at;
}

void VsockDevice::reset() {
    take_the_rest();
    for (Ring& ring : m_rings) {
        ring.setup = {};
        ring.queue.stop();
        ring.kick.reset();
        ring.enabled = false;
        ring.stopped_at = 0;
    }
    m_rings_need_enabling = true;
    m_was_stopped = false;
    m_engine.reset();
    update_running();
}

void VsockDevice::forget() {
    reset();
    for (Ring& ring : m_rings)
        ring = Ring();
    m_memory = MemoryTable();
}

/// QEMU stops the rings for a reset of the guest and for a pause of the machine, in the same words. After a pause they
/// go on where they were, after a reset the guest has made them anew and they begin at 0.
bool VsockDevice::goes_on() const {
    const bool same =
        std::ranges::all_of(m_rings, [](const Ring& ring) { return ring.setup.next_available == ring.stopped_at; });
    const bool used = std::ranges::any_of(m_rings, [](const Ring& ring) { return ring.stopped_at != 0; });
    return same && used;
}

void VsockDevice::update_running() {
    const bool running = std::ranges::all_of(m_rings, [this](const Ring& ring) {
        return ring.queue.is_running() && (ring.enabled || !m_rings_need_enabling);
    });
    if (running == m_running)
        return;
    m_running = running;
    m_doubted = false;
    if (running && std::exchange(m_was_stopped, false) && !goes_on())
        m_engine.reset();
    m_hooks.on_change();
    if (running)
        pump();
}

void VsockDevice::broken(uint32_t index, const Error& error) {
    Ring& ring = m_rings[index];
    ring.queue.stop();
    signal(ring.error);
    m_engine.reset();
    m_hooks.on_broken(error);
    update_running();
}

void VsockDevice::signal(const FileDescriptor& event) {
    const uint64_t one = 1;
    // A counter that is full has been signalled; a descriptor that takes nothing is QEMU's own loss.
    if (event)
        (void)!write(event.get(), &one, sizeof one);
}

// --- Work ---

void VsockDevice::kicked(uint32_t index) {
    uint64_t count = 0;
    Watch& kick = *m_rings[index].kick;
    if (read(kick.get(), &count, sizeof count) == 0)
        return; // the other end of what is no eventfd
    pump();
    if (!m_doubted && looks_unshared())
        doubt_memory();
    if (m_rings[index].kick)
        m_rings[index].kick->await_readable();
}

bool VsockDevice::looks_unshared() const {
    return std::ranges::all_of(
        m_rings, [](const Ring& ring) { return ring.setup.next_available == 0 && ring.queue.is_unused(); });
}

void VsockDevice::doubt_memory() {
    m_doubted = true;
    m_doubt.expires_after(doubt_time);
    m_doubt.async_wait([this, alive = std::weak_ptr(m_alive)](asio::error_code error) {
        if (error || alive.expired() || !looks_unshared())
            return;
        m_hooks.on_broken({"the guest's driver says that its queues are filled, and they are empty here: QEMU probably "
                           "does not share the guest's memory",
                           "Add share=on to its -object memory-backend-..."});
    });
}

void VsockDevice::pump() {
    if (!m_running || std::exchange(m_pumping, true))
        return;
    // Answers make room for packets that had to wait for them, and taking packets makes answers.
    bool more = take_packets();
    more |= give_packets();
    if (m_engine.accepts())
        more |= take_packets();
    more |= m_engine.wanted_buffers() != 0 && give_packets();
    m_pumping = false;
    if (!more || std::exchange(m_turn_posted, true))
        return;
    asio::post(m_loop, [this, alive = std::weak_ptr(m_alive)] {
        if (alive.expired())
            return;
        m_turn_posted = false;
        pump();
    });
}

/// True when more is left than one turn takes.
bool VsockDevice::take_packets() {
    DeviceQueue& queue = m_rings[from_guest].queue;
    for (size_t turn = 0; m_engine.accepts(); ++turn) {
        if (turn == batches_per_turn)
            return true;
        const Result<size_t> taken = take_batch();
        if (!taken) {
            broken(from_guest, taken.error());
            return false;
        }
        if (*taken == 0) {
            if (!queue.enable_kicks())
                return false;
            queue.disable_kicks();
        } else if (queue.needs_call())
            signal(m_rings[from_guest].call);
    }
    return false; // the answers that are in the way go first, and their going comes back here
}

Result<size_t> VsockDevice::take_batch() {
    DeviceQueue& queue = m_rings[from_guest].queue;
    std::array<uint16_t, batch> heads;
    size_t count = 0;
    while (count < batch && TRY(queue.pop(m_packet))) {
        heads[count++] = m_packet.head;
        if (m_packet.readable_size < sizeof(PacketHeader))
            return fail(fmt::format("the guest's vsock driver sent a packet of {} bytes", m_packet.readable_size),
                        "The device stays silent until the guest resets it.");
        PacketHeader header_untrusted;
        copy_from_parts(m_packet.readable(), &header_untrusted, sizeof header_untrusted);
        m_payload.clear();
        append_slice(m_payload, m_packet.readable(), sizeof header_untrusted, std::numeric_limits<size_t>::max());
        m_engine.receive(header_untrusted, m_payload);
    }
    m_engine.flush();
    for (size_t i = 0; i < count; ++i)
        queue.push(heads[i], 0);
    return count;
}

/// Before a ring stops: no packet that the guest has sent is lost because it was sent just then.
void VsockDevice::take_the_rest() {
    if (!m_running)
        return;
    const uint32_t size = m_rings[from_guest].setup.size;
    for (size_t taken = 0; taken < size;) {
        const Result<size_t> more = take_batch();
        if (!more)
            broken(from_guest, more.error());
        if (more.value_or(0) == 0)
            return;
        taken += *more;
    }
}

Result<size_t> VsockDevice::take_buffers(size_t wanted) {
    DeviceQueue& queue = m_rings[to_guest].queue;
    size_t count = 0;
    while (count < wanted && TRY(queue.pop(m_chains[count]))) {
        const DeviceQueue::Chain& chain = m_chains[count];
        if (chain.writable_size <= sizeof(PacketHeader))
            return fail(fmt::format("the guest's vsock driver offers a buffer of {} bytes", chain.writable_size),
                        "The device stays silent until the guest resets it.");
        m_buffers[count++] = {chain.writable(), chain.writable_size};
    }
    return count;
}

bool VsockDevice::give_packets() {
    DeviceQueue& queue = m_rings[to_guest].queue;
    for (size_t turn = 0;; ++turn) {
        const size_t wanted = std::min(m_engine.wanted_buffers(), max_produced);
        if (wanted == 0)
            return false;
        if (turn == batches_per_turn)
            return true;
        const Result<size_t> taken = take_buffers(wanted);
        if (!taken) {
            broken(to_guest, taken.error());
            return false;
        }
        if (*taken == 0) {
            // The host's sockets are not looked at until the guest has room.
            if (!queue.enable_kicks())
                return false;
            queue.disable_kicks();
            continue;
        }
        const size_t used = m_engine.produce(std::span(m_buffers).first(*taken));
        for (size_t i = 0; i < used; ++i)
            queue.push(m_chains[i].head, m_buffers[i].written);
        queue.unpop(static_cast<uint16_t>(*taken - used));
        if (used != 0 && queue.needs_call())
            signal(m_rings[to_guest].call);
    }
}

} // namespace tracer::vsock
