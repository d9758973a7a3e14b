#pragma once
// The messages on an instance's control, trace and crash channels (virtio-serial ports `uniscope.control`,
// `uniscope.trace`, `uniscope.crash`). Guest and host include this one file; docs/channels.md is the normative text.
//
// Every message is a FrameHeader followed by `length` bytes. All integers are little-endian. Channels are byte streams:
// a reader that meets a wrong magic, an unknown version or a length over `max_frame_length` closes the channel.

#include <cstdint>

namespace wire {

inline constexpr uint32_t frame_magic = 0x31465355; // "USF1"
inline constexpr uint16_t channel_version = 1;
inline constexpr uint32_t max_frame_length = 4u << 20;

inline constexpr char control_port_name[] = "uniscope.control";
inline constexpr char console_port_name[] = "uniscope.console";
inline constexpr char gdb_port_name[] = "uniscope.gdb";
inline constexpr char trace_port_name[] = "uniscope.trace";
inline constexpr char crash_port_name[] = "uniscope.crash";

// The same channels over vsock: the guest listens on these ports, the host connects, one connection at a time each.
inline constexpr uint32_t vsock_port_console = 6600;
inline constexpr uint32_t vsock_port_control = 6601;
inline constexpr uint32_t vsock_port_gdb = 6602;
inline constexpr uint32_t vsock_port_trace = 6603;
inline constexpr uint32_t vsock_port_crash = 6604;

enum class FrameType : uint16_t {
    // guest -> host, control channel
    Hello = 1,  ///< HelloMessage; first message after the host opened the port, and the answer to a Hello request
    Reply = 2,  ///< ReplyMessage; answers the request with the same `request`
    Exited = 3, ///< ExitedMessage; the last message of an instance that ended in an orderly way
    Audit = 4,  ///< AuditMessage (probes/wire/Audit.h); what the instance keeps, then each as it happens

    // host -> guest, control channel
    QueryHello = 16,  ///< empty; answered by Hello
    QueryStatus = 17, ///< empty; answered by Reply + StatusMessage
    RecordStart = 18, ///< RecordStartMessage
    RecordStop = 19,  ///< empty; the guest closes all open packets, sends them and then TraceEnd, and answers
    Snapshot = 20,    ///< empty; the flight recorder's packets, oldest first per CPU, then TraceEnd; answered at once
    ProbeEnable = 21, ///< ProbeEnableMessage + pattern bytes
    Acknowledge = 22, ///< empty; the host has taken Exited in: the guest may power off

    // guest -> host, trace channel
    TracePacket = 32, ///< one CTF packet (probes/wire/Ctf.h), whole
    TraceEnd = 33,    ///< TraceEndMessage

    // guest -> host, crash channel
    CoreBegin = 48, ///< CoreBeginMessage + UTF-8 text of the reason
    CoreData = 49,  ///< the next bytes of an ELF core file
    CoreEnd = 50,   ///< CoreEndMessage; without it the core is incomplete
};

struct FrameHeader {
    uint32_t magic;   ///< frame_magic
    uint16_t version; ///< channel_version
    uint16_t type;    ///< FrameType
    uint32_t request; ///< chosen by the host in a request, repeated in its Reply; else 0
    uint32_t length;  ///< bytes that follow
};
static_assert(sizeof(FrameHeader) == 16);

struct HelloMessage {
    uint8_t build_id[20]; ///< .note.gnu.build-id of the image
    uint32_t cpu_count;
    uint64_t tsc_hz;            ///< calibrated frequency of the trace clock
    uint64_t tsc_at_epoch_pair; ///< TSC and CLOCK_REALTIME taken together: this is the TSC ...
    uint64_t realtime_ns;       ///< ... and this the nanoseconds since 1970 at that instant
    uint64_t sub_buffer_size;   ///< bytes of one CTF packet
    uint64_t sub_buffers_per_cpu;
    uint32_t flags; ///< HelloFlags
    uint32_t reserved;
};
static_assert(sizeof(HelloMessage) == 72);

enum HelloFlags : uint32_t {
    HelloDebuggerAttached = 1u << 0,
    HelloRecording = 1u << 1,
};

struct ReplyMessage {
    int32_t error; ///< 0, or the Linux error number of base::Error
    uint32_t reserved;
};
static_assert(sizeof(ReplyMessage) == 8);

struct StatusMessage {
    uint64_t events_produced;  ///< since boot, all CPUs
    uint64_t events_discarded; ///< since boot, all CPUs; includes what the flight recorder overwrote
    uint64_t uptime_ns;
    uint32_t thread_count;
    uint32_t flags; ///< HelloFlags
    uint64_t free_pages;
    uint64_t total_pages;
};
static_assert(sizeof(StatusMessage) == 48);

struct ExitedMessage {
    uint32_t status; ///< as a shell shows it: 0-255; 128 + signal when a signal ended the app
    uint32_t signal; ///< 0 when the app exited
};
static_assert(sizeof(ExitedMessage) == 8);

struct RecordStartMessage {
    uint32_t flags; ///< 0
    uint32_t reserved;
};
static_assert(sizeof(RecordStartMessage) == 8);

struct ProbeEnableMessage {
    uint32_t enable;         ///< 1 on, 0 off
    uint32_t pattern_length; ///< bytes that follow: a probe's name, `*` at its end stands for any rest
};
static_assert(sizeof(ProbeEnableMessage) == 8);

/// Ends a recording or a snapshot. produced - discarded = what the TracePackets before it hold.
struct TraceEndMessage {
    uint64_t events_produced;  ///< since the recording began, all CPUs
    uint64_t events_discarded; ///< since the recording began, all CPUs
    uint32_t was_snapshot;
    uint32_t reserved;
};
static_assert(sizeof(TraceEndMessage) == 24);

struct CoreBeginMessage {
    uint64_t estimated_size; ///< bytes, for progress; 0 unknown
    uint32_t signal;
    uint32_t reason_length; ///< bytes of text that follow
};
static_assert(sizeof(CoreBeginMessage) == 16);

struct CoreEndMessage {
    uint64_t size; ///< bytes of CoreData in all
};
static_assert(sizeof(CoreEndMessage) == 8);

} // namespace wire
