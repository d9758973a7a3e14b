#pragma once
// A channel of an instance behind the handshake: a descriptor, and the records on it where the line needs them.
//
// For blocking use there are read_some() and write(). An event loop does its own I/O on descriptor() and sends its
// bytes through outgoing() and incoming().

#include "tracer/auth/ClientHandshake.h"
#include "tracer/auth/Records.h"
#include "tracer/link/Link.h"

#include <chrono>
#include <expected>
#include <optional>
#include <vector>

namespace tracer {

class AuthenticatedChannel {
public:
    using Milliseconds = std::chrono::milliseconds;

    AuthenticatedChannel(FileDescriptor descriptor, const Agreement& agreement);

    int descriptor() const { return m_descriptor.get(); }
    /// The descriptor; to be called when nothing stands between it and the plain bytes.
    FileDescriptor take_descriptor() && { return std::move(m_descriptor); }
    wire::Role role() const { return m_agreement.role; }
    wire::Protection protection() const { return m_agreement.protection; }
    /// Which instance it is, by what it said.
    const Agreement& agreement() const { return m_agreement; }

    /// What is to be written to the descriptor for these bytes.
    std::vector<uint8_t> outgoing(ByteSpan bytes);
    /// What the bytes that were read from the descriptor say; nothing while a record is not whole. Fails when bytes are
    /// not the instance's: the channel is to be closed.
    Result<std::vector<uint8_t>> incoming(ByteSpan bytes_untrusted);
    /// The instance has ended the session, though the descriptor is open still.
    bool at_end() const { return m_opener && m_opener->at_end(); }

    /// Writes everything, or fails after `timeout` without progress.
    Result<> write(ByteSpan bytes, Milliseconds timeout);
    /// Waits for bytes; empty at the end.
    Result<std::vector<uint8_t>> read_some(Milliseconds timeout);
    /// Tells the instance, on lines where it could not know, that nobody is here any more; then closes.
    void close(Milliseconds timeout);

private:
    FileDescriptor m_descriptor;
    Agreement m_agreement;
    std::optional<RecordSealer> m_sealer;
    std::optional<RecordOpener> m_opener;
};

/// A refusal in words; `key` is the key's name.
Error explain_refusal(const wire::HandshakeRefuse& refusal, const ClientHandshake::Wish& wish, const std::string& key);

struct AuthenticationFailure {
    Error error;
    std::optional<wire::RefuseReason> refused; ///< the instance's answer
    bool is_open = false;                      ///< it sends frames: it asks for no key

    /// The same attempt will fail again.
    bool is_final() const;
};

/// Shakes hands on a connected channel, within the options' time. `key_name` is for sentences. Waits out the instance's
/// limit on attempts if the time suffices.
std::expected<AuthenticatedChannel, AuthenticationFailure>
authenticate(FileDescriptor descriptor, const ClientHandshake::Wish& wish, const PrivateKey& key,
             const std::string& key_name, const OpenOptions& options);

} // namespace tracer
