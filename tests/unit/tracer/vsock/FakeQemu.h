#pragma once
// The front-end of a vhost-user-vsock device in a test: QEMU's messages in QEMU's order, over one end of a socket pair,
// for a FakeGuest.

#include "tests/unit/tracer/vsock/FakeGuest.h"

#include "tracer/vsock/VhostUserMessage.h"

#include <asio/io_context.hpp>

#include <functional>
#include <optional>

namespace tracer::vsock::test {

/// Turns the loop until `condition` holds; false after five seconds.
bool run_until(asio::io_context& loop, const std::function<bool()>& condition);
/// Turns the loop until nothing is left to do at once.
void settle(asio::io_context& loop);

class FakeQemu {
public:
    FakeQemu(asio::io_context& loop, FakeGuest& guest, FileDescriptor socket)
        : m_loop(loop)
        , m_guest(guest)
        , m_socket(std::move(socket)) {}

    /// Sends a message as it stands.
    void send(Request request, std::string_view payload = {}, std::vector<int> descriptors = {}, uint32_t flags = 1);
    template <typename Payload>
    void send_value(Request request, const Payload& payload, std::vector<int> descriptors = {}, uint32_t flags = 1) {
        send(request, {reinterpret_cast<const char*>(&payload), sizeof payload}, std::move(descriptors), flags);
    }
    /// The answer to `request`, within five seconds; nothing when the backend closes instead.
    std::optional<std::string> reply(Request request);
    template <typename Payload>
    std::optional<Payload> reply_value(Request request) {
        const auto bytes = reply(request);
        if (!bytes || bytes->size() != sizeof(Payload))
            return std::nullopt;
        Payload payload;
        std::memcpy(&payload, bytes->data(), sizeof payload);
        return payload;
    }
    bool was_closed();

    /// What QEMU says when the machine is made; false when an answer is wrong.
    bool realize();
    /// What QEMU says when the guest's driver is up.
    bool start(uint16_t rx_base = 0, uint16_t tx_base = 0);
    /// What QEMU says when the guest resets the device, and when the machine is paused.
    bool stop();

    // The guest's doorbells and interrupts.
    void kick_rx() { signal(m_kicks[0]); }
    void kick_tx() { signal(m_kicks[1]); }
    /// Interrupts since the last call.
    uint64_t rx_calls() { return take_events(m_calls[0]); }
    uint64_t tx_calls() { return take_events(m_calls[1]); }
    bool rings_in_error() { return take_events(m_errors[0]) + take_events(m_errors[1]) != 0; }

    void close() { m_socket.reset(); }
    const FileDescriptor& socket() const { return m_socket; }

    uint64_t features = 0x1'7000'0000;
    /// Where the rings stopped.
    uint16_t bases[2] = {0, 0};

private:
    static void signal(const FileDescriptor& event) {
        const uint64_t one = 1;
        (void)!write(event.get(), &one, sizeof one);
    }
    void send_calls();

    asio::io_context& m_loop;
    FakeGuest& m_guest;
    FileDescriptor m_socket;
    FileDescriptor m_kicks[2];
    FileDescriptor m_calls[2];
    FileDescriptor m_errors[2];
};

} // namespace tracer::vsock::test
