#pragma once
// Link: one end of the framed serial line (docs/serial-link.md): bytes of the line in and out on one side, five byte
// streams on the other, each reliable, in order and flow-controlled, whatever the line does to its bytes.
//
// Pure: memory is brought by the owner, time is passed in, bytes are pushed in and taken out; so guest and host are the
// same code, and a test can be both. One caller at a time, any context that may take the owner's lock.
//
// The owner calls next_frame() until it gives nothing: after receive(), after anything was written or read, and at
// deadline(). What it gives is to be put on the line whole and in order.
//
// Cost: some tens of instructions per byte on the line, a few hundred per frame.

#include "probes/serial/Flights.h"
#include "probes/serial/FrameReceiver.h"
#include "probes/serial/Handshake.h"
#include "probes/serial/LineEstimate.h"
#include "probes/serial/Streams.h"

#include <array>
#include <utility>

namespace serial {

inline constexpr size_t channel_count = wire::serial_channel_count;

class Link final : private FrameReceiver::Sink {
public:
    /// Rings by channel, powers of two up to wire::serial_max_window. [0] is not used.
    struct Buffers {
        std::array<std::span<uint8_t>, channel_count> send;
        std::array<std::span<uint8_t>, channel_count> receive;
    };
    /// Where the peer's clear text goes, from within receive() and next_frame().
    class TextSink {
    public:
        virtual void on_text(std::span<const uint8_t> text) = 0;

    protected:
        ~TextSink() = default;
    };

    constexpr Link(SerialRole role, bool plain_allowed, const Buffers& buffers, TextSink& text)
        : m_role(role)
        , m_handshake(role, plain_allowed)
        , m_text(text)
        , m_send{make_streams<SendStream>(buffers.send, std::make_index_sequence<channel_count>())}
        , m_receive{make_streams<ReceiveStream>(buffers.receive, std::make_index_sequence<channel_count>())} {}

    /// Looks for a peer. `entropy` differs between any two runs; `now` is not 0.
    void start(uint64_t entropy, Time now);
    /// Says Bye if there is a session, and nothing after it.
    void stop();

    // --- The line

    void receive(std::span<const uint8_t> bytes_untrusted, Time now);
    /// The next frame for the line; valid until the next call. Empty: nothing to send now.
    std::span<const uint8_t> next_frame(Time now);
    /// When next_frame() may have something although nothing was received, written or read.
    Time deadline() const;

    // --- The channels. Nothing passes without a session: write() and read() then take and give nothing.

    bool is_up() const { return m_handshake.is_up(); }
    /// Counts beginnings and ends of sessions: odd while one is up.
    uint32_t connection() const { return m_connection; }
    /// Names the session, the same at both ends; 0: none. For messages and tests.
    uint64_t session() const { return m_handshake.session(); }
    size_t write(SerialChannel channel, std::span<const uint8_t> bytes);
    size_t room(SerialChannel channel) const { return is_up() ? send_of(channel).room() : 0; }
    /// The peer has all that was written.
    bool is_settled(SerialChannel channel) const { return !is_up() || send_of(channel).is_settled(); }
    size_t unacknowledged(SerialChannel channel) const { return is_up() ? send_of(channel).unacknowledged() : 0; }
    size_t read(SerialChannel channel, std::span<uint8_t> out);
    size_t readable(SerialChannel channel) const { return is_up() ? receive_of(channel).readable() : 0; }
    /// Channels, a bit each, that have something to read or room again, or whose session began or ended, since the last
    /// call.
    unsigned take_changes() {
        unsigned changes = m_changes;
        m_changes = 0;
        return changes;
    }

    Encoding encoding() const { return m_handshake.encoding(); }
    const LineEstimate& estimate() const { return m_estimate; }
    /// The version that the peer speaks; 0 before it was heard.
    uint8_t peer_version() const { return m_handshake.peer_version(); }

    struct Statistics {
        uint64_t frames_sent = 0;
        uint64_t frames_received = 0;
        uint64_t frames_damaged = 0; ///< pieces of the line that were no frame any more
        uint64_t frames_lost = 0;    ///< of those sent, as the peer says
        uint64_t time_outs = 0;
        uint64_t data_sent = 0; ///< bytes of streams, repetitions included
    };
    const Statistics& statistics() const { return m_statistics; }

    /// A session ends for the guest when the host was not heard in so many times the interval at which the host sends
    /// something, whatever happens.
    static constexpr Time keepalive_interval = 1'000'000;
    static constexpr unsigned max_silent_intervals = 10;
    /// How long the Ack of a channel that nobody waits for may wait for more to acknowledge.
    static constexpr Time ack_delay = 2'000;
    /// Transmissions under way that trace, crash and console may have; the rest is for gdb and control.
    static constexpr unsigned bulk_flights = 48;
    /// A channel that others were preferred to so many times has the next frame; and so many frames in proper order are
    /// between two such favours.
    static constexpr unsigned patience = 16;
    static constexpr unsigned in_order_between = 3;

private:
    template <typename Stream, size_t... index>
    static constexpr std::array<Stream, channel_count>
    make_streams(const std::array<std::span<uint8_t>, channel_count>& rings, std::index_sequence<index...>) {
        return {Stream(rings[index])...};
    }
    static constexpr bool is_urgent(size_t channel) { return channel <= static_cast<size_t>(SerialChannel::Control); }
    static constexpr unsigned all_channels = ((1u << channel_count) - 1) & ~1u;

    SendStream& send_of(SerialChannel channel) { return m_send[static_cast<size_t>(channel)]; }
    const SendStream& send_of(SerialChannel channel) const { return m_send[static_cast<size_t>(channel)]; }
    ReceiveStream& receive_of(SerialChannel channel) { return m_receive[static_cast<size_t>(channel)]; }
    const ReceiveStream& receive_of(SerialChannel channel) const { return m_receive[static_cast<size_t>(channel)]; }

    // FrameReceiver::Sink
    void on_frame(const Frame& frame) override;
    void on_text(std::span<const uint8_t> text) override { m_text.on_text(text); }
    void on_damage() override;

    // Receiving: LinkReceive.cpp
    void on_data(const Frame& frame);
    void on_ack(const Frame& frame);
    void want_ack(bool at_once);
    void apply(Handshake::Change change);

    // Sending
    void check_time();
    void check_silence();
    Time retry_at() const;
    bool needs_push() const;
    std::span<const uint8_t> put(const Frame& frame, Encoding encoding, uint32_t seed);
    std::span<const uint8_t> put_in_session(const Frame& frame);
    std::span<const uint8_t> put_hello();
    std::span<const uint8_t> put_ack();
    std::span<const uint8_t> put_ping();
    std::span<const uint8_t> put_data();
    std::span<const uint8_t> put_copy();
    std::span<const uint8_t> put_range(SerialChannel channel, Range range, std::span<uint8_t> payload);
    size_t choose_channel();
    bool make_room();

    SerialRole m_role;
    Handshake m_handshake;
    FrameReceiver m_receiver;
    TextSink& m_text;
    Time m_now = 0; // of the call that runs
    uint32_t m_connection = 0;
    unsigned m_changes = 0;
    unsigned m_byes = 0; // still to say: m_frame holds it
    size_t m_bye_size = 0;
    Statistics m_statistics;

    std::array<SendStream, channel_count> m_send;
    Flights m_flights;
    LineEstimate m_estimate;
    Time m_retry_base = 0;      // the last that was sent or acknowledged
    Time m_push_interval = 0;   // between Pings while a peer takes nothing
    bool m_ping_wanted = false; // goes out whatever is under way
    bool m_retry = false;       // so does the next frame
    Time m_last_sent = 0;
    unsigned m_passed_over[channel_count] = {};
    unsigned m_in_order = 0; // frames since the last favour
    struct {
        SerialChannel channel = SerialChannel::Link;
        Range range;
        unsigned copies = 0;
    } m_last_data; // transmission

    std::array<ReceiveStream, channel_count> m_receive;
    Arrivals m_arrivals;
    Time m_ack_at = no_deadline;
    unsigned m_ack_copies = 0;            // of the last one, said already
    unsigned m_unacknowledged = 0;        // frames since the last Ack
    unsigned m_ack_channels = 0;          // whose entries the next Ack has ...
    unsigned m_ack_channels_before = 0;   // ... and the last one had: each is said twice, for one may be lost
    Place m_promised[channel_count] = {}; // limits, as the last Ack gave them
    Time m_silence_check = 0;
    unsigned m_silent_intervals = 0;

    LineBuffer m_frame = {};
};

} // namespace serial
