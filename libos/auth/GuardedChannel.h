#pragma once
// GuardedChannel: a ByteChannel that nothing passes until the host has proved by the handshake who it is. Until then
// the owner sees a channel whose host is not connected; then it has a role(), and the bytes pass, on lines that others
// can write to in records with a MAC. When the host's end changes, or a record is forged, it is closed again.
//
// How its owner uses it: as any ByteChannel, in all three ways of use, and
//   - a thread calls advance() when Gate::work_due says so (libos/auth/Worker does): the arithmetic takes milliseconds;
//   - poll_stopped() does that arithmetic itself, so a stopped machine lets a new host in;
//   - polled_authenticate() does, in a crash.
//   - connection() changes with each session, so an owner that compares it starts afresh with each host, and asks
//   role().
//
// With uniscope.debug=open it is the channel below it, unchanged. With no key enrolled it reads and drops everything.
//
// Locks: m_lock, outside of the channel's below. Costs, when open: a lock and two atomic loads a call; in records
// HMAC-SHA256 of the bytes and one copy, with interrupts off, of at most wire::max_record_payload bytes a time.

#include "libos/auth/Gate.h"
#include "libos/auth/Records.h"
#include "libos/drivers/ByteChannel.h"
#include "libos/sched/SpinLock.h"

#include <atomic>
#include <optional>

namespace auth {

class GuardedChannel final : public drivers::ByteChannel {
public:
    /// `gate` lives for ever.
    constexpr GuardedChannel(wire::ChannelKind kind, Gate& gate)
        : m_kind(kind)
        , m_gate(gate) {}

    /// Boot, once, before anything else: `inner`, which lives for ever and has no other user, and whether others can
    /// write to its line.
    void start(drivers::ByteChannel& inner, wire::Protection protection);
    bool is_started() const { return m_inner != nullptr; }
    /// Somebody has the host's end open, let in or not. Any context.
    bool has_peer() const { return m_inner != nullptr && m_inner->is_host_connected(); }

    /// Who is at the other end; nullopt when nobody has been let in. Any context but an NMI.
    std::optional<SessionInfo> session() const;
    /// Role::None when nobody has been let in.
    wire::Role role() const;

    /// Does what is due: the handshake's arithmetic, and reading on where a peer sends much that is no handshake.
    /// Thread context; on any number of CPUs.
    void advance();
    /// Sends the peer away.
    void end_session();
    /// When the world has stopped for good: waits for a host to come in. Error::TimedOut: none did.
    base::Result<> polled_authenticate(uint32_t timeout_ms);

    // ByteChannel. Without a session: no host is connected, writes are refused with Error::BrokenPipe, reads give
    // nothing.
    bool is_host_connected() const override;
    uint32_t connection() const override;
    void set_event_handler(EventHandler handler, void* context) override;
    base::Result<size_t> write_some(std::span<const std::byte> bytes) override;
    base::Result<> write_pages(memory::PhysicalAddress address, uint32_t length, WriteDone done,
                               void* context) override;
    size_t read(std::span<std::byte> out) override;
    base::Result<> poll_stopped() override;
    base::Result<> polled_write(std::span<const std::byte> bytes, uint32_t stall_ms) override;
    base::Result<> polled_write_pages(memory::PhysicalAddress address, uint32_t length, uint32_t stall_ms) override;
    base::Result<> polled_flush(uint32_t stall_ms) override;
    base::Result<size_t> polled_read(std::span<std::byte> out) override;

private:
    /// What a call has found out and tells when it has let go of the lock.
    struct News {
        std::optional<SessionInfo> began;
        std::optional<SessionInfo> ended;
        SessionEnd why = SessionEnd::PeerLeft;
        std::optional<RefusedAttempt> refused;
        WriteDone written = nullptr;
        void* written_context = nullptr;
    };
    /// Pages that are on their way in records, until `done` has been called.
    struct Pages {
        const std::byte* bytes = nullptr;
        uint32_t left = 0;
        WriteDone done = nullptr;
        void* context = nullptr;
    };
    /// How much a peer that is no session's may have read of it in one call: that may be an interrupt's.
    static constexpr size_t listening_budget = 4096;

    static void on_inner_event(void* context);
    void tell(const News& news);

    // With m_lock held, or in the world that has stopped for good.
    Handshake::Setup setup() const { return {m_kind, m_protection, m_gate.keys, m_gate.identity}; }
    bool has_records() const { return m_session->protection == wire::Protection::Mac; }
    void note_connection(News& news);
    void pump(News& news);
    void listen(News& news);
    void push_handshake(Bytes bytes_untrusted);
    void take_result(const Handshake::Job& job, News& news);
    bool is_work_due() const { return m_has_more || m_handshake.is_job_due(); }
    void begin_session(News& news);
    void close_session(SessionEnd why, News& news);
    bool flush_handshake();
    bool flush_records();
    void flush_pages();
    void note_written(News& news);
    size_t read_records(std::span<std::byte> out, News& news);
    void accept_records(Bytes bytes_untrusted, News& news);
    base::Result<> check_session() const;
    base::Result<> enter_polled();
    base::Result<> polled_write_records(Bytes bytes, uint32_t stall_ms);

    wire::ChannelKind m_kind;
    Gate& m_gate;
    drivers::ByteChannel* m_inner = nullptr;
    wire::Protection m_protection = wire::Protection::Mac;

    mutable sched::NoStopLock m_lock;
    Handshake m_handshake;
    std::optional<SessionInfo> m_session;
    uint32_t m_inner_connection = 0;
    bool m_has_more = false; ///< listening_budget was used up
    RecordSealer m_sealer;
    RecordOpener m_opener;
    Pages m_pages;
    EventHandler m_event_handler = nullptr;
    void* m_event_context = nullptr;

    // Written with m_lock held, read without.
    std::atomic<wire::Role> m_role{wire::Role::None};
    std::atomic<uint32_t> m_connection{0};
};

} // namespace auth
