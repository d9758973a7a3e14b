#include "tracer/auth/AuthenticatedChannel.h"

#include "tracer/link/Connect.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace tracer {

using std::chrono::milliseconds;

namespace {

/// A terminal, a pipe or a socket, blocking or not.
Result<> write_all(int descriptor, ByteSpan bytes, const Patience& patience) {
    while (!bytes.empty()) {
        if (!TRY(patience.wait(descriptor, POLLOUT)))
            return fail("the instance takes nothing in");
        // A blocking descriptor that is ready takes at least this much without a wait.
        const ssize_t count = ::write(descriptor, bytes.data(), std::min<size_t>(bytes.size(), PIPE_BUF));
        if (count >= 0)
            bytes = bytes.subspan(static_cast<size_t>(count));
        else if (errno != EINTR && errno != EAGAIN)
            return fail_errno("cannot talk to the instance", errno);
    }
    return {};
}

/// Empty at the end of the stream, nothing when the time is over.
Result<std::optional<std::vector<uint8_t>>> read_up_to(int descriptor, size_t size, const Patience& patience) {
    std::vector<uint8_t> bytes(size);
    while (true) {
        if (!TRY(patience.wait(descriptor, POLLIN)))
            return std::nullopt;
        const ssize_t count = ::read(descriptor, bytes.data(), bytes.size());
        if (count >= 0) {
            bytes.resize(static_cast<size_t>(count));
            return bytes;
        }
        if (errno == ECONNRESET || errno == EIO) // EIO: a terminal's other side is closed
            return std::vector<uint8_t>();
        if (errno != EINTR && errno != EAGAIN)
            return fail_errno("cannot hear the instance", errno);
    }
}

Error silence(const ClientHandshake& handshake) {
    if (handshake.skipped() > 0)
        return {"what answers does not shake hands",
                "An instance that was started open (uniscope.debug=open) asks for no key; else it is no instance."};
    return {"the instance does not answer",
            "It answers nobody unless a key is enrolled: `uniscope key enroll` shows how."};
}

/// One attempt. A refusal is left in the handshake.
Result<> shake_hands(int descriptor, ClientHandshake& handshake, const Patience& patience) {
    while (!handshake.agreement() && !handshake.refusal() && !handshake.saw_frame()) {
        TRY(write_all(descriptor, handshake.take_output(), patience));
        const auto bytes = TRY(read_up_to(descriptor, handshake.wanted(), patience));
        if (!bytes)
            return std::unexpected(silence(handshake));
        if (bytes->empty())
            return fail("the instance closed the connection", "Perhaps it has ended: `uniscope ps` shows it.");
        TRY(handshake.push(*bytes));
    }
    return {};
}

} // namespace

Error explain_refusal(const wire::HandshakeRefuse& refusal, const ClientHandshake::Wish& wish, const std::string& key) {
    using wire::RefuseReason;
    const auto role = name_of(wish.role);
    switch (static_cast<RefuseReason>(refusal.reason)) {
    case RefuseReason::Version:
        return {fmt::format("the instance shakes hands by version {} to {}, this tool by {} to {}",
                            refusal.oldest_version, refusal.newest_version, wire::oldest_handshake_version,
                            wire::handshake_version),
                "Use tools of the image's age."};
    case RefuseReason::NoEntropy:
        return {"the instance has no random numbers, so it lets nobody in",
                "Give the machine a virtio-rng device, or a CPU with RDRAND."};
    case RefuseReason::RateLimited:
        return {fmt::format("there were failed attempts: the instance listens again in {} s",
                            (refusal.wait_ms + 999) / 1000),
                ""};
    case RefuseReason::UnknownKey:
        return {fmt::format("the instance does not know the key `{}`", key),
                fmt::format("`uniscope key enroll --role {} {}` prints the word for its kernel command line.",
                            wish.role == wire::Role::None ? "ROLE" : role, key)};
    case RefuseReason::Role:
        return {fmt::format("the key `{}` may not be {} there", key, role),
                "Ask for a lower role, or enroll the key with this one."};
    case RefuseReason::Channel:
        if (wish.role == wire::Role::None)
            return {fmt::format("the role of the key `{}` has nothing on the {} channel", key, name_of(wish.channel)),
                    fmt::format("It takes a key with the role {}.", name_of(wire::minimum_role(wish.channel)))};
        return {fmt::format("the role {} has nothing on the {} channel", role, name_of(wish.channel)),
                "Or this is another channel than it was taken for."};
    case RefuseReason::Signature:
        return {fmt::format("the instance did not accept the signature of the key `{}`", key),
                "Bytes may have been changed on the way."};
    case RefuseReason::Malformed:
        break;
    }
    return {"the instance did not understand the handshake", "Bytes may have been lost or changed on the way."};
}

bool AuthenticationFailure::is_final() const {
    using wire::RefuseReason;
    return refused == RefuseReason::UnknownKey || refused == RefuseReason::Role || refused == RefuseReason::Channel ||
           refused == RefuseReason::Version;
}

std::expected<AuthenticatedChannel, AuthenticationFailure>
authenticate(FileDescriptor descriptor, const ClientHandshake::Wish& wish, const PrivateKey& key,
             const std::string& key_name, const OpenOptions& options) {
    const Patience patience(options);
    const auto failed = [](Error error) { return std::unexpected(AuthenticationFailure{std::move(error), {}, false}); };
    while (true) {
        auto handshake = ClientHandshake::begin(key, wish);
        if (!handshake)
            return failed(handshake.error());
        if (const auto shaken = shake_hands(descriptor.get(), *handshake, patience); !shaken)
            return failed(shaken.error());
        if (handshake->saw_frame())
            return std::unexpected(AuthenticationFailure{silence(*handshake), {}, true});
        if (handshake->agreement())
            return AuthenticatedChannel(std::move(descriptor), *handshake->agreement());
        const wire::HandshakeRefuse& refusal = *handshake->refusal();
        const auto reason = static_cast<wire::RefuseReason>(refusal.reason);
        const auto wait = milliseconds(refusal.wait_ms);
        if (reason != wire::RefuseReason::RateLimited || wait >= patience.left() || !patience.pause(wait))
            return std::unexpected(AuthenticationFailure{explain_refusal(refusal, wish, key_name), reason, false});
    }
}

AuthenticatedChannel::AuthenticatedChannel(FileDescriptor descriptor, const Agreement& agreement)
    : m_descriptor(std::move(descriptor))
    , m_agreement(agreement) {
    if (agreement.protection == wire::Protection::Mac) {
        m_sealer.emplace(agreement.host_to_guest);
        m_opener.emplace(agreement.guest_to_host);
    }
}

std::vector<uint8_t> AuthenticatedChannel::outgoing(ByteSpan bytes) {
    if (m_sealer)
        return m_sealer->seal(bytes);
    return {bytes.begin(), bytes.end()};
}

Result<std::vector<uint8_t>> AuthenticatedChannel::incoming(ByteSpan bytes_untrusted) {
    if (m_opener)
        return m_opener->open(bytes_untrusted);
    return std::vector<uint8_t>(bytes_untrusted.begin(), bytes_untrusted.end());
}

Result<> AuthenticatedChannel::write(ByteSpan bytes, Milliseconds timeout) {
    return write_all(m_descriptor.get(), outgoing(bytes), Patience({.timeout = timeout, .stop = {}}));
}

Result<std::vector<uint8_t>> AuthenticatedChannel::read_some(Milliseconds timeout) {
    const Patience patience({.timeout = timeout, .stop = {}});
    while (!at_end()) {
        const auto bytes = TRY(read_up_to(m_descriptor.get(), 65536, patience));
        if (!bytes)
            return fail("the instance does not answer");
        if (bytes->empty())
            break;
        auto opened = TRY(incoming(*bytes));
        if (!opened.empty())
            return opened;
    }
    return std::vector<uint8_t>();
}

void AuthenticatedChannel::close(Milliseconds timeout) {
    if (m_sealer && m_descriptor)
        (void)write_all(m_descriptor.get(), m_sealer->seal_end(), Patience({.timeout = timeout, .stop = {}}));
    m_descriptor.reset();
}

} // namespace tracer
