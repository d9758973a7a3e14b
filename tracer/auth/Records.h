#pragma once
// Records on lines that others can write to (probes/wire/Handshake.h, docs/control-protocol.md): bytes to records and
// back.

#include "tracer/auth/Hash.h"

#include <vector>

namespace tracer {

/// One direction, sending.
class RecordSealer {
public:
    explicit RecordSealer(const Digest& key)
        : m_key(key) {}
    /// Any number of bytes, in as many records as it takes.
    std::vector<uint8_t> seal(ByteSpan bytes);
    /// The record that ends the session.
    std::vector<uint8_t> seal_end() { return seal_record({}); }

private:
    std::vector<uint8_t> seal_record(ByteSpan payload);

    Digest m_key;
    uint64_t m_sequence = 0;
};

/// One direction, receiving.
class RecordOpener {
public:
    explicit RecordOpener(const Digest& key)
        : m_key(key) {}

    /// What the records that are whole now say. Fails when one is not the peer's, after which it always does; what was
    /// right before that has been given out.
    Result<std::vector<uint8_t>> open(ByteSpan bytes_untrusted);
    /// The peer has ended the session.
    bool at_end() const { return m_ended; }

private:
    Digest m_key;
    uint64_t m_sequence = 0;
    std::vector<uint8_t> m_bytes;
    bool m_ended = false;
    bool m_forged = false;
};

} // namespace tracer
