// What a guest may do to a vsock device: rings, descriptors and packets of any kind, in memory of several shapes, while
// the host's ends of the connections come, go, read and write.
//
// The input is a row of steps, each a byte and its arguments. Some steps are what a driver does, with a value from the
// input here and there; others write anything anywhere. Memory is a file of which the guest owns the middle: the bytes
// around it must never change.

#include "tracer/vsock/VsockDevice.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace {

using namespace tracer::vsock;
using tracer::FileDescriptor;
using tracer::Result;
using Bytes = std::span<const uint8_t>;

constexpr uint64_t guard_size = 4096;
constexpr uint64_t memory_size = 48 << 10; // the guest's, from address 0
constexpr uint64_t user_base = 0x7f00'0000'0000;
constexpr uint8_t canary = 0xc5;
constexpr uint64_t guest_cid = 3;
constexpr uint16_t ring_size = 16;
/// Each ring: descriptors, then available, then used.
constexpr uint64_t ring_at[2] = {0, 0x400};
constexpr uint64_t available_at = 0x100;
constexpr uint64_t used_at = 0x200;
constexpr uint64_t buffers_at = 0x1000;
/// Of one run: long ones find nothing that short ones do not.
constexpr int max_steps = 80;
constexpr EngineLimits limits{
    .connections = 6, .buffer = 16 << 10, .min_buffer = 1024, .pool = size_t{1} << 20, .socket_buffer = 1};

asio::io_context& loop() {
    static asio::io_context loop;
    return loop;
}

void settle() {
    do
        loop().restart();
    while (loop().poll() != 0);
}

class Input {
public:
    explicit Input(Bytes bytes)
        : m_bytes(bytes) {}
    bool is_empty() const { return m_bytes.empty(); }
    template <typename T = uint8_t>
    T take() {
        T value{};
        const Bytes taken = take_bytes(sizeof value);
        std::memcpy(&value, taken.data(), taken.size());
        return value;
    }
    Bytes take_bytes(size_t size) {
        const Bytes taken = m_bytes.first(std::min(size, m_bytes.size()));
        m_bytes = m_bytes.subspan(taken.size());
        return taken;
    }

private:
    Bytes m_bytes;
};

/// The file behind the guest's memory, for all runs.
class Memory {
public:
    Memory()
        : m_file(memfd_create("guest", MFD_CLOEXEC)) {
        if (ftruncate(m_file.get(), memory_size + 2 * guard_size) != 0)
            std::abort();
        m_bytes = static_cast<uint8_t*>(
            mmap(nullptr, memory_size + 2 * guard_size, PROT_READ | PROT_WRITE, MAP_SHARED, m_file.get(), 0));
    }
    void clear() {
        std::memset(m_bytes, canary, guard_size);
        std::memset(guest(), 0, memory_size);
        std::memset(guest() + memory_size, canary, guard_size);
    }
    void check() const {
        static const std::vector<uint8_t> guard(guard_size, canary);
        if (std::memcmp(m_bytes, guard.data(), guard_size) != 0 ||
            std::memcmp(m_bytes + guard_size + memory_size, guard.data(), guard_size) != 0)
            std::abort();
    }
    uint8_t* guest() { return m_bytes + guard_size; }

    /// One region, two that adjoin, two with a hole, or one that ends in the middle of a page.
    Result<MemoryTable> table(uint8_t shape) const {
        std::vector<MemoryCommand::Entry> entries;
        const auto add = [&](uint64_t from, uint64_t to) {
            entries.push_back(
                {{from, to - from, user_base + from, guard_size + from}, FileDescriptor(dup(m_file.get()))});
        };
        constexpr uint64_t middle = 0x2004;
        switch (shape & 3) {
        case 0:
            add(0, memory_size);
            break;
        case 1:
            add(middle, memory_size);
            add(0, middle);
            break;
        case 2:
            add(0, middle);
            add(middle + 0x1000, memory_size);
            break;
        default:
            add(0, memory_size - 77);
        }
        return MemoryTable::create(entries);
    }

private:
    FileDescriptor m_file;
    uint8_t* m_bytes = nullptr;
};

Memory& memory() {
    static Memory memory;
    return memory;
}

/// A device with its guest and the host's ends of its connections.
class Machine {
public:
    explicit Machine(uint8_t features)
        : m_features(features) {
        memory().clear();
        m_device.set_features((features & 1) != 0, (features & 2) != 0, false);
        for (uint32_t index = 0; index < 2; ++index)
            if (!m_device.set_call(index, FileDescriptor(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))) ||
                !m_device.set_error(index, FileDescriptor(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))))
                std::abort();
        start(features >> 2, false);
    }
    ~Machine() {
        m_device.forget();
        m_host.clear();
        settle();
        if (m_engine.connection_count() != 0)
            std::abort();
        memory().check();
    }

    void step(Input& input) {
        const uint8_t what = input.take();
        switch (what % 14) {
        case 0:
            return write_anywhere(input);
        case 1:
        case 2:
            return send_packet(input);
        case 3:
        case 4:
            return post_buffer(input);
        case 5:
            return m_device.pump();
        case 6:
            return host_writes(input);
        case 7:
            return host_reads(input);
        case 8:
            return host_leaves(input);
        case 9:
            return host_connects();
        case 10:
            return settle();
        case 11:
            return write_descriptor(input);
        case 12:
            return write_indexes(input);
        default:
            return restart(input);
        }
    }

    void check() const {
        if (m_engine.connection_count() > limits.connections)
            std::abort();
    }

private:
    template <typename T>
    void put(uint64_t address, T value) {
        std::memcpy(memory().guest() + address % (memory_size - sizeof value), &value, sizeof value);
    }

    void start(uint8_t shape, bool go_on) {
        auto table = memory().table(shape);
        if (!table)
            std::abort();
        m_device.set_memory(std::move(*table));
        for (uint32_t index = 0; index < 2; ++index) {
            const uint16_t base = m_device.stop_ring(index);
            m_device.set_ring_size(index, ring_size);
            if (!go_on) {
                m_device.set_ring_base(index, 0);
                m_available[index] = 0;
            } else
                m_device.set_ring_base(index, base);
            const uint64_t at = user_base + ring_at[index];
            m_device.set_ring_addresses(index, {at, at + used_at, at + available_at});
            if (!m_device.set_kick(index, FileDescriptor(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))))
                std::abort();
        }
    }

    void restart(Input& input) {
        const uint8_t how = input.take();
        if ((how & 0x10) != 0) {
            auto table = memory().table(how);
            m_device.set_memory(std::move(*table)); // under rings that run
        } else
            start(how, (how & 8) != 0);
    }

    void write_anywhere(Input& input) {
        const auto address = input.take<uint16_t>() % memory_size;
        Bytes bytes = input.take_bytes(input.take());
        bytes = bytes.first(std::min<size_t>(bytes.size(), memory_size - address));
        std::memcpy(memory().guest() + address, bytes.data(), bytes.size());
    }

    void descriptor(uint32_t ring, uint16_t index, uint64_t address, uint32_t length, uint16_t flags, uint16_t next) {
        const uint64_t at = ring_at[ring] + uint64_t{16} * (index % ring_size);
        put(at, address);
        put(at + 8, length);
        put(at + 12, flags);
        put(at + 14, next);
    }

    void make_available(uint32_t ring, uint16_t head) {
        put(ring_at[ring] + available_at + 4 + uint64_t{2} * (m_available[ring] % ring_size), head);
        put(ring_at[ring] + available_at + 2, ++m_available[ring]);
    }

    void write_descriptor(Input& input) {
        const uint8_t index = input.take();
        const auto flags = input.take<uint16_t>();
        // Mostly in memory, else anywhere.
        const uint64_t address = (flags & 0x8000) != 0 ? input.take<uint64_t>() : input.take<uint16_t>();
        const uint32_t length = (flags & 0x4000) != 0 ? input.take<uint32_t>() : input.take<uint16_t>();
        descriptor(index >> 7, index, address, length, flags & 0x3fff, input.take());
        if ((index & 0x40) != 0)
            make_available(index >> 7, index & 0x3f);
    }

    void write_indexes(Input& input) {
        const uint8_t what = input.take();
        const uint32_t ring = what & 1;
        if ((what & 2) != 0)
            put(ring_at[ring] + available_at, input.take<uint16_t>()); // flags
        if ((what & 4) != 0)
            put(ring_at[ring] + available_at + 2, m_available[ring] = input.take<uint16_t>());
        if ((what & 8) != 0)
            put(ring_at[ring] + available_at + 4 + 2 * ring_size, input.take<uint16_t>()); // used_event
        if ((what & 16) != 0)
            put(ring_at[ring] + used_at + 2, input.take<uint16_t>()); // the device's own index
    }

    /// A packet that is right but for what the input says.
    void send_packet(Input& input) {
        const uint8_t key = input.take();
        const uint8_t length = input.take();
        const uint8_t oddity = input.take();
        PacketHeader header{.source_cid = guest_cid,
                            .destination_cid = host_cid,
                            .source_port = 10u + (key & 1),
                            .destination_port = (key & 2) != 0 ? 5u : (1u << 30) + ((key >> 2) & 7),
                            .length = uint32_t{length} * 16,
                            .operation = static_cast<uint16_t>(key >> 5),
                            .flags = oddity & 3u,
                            .buffer_size = 1 << 16,
                            .forwarded = 0};
        uint64_t at = buffers_at + uint64_t{0x400} * (m_available[1] % 8u);
        auto size = static_cast<uint32_t>(sizeof header) + header.length;
        if ((oddity & 4) != 0)
            header.buffer_size = input.take<uint32_t>();
        if ((oddity & 8) != 0)
            header.forwarded = input.take<uint32_t>();
        if ((oddity & 16) != 0)
            header.length = input.take<uint32_t>();
        if ((oddity & 32) != 0)
            header.source_cid = header.destination_cid = input.take();
        if ((oddity & 64) != 0)
            size = input.take();
        if ((oddity & 128) != 0)
            at = input.take<uint16_t>() % memory_size;
        put(at, header);
        const auto head = static_cast<uint16_t>(2 * (m_available[1] % (ring_size / 2)));
        if ((key & 16) != 0) { // in two pieces, which do not end where the header does
            descriptor(1, head, at, size / 3, 1, static_cast<uint16_t>(head + 1));
            descriptor(1, static_cast<uint16_t>(head + 1), at + size / 3, size - size / 3, 0, 0);
        } else
            descriptor(1, head, at, size, 0, 0);
        make_available(1, head);
    }

    void post_buffer(Input& input) {
        const uint8_t size = input.take();
        const auto slot = static_cast<uint16_t>(m_available[0] % (ring_size / 2));
        const uint64_t at = buffers_at + 0x4000 + uint64_t{0x800} * slot;
        const auto head = static_cast<uint16_t>(2 * slot);
        descriptor(0, head, at, size & 0x7f, 3, static_cast<uint16_t>(head + 1));
        descriptor(0, static_cast<uint16_t>(head + 1), at + 0x100, uint32_t{size} * 8, 2, 0);
        make_available(0, head);
    }

    FileDescriptor* host_end(uint8_t which) { return m_host.empty() ? nullptr : &m_host[which % m_host.size()]; }

    void host_writes(Input& input) {
        static const std::array<char, 2048> text{};
        if (const FileDescriptor* end = host_end(input.take()))
            (void)!send(end->get(), text.data(), size_t{input.take()} * 8, MSG_DONTWAIT | MSG_NOSIGNAL);
    }

    void host_reads(Input& input) {
        std::array<char, 4096> buffer;
        if (const FileDescriptor* end = host_end(input.take()))
            (void)!recv(end->get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    }

    void host_leaves(Input& input) {
        const uint8_t which = input.take();
        FileDescriptor* end = host_end(which & 0x3f);
        if (!end)
            return;
        if ((which & 0x40) != 0)
            shutdown(end->get(), (which & 0x80) != 0 ? SHUT_RD : SHUT_WR);
        else
            m_host.erase(m_host.begin() + (end - m_host.data()));
    }

    Result<FileDescriptor> make_stream() {
        auto pair = tracer::socket_pair().value();
        // Small, so that readers are slow.
        const int size = 1;
        setsockopt(pair.second.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        m_host.push_back(std::move(pair.second));
        return std::move(pair.first);
    }

    void host_connects() {
        if (m_host.size() < 16 && m_device.is_running())
            m_engine.connect(10, std::move(*make_stream()), (m_features & 0x80) != 0, [](const Result<uint32_t>&) {});
    }

    uint8_t m_features;
    std::vector<FileDescriptor> m_host;
    uint16_t m_available[2] = {0, 0};
    PacketEngine m_engine{loop(),
                          guest_cid,
                          {.on_output = [this] { m_device.pump(); },
                           .open_host = [this](uint32_t port) -> Result<FileDescriptor> {
                               if (port != 5 || m_host.size() >= 16)
                                   return tracer::fail("nobody listens");
                               return make_stream();
                           }},
                          limits};
    VsockDevice m_device{loop(), m_engine, {.on_broken = [](const tracer::Error&) {}, .on_change = [] {}}};
};

/// The queue alone: whatever it hands out lies in the guest's memory, and it comes to an end.
void pop_everything(Bytes data) {
    memory().clear();
    Input input(data);
    const uint8_t features = input.take();
    const Bytes image = input.take_bytes(memory_size);
    std::memcpy(memory().guest(), image.data(), image.size());
    const auto table = memory().table(features >> 2);
    DeviceQueue queue;
    if (!queue.start(*table, {.addresses = {user_base, user_base + used_at, user_base + available_at},
                              .size = ring_size,
                              .event_index = (features & 1) != 0,
                              .indirect = (features & 2) != 0}))
        std::abort();
    DeviceQueue::Chain chain;
    int count = 0;
    for (; queue.pop(chain).value_or(false); ++count) {
        size_t readable = total_size(chain.readable());
        if (readable != chain.readable_size || total_size(chain.writable()) != chain.writable_size)
            std::abort();
        // Every byte can be touched, or a sanitizer or the canaries tell.
        std::vector<std::byte> copy(std::min<size_t>(readable, 65536));
        copy_from_parts(chain.readable(), copy.data(), copy.size());
        std::vector<std::byte> zeros(std::min<size_t>(chain.writable_size, 512));
        if ((features & 0x40) != 0)
            copy_to_parts(chain.writable(), zeros.data(), zeros.size());
        queue.push(chain.head, 0);
        (void)queue.needs_call();
    }
    (void)queue.enable_kicks();
    // A guest may go on only by rewriting its index, which zeros written over it did at most once a buffer.
    if (count > 0x10000)
        std::abort();
    memory().check();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input({data, size});
    if (const uint8_t what = input.take(); (what & 7) == 7) {
        pop_everything(input.take_bytes(size));
        return 0;
    }
    Machine machine(input.take());
    for (int steps = 0; steps < max_steps && !input.is_empty(); ++steps) {
        machine.step(input);
        machine.check();
    }
    return 0;
}
