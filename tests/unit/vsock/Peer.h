#pragma once
// Peer: the other side of a vsock engine under test, and the device between them. It says what a test tells it to say,
// true or not, and remembers what it hears. Physical addresses are host addresses (Frames).

#include "libos/vsock/Engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace vsock::test {

/// Frames from malloc; `left` of them.
class Frames final : public memory::PageAllocator {
public:
    ~Frames() {
        for (auto* run : m_runs)
            std::free(run);
        for (auto page : m_pages)
            std::free(reinterpret_cast<void*>(page));
    }
    base::Result<memory::PhysicalAddress> allocate_zeroed_page() override {
        if (left == 0)
            return base::fail(base::Error::NoMemory);
        --left;
        ++used;
        auto page = reinterpret_cast<memory::PhysicalAddress>(zeroed(4096));
        std::lock_guard guard(m_mutex);
        m_pages.insert(page);
        return page;
    }
    void free_page(memory::PhysicalAddress page) override {
        ++left;
        --used;
        std::lock_guard guard(m_mutex);
        ASSERT_EQ(m_pages.erase(page), 1u) << "freed twice, or never allocated";
        std::free(reinterpret_cast<void*>(page));
    }
    base::Result<memory::PhysicalAddress> allocate_adjacent_pages(size_t count) override {
        if (!has_adjacent)
            return base::fail(base::Error::NoMemory);
        m_runs.push_back(zeroed(count * 4096));
        return reinterpret_cast<memory::PhysicalAddress>(m_runs.back());
    }
    void* to_pointer(memory::PhysicalAddress page) override { return reinterpret_cast<void*>(page); }

    std::atomic<size_t> left = SIZE_MAX;
    std::atomic<size_t> used = 0;
    bool has_adjacent = true;

private:
    static void* zeroed(size_t size) {
        void* memory = std::aligned_alloc(4096, size);
        std::memset(memory, 0, size);
        return memory;
    }
    std::mutex m_mutex;
    std::set<memory::PhysicalAddress> m_pages;
    std::vector<void*> m_runs;
};

class Peer final : public drivers::SocketDevice {
public:
    static constexpr uint32_t guest_cid = 5;

    struct Heard {
        SocketPacketHeader header;
        std::string payload;
        Operation operation() const { return static_cast<Operation>(header.operation); }
    };

    // --- The script

    /// A packet of the host's port `from` to the guest's port `to`. `change` may make it a lie.
    template <typename Change>
    void say(Operation operation, uint32_t from, uint32_t to, std::string payload, Change change) {
        SocketPacketHeader header{};
        header.source_cid = host_cid;
        header.destination_cid = guest_cid;
        header.source_port = from;
        header.destination_port = to;
        header.length = static_cast<uint32_t>(payload.size());
        header.type = type_stream;
        header.operation = operation;
        header.buffer_size = buffer_size;
        header.forwarded = forwarded[{from, to}];
        change(header);
        {
            Guard guard(lock);
            m_inbox.push_back({header, std::move(payload)});
        }
        interrupt();
    }
    void say(Operation operation, uint32_t from, uint32_t to, std::string payload = {}) {
        say(operation, from, to, std::move(payload), [](SocketPacketHeader&) {});
    }
    void say_shutdown(uint32_t from, uint32_t to, uint32_t flags) {
        say(Shutdown, from, to, {}, [flags](SocketPacketHeader& header) { header.flags = flags; });
    }
    void reset_transport() {
        m_reset = true;
        interrupt();
    }

    /// What the guest has said since the last call.
    std::vector<Heard> hear() {
        Guard guard(lock);
        return std::exchange(m_heard, {});
    }
    /// The only thing that it has said.
    Heard hear_one() {
        auto all = hear();
        EXPECT_EQ(all.size(), 1u);
        return all.empty() ? Heard{} : all.front();
    }
    void expect_only(Operation operation) { EXPECT_EQ(hear_one().operation(), operation); }
    void expect_silence() { EXPECT_EQ(hear().size(), 0u); }

    /// Gives packets back that were held: what the device does when the host gets on.
    void give_back(size_t count = SIZE_MAX) {
        bool raised;
        {
            Guard guard(lock);
            finish(count);
            raised = !m_done.empty() && std::exchange(m_sent_armed, false);
        }
        if (raised && m_handler != nullptr && interrupts)
            m_handler(m_context);
    }
    size_t held() const { return m_held.size(); }

    sched::NoStopLock* lock = nullptr; ///< the engine's, where a test has threads
    uint32_t buffer_size = 256 * 1024;
    std::map<std::pair<uint32_t, uint32_t>, uint32_t> forwarded; ///< by host's and guest's port
    size_t places = 64;
    bool holds = false;     ///< the device does not give back what is sent
    bool interrupts = true; ///< false: the test calls service()
    bool broken = false;
    uint64_t cid = guest_cid;
    unsigned notifications = 0;

    // --- SocketDevice

    void set_event_handler(EventHandler handler, void* context) override {
        m_handler = handler;
        m_context = context;
    }
    bool needs_polling() const override { return false; }
    uint64_t local_cid() const override { return cid; }
    std::optional<Packet> receive() override {
        if (m_inbox.empty() || broken)
            return std::nullopt;
        EXPECT_FALSE(m_taken) << "the one before was not released";
        m_taken = true;
        auto& front = m_inbox.front();
        return Packet{front.header, std::as_bytes(std::span(front.payload))};
    }
    void release_received() override {
        EXPECT_TRUE(m_taken);
        m_taken = false;
        m_inbox.pop_front();
    }
    bool take_transport_reset() override { return std::exchange(m_reset, false); }
    size_t room() const override { return broken ? 0 : places - m_held.size() - m_done.size(); }
    base::Result<> send(const SocketPacketHeader& header, memory::PhysicalAddress payload, uint32_t length,
                        void* token) override {
        if (broken)
            return base::fail(base::Error::Io);
        if (room() == 0)
            return base::fail(base::Error::Again);
        EXPECT_LE(length, max_payload);
        EXPECT_EQ(length, header.length);
        // Read when it is done, as a device may: what changes the memory before that is a bug that a test can see.
        m_held.push_back({header, payload, length, token});
        if (!holds)
            m_to_finish = true;
        return {};
    }
    std::optional<void*> take_sent() override {
        if (m_done.empty())
            return std::nullopt;
        auto* token = m_done.front().token;
        m_done.pop_front();
        return token;
    }
    void notify() override {
        ++notifications;
        for (; m_told < m_held.size(); ++m_told) {
            auto& packet = m_held[m_told];
            Heard heard{packet.header, {}};
            heard.payload.assign(reinterpret_cast<const char*>(packet.payload), packet.length);
            m_heard.push_back(std::move(heard));
        }
        if (std::exchange(m_to_finish, false) && !holds) {
            while (!m_held.empty()) {
                m_done.push_back(m_held.front());
                m_held.pop_front();
            }
        }
        m_told = m_held.size();
        if (!m_done.empty() && m_sent_armed)
            m_late_interrupt = true;
    }
    bool rearm() override {
        m_armed = true;
        return !m_inbox.empty() || m_reset;
    }
    bool want_sent(bool wanted) override {
        m_sent_armed = wanted;
        return wanted && !m_done.empty();
    }
    bool is_broken() const override { return broken; }

    /// Interrupts that came while the engine's lock was held.
    void late_interrupts() {
        if (std::exchange(m_late_interrupt, false) && m_handler != nullptr && interrupts)
            m_handler(m_context);
    }

private:
    struct Sent {
        SocketPacketHeader header;
        memory::PhysicalAddress payload;
        uint32_t length;
        void* token;
    };
    struct Guard {
        explicit Guard(sched::NoStopLock* engine)
            : lock(engine) {
            if (lock != nullptr)
                state = lock->lock();
        }
        ~Guard() {
            if (lock != nullptr)
                lock->unlock(state);
        }
        sched::NoStopLock* lock;
        arch::InterruptState state{};
    };

    void interrupt() {
        bool raised;
        {
            Guard guard(lock);
            raised = std::exchange(m_armed, false);
        }
        if (raised && m_handler != nullptr && interrupts)
            m_handler(m_context);
    }
    void finish(size_t count) {
        for (; count > 0 && !m_held.empty(); --count) {
            m_done.push_back(m_held.front());
            m_held.pop_front();
            --m_told; // only what the device was told of is held
        }
    }

    EventHandler m_handler = nullptr;
    void* m_context = nullptr;
    std::deque<Heard> m_inbox;
    std::vector<Heard> m_heard;
    std::deque<Sent> m_held;
    std::deque<Sent> m_done;
    size_t m_told = 0; // of m_held
    bool m_to_finish = false;
    bool m_taken = false;
    bool m_reset = false;
    bool m_armed = false;
    bool m_sent_armed = false;
    bool m_late_interrupt = false;
};

/// An engine with a peer.
class VsockTest : public testing::Test {
public:
    explicit VsockTest(uint32_t max_endpoints = 32) {
        g_now = 1'000'000'000;
        g_readiness_changes = 0;
        engine.emplace(peer, frames, Engine::Configuration{max_endpoints, 5000, now, readiness_changed});
        EXPECT_TRUE(engine->start());
        permanent = frames.used;
    }
    ~VsockTest() override {
        peer.set_event_handler(nullptr, nullptr);
        engine.reset();
        EXPECT_EQ(frames.used, permanent);
    }

    static uint64_t now() { return g_now; }
    static void readiness_changed() { ++g_readiness_changes; }

    ReceiveBuffer buffer(uint32_t size = 8192) { return std::move(*ReceiveBuffer::create(frames, size)); }
    Endpoint& listener(uint32_t port, unsigned backlog = 8) {
        auto endpoint = engine->bind(port);
        EXPECT_TRUE(endpoint);
        EXPECT_TRUE(engine->listen(**endpoint, backlog));
        return **endpoint;
    }
    /// A connection of the host's port `from` to port 100, accepted and with credit.
    Endpoint& accepted(uint32_t from, uint32_t size = 8192) {
        if (m_listener == nullptr)
            m_listener = &listener(100);
        peer.say(Request, from, 100);
        peer.expect_only(Response);
        auto* endpoint = engine->accept(*m_listener);
        EXPECT_NE(endpoint, nullptr);
        engine->grant(*endpoint, buffer(size));
        peer.expect_only(CreditUpdate);
        return *endpoint;
    }
    std::string read(Endpoint& endpoint, size_t limit = SIZE_MAX) {
        auto received = engine->received(endpoint);
        if (!received)
            return "error " + std::to_string(static_cast<int>(received.error()));
        std::string text;
        size_t left = std::min(received->length, limit);
        for (auto position = received->position; left > 0;) {
            auto run = endpoint.buffer.run_at(position, left);
            text.append(reinterpret_cast<const char*>(run.data()), run.size());
            position += run.size();
            left -= run.size();
        }
        engine->consume(endpoint, text.size());
        return text;
    }
    base::Result<size_t> write(Endpoint& endpoint, std::string_view text) {
        size_t sent = 0;
        while (sent < text.size()) {
            auto reservation = engine->begin_send(endpoint, text.size() - sent);
            if (!reservation) {
                if (sent != 0)
                    return sent;
                return base::fail(reservation.error());
            }
            std::memcpy(reservation->buffer->memory, text.data() + sent, reservation->size);
            engine->finish_send(endpoint, *reservation, reservation->size);
            sent += reservation->size;
        }
        return sent;
    }
    bool at_end(Endpoint& endpoint) { return engine->received(endpoint)->at_end; }

    Frames frames;
    Peer peer;
    std::optional<Engine> engine;
    static inline uint64_t g_now = 0;
    static inline unsigned g_readiness_changes = 0;

    size_t permanent = 0; ///< frames that nobody gives back

private:
    Endpoint* m_listener = nullptr;
};

} // namespace vsock::test
