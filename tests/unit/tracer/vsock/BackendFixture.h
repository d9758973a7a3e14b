#pragma once
// A VsockBackend between a FakeQemu and this process.

#include "tests/unit/tracer/instance/TemporaryDirectory.h"
#include "tests/unit/tracer/vsock/FakeQemu.h"

#include "tracer/vsock/VsockBackend.h"

#include <sys/socket.h>

namespace tracer::vsock::test {

using namespace std::chrono_literals;

inline constexpr uint32_t app_port = 1000;

class BackendFixture : public TemporaryDirectory {
protected:
    void SetUp() override {
        TemporaryDirectory::SetUp();
        m_options.guest_cid = FakeGuest::cid;
        m_options.uds = m_directory / "uds";
        m_options.say = [this](const std::string& text) { m_said.push_back(text); };
        m_options.on_change = [this] { ++m_changes; };
    }

    void create() {
        auto pair = socket_pair().value();
        auto backend = VsockBackend::create(m_loop, GivenFrontEnd{std::move(pair.first)}, m_options);
        ASSERT_TRUE(backend) << backend.error().message;
        m_backend = std::move(*backend);
        m_qemu = std::make_unique<FakeQemu>(m_loop, m_guest, std::move(pair.second));
    }
    void boot() {
        create();
        ASSERT_TRUE(m_qemu->realize());
        ASSERT_TRUE(m_qemu->start());
        ASSERT_TRUE(m_backend->is_ready());
    }
    void reboot() {
        ASSERT_TRUE(m_qemu->stop());
        m_guest.restart();
        ASSERT_TRUE(m_qemu->start());
    }

    /// The next packet that the guest receives.
    Packet guest_receives() {
        const bool came = run_until(m_loop, [this] {
            m_guest.collect();
            return !m_guest.received.empty();
        });
        if (!came) {
            ADD_FAILURE() << "no packet for the guest";
            return {};
        }
        Packet packet = std::move(m_guest.received.front());
        m_guest.received.pop_front();
        return packet;
    }
    bool guest_has_nothing() {
        settle(m_loop);
        m_guest.collect();
        return m_guest.received.empty();
    }
    void guest_sends(Operation operation, std::string_view payload = {}, uint32_t flags = 0) {
        m_guest.put({.source_cid = FakeGuest::cid,
                     .destination_cid = host_cid,
                     .source_port = app_port,
                     .destination_port = m_local,
                     .length = static_cast<uint32_t>(payload.size()),
                     .operation = static_cast<uint16_t>(operation),
                     .flags = flags,
                     .buffer_size = 1 << 20,
                     .forwarded = m_guest_forwarded},
                    payload);
    }
    void guest_sends_now(Operation operation, std::string_view payload = {}, uint32_t flags = 0) {
        guest_sends(operation, payload, flags);
        m_qemu->kick_tx();
        settle(m_loop);
    }

    /// A connection by the in-process way.
    FileDescriptor connect() {
        FileDescriptor end;
        m_backend->connect(app_port, [&](Result<FileDescriptor> answer) {
            if (answer)
                end = std::move(*answer);
        });
        m_guest.post(1);
        m_qemu->kick_rx();
        const Packet request = guest_receives();
        EXPECT_TRUE(request.header.is(Operation::Request));
        EXPECT_EQ(request.header.destination_port, app_port);
        m_local = request.header.source_port;
        guest_sends_now(Operation::Response);
        EXPECT_TRUE(run_until(m_loop, [&] { return static_cast<bool>(end); }));
        return end;
    }

    std::string read(const FileDescriptor& socket, size_t size) {
        std::string bytes;
        run_until(m_loop, [&] {
            char buffer[65536];
            const ssize_t count =
                recv(socket.get(), buffer, std::min(sizeof buffer, size - bytes.size()), MSG_DONTWAIT);
            if (count > 0)
                bytes.append(buffer, static_cast<size_t>(count));
            return bytes.size() >= size;
        });
        return bytes;
    }
    bool sees_end(const FileDescriptor& socket) {
        return run_until(m_loop, [&] {
            char byte;
            const ssize_t count = recv(socket.get(), &byte, 1, MSG_DONTWAIT);
            return count == 0 || (count < 0 && errno == ECONNRESET);
        });
    }
    static void write_to(const FileDescriptor& socket, std::string_view text) {
        ASSERT_EQ(send(socket.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }

    asio::io_context m_loop;
    FakeGuest m_guest;
    VsockBackend::Options m_options;
    std::vector<std::string> m_said;
    unsigned m_changes = 0;
    std::unique_ptr<VsockBackend> m_backend;
    std::unique_ptr<FakeQemu> m_qemu;
    uint32_t m_local = 0;
    uint32_t m_guest_forwarded = 0;
};

} // namespace tracer::vsock::test
