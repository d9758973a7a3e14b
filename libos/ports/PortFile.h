#pragma once
// PortFile: an open /dev/virtio-ports/NAME. Reads and writes behave as Linux's virtio_console does it
// (drivers/char/virtio_console.c): without a host a read is at its end and a write waits.
//
// What is written is copied once, to pages that the device reads; several of them may be under way.

#include "libos/drivers/ByteChannel.h"
#include "libos/fs/OpenFile.h"
#include "libos/sched/Event.h"

#include <atomic>

namespace ports {

/// What a port needs while it is open, and keeps: pages that the device still has are given back to it later.
class Port {
public:
    static constexpr unsigned chunk_count = 2;
    static constexpr uint32_t chunk_pages = 8;
    static constexpr uint32_t chunk_size = chunk_pages * 4096;

    /// Whoever gets true has the port until release().
    bool claim() { return !m_claimed.exchange(true, std::memory_order_acquire); }
    void release() { m_claimed.store(false, std::memory_order_release); }
    /// With the claim. Error::NoMemory.
    base::Result<> prepare(drivers::ByteChannel& channel, memory::PageAllocator& pages);

    drivers::ByteChannel& channel() { return *m_channel; }
    sched::Event& event() { return m_event; }

    /// A chunk that nobody has; chunk_count: there is none now.
    unsigned take_chunk();
    void give_chunk_back(unsigned chunk);
    bool has_chunk() const { return m_free.load(std::memory_order_acquire) != 0; }
    std::span<std::byte> bytes(unsigned chunk);
    /// ByteChannel's write_pages() of the chunk's first bytes; on success the chunk is the channel's.
    base::Result<> send(unsigned chunk, uint32_t length);
    std::span<std::byte> receive_buffer() { return {m_received, 4096}; }

private:
    struct Chunk {
        Port* port = nullptr;
        memory::PhysicalAddress address = 0;
        std::byte* bytes = nullptr;
    };

    static void on_event(void* context);
    static void on_sent(void* context);

    std::atomic<bool> m_claimed{false};
    drivers::ByteChannel* m_channel = nullptr;
    sched::Event m_event; ///< something arrived, went out, or the host's end changed
    Chunk m_chunks[chunk_count];
    std::atomic<unsigned> m_free{0}; ///< a bit each
    std::byte* m_received = nullptr;
};

class PortFile : public fs::OpenFile {
public:
    /// `port` is claimed, and lives for ever.
    PortFile(base::Reference<fs::Inode> inode, base::Reference<fs::Entry> entry, int flags, Port& port)
        : OpenFile(std::move(inode), std::move(entry), flags)
        , m_port(port) {}

    base::Result<size_t> read(fs::Transfer& to) override;
    /// One write(2) is not torn by another's.
    base::Result<size_t> write(fs::Transfer& from) override;
    uint32_t poll() override;
    bool can_poll() const override { return true; }
    uint64_t activity() const override;

private:
    /// Waits for the next event; Error::Again where the app does not want to wait.
    base::Result<> wait(uint64_t seen);
    bool fill();
    base::Result<size_t> write_piece(fs::Transfer& from);

    Port& m_port;
    fs::SleepLock m_read_lock; // app memory is written under it
    fs::SleepLock m_write_lock;
    size_t m_begin = 0, m_end = 0; ///< of receive_buffer(), not yet read; with m_read_lock
};

} // namespace ports
