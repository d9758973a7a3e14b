#pragma once
// Records: what stands on a line that others can write to, behind the handshake (probes/wire/Handshake.h). Each
// direction has a RecordSealer at one end and a RecordOpener at the other. No I/O, no lock, no heap.

#include "libos/auth/Hash.h"
#include "libos/base/Result.h"
#include "probes/wire/Handshake.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace auth {

/// One record at a time: seal(), then send pending() and tell how much of it was sent().
class RecordSealer {
public:
    constexpr RecordSealer() = default;
    RecordSealer(const RecordSealer&) = delete;
    RecordSealer& operator=(const RecordSealer&) = delete;

    void start(const Digest& key);
    /// Forgets the key and what is pending.
    void stop();

    /// At most wire::max_record_payload bytes, and only with nothing pending. No bytes: the end of the session.
    void seal(Bytes payload);
    Bytes pending() const { return Bytes(m_record).subspan(m_sent, m_size - m_sent); }
    void sent(size_t count) { m_sent += count; }

private:
    Digest m_key{};
    uint64_t m_sequence = 0;
    std::byte m_record[wire::max_record_payload + wire::record_overhead] = {};
    size_t m_size = 0;
    size_t m_sent = 0;
};

/// Give it wanted() bytes at a time; when a record is whole and right, take() its payload.
class RecordOpener {
public:
    constexpr RecordOpener() = default;
    RecordOpener(const RecordOpener&) = delete;
    RecordOpener& operator=(const RecordOpener&) = delete;

    void start(const Digest& key);
    void stop();

    /// How much of the present record is missing; 0 while there is payload to take, and when it is over.
    size_t wanted() const;

    enum class Outcome : uint8_t {
        More,    ///< the record is not whole yet
        Payload, ///< take() has something
        End,     ///< the peer has ended the session
        Forged,  ///< these bytes are not the peer's: rejected() has them, and nothing more is taken
    };
    Outcome push(Bytes bytes_untrusted);

    /// At most `out.size()` bytes of the payload; returns how many.
    size_t take(std::span<std::byte> out);
    bool has_payload() const { return m_taken < m_payload; }
    Bytes rejected() const { return Bytes(m_record).first(m_size); }

private:
    Digest m_key{};
    uint64_t m_sequence = 0;
    std::byte m_record[wire::max_record_payload + wire::record_overhead] = {};
    size_t m_size = 0;    ///< bytes of the present record that are here
    size_t m_payload = 0; ///< of a record that was found right
    size_t m_taken = 0;
    bool m_over = true;
};

} // namespace auth
