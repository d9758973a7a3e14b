#include "tracer/auth/AuthenticatedChannel.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

namespace tracer {

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

milliseconds until(Clock::time_point deadline) {
    return std::max(std::chrono::ceil<milliseconds>(deadline - Clock::now()), milliseconds(0));
}

Result<> wait_for(int descriptor, short events, milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (true) {
        pollfd entry{descriptor, events, 0};
        const int count = poll(&entry, 1, static_cast<int>(until(deadline).count()));
        if (count > 0)
            return {};
        if (count == 0)
            return fail("the instance does not answer");
        if (errno != EINTR)
            return fail_errno("cannot wait for the instance", errno);
    }
}

/// A terminal, a pipe or a socket.
Result<> write_all(int descriptor, ByteSpan bytes, milliseconds timeout) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
        if (count >= 0)
            bytes = bytes.subspan(static_cast<size_t>(count));
        else if (errno == EAGAIN) {
            if (!wait_for(descriptor, POLLOUT, timeout))
                return fail("the instance takes nothing in");
        } else if (errno != EINTR)
            return fail_errno("cannot talk to the instance", errno);
    }
    return {};
}

/// Empty at the end of the stream.
Result<std::vector<uint8_t>> read_up_to(int descriptor, size_t size, milliseconds timeout) {
    std::vector<uint8_t> bytes(size);
    while (true) {
        TRY(wait_for(descriptor, POLLIN, timeout));
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

Error explain(const wire::HandshakeRefuse& refusal, const ClientHandshake::Wish& wish, const std::string& key) {
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
        return {
            fmt::format("the instance does not know the key `{}`", key),
            fmt::format("`uniscope key enroll --role {} {}` prints the word for its kernel command line.", role, key)};
    case RefuseReason::Role:
        return {fmt::format("the key `{}` may not be {} there", key, role),
                "Ask for a lower role, or enroll the key with this one."};
    case RefuseReason::Channel:
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

/// One attempt. A refusal is left in the handshake.
Result<> shake_hands(int descriptor, ClientHandshake& handshake, Clock::time_point deadline) {
    while (!handshake.agreement() && !handshake.refusal()) {
        TRY(write_all(descriptor, handshake.take_output(), until(deadline)));
        const auto bytes = read_up_to(descriptor, handshake.wanted(), until(deadline));
        if (!bytes && until(deadline) == milliseconds(0))
            return std::unexpected(silence(handshake));
        if (!bytes)
            return std::unexpected(bytes.error());
        if (bytes->empty())
            return fail("the instance closed the connection", "Perhaps it has ended: `uniscope ps` shows it.");
        TRY(handshake.push(*bytes));
    }
    return {};
}

} // namespace

Result<AuthenticatedChannel> authenticate(FileDescriptor descriptor, const ClientHandshake::Wish& wish,
                                          const PrivateKey& key, const std::string& key_name, milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (true) {
        auto handshake = TRY(ClientHandshake::begin(key, wish));
        TRY(shake_hands(descriptor.get(), handshake, deadline));
        if (handshake.agreement())
            return AuthenticatedChannel(std::move(descriptor), *handshake.agreement());
        const wire::HandshakeRefuse& refusal = *handshake.refusal();
        const auto wait = milliseconds(refusal.wait_ms);
        const bool is_limit = refusal.reason == static_cast<uint8_t>(wire::RefuseReason::RateLimited);
        if (!is_limit || Clock::now() + wait >= deadline)
            return std::unexpected(explain(refusal, wish, key_name));
        std::this_thread::sleep_for(wait);
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
    return write_all(m_descriptor.get(), outgoing(bytes), timeout);
}

Result<std::vector<uint8_t>> AuthenticatedChannel::read_some(Milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (!at_end()) {
        const auto bytes = TRY(read_up_to(m_descriptor.get(), 65536, until(deadline)));
        if (bytes.empty())
            break;
        auto opened = TRY(incoming(bytes));
        if (!opened.empty())
            return opened;
    }
    return std::vector<uint8_t>();
}

void AuthenticatedChannel::close(Milliseconds timeout) {
    if (m_sealer && m_descriptor)
        (void)write_all(m_descriptor.get(), m_sealer->seal_end(), timeout);
    m_descriptor.reset();
}

} // namespace tracer
