#pragma once
// A PacketEngine with the guest's packets in and out as values, and socket pairs for the host's ends.

#include "tests/unit/tracer/vsock/FakeQemu.h"

#include "tracer/vsock/PacketEngine.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>

namespace tracer::vsock::test {

using namespace std::chrono_literals;

inline constexpr uint32_t guest_port = 1234;
inline constexpr uint32_t host_port = 99;

class EngineFixture : public testing::Test {
protected:
    EngineFixture() { make({}); }

    void make(EngineLimits limits) {
        m_engine = std::make_unique<PacketEngine>(
            m_loop, FakeGuest::cid,
            PacketEngine::Hooks{.on_output = [this] { ++m_wakes; },
                                .open_host = [this](uint32_t port) -> Result<FileDescriptor> {
                                    if (port != host_port)
                                        return fail("nobody listens");
                                    auto pair = socket_pair().value();
                                    m_host = std::move(pair.second);
                                    return std::move(pair.first);
                                }},
            limits);
    }

    /// Everything that the engine has for the guest now, in buffers of `size` bytes.
    std::vector<Packet> take(size_t size = sizeof(PacketHeader) + 4096) {
        std::vector<Packet> taken;
        while (const size_t wanted = m_engine->wanted_buffers()) {
            std::vector<std::string> memory(std::min<size_t>(wanted, 16), std::string(size, '\0'));
            std::vector<iovec> parts;
            parts.reserve(memory.size());
            for (auto& buffer : memory)
                parts.push_back({buffer.data(), buffer.size()});
            std::vector<GuestBuffer> buffers;
            buffers.reserve(memory.size());
            for (auto& part : parts)
                buffers.push_back({{&part, 1}, size});
            const size_t used = m_engine->produce(buffers);
            for (size_t i = 0; i < used; ++i) {
                Packet packet;
                std::memcpy(&packet.header, memory[i].data(), sizeof packet.header);
                packet.payload = memory[i].substr(sizeof packet.header, buffers[i].written - sizeof packet.header);
                EXPECT_EQ(packet.header.length, packet.payload.size());
                EXPECT_EQ(packet.header.source_cid, host_cid);
                EXPECT_EQ(packet.header.destination_cid, FakeGuest::cid);
                taken.push_back(std::move(packet));
            }
        }
        return taken;
    }
    /// The same, until nothing more happens by itself.
    std::vector<Packet> take_after_events() {
        std::vector<Packet> all;
        while (true) {
            settle(m_loop);
            std::vector<Packet> more = take();
            if (more.empty())
                return all;
            std::ranges::move(more, std::back_inserter(all));
        }
    }

    /// A packet of the guest on the connection between m_local and guest_port.
    PacketHeader header(Operation operation, uint32_t flags = 0) const {
        return {.source_cid = FakeGuest::cid,
                .destination_cid = host_cid,
                .source_port = guest_port,
                .destination_port = m_local,
                .operation = static_cast<uint16_t>(operation),
                .flags = flags,
                .buffer_size = m_guest_buffer,
                .forwarded = m_guest_forwarded};
    }
    void guest(Operation operation, uint32_t flags = 0) { receive(header(operation, flags)); }
    void guest_writes(std::string_view payload) {
        PacketHeader packet = header(Operation::ReadWrite);
        packet.length = static_cast<uint32_t>(payload.size());
        receive(packet, payload);
    }
    void receive(const PacketHeader& packet, std::string_view payload = {}) {
        iovec part{const_cast<char*>(payload.data()), payload.size()};
        m_engine->receive(packet, {&part, 1});
        m_engine->flush();
    }

    /// A connection that the host has opened; m_host is its other end.
    void connect(bool ok_line = false) {
        auto pair = socket_pair().value();
        m_host = std::move(pair.second);
        m_engine->connect(guest_port, std::move(pair.first), ok_line,
                          [this](const Result<uint32_t>& answer) { m_answers.push_back(answer); });
        const auto packets = take();
        ASSERT_EQ(packets.size(), 1u);
        ASSERT_TRUE(packets[0].header.is(Operation::Request));
        EXPECT_EQ(packets[0].header.destination_port, guest_port);
        EXPECT_EQ(packets[0].header.type, stream_type);
        m_local = packets[0].header.source_port;
        m_credit = packets[0].header.buffer_size;
    }
    void open(bool ok_line = false) {
        connect(ok_line);
        guest(Operation::Response);
        settle(m_loop);
        ASSERT_EQ(m_answers.size(), 1u);
        ASSERT_TRUE(m_answers[0]);
        EXPECT_EQ(*m_answers[0], m_local);
    }

    std::string host_reads(size_t limit = 1 << 20) {
        std::string bytes(limit, '\0');
        const ssize_t size = recv(m_host.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        bytes.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
        return bytes;
    }
    bool host_sees_end() {
        char byte;
        return recv(m_host.get(), &byte, 1, MSG_DONTWAIT) == 0;
    }
    void host_writes(std::string_view text) {
        ASSERT_EQ(send(m_host.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }
    /// Reads, letting the engine go on, until `size` bytes have come.
    std::string host_reads_all(size_t size) {
        std::string bytes;
        run_until(m_loop, [&] {
            bytes += host_reads();
            return bytes.size() >= size;
        });
        return bytes;
    }

    asio::io_context m_loop;
    std::unique_ptr<PacketEngine> m_engine;
    FileDescriptor m_host;
    std::vector<Result<uint32_t>> m_answers;
    unsigned m_wakes = 0;
    uint32_t m_local = host_port;
    uint32_t m_credit = 0;
    uint32_t m_guest_buffer = 1 << 20;
    uint32_t m_guest_forwarded = 0;
};

/// A slow reader is one of whom the kernel keeps next to nothing.
inline constexpr EngineLimits slow_reader{.socket_buffer = 1};

inline std::string pattern(size_t size) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<char>(i * 31 >> 3);
    return bytes;
}

} // namespace tracer::vsock::test
