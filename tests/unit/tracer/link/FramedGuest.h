#pragma once
// FramedGuest: a guest at the other end of a framed line, on a thread: it keeps what comes from each channel and sends
// what it is told to. A filter stands in for a bad line, towards the host.

#include "probes/serial/Link.h"
#include "tracer/link/Socket.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace tracer::test {

using serial::SerialChannel;

class FramedGuest final : serial::Link::TextSink {
public:
    explicit FramedGuest(FileDescriptor line, uint64_t entropy = 7)
        : m_line(std::move(line)) {
        fcntl(m_line.get(), F_SETFL, O_NONBLOCK);
        m_link.start(entropy, now());
        m_thread = std::jthread([this](const std::stop_token& stop) { serve(stop); });
    }
    ~FramedGuest() {
        m_thread.request_stop();
        m_thread.join();
    }

    void send(SerialChannel channel, std::string_view bytes) {
        const std::lock_guard lock(m_mutex);
        m_to_send[static_cast<size_t>(channel)] += bytes;
    }
    /// Between frames.
    void say_in_clear(std::string_view text) {
        const std::lock_guard lock(m_mutex);
        m_clear += text;
    }
    std::string received(SerialChannel channel) {
        const std::lock_guard lock(m_mutex);
        return m_received[static_cast<size_t>(channel)];
    }
    /// Another instance at the same line.
    void restart() {
        const std::lock_guard lock(m_mutex);
        m_link.start(++m_restarts * 1000, now());
        for (auto& bytes : m_received)
            bytes.clear();
    }
    bool is_up() {
        const std::lock_guard lock(m_mutex);
        return m_link.is_up();
    }
    std::string text() {
        const std::lock_guard lock(m_mutex);
        return m_text;
    }

    /// Set before anything is sent.
    std::function<std::string(std::string_view)> damage;

private:
    static serial::Time now() {
        const auto time = std::chrono::steady_clock::now().time_since_epoch();
        return static_cast<serial::Time>(std::chrono::duration_cast<std::chrono::microseconds>(time).count()) + 1;
    }
    void on_text(std::span<const uint8_t> text) override { m_text.append(text.begin(), text.end()); }

    void put(std::string_view bytes) {
        const std::string damaged = damage ? damage(bytes) : std::string(bytes);
        bytes = damaged;
        while (!bytes.empty()) {
            const ssize_t count = write(m_line.get(), bytes.data(), bytes.size());
            if (count > 0)
                bytes.remove_prefix(static_cast<size_t>(count));
            else
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
    void serve(const std::stop_token& stop) {
        std::array<uint8_t, 4096> buffer;
        while (!stop.stop_requested()) {
            pollfd entry{m_line.get(), POLLIN, 0};
            poll(&entry, 1, 1);
            const std::lock_guard lock(m_mutex);
            if (const ssize_t count = read(m_line.get(), buffer.data(), buffer.size()); count > 0)
                m_link.receive(std::span(buffer).first(static_cast<size_t>(count)), now());
            for (size_t i = 1; i < serial::channel_count; ++i) {
                const auto channel = static_cast<SerialChannel>(i);
                while (const size_t count = m_link.read(channel, buffer))
                    m_received[i].append(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(count));
                auto& out = m_to_send[i];
                out.erase(0, m_link.write(channel, {reinterpret_cast<const uint8_t*>(out.data()), out.size()}));
            }
            for (auto frame = m_link.next_frame(now()); !frame.empty(); frame = m_link.next_frame(now()))
                put({reinterpret_cast<const char*>(frame.data()), frame.size()});
            put(std::exchange(m_clear, {}));
        }
    }

    serial::Link::Buffers buffers() {
        serial::Link::Buffers all;
        for (size_t i = 1; i < serial::channel_count; ++i) {
            all.send[i] = m_rings[i];
            all.receive[i] = m_rings[serial::channel_count + i];
        }
        return all;
    }

    FileDescriptor m_line;
    std::mutex m_mutex;
    std::array<std::array<uint8_t, 2048>, 2 * serial::channel_count> m_rings = {};
    serial::Link m_link{serial::SerialRole::Guest, true, buffers(), *this};
    std::array<std::string, serial::channel_count> m_to_send;
    std::array<std::string, serial::channel_count> m_received;
    std::string m_clear;
    std::string m_text;
    uint64_t m_restarts = 0;
    std::jthread m_thread;
};

} // namespace tracer::test
