#pragma once
// The handshake at the beginning of each gdb, control, trace and crash connection, and the records behind it on lines
// that others can write to. Guest and host include this one file; docs/control-protocol.md is the normative text.
//
// All integers are little-endian. Messages have fixed sizes in a version; the header is the same in all versions. What
// is reserved is 0.

#include <cstddef>
#include <cstdint>

namespace wire {

/// On the wire c5 'U' 'S' 'H'. No packet of gdb's and no frame begins with c5, so the host tells a guest that answers a
/// handshake from one that is open by the first byte.
inline constexpr uint32_t handshake_magic = 0x485355c5;
inline constexpr uint16_t handshake_version = 1;
inline constexpr uint16_t oldest_handshake_version = 1; ///< that today's guests and hosts still speak

enum class ChannelKind : uint8_t {
    Console = 0, ///< has no handshake
    Gdb = 1,
    Control = 2,
    Trace = 3,
    Crash = 4,
};

/// What a key may do; each role may do what those before it may.
enum class Role : uint8_t {
    None = 0,
    Tracer = 1,   ///< status, recordings, probes; no memory
    Observer = 2, ///< also memory, and registers of threads that do not run; changes nothing, stops nothing
    Operator = 3, ///< everything
};

/// What guards the bytes after the handshake.
enum class Protection : uint8_t {
    None = 0, ///< plain bytes: only the two ends can write to the connection
    Mac = 1,  ///< records, each with a sequence number and a MAC under a session key
};

enum class HandshakeType : uint8_t {
    Hello = 1,     ///< host: who it is, what it wants
    Challenge = 2, ///< guest: which instance this is, and its nonce
    Proof = 3,     ///< host: a signature over both messages
    Accept = 4,    ///< guest: from the next byte on, the channel is open
    Refuse = 5,    ///< guest: why not; instead of Challenge or Accept
};

enum class RefuseReason : uint8_t {
    Version = 1,     ///< the guest speaks oldest_version to newest_version
    NoEntropy = 2,   ///< the guest has no random numbers, so it serves nobody
    RateLimited = 3, ///< there were failed attempts: try again after wait_ms
    UnknownKey = 4,  ///< the key is not enrolled
    Role = 5,        ///< the key's role is lower than the one wanted
    Channel = 6,     ///< the role wanted has nothing on this channel, or the message is for another channel
    Signature = 7,   ///< the signature is not the key's over these messages
    Malformed = 8,   ///< no message of this protocol, or not the one that was due
};

struct HandshakeHeader {
    uint32_t magic;
    uint16_t version; ///< of the handshake that this message is part of
    uint8_t type;     ///< HandshakeType
    uint8_t channel;  ///< ChannelKind
    uint32_t length;  ///< bytes that follow
};
static_assert(sizeof(HandshakeHeader) == 12);

inline constexpr size_t nonce_size = 32;
inline constexpr size_t point_size = 65;            ///< 04, x, y: SEC 1, 2.3.3
inline constexpr size_t compressed_point_size = 33; ///< 02 or 03, x
inline constexpr size_t key_id_size = 16;           ///< of SHA-256 of the compressed point, the first bytes
inline constexpr size_t signature_size = 64;        ///< r, s, each big-endian
inline constexpr size_t mac_size = 16;              ///< of HMAC-SHA256, the first bytes
inline constexpr size_t build_id_size = 20;
inline constexpr size_t instance_id_size = 16;

struct HandshakeHello {
    HandshakeHeader header;
    uint8_t role;       ///< Role wanted; None: whichever the key has
    uint8_t protection; ///< Protection wanted; the guest may demand more
    uint8_t reserved[2];
    uint8_t key_id[key_id_size];
    uint8_t nonce[nonce_size];
    uint8_t ephemeral[point_size]; ///< ECDH on P-256
    uint8_t reserved_too[3];
};
static_assert(sizeof(HandshakeHello) == 132);

struct HandshakeChallenge {
    HandshakeHeader header;
    uint8_t protection; ///< Protection of this connection
    uint8_t reserved[3];
    uint8_t build_id[build_id_size];       ///< of the image; zeros if it has none
    uint8_t instance_id[instance_id_size]; ///< random, made at boot
    uint8_t nonce[nonce_size];
    uint8_t ephemeral[point_size];
    uint8_t reserved_too[3];
};
static_assert(sizeof(HandshakeChallenge) == 152);

struct HandshakeProof {
    HandshakeHeader header;
    uint8_t signature[signature_size];
};
static_assert(sizeof(HandshakeProof) == 76);

struct HandshakeAccept {
    HandshakeHeader header;
    uint8_t role;       ///< Role granted: the one wanted, or the key's
    uint8_t protection; ///< Protection from the next byte on
    uint8_t reserved[2];
    uint8_t confirmation[mac_size]; ///< MAC of this message with zeros here: the guest has the session key too
};
static_assert(sizeof(HandshakeAccept) == 32);

struct HandshakeRefuse {
    HandshakeHeader header;
    uint8_t reason; ///< RefuseReason
    uint8_t reserved;
    uint16_t oldest_version; ///< the guest's
    uint16_t newest_version;
    uint16_t reserved_too;
    uint32_t wait_ms; ///< 0 unless RateLimited
};
static_assert(sizeof(HandshakeRefuse) == 24);

inline constexpr size_t max_handshake_message = sizeof(HandshakeChallenge);

// What is hashed with SHA-256, each label with its terminating 0:
//   signed by the host's key   signature_label, Hello, Challenge
//   salt of the session keys   keys_label, Hello, Challenge, Proof
// Keys are HKDF-SHA256 (RFC 5869) of the ECDH's x coordinate with that salt and one of the infos (no terminating 0).
inline constexpr char signature_label[] = "uniscope handshake 1: signature";
inline constexpr char keys_label[] = "uniscope handshake 1: keys";
inline constexpr char host_to_guest_info[] = "host to guest";
inline constexpr char guest_to_host_info[] = "guest to host";
inline constexpr char confirmation_info[] = "confirmation";
inline constexpr size_t session_key_size = 32;

/// Protection::Mac: what stands before the payload of a record. The MAC stands behind it; it is the first mac_size
/// bytes of HMAC-SHA256 with the direction's key over the record's number as 8 bytes, this header, and the payload.
struct RecordHeader {
    uint16_t length; ///< bytes of payload; a record without any ends the session
    uint16_t reserved;
    uint32_t sequence; ///< the lower half of the record's number, which counts from 0 in each direction
};
static_assert(sizeof(RecordHeader) == 8);
inline constexpr size_t max_record_payload = 1024;
inline constexpr size_t record_overhead = sizeof(RecordHeader) + mac_size;

/// The lowest role that has anything on a channel. The crash channel carries memory.
constexpr Role minimum_role(ChannelKind channel) {
    switch (channel) {
    case ChannelKind::Control:
    case ChannelKind::Trace:
        return Role::Tracer;
    case ChannelKind::Gdb:
    case ChannelKind::Crash:
        return Role::Observer;
    case ChannelKind::Console:
        break;
    }
    return Role::Operator;
}

} // namespace wire
