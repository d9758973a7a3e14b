#pragma once
// GdbProxy: what the supervisor does between gdb and an instance's stub.
//
// It passes packets on unchanged and whole, and knows enough of the protocol to keep the service alive: when gdb
// vanishes without detaching, it detaches on gdb's behalf; when a Ctrl-C gets no answer, it asks for a break-in by NMI.
// While a gdb holds the target it sends heartbeats, so that the stub can tell a person who thinks from a link that is
// dead: a single byte between packets, which other stubs skip (gdbstub/packet/PacketReceiver.h).
// Pure: bytes and the time come in, bytes go out through the callbacks, so every sequence can be tested.
// The protocol: "Overview" and "Packets" in appendix E of the gdb manual.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tracer {

class GdbProxy {
public:
    using Bytes = std::span<const uint8_t>;
    using Time = std::chrono::steady_clock::time_point;

    /// How long a Ctrl-C, a detach or what a client says first may go unanswered before the NMI, and how long after
    /// that before giving up.
    static constexpr std::chrono::seconds patience{2};
    static constexpr std::chrono::seconds patience_after_nmi{5};

    static constexpr char heartbeat = 0x16;
    static constexpr std::chrono::seconds heartbeat_interval{1};

    struct Outputs {
        std::function<void(Bytes)> to_stub;
        std::function<void(Bytes)> to_client;
        std::function<void()> inject_nmi;
        /// The farewell to the stub has ended: another client may come.
        std::function<void()> on_free;
    };

    explicit GdbProxy(Outputs outputs)
        : m_outputs(std::move(outputs)) {}

    /// A client has connected; only when is_free().
    void client_attached();
    void client_bytes(Bytes bytes, Time now);
    /// The client is gone. When it did not detach, is_free() becomes true only after the stub has answered.
    void client_gone(Time now);

    void stub_bytes(Bytes bytes, Time now);

    /// The channel to the stub is gone, and with it the client. True when the stub was not taken leave of: it may stand
    /// where the client left it, so take_leave() is owed when it is back.
    bool stub_gone();
    /// Detaches a stub that has no client; only when is_free(), which becomes true again when the stub has answered.
    void take_leave(Time now);

    /// When on_deadline() wants to be called next.
    std::optional<Time> deadline() const;
    void on_deadline(Time now);

    bool is_free() const { return m_state == State::Free; }
    /// A debugger is attached and holds the target.
    bool is_stopped() const { return m_state == State::Attached && m_halted; }

private:
    enum class State { Free, Attached, Leaving };

    /// Cuts one direction's bytes into acknowledgements, interrupts and packets.
    class Splitter {
    public:
        /// Calls `visit` with each whole unit: "+", "-", "\x03" or "$payload#cs" (also "%…" notifications).
        template <typename Visitor>
        void push(Bytes bytes, Visitor visit);
        void reset() { m_unit.clear(); }

    private:
        static constexpr size_t max_unit = 4u << 20;
        std::string m_unit;
        int m_checksum_digits = -1; ///< still to come; -1 before '#'
    };

    void client_unit(std::string_view unit, Time now);
    void client_packet(std::string_view payload, Time now);
    void stub_packet(std::string_view payload);
    bool holds_target() const { return m_state == State::Attached && m_spoke && !m_running && !m_detached; }
    void beat(Time now);
    void on_patience_ended(Time now);
    void become_free();

    Outputs m_outputs;
    State m_state = State::Free;
    Splitter m_from_client;
    Splitter m_from_stub;
    unsigned m_outstanding = 0; ///< replies that the client still expects, stop replies apart
    bool m_spoke = false;       ///< the client has sent a packet
    bool m_running = false;     ///< the client resumed the target and waits for a stop reply
    bool m_halted = false;      ///< the stub has reported a stop
    bool m_no_ack = false;
    bool m_no_ack_requested = false;
    bool m_detach_requested = false;
    bool m_detached = false;
    bool m_nmi_sent = false;
    bool m_client_beats = false; ///< it is a proxy itself: its heartbeats are passed on, and are the only ones
    std::optional<Time> m_next_heartbeat;
    std::optional<Time> m_deadline;
};

} // namespace tracer
