#include "probes/Ring.h"

#include "libos/base/Assert.h"
#include "libos/base/Bits.h"

#include <arch/Interrupts.h>

#include <cstring>
#include <utility>

// Memory order. CpuBlock's words and this CPU's own state are only ever changed on this CPU, so relaxed accesses do,
// with a compiler fence (atomic_signal_fence) where a nested context must see one store before another. Between the
// CPUs there are two edges: m_ready (release by the owner, acquire by the consumer) hands a packet's bytes over,
// m_consumed (release by the consumer, acquire by the owner) hands the sub-buffer back.

extern "C" void uniscope_probe_slow_path(); // arch/x86_64/SlowPath.S

namespace probes {

namespace {

/// How the host finds the rings in a dead machine's memory.
[[gnu::section("uniscope_rings"), gnu::used]] constinit wire::RingTable g_ring_table{};

constexpr uint64_t one_event = uint64_t{1} << 32;

uint32_t offset_of(uint64_t head) {
    return static_cast<uint32_t>(head);
}
uint32_t count_of(uint64_t head) {
    return static_cast<uint32_t>(head >> 32);
}
uint64_t make_head(uint64_t count, uint32_t offset) {
    return (count << 32) | offset;
}

void store_word(std::byte* to, uint64_t word) {
    // Another CPU may read it after a crash: one store.
    __atomic_store_n(reinterpret_cast<uint64_t*>(to), word, __ATOMIC_RELAXED);
}

void nested_fence() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

} // namespace

Reservation::Reservation(Reservation&& other) noexcept
    : m_block(std::exchange(other.m_block, nullptr))
    , m_event(other.m_event)
    , m_size(other.m_size)
    , m_timestamp(other.m_timestamp) {}

Reservation::~Reservation() {
    ASSERT(m_block == nullptr);
}

void Reservation::commit(uint16_t id) {
    ASSERT(m_block != nullptr && id != wire::hole_id);
    nested_fence(); // the payload before the header, for whoever reads after a crash of this CPU
    store_word(m_event, wire::event_header(id, m_timestamp));
    nested_fence();
    std::exchange(m_block, nullptr)->depth.fetch_sub(1, std::memory_order_relaxed);
}

base::Result<> Ring::attach(CpuBlock& block, const RingConfig& config) {
    size_t size = config.storage.size();
    bool storage_fits = base::is_power_of_two(size) && size <= (size_t{1} << 31) &&
                        base::is_aligned(reinterpret_cast<uintptr_t>(config.storage.data()), wire::event_alignment);
    bool sub_buffers_fit = base::is_power_of_two(config.sub_buffer_size) &&
                           config.sub_buffer_size >= min_sub_buffer_size && config.sub_buffer_size <= size / 2;
    if (!storage_fits || !sub_buffers_fit || config.clock == nullptr || config.cpu_id >= wire::max_cpus)
        return base::fail(base::Error::Invalid);

    m_block = &block;
    m_storage = config.storage.data();
    m_clock = config.clock;
    m_sub_buffer_size = config.sub_buffer_size;
    m_sub_buffer_count = size / config.sub_buffer_size;
    m_mode = config.mode;
    m_opened = config.first_sequence;
    m_ready.store(m_opened, std::memory_order_relaxed);
    m_consumed.store(m_opened, std::memory_order_relaxed);
    m_recorded_at_switch.store(config.first_count, std::memory_order_relaxed);
    m_descriptor = {
        .magic = wire::ring_magic,
        .version = wire::trace_format_version,
        .cpu_id = config.cpu_id,
        .storage = reinterpret_cast<uint64_t>(m_storage),
        .sub_buffer_size = m_sub_buffer_size,
        .sub_buffer_count = m_sub_buffer_count,
        .cpu_block = reinterpret_cast<uint64_t>(m_block),
        .packets_opened = m_opened,
        .events_discarded = 0,
        .events_overwritten = 0,
    };

    block.ring = this;
    block.depth.store(0, std::memory_order_relaxed);
    block.limit.store(0, std::memory_order_relaxed);
    block.base.store(reinterpret_cast<uintptr_t>(m_storage), std::memory_order_relaxed);
    block.head.store(make_head(config.first_count, static_cast<uint32_t>(size)), std::memory_order_relaxed);
    block.slow_path.store(reinterpret_cast<uintptr_t>(&uniscope_probe_slow_path), std::memory_order_relaxed);
    bool opened = open_packet(m_clock());
    ASSERT(opened);
    end_switch();
    g_ring_table.rings[config.cpu_id] = reinterpret_cast<uint64_t>(&m_descriptor);
    return {};
}

Reservation Ring::reserve(size_t size) {
    ASSERT(size >= sizeof(uint64_t) && size <= wire::max_event_size && size % wire::event_alignment == 0);
    m_block->depth.fetch_add(1, std::memory_order_relaxed);
    nested_fence();
    uint64_t head = m_block->head.load(std::memory_order_relaxed);
    for (;;) {
        uint64_t wanted = head + one_event + size;
        // A nested switch between the two loads goes unnoticed here, but has moved head.
        if (offset_of(wanted) > m_block->limit.load(std::memory_order_relaxed)) {
            Place place = reserve_slowly(size);
            return {*m_block, place.event, size, place.timestamp};
        }
        uint64_t now = m_clock();
        if (m_block->head.compare_exchange_strong(head, wanted, std::memory_order_relaxed)) {
            std::byte* event = m_storage + offset_of(head);
            store_word(event, wire::hole_header(size));
            return {*m_block, event, size, now};
        }
    }
}

Ring::Place Ring::reserve_slowly(size_t size) {
    auto interrupts = arch::disable_interrupts();
    if (!begin_switch()) { // we are an NMI in the middle of somebody's switch
        arch::restore_interrupts(interrupts);
        return discard();
    }
    uint64_t head = m_block->head.load(std::memory_order_relaxed);
    bool has_room = m_is_open && m_end - offset_of(head) >= size; // a nested context may have switched already
    if (!has_room) {
        has_room = make_room();
        head = m_block->head.load(std::memory_order_relaxed);
    }
    Place place;
    if (has_room) {
        place = {m_storage + offset_of(head), m_clock()};
        m_block->head.store(head + one_event + size, std::memory_order_relaxed);
        store_word(place.event, wire::hole_header(size));
    } else {
        place = discard();
    }
    end_switch();
    arch::restore_interrupts(interrupts);
    return place;
}

bool Ring::flush() {
    if (!begin_switch())
        return false;
    uint64_t now = m_clock();
    publish(0);
    if (!m_is_open)
        open_packet(now);
    bool holds_events =
        count_of(m_block->head.load(std::memory_order_relaxed)) != static_cast<uint32_t>(m_recorded_at_open);
    if (m_is_open && (holds_events || discarded() != m_discarded_at_close)) {
        close_packet(now);
        publish(0);
        open_packet(now);
    }
    end_switch();
    return m_ready.load(std::memory_order_relaxed) == closed();
}

void Ring::tick() {
    if (!begin_switch())
        return;
    uint64_t now = m_clock();
    // Half of what 48 bits allow is far longer than any two ticks are apart.
    if (m_is_open && now - header_of(m_opened - 1).timestamp_begin >= wire::max_packet_ticks / 2)
        close_packet(now);
    publish(0);
    if (!m_is_open)
        open_packet(now);
    end_switch();
}

void Ring::start_streaming(History history) {
    if (m_mode == Mode::Overwrite) {
        bool began = begin_switch();
        ASSERT(began);
        if (m_is_open)
            close_packet(m_clock());
        publish(0);
        // What an interrupted probe still writes to cannot be dropped; it is the consumer's when it is complete.
        uint64_t ready = m_ready.load(std::memory_order_relaxed);
        uint64_t oldest_kept = m_opened >= m_sub_buffer_count ? m_opened - m_sub_buffer_count + 1 : 0;
        overwrite_below(history == History::Drop || ready < oldest_kept ? ready : oldest_kept);
        m_mode = Mode::Streaming;
        open_packet(m_clock());
        end_switch();
    }
}

void Ring::stop_streaming() {
    bool began = begin_switch();
    ASSERT(began);
    m_mode = Mode::Overwrite;
    end_switch();
}

std::optional<Packet> Ring::front() const {
    uint64_t sequence = m_consumed.load(std::memory_order_relaxed); // ours, while streaming
    // acquire: pairs with publish(); the packet's bytes were written before.
    if (sequence == m_ready.load(std::memory_order_acquire))
        return std::nullopt;
    return Packet{{sub_buffer(sequence), m_sub_buffer_size}, sequence};
}

void Ring::release() {
    uint64_t sequence = m_consumed.load(std::memory_order_relaxed);
    ASSERT(sequence != m_ready.load(std::memory_order_relaxed));
    // release: pairs with open_packet(); our reads of the packet come before its reuse.
    m_consumed.store(sequence + 1, std::memory_order_release);
}

Totals Ring::totals() const {
    // acquire: the head that we read next is not older, so the difference is not negative.
    uint64_t recorded = m_recorded_at_switch.load(std::memory_order_acquire);
    uint64_t head = m_block->head.load(std::memory_order_relaxed);
    recorded += static_cast<uint32_t>(count_of(head) - static_cast<uint32_t>(recorded));
    return {recorded, discarded(), __atomic_load_n(&m_descriptor.events_overwritten, __ATOMIC_RELAXED)};
}

std::byte* Ring::sub_buffer(uint64_t sequence) const {
    return m_storage + (sequence & (m_sub_buffer_count - 1)) * m_sub_buffer_size;
}

wire::PacketHeader& Ring::header_of(uint64_t sequence) const {
    return *reinterpret_cast<wire::PacketHeader*>(sub_buffer(sequence));
}

/// From here to end_switch() no nested context moves head: its fast path fails at the limit, its slow path here.
bool Ring::begin_switch() {
    if (m_is_switching.load(std::memory_order_relaxed))
        return false;
    m_is_switching.store(true, std::memory_order_relaxed);
    nested_fence();
    m_block->limit.store(0, std::memory_order_relaxed);
    nested_fence();
    return true;
}

void Ring::end_switch() {
    // The limit first: a nested context between the two then records by the fast path, or is discarded.
    nested_fence();
    m_block->limit.store(m_is_open ? m_end : 0, std::memory_order_relaxed);
    nested_fence();
    m_is_switching.store(false, std::memory_order_relaxed);
}

bool Ring::make_room() {
    uint64_t now = m_clock();
    if (m_is_open)
        close_packet(now);
    publish(1);
    return open_packet(now);
}

void Ring::close_packet(uint64_t now) {
    uint64_t head = m_block->head.load(std::memory_order_relaxed);
    uint64_t recorded = m_recorded_at_switch.load(std::memory_order_relaxed);
    recorded += static_cast<uint32_t>(count_of(head) - static_cast<uint32_t>(recorded));
    m_discarded_at_close = discarded();

    auto& header = header_of(m_opened - 1);
    header.timestamp_end = now;
    header.content_size = (m_sub_buffer_size - (m_end - offset_of(head))) * 8;
    header.events_discarded = m_discarded_at_close;
    header.events_produced = recorded + m_discarded_at_close;
    header.event_count = static_cast<uint32_t>(recorded - m_recorded_at_open);

    m_is_open = false;
    // An offset that no fast path has seen with room behind it, so that one which we interrupted fails its exchange.
    m_block->head.store(make_head(count_of(head), static_cast<uint32_t>(m_sub_buffer_count * m_sub_buffer_size)),
                        std::memory_order_relaxed);
    // release: pairs with totals(); whoever sees this sees no older head.
    m_recorded_at_switch.store(recorded, std::memory_order_release);
}

/// Complete are the closed packets once no interrupted probe holds a place in one: when nobody but the caller, who has
/// added own_depth, is inside a probe on this CPU.
void Ring::publish(uint32_t own_depth) {
    if (m_block->depth.load(std::memory_order_relaxed) == own_depth)
        m_ready.store(closed(), std::memory_order_release); // release: pairs with front()
}

bool Ring::open_packet(uint64_t now) {
    // acquire: pairs with release(); the consumer has read the packet whose bytes are overwritten here.
    uint64_t consumed = m_consumed.load(std::memory_order_acquire);
    if (m_opened - consumed >= m_sub_buffer_count) {
        // A packet that is not ready must stay even in a flight recorder: an interrupted probe will write to it.
        if (m_mode == Mode::Streaming || m_ready.load(std::memory_order_relaxed) == consumed)
            return false;
        overwrite_below(consumed + 1);
    }
    uint64_t recorded = m_recorded_at_switch.load(std::memory_order_relaxed);
    std::byte* start = sub_buffer(m_opened);
    std::memset(start, 0, m_sub_buffer_size);
    header_of(m_opened) = {
        .magic = wire::packet_magic,
        .uuid = {},
        .stream_id = wire::event_stream_id,
        .timestamp_begin = now,
        .timestamp_end = 0,
        .content_size = 0,
        .packet_size = m_sub_buffer_size * 8,
        .packet_seq_num = m_opened,
        .events_discarded = discarded(), // as of now, until it is closed
        .events_produced = recorded + discarded(),
        .cpu_id = m_descriptor.cpu_id,
        .event_count = 0,
    };
    auto offset = static_cast<uint32_t>(start - m_storage);
    m_end = offset + static_cast<uint32_t>(m_sub_buffer_size);
    m_recorded_at_open = recorded;
    m_opened += 1;
    m_is_open = true;
    m_descriptor.packets_opened = m_opened;
    m_block->head.store(make_head(recorded, offset + sizeof(wire::PacketHeader)), std::memory_order_relaxed);
    return true;
}

/// Drops all packets below `sequence`, which are ready.
void Ring::overwrite_below(uint64_t sequence) {
    uint64_t consumed = m_consumed.load(std::memory_order_relaxed);
    uint64_t lost = 0;
    for (; consumed < sequence; ++consumed)
        lost += header_of(consumed).event_count;
    m_consumed.store(consumed, std::memory_order_relaxed); // no consumer in Overwrite mode
    __atomic_store_n(&m_descriptor.events_overwritten, m_descriptor.events_overwritten + lost, __ATOMIC_RELAXED);
}

uint64_t Ring::discarded() const {
    return __atomic_load_n(&m_descriptor.events_discarded, __ATOMIC_RELAXED);
}

Ring::Place Ring::discard() {
    // One instruction: an NMI may come to the same counter.
    __atomic_fetch_add(&m_descriptor.events_discarded, 1, __ATOMIC_RELAXED);
    return {m_scratch, 0};
}

} // namespace probes

/// Called by arch/…/SlowPath.S.
extern "C" probes::Ring::Place uniscope_probe_reserve(probes::Ring* ring, uint64_t head, uint64_t wanted) {
    return ring->reserve_slowly(static_cast<uint32_t>(wanted) - static_cast<uint32_t>(head));
}
