#pragma once
// A byte channel whose host's end is a test.

#include "libos/drivers/ByteChannel.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <vector>

namespace auth::test {

class FakeLine final : public drivers::ByteChannel {
public:
    // The host's end.
    void send(std::span<const std::byte> bytes) {
        to_guest.insert(to_guest.end(), bytes.begin(), bytes.end());
        event();
    }
    std::vector<std::byte> receive() {
        std::vector<std::byte> bytes(to_host.begin(), to_host.end());
        to_host.clear();
        event();
        return bytes;
    }
    void set_connected(bool connected) {
        m_connected = connected;
        ++m_connection;
        event();
    }
    /// Another host, at once.
    void replace_host() {
        set_connected(false);
        to_host.clear();
        set_connected(true);
    }
    void event() {
        if (m_handler != nullptr && !stopped)
            m_handler(m_context);
    }

    std::deque<std::byte> to_guest;
    std::deque<std::byte> to_host;
    size_t capacity = 1 << 20; ///< of to_host
    bool stopped = false;      ///< no event handler is called
    unsigned stopped_polls = 0;
    std::function<void()> on_read; ///< before each read that gives something

    // ByteChannel
    bool is_host_connected() const override { return m_connected; }
    uint32_t connection() const override { return m_connection; }
    void set_event_handler(EventHandler handler, void* context) override {
        m_handler = handler;
        m_context = context;
    }
    base::Result<size_t> write_some(std::span<const std::byte> bytes) override {
        if (!m_connected)
            return base::fail(base::Error::BrokenPipe);
        size_t count = std::min(bytes.size(), capacity - std::min(capacity, to_host.size()));
        if (count == 0)
            return base::fail(base::Error::Again);
        to_host.insert(to_host.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
        return count;
    }
    base::Result<> write_pages(memory::PhysicalAddress address, uint32_t length, WriteDone done,
                               void* context) override {
        auto* bytes = reinterpret_cast<const std::byte*>(address);
        to_host.insert(to_host.end(), bytes, bytes + length);
        done(context);
        return {};
    }
    size_t read(std::span<std::byte> out) override {
        if (on_read && !to_guest.empty())
            on_read();
        size_t count = std::min(out.size(), to_guest.size());
        std::copy_n(to_guest.begin(), count, out.begin());
        to_guest.erase(to_guest.begin(), to_guest.begin() + static_cast<ptrdiff_t>(count));
        return count;
    }
    base::Result<> poll_stopped() override {
        ++stopped_polls;
        return {};
    }
    base::Result<> polled_write(std::span<const std::byte> bytes, uint32_t) override {
        TRY(write_some(bytes));
        if (on_polled_write)
            on_polled_write();
        return {};
    }
    base::Result<> polled_write_pages(memory::PhysicalAddress address, uint32_t length, uint32_t stall_ms) override {
        return polled_write({reinterpret_cast<const std::byte*>(address), length}, stall_ms);
    }
    base::Result<> polled_flush(uint32_t) override { return {}; }
    base::Result<size_t> polled_read(std::span<std::byte> out) override { return read(out); }
    std::function<void()> on_polled_write;

private:
    bool m_connected = true;
    uint32_t m_connection = 1;
    EventHandler m_handler = nullptr;
    void* m_context = nullptr;
};

} // namespace auth::test
