#pragma once
// One debugging session after the other, with one gdb at a time, over one transport.
//
// How a kernel drives it:
//
//   the world runs      whoever receives bytes from the transport calls feed(). When gdb wants attention, feed() calls
//                       Target::request_stop() and returns; it never waits and never writes.
//   the world stops     for that, a breakpoint, a step, a signal: the kernel stops all CPUs, saves their registers
//   where
//                       Target::read_registers() finds them, and calls run_stopped() on one of them. It talks to gdb,
//                       polling the transport, until gdb resumes or leaves; the kernel does what the plan says.
//   the instance ends   report_exit(), under the same conditions as run_stopped().
//
// A client that may not stop the world (set_access()) is served while it runs:
//
//   the world runs      a complete packet makes feed() call Target::request_service(); a thread calls serve_running(),
//                       which answers it, or says why not. feed() and serve_running() are not called at the same time.
//
// When run_stopped() returns, bytes may have arrived that it did not read: feed() them.
//
// The two never overlap: a stop that lands on a CPU inside feed() is held off until feed() has returned. Only one CPU
// calls at a time. A session has no locks, no heap and no static state; there may be several.
//
// Conditions and commands of breakpoints are evaluated while the world runs: judge_breakpoint() says whether a thread
// that ran into one stops the world or passes it.
//
// A gdb that vanishes leaves its session half open. Whoever connects next is recognised as new by its first packets
// (qSupported, or QStartNoAckMode where that is already on): breakpoints of the old one are removed, and the protocol
// starts afresh. The `D` that a proxy sends on behalf of a gdb that vanished is answered in any state.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "gdbstub/AccessPolicy.h"
#include "gdbstub/CaughtSystemCalls.h"
#include "gdbstub/Permissions.h"
#include "gdbstub/PointTable.h"
#include "gdbstub/Signals.h"
#include "gdbstub/Stop.h"
#include "gdbstub/Target.h"
#include "gdbstub/Transport.h"
#include "gdbstub/command/Command.h"
#include "gdbstub/packet/PacketReceiver.h"
#include "gdbstub/packet/Reply.h"

namespace gdbstub {

class Session {
public:
    /// Memory that the session works in; lives as long as it does.
    struct Buffers {
        /// Longest packet that gdb may send; at least `smallest_buffer`.
        std::span<uint8_t> receive;
        /// Longest reply; at least `smallest_buffer`. One memory read carries about this much in binary, half in hex.
        std::span<uint8_t> reply;
        /// One for each breakpoint and watchpoint that can be set at the same time.
        std::span<PointRecord> points;
        /// For the conditions and commands of all breakpoints together; without it there are none. gdb's take some
        /// tens of bytes each, and a printf its format besides.
        std::span<uint8_t> agent_code{};
    };
    static constexpr size_t smallest_buffer = 2048;

    constexpr Session(Target& target, Transport& transport, const Buffers& buffers)
        : m_target(target)
        , m_transport(transport)
        , m_receiver(buffers.receive)
        , m_reply(buffers.reply)
        , m_points(buffers.points, buffers.agent_code)
        , m_packet_size(buffers.receive.size()) {}
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Received bytes, in any portions, while the world runs. For an interrupt handler: a few instructions a byte.
    void feed(std::span<const uint8_t> bytes);
    void on_byte(uint8_t byte) { feed({&byte, 1}); }

    /// Another client is connected, which may do this; before its first bytes. Whatever the last one had set up is
    /// forgotten, but for its breakpoints: those go when the world next stops, so a client with control is to be
    /// detached first (a `D` on its behalf). Also from Transport::read() and idle(). Without a call there is one client
    /// after the other, each with control.
    void set_access(Access access);
    Access access() const { return m_access; }

    /// The world runs: answers what feed() has received from a client without control. In a thread, never at the same
    /// time as feed() and run_stopped(). With control it does nothing.
    void serve_running();

    /// The stopped world: reports `event` if gdb waits for a stop, then serves it until it resumes or leaves.
    /// The plan stays valid and unchanged until the next call. Also for an image held at its start, which waits here
    /// for its first gdb.
    const ResumePlan& run_stopped(const StopEvent& event);

    /// Tells a waiting gdb that the app ended, by itself with `status` or by the Linux signal number `signal`; without
    /// one does nothing. Afterwards nobody is attached.
    void report_exit(uint8_t status);
    void report_termination(int signal);

    /// Whether there is a gdb that controls, as far as known. Without one a kernel need not stop for signals and
    /// faults.
    bool attached() const;

    /// Whether the client has sent heartbeats (PacketReceiver::heartbeat), so that their absence means something. The
    /// transport, which knows the time, then ends a client that has been silent for too long: read() or write() fails.
    bool client_sends_heartbeats() const { return m_client.sends_heartbeats; }
    /// From Transport, before it fails for that reason. What this client says later is refused with a sentence, and the
    /// world goes on at once, until a client introduces itself (qSupported): it would read of another stop than it
    /// believes to see. `expect_anybody()`: the next bytes come from another connection, which knows nothing of it.
    void client_fell_silent() {
        m_refuses_stale = true;
        m_stale_knows_error_text = m_client.knows_error_text;
    }
    void expect_anybody() { m_refuses_stale = false; }

    /// Whether `signal` (Linux' number) is to stop the world before it is delivered: somebody is attached and did not
    /// say otherwise (QPassSignals).
    bool stops_for_signal(int signal) const;

    /// Whether the system call `number` is to stop the world, before it is made and when it is done. Any CPU, while the
    /// world runs.
    bool stops_for_system_call(uint64_t number) const;

    /// What to do with a thread that ran into a breakpoint at `address`; evaluates its conditions and runs its
    /// commands with `context`, the thread's. While the world runs: by any CPUs at once, in a trap handler, without a
    /// lock. A stop that lands on a CPU in here is held off until it has returned, as for feed(); see PointTable.h.
    /// Takes as long as the expressions do (agent::default_budget).
    Verdict judge_breakpoint(uint64_t address, agent::Context& context);

    /// Whether there are breakpoints of a client that is gone, whose commands go on.
    bool has_points_left_behind() const;

private:
    /// How a packet goes on when it has been carried out. A Refusal instead becomes an error reply: what is wrong with
    /// one request never ends the session. Only the transport does that, in send() and serve().
    enum class Next : uint8_t {
        Reply,
        /// The empty reply: gdb takes it for "no such packet" and does without.
        Unsupported,
        NoReply,
        /// Reply, then leave the stopped world.
        ReplyAndLeave,
        /// Leave without a reply: a stop reply follows when there is a stop.
        Leave,
    };
    using Handled = Answer<Next>;
    class TextOutput;

    // Session.cpp: packets in and out.
    void report_end(char kind, uint8_t number);
    void serve();
    bool receive();
    bool process_packet();
    bool refuse_stale();
    bool finish(const Handled& handled);
    void send();
    void acknowledge(bool accepted);
    void on_receiver_event(PacketReceiver::Event event);
    void forget_client();
    void remember(const Refusal& refusal);

    // Access.cpp
    Answer<> check_access(const Command& command);
    bool drop_points_of_others();
    /// Where reading functions are to be asked.
    Target& machine() const { return m_world_runs ? *m_target.live() : m_target; }
    template <typename Tell>
    void tell_audit(Tell&& tell) {
        if (Audit* audit = m_target.audit())
            tell(*audit);
    }

    // One file for each family of packets.
    Handled handle(const Unknown&) { return Next::Unsupported; }
    Handled handle(const Malformed&);
    // Resume.cpp
    Handled handle(const QueryResumeActions&);
    Handled handle(const Resume& command);
    Handled handle(const ResumeSimply& command);
    Handled handle(const Detach&);
    Handled handle(const Kill& command);
    bool goes_on_stepping(const StopEvent& event);
    bool may_leave();
    void plan_detach();
    Next resume();
    // StopReply.cpp
    Handled handle(const QueryStopReason&);
    void write_stop_reply();
    void report_stop();
    // Registers.cpp
    Handled handle(const ReadRegisters&);
    Handled handle(const WriteRegisters& command);
    Handled handle(const ReadRegister& command);
    Handled handle(const WriteRegister& command);
    Answer<> load_registers(ThreadId thread);
    Answer<> store_registers(ThreadId thread);
    void write_register_value(size_t number);
    bool has_feature_of(size_t number) const;
    // Memory.cpp
    Handled handle(const ReadMemory& command);
    Handled handle(const WriteMemory& command);
    // MemorySearch.cpp
    Handled handle(const QueryChecksum& command);
    Handled handle(const SearchMemory& command);
    // Points.cpp
    Handled handle(const ChangePoint& command);
    Answer<> insert_point(const Point& point, const ChangePoint& command);
    Answer<> change_in_target(const Point& point, bool insert);
    bool supports(Point::Type type) const;
    bool evaluates_expressions() const;
    void leave_points();
    void remove_points(bool left_behind);
    // MonitorPoints.cpp
    void list_points(MonitorOutput& output);
    // Threads.cpp
    Handled handle(const SelectThread& command);
    Handled handle(const QueryThreadAlive& command);
    Handled handle(const QueryCurrentThread&);
    Handled handle(const ListThreads& command);
    Handled handle(const QueryThreadText& command);
    Handled handle(const QueryThreadLocal& command);
    ThreadId visible_thread(ThreadId wanted) const;
    Answer<ThreadId> resolve(const ThreadSelector& selector) const;
    ThreadId general_thread() const;
    void put_thread(ThreadId thread);
    // Handshake.cpp
    Handled handle(const QuerySupported& command);
    Handled handle(const QueryAttached&);
    Handled handle(const StartNoAckMode&);
    Handled handle(const SetSignals& command);
    // Permissions.cpp
    Handled handle(const SetPermissions& command);
    Answer<> check_permission(const Command& command);
    // SystemCalls.cpp
    Handled handle(const CatchSystemCalls& command);
    // Transfer.cpp
    Handled handle(const Transfer& command);
    Handled handle(const WriteSignalInfo& command);
    // Monitor.cpp
    Handled handle(const MonitorCommand& command);
    // Files.cpp
    Handled handle(const SelectFileSystem&);
    Handled handle(const OpenFile& command);
    Handled handle(const CloseFile& command);
    Handled handle(const ReadFile& command);
    Handled handle(const QueryFileStatus& command);
    Handled handle(const QueryPathStatus& command);
    Handled handle(const ReadLink& command);
    Handled handle(const ChangeFile&);
    Files* files();
    Next refuse_file(const Refusal& refusal);
    Next answer_with_bytes(std::span<const uint8_t> bytes);
    Answer<std::string_view> decode_path(std::string_view hex_untrusted);

    Target& m_target;
    Transport& m_transport;
    PacketReceiver m_receiver;
    Reply m_reply;
    PointTable m_points;
    /// The agent::Error of the last expression that could not be evaluated, or 0; set while the world runs.
    std::atomic<uint8_t> m_agent_error{0};
    size_t m_packet_size;

    /// What belongs to one gdb, and goes with it.
    struct Client {
        bool attached = false;
        bool no_ack = false;
        bool asked_supported = false;
        /// It resumed the target and awaits a stop reply.
        bool awaits_stop = false;
        bool knows_swbreak = false;
        bool knows_hwbreak = false;
        bool knows_error_text = false;
        /// Threads are named with their process.
        bool knows_processes = false;
        /// It may have some open.
        bool uses_files = false;
        bool sends_heartbeats = false;
        ThreadSelector general{};
        ThreadSelector resumed{.kind = ThreadSelector::Kind::All};
        /// How many threads qfThreadInfo and its successors have told so far.
        size_t threads_listed = 0;
        Permissions permissions{};
        SignalSet pass_signals{};
        SignalSet program_signals{};
        bool knows_program_signals = false;
    };
    Client m_client{};
    CaughtSystemCalls m_caught; ///< the client's, too
    Access m_access = Access::Control;
    bool m_refuses_stale = false; ///< after client_fell_silent()
    bool m_stale_knows_error_text = false;
    bool m_world_runs = false;        ///< inside of serve_running()
    bool m_service_requested = false; ///< feed() asked for serve_running()

    StopEvent m_event{};
    /// feed() asked for a stop, and because of Ctrl-C.
    bool m_stop_requested = false;
    bool m_interrupted = false;
    bool m_acknowledge_due = false;
    /// The transport failed while the world was stopped.
    bool m_link_lost = false;
    ResumePlan m_plan{};
    RegisterFile m_registers{};
    char m_refusal[160]{};
    size_t m_refusal_length = 0;
};

} // namespace gdbstub
