#include "tracer/auth/HandshakeRelay.h"

#include "tracer/link/Connect.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

namespace tracer {

using std::chrono::milliseconds;

namespace {

constexpr size_t piece_size = 65536;
/// What one side has sent and the other does not take: no more is read then.
constexpr size_t high_water = 256 << 10;
constexpr milliseconds goodbye_time{1000};

void make_nonblocking(int descriptor) {
    const int flags = fcntl(descriptor, F_GETFL);
    if (flags >= 0)
        (void)fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
}

/// What is still to be written to a descriptor.
class Backlog {
public:
    void add(const std::vector<uint8_t>& bytes) { m_bytes.insert(m_bytes.end(), bytes.begin(), bytes.end()); }
    bool empty() const { return m_bytes.empty(); }
    bool is_full() const { return m_bytes.size() > high_water; }
    /// All of it, to somebody who may be slow; gives up after `time` without progress.
    void drain_to(int descriptor, milliseconds time) {
        pollfd entry{descriptor, POLLOUT, 0};
        while (write_to(descriptor) && !m_bytes.empty() && poll(&entry, 1, static_cast<int>(time.count())) > 0) {
        }
    }
    /// As much as fits; false when nobody will take it any more.
    bool write_to(int descriptor) {
        while (!m_bytes.empty()) {
            const ssize_t count = ::write(descriptor, m_bytes.data(), m_bytes.size());
            if (count < 0 && errno == EINTR)
                continue;
            if (count < 0)
                return errno == EAGAIN;
            m_bytes.erase(m_bytes.begin(), m_bytes.begin() + count);
        }
        return true;
    }

private:
    std::vector<uint8_t> m_bytes;
};

/// Nothing when there is nothing just now, empty at the end.
std::optional<std::vector<uint8_t>> read_some(int descriptor, size_t size) {
    std::vector<uint8_t> bytes(std::min(size, piece_size));
    const ssize_t count = ::read(descriptor, bytes.data(), bytes.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return std::nullopt;
    bytes.resize(count > 0 ? static_cast<size_t>(count) : 0);
    return bytes;
}

/// Until one of them closes or sends what is not the instance's.
void pass_on(AuthenticatedChannel& channel, int user) {
    make_nonblocking(user);
    make_nonblocking(channel.descriptor());
    Backlog to_user, to_instance;
    while (true) {
        const auto events = [](const Backlog& out, const Backlog& in) {
            return static_cast<short>((out.empty() ? 0 : POLLOUT) | (in.is_full() ? 0 : POLLIN));
        };
        std::array<pollfd, 2> entries = {pollfd{channel.descriptor(), events(to_instance, to_user), 0},
                                         pollfd{user, events(to_user, to_instance), 0}};
        for (pollfd& entry : entries)
            if (entry.events == 0)
                entry.fd = -1; // its end would be told over and over
        if (poll(entries.data(), entries.size(), -1) < 0)
            continue;
        if ((entries[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !to_user.is_full()) {
            const auto bytes = read_some(channel.descriptor(), piece_size);
            const auto opened = bytes && !bytes->empty() ? channel.incoming(*bytes) : std::vector<uint8_t>();
            if (opened)
                to_user.add(*opened);
            if (!opened || channel.at_end() || (bytes && bytes->empty())) {
                to_user.drain_to(user, goodbye_time);
                return;
            }
        }
        if ((entries[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !to_instance.is_full()) {
            const auto bytes = read_some(user, piece_size);
            if (bytes && bytes->empty()) {
                to_instance.drain_to(channel.descriptor(), goodbye_time);
                return;
            }
            if (bytes)
                to_instance.add(channel.outgoing(*bytes));
        }
        if (!to_user.write_to(user) || !to_instance.write_to(channel.descriptor()))
            return;
    }
}

/// The thread's life.
class Relay {
public:
    Relay(FileDescriptor instance, FileDescriptor user, RelayOptions options)
        : m_instance(std::move(instance))
        , m_user(std::move(user))
        , m_options(std::move(options)) {}

    void run() {
        auto admitted = admit();
        if (!admitted) {
            decide({.failure = admitted.error()});
            return;
        }
        decide({.is_open = m_is_open, .role = admitted->role(), .failure = {}});
        pass_on(*admitted, m_user.get());
        admitted->close(goodbye_time);
    }

private:
    using Admitted = std::expected<AuthenticatedChannel, AuthenticationFailure>;

    std::unexpected<AuthenticationFailure> failed(Error error) const {
        return std::unexpected(AuthenticationFailure{std::move(error), {}, false});
    }

    void decide(const Admission& admission) {
        if (m_options.on_decided)
            m_options.on_decided(admission);
    }

    /// Waits for bytes of the instance. False when the user has gone.
    bool wait_for_instance(milliseconds time) const {
        std::array<pollfd, 2> entries = {pollfd{m_instance.get(), POLLIN, 0}, pollfd{m_user.get(), POLLRDHUP, 0}};
        (void)poll(entries.data(), entries.size(), static_cast<int>(time.count()));
        return (entries[1].revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
    }

    bool sleep(milliseconds time) const {
        const auto until = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < until) {
            pollfd user{m_user.get(), POLLRDHUP, 0};
            if (poll(&user, 1, 50) > 0)
                return false;
        }
        return true;
    }

    /// Only an open instance is of use.
    Admitted wait_for_frames() {
        FrameSearch search;
        while (wait_for_instance(milliseconds(1000))) {
            const auto bytes = read_some(m_instance.get(), piece_size);
            if (bytes && bytes->empty())
                return failed({"the instance closed the connection", ""});
            if (bytes && search.finds(*bytes))
                return open_again();
        }
        return failed({"the user has gone", ""});
    }

    Admitted admit() {
        make_nonblocking(m_instance.get());
        Backlog output;
        output.add(m_options.greeting);
        if (!output.write_to(m_instance.get()))
            return failed({"the instance closed the connection", ""});
        return m_options.key ? shake_hands(std::move(output)) : wait_for_frames();
    }

    Admitted shake_hands(Backlog output) {
        while (true) {
            auto handshake = ClientHandshake::begin(*m_options.key, m_options.wish);
            if (!handshake)
                return failed(handshake.error());
            auto outcome = attempt(*handshake, output);
            if (!outcome)
                return std::unexpected(outcome.error());
            if (*outcome)
                return std::move(**outcome);
        }
    }

    /// Nothing: again, the instance's limit on attempts is over.
    std::expected<std::optional<AuthenticatedChannel>, AuthenticationFailure> attempt(ClientHandshake& handshake,
                                                                                      Backlog& output) {
        while (!handshake.agreement() && !handshake.refusal()) {
            output.add(handshake.take_output());
            if (!output.write_to(m_instance.get()))
                return failed({"the instance closed the connection", ""});
            if (!wait_for_instance(output.empty() ? milliseconds(1000) : milliseconds(20)))
                return failed({"the user has gone", ""});
            const auto bytes = read_some(m_instance.get(), handshake.wanted());
            if (!bytes)
                continue;
            if (bytes->empty())
                return failed({"the instance closed the connection", ""});
            if (const auto pushed = handshake.push(*bytes); !pushed)
                return failed(pushed.error());
            if (handshake.saw_frame()) {
                auto opened = open_again();
                if (!opened)
                    return std::unexpected(opened.error());
                return std::move(*opened);
            }
        }
        if (handshake.agreement())
            return AuthenticatedChannel(std::move(m_instance), *handshake.agreement());
        const wire::HandshakeRefuse& refusal = *handshake.refusal();
        const auto reason = static_cast<wire::RefuseReason>(refusal.reason);
        if (reason != wire::RefuseReason::RateLimited)
            return std::unexpected(
                AuthenticationFailure{explain_refusal(refusal, m_options.wish, m_options.key_name), reason, false});
        if (!sleep(milliseconds(refusal.wait_ms)))
            return failed({"the user has gone", ""});
        return std::nullopt;
    }

    Admitted open_again() {
        if (!m_options.reopen)
            return std::unexpected(AuthenticationFailure{
                {"the instance asks for no key", "It was started open (uniscope.debug=open)."}, {}, true});
        m_instance.reset();
        auto reopened = m_options.reopen();
        if (!reopened)
            return failed(reopened.error());
        m_is_open = true;
        return AuthenticatedChannel(std::move(*reopened), {.role = wire::Role::Operator});
    }

    FileDescriptor m_instance;
    FileDescriptor m_user;
    RelayOptions m_options;
    bool m_is_open = false;
};

} // namespace

Result<FileDescriptor> start_handshake_relay(FileDescriptor instance, RelayOptions options) {
    auto [ours, theirs] = TRY(socket_pair());
    std::thread([relay = std::make_unique<Relay>(std::move(instance), std::move(theirs), std::move(options))] {
        relay->run();
    }).detach();
    return std::move(ours);
}

Result<FileDescriptor> plain_end(AuthenticatedChannel channel) {
    if (channel.protection() == wire::Protection::None)
        return std::move(channel).take_descriptor();
    auto [ours, theirs] = TRY(socket_pair());
    std::thread([through = std::make_unique<AuthenticatedChannel>(std::move(channel)),
                 user = std::make_unique<FileDescriptor>(std::move(theirs))] {
        pass_on(*through, user->get());
        through->close(goodbye_time);
    }).detach();
    return std::move(ours);
}

} // namespace tracer
