#pragma once
// Channel: a drivers::ByteChannel over vsock: listens on one port and carries one connection of the host at a time. A
// second one is refused, and the first asked whether it still lives: of a backend that was restarted it does not, and
// the next attempt succeeds.
//
// Owns its receive buffer and bounce buffers, so no other traffic takes them away. Bytes that arrived before a
// connection ended can be read until the next one begins.

#include "libos/drivers/ByteChannel.h"
#include "libos/vsock/Engine.h"

#include <atomic>

namespace vsock {

class Channel final : public drivers::ByteChannel, public PortServer {
public:
    static constexpr uint32_t receive_size = 32 * 1024;

    /// `timestamp_hz` is for the bounds of polled calls. The engine outlives the channel.
    Channel(Engine& engine, uint32_t port, uint64_t timestamp_hz);

    /// Takes memory, and connections from then on. Once, in thread context. Error::NoMemory.
    base::Result<> open();

    bool is_host_connected() const override { return m_connected.load(std::memory_order_acquire); }
    uint32_t connection() const override { return m_connection.load(std::memory_order_acquire); }
    void set_event_handler(EventHandler handler, void* context) override;
    base::Result<size_t> write_some(std::span<const std::byte> bytes) override;
    base::Result<> write_pages(memory::PhysicalAddress address, uint32_t length, WriteDone done,
                               void* context) override;
    size_t read(std::span<std::byte> out) override;
    base::Result<> poll_stopped() override { return m_engine.poll_stopped(); }

    base::Result<> polled_write(std::span<const std::byte> bytes, uint32_t stall_ms) override;
    base::Result<> polled_write_pages(memory::PhysicalAddress address, uint32_t length, uint32_t stall_ms) override;
    base::Result<> polled_flush(uint32_t stall_ms) override;
    base::Result<size_t> polled_read(std::span<std::byte> out) override;

    uint32_t port() const override { return m_port; }
    Endpoint* take_request() override;
    void ended() override;
    void advance() override;
    void deliver() override;
    Endpoint& endpoint() override { return m_endpoint; }

private:
    static constexpr unsigned bounce_pages = 8;
    static constexpr uint32_t page_size = 4096;
    static constexpr unsigned max_page_writes = 4;

    class Bounce final : public Payload {
    public:
        void returned() override { channel->m_free_bounces |= 1u << index; }
        Channel* channel = nullptr;
        unsigned index = 0;
        memory::PhysicalAddress address = 0;
        std::byte* memory = nullptr;
    };
    /// Pages that write_pages() took: sent packet by packet.
    class PageWrite final : public Payload {
    public:
        void returned() override { channel->finish_if_done(*this); }
        Channel* channel = nullptr;
        memory::PhysicalAddress address = 0; // of the rest
        uint32_t rest = 0;
        bool used = false;
        bool finished = false; // its sender is to be told
        WriteDone done = nullptr;
        void* context = nullptr;
    };

    // Under the engine's lock, or in the stopped world.
    base::Result<> check_writable() const;
    base::Result<size_t> send_copy(std::span<const std::byte> bytes);
    base::Result<> queue_pages(memory::PhysicalAddress address, uint32_t length, WriteDone done, void* context);
    void finish_if_done(PageWrite& write);
    /// The oldest write that is not all sent.
    PageWrite* unsent();
    /// Has the event handler called when what holds the next byte up does no longer. False: try again first.
    bool want_more();
    bool is_flushed() const;
    size_t take_received(std::span<std::byte> out);

    base::Result<> check_polled();
    template <typename Attempt>
    base::Result<> retry_until_stalled(uint32_t stall_ms, Attempt&& attempt);

    Engine& m_engine;
    const uint32_t m_port;
    const uint64_t m_timestamp_hz;
    Endpoint m_endpoint;
    std::atomic<bool> m_connected{false};
    std::atomic<uint32_t> m_connection{0};
    std::atomic<EventHandler> m_handler{nullptr};
    void* m_handler_context = nullptr; // in place before the handler is seen

    Bounce m_bounces[bounce_pages];
    static constexpr uint32_t all_bounces = (1u << bounce_pages) - 1;
    uint32_t m_free_bounces = 0; // a bit each
    PageWrite m_page_writes[max_page_writes];
    unsigned m_next_page_write = 0;  // they are used in turn
    unsigned m_told_page_writes = 0; // in use, with somebody who waits to be told
};

} // namespace vsock
