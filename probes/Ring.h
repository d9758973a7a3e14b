#pragma once
// Ring: one CPU's trace buffer, a power of two of sub-buffers, each of which is one CTF packet (docs/trace-format.md).
//
// Owns no memory: the storage is given. One writer CPU, one reader.
//   - Producers run on the ring's own CPU, in any context, NMI included. Their fast path is Probe.h's assembly;
//   reserve()
//     does the same in C++. An event costs one local compare-and-exchange and the reading of the clock.
//   - The methods under "owner" run on the ring's own CPU with interrupts masked, not in an NMI.
//   - The consumer may be on any CPU; there is at most one at a time.
// No method blocks, allocates or takes a lock.
//
// Why it is right: packets are numbered from 0. [consumed, ready) are closed and complete and the consumer's to read;
// [ready, opened) belong to this CPU. Both bounds are published by a release store and read by an acquire load, and
// nothing else is shared. Within the CPU, contexts nest like calls: whoever interrupts finishes first. head says by one
// word where the next event goes and how many there were; whoever has seen an old head fails its exchange.

#include "libos/base/Result.h"
#include "probes/CpuBlock.h"
#include "probes/wire/Ctf.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace probes {

enum class Mode : uint8_t {
    Streaming, ///< a full ring discards new events
    Overwrite, ///< a full ring reuses its oldest packet: the flight recorder
};

struct RingConfig {
    std::span<std::byte> storage; ///< 8-aligned; 2^n sub-buffers, n >= 1, at most 2 GiB
    size_t sub_buffer_size;       ///< a power of two, at least Ring::min_sub_buffer_size
    uint32_t cpu_id;
    Mode mode;
    uint64_t (*clock)();         ///< the trace clock that the probes on this CPU read
    uint64_t first_sequence = 0; ///< where numbering starts: tests begin near the limits
    uint64_t first_count = 0;    ///< events recorded before
};

/// A place for one event. Commit it in the context that reserved it.
class [[nodiscard]] Reservation {
public:
    Reservation(Reservation&& other) noexcept;
    Reservation& operator=(Reservation&&) = delete;
    Reservation(const Reservation&) = delete;
    ~Reservation(); ///< asserts that it was committed

    /// What follows the header. Zero where nobody wrote, unless the event is being discarded.
    std::span<std::byte> payload() const { return {m_event + sizeof(uint64_t), m_size - sizeof(uint64_t)}; }
    /// Makes it an event of this id. Behind it the bytes are not the caller's any more.
    void commit(uint16_t id);

private:
    friend class Ring;
    Reservation(CpuBlock& block, std::byte* event, size_t size, uint64_t timestamp)
        : m_block(&block)
        , m_event(event)
        , m_size(size)
        , m_timestamp(timestamp) {}

    CpuBlock* m_block; // null once committed or moved from
    std::byte* m_event;
    size_t m_size;
    uint64_t m_timestamp;
};

/// A closed, complete packet.
struct Packet {
    std::span<const std::byte> bytes; ///< the whole sub-buffer
    uint64_t sequence;
};

/// All since boot. produced = recorded + discarded; recorded = read or still in the ring, or overwritten.
struct Totals {
    uint64_t recorded;
    uint64_t discarded;
    uint64_t overwritten;
    uint64_t produced() const { return recorded + discarded; }
};

class Ring {
public:
    static constexpr size_t min_sub_buffer_size = 2048; // header and largest event

    constexpr Ring() = default;
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    /// Opens the first packet and lets the probes of `block` write. Once, before any site is enabled on that CPU.
    /// Error::Invalid for a geometry that RingConfig does not allow.
    base::Result<> attach(CpuBlock& block, const RingConfig& config);

    // ---- Producer ----

    /// `size`: the whole event with its 8-byte header, a multiple of 8, at most wire::max_event_size.
    Reservation reserve(size_t size);

    struct Place {
        std::byte* event;
        uint64_t timestamp;
    };
    /// What a probe calls that found no room: gives it a place in a fresh packet, or one where its event vanishes.
    Place reserve_slowly(size_t size);

    // ---- Owner ----

    /// Closes the open packet if it has an event or a loss to tell of, and opens the next if there is room.
    /// False: a probe that was interrupted still holds a place in a closed packet; flush again later to publish it.
    /// A recording ends, with its sites disabled, by flush, reading, flush, reading: a full ring cannot open the packet
    /// that tells of the last losses before it was read.
    bool flush();

    /// For the timer interrupt: publishes what can be, and closes a packet whose timestamps are about to run out of
    /// bits.
    void tick();

    enum class History : uint8_t {
        Keep, ///< the consumer gets what the flight recorder holds, less one sub-buffer to go on writing in
        Drop, ///< the consumer gets only what is recorded from now on
    };
    /// To Streaming, after closing the open packet. What is dropped counts as overwritten.
    void start_streaming(History history);
    /// To Overwrite. The consumer holds no packet and takes none any more.
    void stop_streaming();
    Mode mode() const { return m_mode; }

    // ---- Consumer; in Streaming mode only ----

    /// The oldest packet that was not released.
    std::optional<Packet> front() const;
    /// Gives the packet of front() back to the producer.
    void release();
    /// Packets numbered below it are closed: when front() has nothing left and released() has come here, all of what a
    /// flush() closed was read. Any CPU.
    uint64_t ready() const { return m_ready.load(std::memory_order_acquire); }
    uint64_t released() const { return m_consumed.load(std::memory_order_acquire); }

    /// Any CPU. Exact when the ring's CPU is not inside a probe.
    Totals totals() const;

    const wire::RingDescriptor& descriptor() const { return m_descriptor; }

private:
    std::byte* sub_buffer(uint64_t sequence) const;
    wire::PacketHeader& header_of(uint64_t sequence) const;
    uint64_t closed() const { return m_opened - (m_is_open ? 1 : 0); }
    bool begin_switch();
    void end_switch();
    bool make_room();
    bool open_packet(uint64_t now);
    void close_packet(uint64_t now);
    void overwrite_below(uint64_t sequence);
    void publish(uint32_t own_depth);
    Place discard();
    uint64_t discarded() const;

    wire::RingDescriptor m_descriptor{}; // its counters are the counters
    CpuBlock* m_block = nullptr;
    std::byte* m_storage = nullptr;
    uint64_t (*m_clock)() = nullptr;
    size_t m_sub_buffer_size = 0;
    uint64_t m_sub_buffer_count = 0;

    // This CPU's; the consumer never looks.
    Mode m_mode = Mode::Overwrite;
    bool m_is_open = false;
    std::atomic<bool> m_is_switching{false};
    uint64_t m_opened = 0;             // packets opened
    uint32_t m_end = 0;                // the open sub-buffer's end, as an offset
    uint64_t m_recorded_at_open = 0;   // of the open packet
    uint64_t m_discarded_at_close = 0; // as the last closed packet's header says

    // Shared.
    std::atomic<uint64_t> m_recorded_at_switch{0}; // extends the 32 bits of head
    std::atomic<uint64_t> m_ready{0};
    std::atomic<uint64_t> m_consumed{0};

    // Where discarded events are written. Never read.
    alignas(8) std::byte m_scratch[wire::max_event_size] = {};
};

} // namespace probes
