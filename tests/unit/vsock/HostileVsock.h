#pragma once
// play_hostile_vsock(): a virtio-vsock device whose rings and packets come from `input`, and in front of it the driver,
// the engine, sockets and channels, used in every way. Nothing may crash, hang or touch memory that it does not own;
// what a connection makes of the lies is its business, but a Reset is never answered by one, and in the end all memory
// is given back. Called by a unit test with random bytes and by the fuzzer.

#include "libos/drivers/VirtioMmio.h"
#include "libos/drivers/VirtioSocket.h"
#include "libos/fs/FileSystem.h"
#include "libos/fs/Socket.h"
#include "libos/vsock/Channel.h"
#include "libos/vsock/SocketFamily.h"
#include "tests/unit/drivers/FakeVsock.h"
#include "tests/unit/drivers/InputBytes.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>

namespace vsock::test {

class HostileVsock {
public:
    explicit HostileVsock(std::span<const uint8_t> input)
        : m_input(input) {
        g_now = 1;
        m_machine.ticks_per_second = 100'000; // polled calls give up within microseconds
        m_machine.attach_memory(address, 512, m_registers);
        m_device.raise = [this] { m_interrupt = true; };
    }

    void play() {
        if (!m_transport.open(m_machine, {address, 512, 5}) || !m_driver.start())
            return;
        m_engine = std::make_unique<Engine>(m_driver, m_machine, Engine::Configuration{12, 40, now, nullptr});
        if (!m_engine->start())
            return;
        m_family = std::make_unique<SocketFamily>(*m_engine, 40);
        m_channel = std::make_unique<Channel>(*m_engine, channel_port, m_machine.ticks_per_second);
        if (!m_channel->open())
            return;
        m_permanent = m_machine.pages_in_use() - Channel::receive_size / 4096;
        while (!m_input.empty())
            step();
        for (auto& socket : m_sockets)
            socket = nullptr;
        m_channel = nullptr; // frees its receive buffer
        // Nothing of the engine runs after the channel is gone.
        m_device.raise = nullptr;
        m_engine = nullptr;
        check(m_machine.pages_in_use() == m_permanent, "frames were lost");
    }

private:
    static constexpr drivers::PhysicalAddress address = 0xfeb00000;
    static constexpr uint32_t channel_port = 60;
    static constexpr uint64_t guest_cid = 3;
    static inline uint64_t g_now = 0;
    static uint64_t now() { return g_now; }

    static void check(bool right, const char* what) {
        if (right)
            return;
        std::fprintf(stderr, "%s\n", what);
        std::abort();
    }

    uint8_t next() { return m_input.next(); }
    uint16_t next16() { return m_input.next16(); }
    uint32_t next32() { return m_input.next32(); }
    /// Few values, so that both sides often mean the same; sometimes any.
    uint32_t next_port() {
        uint8_t byte = next();
        return byte < 250 ? 40 + byte % 24 : next32();
    }

    /// Interrupts are masked under the engine's lock: they come when whatever the step did is done.
    void step() {
        act();
        while (std::exchange(m_interrupt, false))
            m_machine.raise(5);
    }

    void act() {
        uint8_t what = next();
        switch (what % 32) {
        case 0:
            m_device.push(next() % 3, next32(), next32());
            break;
        case 1:
            m_device.push(next() % 3, next() % 128, next16());
            break;
        case 2:
            m_device.jump_used_index(next() % 3, next16());
            break;
        case 3:
            m_device.deliver_event(next() % 2);
            break;
        case 4:
            m_device.interrupt();
            break;
        case 5:
            m_device.holds_packets = (what & 0x80) != 0;
            break;
        case 6:
            for (auto count = next(); count > 0 && !m_device.held.empty(); --count)
                give_back_one();
            break;
        case 7:
            m_device.take_packets();
            break;
        case 8:
            g_now += uint64_t{next()} * 100'000'000;
            m_engine->expire();
            break;
        case 9:
            (void)m_engine->poll_stopped();
            break;
        case 10:
            use_channel(next());
            break;
        case 11:
        case 12:
        case 13:
        case 14:
        case 15:
        case 16:
            use_socket(what, m_sockets[next() % std::size(m_sockets)]);
            break;
        default:
            deliver();
            break;
        }
    }

    void give_back_one() {
        size_t pick = next() % m_device.held.size();
        uint16_t id = m_device.held[pick];
        m_device.held.erase(m_device.held.begin() + static_cast<long>(pick));
        m_device.give_back(id);
    }

    void deliver() {
        SocketPacketHeader header{};
        uint8_t kind = next();
        header.source_cid = (kind & 1) != 0 && next() < 8 ? next() : uint64_t{host_cid};
        header.destination_cid = (kind & 2) != 0 && next() < 8 ? next() : guest_cid;
        header.source_port = 40 + next() % 4;
        header.destination_port = next_port();
        header.type = (kind & 4) != 0 && next() < 8 ? next() : type_stream;
        header.operation = next() % 9;
        header.flags = next();
        header.buffer_size = (kind & 8) != 0 ? next32() : 4096;
        header.forwarded = (kind & 16) != 0 ? next32() : next16();
        std::string payload(header.operation == Data || (kind & 32) != 0 ? next() * size_t{16} : 0, 'h');
        header.length = static_cast<uint32_t>(payload.size());
        if ((kind & 64) != 0 && next() < 32)
            header.length = next32();
        if (m_device.sent.size() > 1000)
            m_device.sent.clear();
        size_t before = m_device.sent.size();
        bool was_free = m_device.held.empty() && !m_device.holds_packets;
        m_device.deliver(header, payload, kind == 255 ? next() : 0);
        if (std::exchange(m_interrupt, false))
            m_machine.raise(5);
        if (header.operation != Reset || !was_free)
            return;
        for (size_t i = before; i < m_device.sent.size(); ++i) {
            const auto& sent = m_device.sent[i].header;
            check(sent.operation != Reset || sent.destination_port != header.source_port ||
                      sent.source_port != header.destination_port,
                  "a Reset was answered by a Reset");
        }
    }

    static fs::SocketAddress make_address(uint32_t cid, uint32_t port) {
        fs::SocketAddress result;
        result.set(fs::abi::sockaddr_vm{fs::abi::af_vsock, 0, port, cid, 0, {}});
        return result;
    }

    void use_socket(uint8_t what, base::Reference<fs::OpenFile>& file) {
        if (!file) {
            auto made =
                m_family->create(fs::abi::af_vsock, fs::abi::sock_stream, 0, fs::abi::o_rdwr | fs::abi::o_nonblock);
            check(made.has_value(), "no memory for a socket");
            file = *made;
        }
        auto& socket = *file->as_socket();
        std::byte memory[5000];
        size_t size = std::min<size_t>(next() * size_t{20}, sizeof(memory));
        auto piece = fs::Transfer::piece_of(std::span(memory).first(size));
        auto transfer = fs::Transfer::kernel(piece);
        std::memset(memory, 'g', sizeof(memory));
        switch ((what >> 5) + 8 * (what % 2)) {
        case 0: {
            (void)socket.bind(make_address(any_cid, next_port()).view());
            [[maybe_unused]] auto listening = socket.listen(next());
            break;
        }
        case 1: {
            fs::SocketAddress peer;
            auto accepted = socket.accept(fs::abi::o_nonblock, peer);
            if (accepted)
                m_sockets[next() % std::size(m_sockets)] = *accepted;
            break;
        }
        case 2:
            (void)socket.connect(make_address(host_cid, 40 + next() % 4).view());
            break;
        case 3:
        case 4:
            (void)socket.send(transfer, 0, false);
            break;
        case 5:
        case 6: {
            auto received = socket.receive(transfer, (what & 0x40) != 0 ? fs::abi::msg_peek : 0);
            check(!received || *received <= size, "more than asked for");
            break;
        }
        case 7:
            (void)socket.shut_down(next() % 3);
            break;
        case 8:
            (void)socket.poll();
            break;
        case 9:
            file = nullptr;
            break;
        case 10: {
            std::byte value[16];
            [[maybe_unused]] auto length = socket.get_option(next() % 2 != 0 ? fs::abi::sol_socket : fs::abi::af_vsock,
                                                             next() % 40, std::span(value).first(next() % 17));
            break;
        }
        case 11: {
            std::byte value[16] = {};
            for (auto& byte : value)
                byte = std::byte{next()};
            [[maybe_unused]] auto set = socket.set_option(next() % 2 != 0 ? fs::abi::sol_socket : fs::abi::af_vsock,
                                                          next() % 40, std::span(value).first(next() % 17));
            break;
        }
        case 12: {
            (void)socket.local_address();
            (void)socket.peer_address();
            break;
        }
        default: {
            char raw[20];
            for (auto& c : raw)
                c = static_cast<char>(next());
            auto bytes = std::as_bytes(std::span(raw)).first(next() % 21);
            [[maybe_unused]] auto bound = (what & 0x80) != 0 ? socket.bind(bytes) : socket.connect(bytes);
            break;
        }
        }
    }

    void use_channel(uint8_t how) {
        std::byte buffer[600];
        std::string text(size_t{40} * next(), 'c');
        auto bytes = std::as_bytes(std::span(text));
        switch (how % 8) {
        case 0:
            (void)m_channel->write_some(bytes);
            break;
        case 1:
            (void)m_channel->write_pages(m_page, 1 + next16() % 4096, [](void*) {}, nullptr);
            break;
        case 2:
        case 3:
            m_channel->read(std::span(buffer).first(size_t{2} * next()));
            break;
        case 4:
            (void)m_channel->polled_write(bytes, 1);
            break;
        case 5:
            (void)m_channel->polled_write_pages(m_page, 1 + next16() % 4096, 1);
            break;
        case 6:
            (void)m_channel->polled_flush(1);
            break;
        default:
            (void)m_channel->polled_read(buffer);
            break;
        }
    }

    InputBytes m_input;
    drivers::test::FakeMachine m_machine;
    drivers::test::FakeVsockDevice m_device{guest_cid, 32}; // short queues: they are full soon
    drivers::test::FakeVirtioMmio m_registers{m_device};
    drivers::VirtioMmio m_transport;
    drivers::VirtioSocket m_driver{m_machine, m_transport};
    memory::PhysicalAddress m_page = *m_machine.allocate_zeroed_page();
    std::unique_ptr<Engine> m_engine;
    std::unique_ptr<SocketFamily> m_family;
    std::unique_ptr<Channel> m_channel;
    base::Reference<fs::OpenFile> m_sockets[6];
    size_t m_permanent = 0;
    bool m_interrupt = false;
};

inline void play_hostile_vsock(std::span<const uint8_t> input) {
    HostileVsock(input).play();
}

/// Sockets ask the file system's services for the time; once a process, before play_hostile_vsock().
inline void prepare_hostile_vsock() {
    struct Pages final : memory::PageAllocator {
        base::Result<memory::PhysicalAddress> allocate_zeroed_page() override {
            return base::fail(base::Error::NoMemory);
        }
        void free_page(memory::PhysicalAddress) override {}
        void* to_pointer(memory::PhysicalAddress) override { return nullptr; }
    };
    struct Quiet final : fs::Console {
        base::Result<> write(std::span<const std::byte>) override { return {}; }
        base::Result<size_t> read(std::span<std::byte>, sched::Deadline) override { return 0; }
        size_t readable_bytes() override { return 0; }
        bool is_terminal() override { return false; }
        fs::TerminalAttributes attributes() override { return {}; }
        void set_attributes(const fs::TerminalAttributes&) override {}
        fs::TerminalSize size() override { return {}; }
    };
    struct NoRandom final : fs::RandomSource {
        void fill(std::span<std::byte>) override {}
    };
    struct NoProc final : fs::ProcSource {
        base::Result<> generate(fs::ProcFile, base::TextBuilder&) override { return {}; }
        std::string_view executable_path() override { return "/app"; }
        uint64_t process_id() override { return 1; }
        fs::MemoryFigures memory() override { return {}; }
    };
    struct Time final : fs::Clock {
        int64_t realtime_nanoseconds() override { return 0; }
        uint64_t monotonic_nanoseconds() override { return 1; }
    };
    static Pages pages;
    static Quiet console;
    static NoRandom random;
    static NoProc proc;
    static Time clock;
    if (!fs::initialize({pages, console, random, proc, clock}))
        std::abort();
}

} // namespace vsock::test
