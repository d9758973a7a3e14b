#pragma once
// The trace format that guest and host share: CTF 1.8 packets, event headers, and the descriptor tables in an image
// from which the host writes the metadata. docs/trace-format.md is the normative text; its section numbers are cited
// here.
//
// Header-only, no dependencies, all integers little-endian. Everything here may come out of a dead or hostile machine:
// nothing is trusted before it has been checked (Packet.h).

#include <cstddef>
#include <cstdint>

namespace wire {

/// Version of everything in this file; the descriptors in an image carry it. A change of layout needs a new number.
inline constexpr uint32_t trace_format_version = 1;

// ---- Packets (trace-format.md §2) ----------------------------------------------------------------------------------

inline constexpr uint32_t packet_magic = 0xc1fc1fc1; // CTF 1.8 §5.1
inline constexpr uint32_t event_stream_id = 0;       // the only stream class

/// CTF packet header and packet context, at the start of each sub-buffer. The open packet of a running CPU has
/// content_size 0 and timestamp_end 0.
struct PacketHeader {
    uint32_t magic;            ///< packet_magic
    uint8_t uuid[16];          ///< of the trace; zero on the wire, the host fills it in when it writes the file
    uint32_t stream_id;        ///< event_stream_id
    uint64_t timestamp_begin;  ///< ticks of the trace clock; not after the first event
    uint64_t timestamp_end;    ///< not before the last event; the next packet's timestamp_begin is not below it
    uint64_t content_size;     ///< bits in use, this header included
    uint64_t packet_size;      ///< bits of the whole sub-buffer
    uint64_t packet_seq_num;   ///< 0, 1, 2, ... per CPU since boot, without gaps while nothing was overwritten
    uint64_t events_discarded; ///< cumulative on this CPU since boot: events that found no room
    uint64_t events_produced;  ///< cumulative on this CPU since boot: events recorded up to the end of this packet
                               ///< (overwritten ones too) + events_discarded
    uint32_t cpu_id;
    uint32_t event_count; ///< events in this packet
};
static_assert(sizeof(PacketHeader) == 88 && alignof(PacketHeader) == 8);
static_assert(offsetof(PacketHeader, timestamp_begin) == 24 && offsetof(PacketHeader, content_size) == 40);
static_assert(offsetof(PacketHeader, events_discarded) == 64 && offsetof(PacketHeader, cpu_id) == 80);

// ---- Events (trace-format.md §3) -----------------------------------------------------------------------------------

/// Events start at multiples of this and their sizes are multiples of it.
inline constexpr size_t event_alignment = 8;
/// Largest event, header included. Bounds what a reader must accept and a producer may reserve.
inline constexpr size_t max_event_size = 1024;

/// The first word of an event: id in the low 16 bits, the low 48 bits of the trace clock above.
constexpr uint64_t event_header(uint16_t id, uint64_t timestamp) {
    return (timestamp << 16) | id;
}
constexpr uint16_t event_id(uint64_t header) {
    return static_cast<uint16_t>(header);
}
constexpr uint64_t event_timestamp_bits(uint64_t header) {
    return header >> 16;
}

inline constexpr unsigned timestamp_bits = 48;
/// A packet is closed before this many ticks have passed in it.
inline constexpr uint64_t max_packet_ticks = uint64_t{1} << 47;

/// Id 0 is a hole: reserved, and not committed yet. Its timestamp field holds its size in bytes instead.
inline constexpr uint16_t hole_id = 0;
constexpr uint64_t hole_header(size_t size) {
    return static_cast<uint64_t>(size) << 16;
}
constexpr uint64_t hole_size(uint64_t header) {
    return header >> 16;
}

/// The full timestamp of an event, given the last one known before it (the packet's timestamp_begin at first).
constexpr uint64_t extend_timestamp(uint64_t header, uint64_t previous) {
    constexpr uint64_t mask = (uint64_t{1} << timestamp_bits) - 1;
    return previous + ((event_timestamp_bits(header) - previous) & mask);
}

// ---- Descriptors in the image (trace-format.md §4) -----------------------------------------------------------------

enum class FieldType : uint8_t {
    Signed = 1,   ///< integer of 1, 2, 4 or 8 bytes, aligned to its size
    Unsigned = 2, ///< the same
    Hex = 3,      ///< unsigned, shown in base 16
    Pointer = 4,  ///< 8 bytes, shown in base 16
    Text = 5,     ///< `count` bytes of text, padded with NUL; not aligned
    String = 6,   ///< text that ends at its first NUL; at most `count` bytes with it; not aligned
};

/// Sections of the image. Both tables have a fixed stride and no gaps.
inline constexpr char event_section[] = "uniscope_events";
inline constexpr char site_section[] = "uniscope_sites";

/// One field of an event. Addresses are link-time addresses in the image.
struct FieldDescriptor {
    uint64_t name;  ///< address of NUL-terminated text: a C identifier
    uint8_t type;   ///< FieldType
    uint8_t size;   ///< bytes of one element
    uint16_t count; ///< integers: elements (1, or an array's length); Text and String: bytes
    uint32_t reserved;
};
static_assert(sizeof(FieldDescriptor) == 16);

enum EventFlags : uint32_t {
    EventStateDump = 1u << 0, ///< describes a state rather than a happening: opens recordings, snapshots and crashes
};

/// One kind of event.
struct EventDescriptor {
    uint64_t id;          ///< 0 in the file; the guest sets it at boot by the rule of event_id_at()
    uint64_t provider;    ///< address of NUL-terminated text; "kernel" for the kernel's own
    uint64_t name;        ///< address of NUL-terminated text
    uint64_t fields;      ///< address of field_count FieldDescriptors
    uint32_t field_count; ///< at most max_fields
    uint32_t flags;       ///< EventFlags
    uint32_t family_size; ///< 0: one event. N: N events with the same fields and consecutive ids (§4.2)
    uint32_t version;     ///< trace_format_version
    uint64_t reserved[2];
};
static_assert(sizeof(EventDescriptor) == 64);

inline constexpr uint32_t max_fields = 16;

/// One place in the code that emits an event.
struct SiteDescriptor {
    uint64_t address; ///< of a 5-byte nop
    uint64_t target;  ///< where a jump there must go to emit the event
    uint64_t event;   ///< address of its EventDescriptor
    uint64_t state;   ///< 0 in the file; the guest's: 1 while enabled
};
static_assert(sizeof(SiteDescriptor) == 32);

/// Ids of families start here and grow in table order; all others are an event's index in the table + 1.
inline constexpr uint32_t first_family_id = 0x8000;

/// Walks the table in order and hands out ids: the one rule for guest and host.
class IdAssigner {
public:
    /// Ids of the next event: [result, result + max(1, family_size)). 0 when the id space is used up.
    constexpr uint32_t next(uint32_t family_size) {
        ++m_index;
        if (family_size == 0)
            return m_index < first_family_id ? m_index : 0;
        if (family_size > 0x10000 - m_next_family)
            return 0;
        uint32_t id = m_next_family;
        m_next_family += family_size;
        return id;
    }

private:
    uint32_t m_index = 0;
    uint32_t m_next_family = first_family_id;
};

// ---- Finding the rings in memory (trace-format.md §5) --------------------------------------------------------------

inline constexpr char ring_section[] = "uniscope_rings";
inline constexpr uint32_t max_cpus = 64;
inline constexpr uint64_t ring_magic = 0x3147'4e49'5253'5455; // "UTSRING1"

/// One CPU's ring in the guest's memory. The counters are live.
struct RingDescriptor {
    uint64_t magic;   ///< ring_magic
    uint32_t version; ///< trace_format_version
    uint32_t cpu_id;
    uint64_t storage;            ///< address of the first sub-buffer
    uint64_t sub_buffer_size;    ///< bytes; a power of two
    uint64_t sub_buffer_count;   ///< a power of two
    uint64_t cpu_block;          ///< address of the CPU's probes::CpuBlock
    uint64_t packets_opened;     ///< the open packet's sequence number + 1
    uint64_t events_discarded;   ///< found no room
    uint64_t events_overwritten; ///< recorded and lost with their packet
};
static_assert(sizeof(RingDescriptor) == 72);

/// The contents of section `uniscope_rings`: addresses of RingDescriptors by CPU, 0 for none.
struct RingTable {
    uint64_t rings[max_cpus];
};

} // namespace wire
