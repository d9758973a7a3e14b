#include "tracer/auth/AuthenticatedLink.h"

#include "tracer/auth/KeyStore.h"
#include "tracer/link/Connect.h"
#include "tracer/link/Frame.h"

#include <fmt/format.h>

#include <poll.h>
#include <unistd.h>

#include <condition_variable>
#include <map>
#include <mutex>

namespace tracer {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

/// A running instance answers in this time; one that does not is held, or has nothing to say to anybody.
constexpr milliseconds answer_time{1500};
/// For what the control channel finds out.
constexpr milliseconds door_time{3000};
/// What was refused is not tried again before: each attempt slows the instance's next ones down.
constexpr std::chrono::seconds refusal_time{30};
constexpr milliseconds glance{50};
/// A stub in a stopped machine polls for packets.
constexpr milliseconds stub_time{3000};

enum class Door { Unknown, Open, Guarded };

} // namespace

wire::ChannelKind kind_of(ChannelName channel) {
    switch (channel) {
    case ChannelName::Gdb:
        return wire::ChannelKind::Gdb;
    case ChannelName::Control:
        return wire::ChannelKind::Control;
    case ChannelName::Trace:
        return wire::ChannelKind::Trace;
    case ChannelName::Crash:
        return wire::ChannelKind::Crash;
    case ChannelName::Console:
        break;
    }
    return wire::ChannelKind::Console;
}

std::string key_name(const LinkIdentity& identity) {
    return identity.key.empty() ? std::string(default_key_name) : identity.key;
}

Result<std::shared_ptr<const PrivateKey>> load_key(const LinkIdentity& identity) {
    const auto store = TRY(KeyStore::open());
    return std::make_shared<const PrivateKey>(TRY(store.load(key_name(identity))));
}

struct AuthenticatedLink::Knowledge {
    static Error no_answer() { return {"the instance does not answer", "It may be held in a debugger."}; }

    struct Refusal {
        Error error;
        steady_clock::time_point when;
    };

    std::mutex mutex;
    std::condition_variable changed;
    Door door = Door::Unknown;
    Error control_error = no_answer();  ///< what there is to say while it does not answer
    wire::Role role = wire::Role::None; ///< as what the control channel let us in
    std::map<ChannelName, Refusal> refusals;

    void note(ChannelName channel, const AuthenticationFailure& failure) {
        const std::lock_guard lock(mutex);
        if (failure.is_final())
            refusals.insert_or_assign(channel, Refusal{failure.error, steady_clock::now()});
    }

    void note_control(const Admission& admission) {
        const std::lock_guard lock(mutex);
        control_error = admission.failure ? admission.failure->error : no_answer();
        if (const auto& failure = admission.failure) {
            if (failure->is_final())
                refusals.insert_or_assign(ChannelName::Control, Refusal{failure->error, steady_clock::now()});
            if (failure->refused)
                door = Door::Guarded;
        } else {
            door = admission.is_open ? Door::Open : Door::Guarded;
            role = admission.role;
        }
        changed.notify_all();
    }

    std::optional<Error> recent_refusal(ChannelName channel) {
        const std::lock_guard lock(mutex);
        const auto found = refusals.find(channel);
        if (found == refusals.end() || steady_clock::now() - found->second.when > refusal_time)
            return std::nullopt;
        return found->second.error;
    }

    Error silence() {
        const std::lock_guard lock(mutex);
        return control_error;
    }

    Door wait_for_door(milliseconds time, const std::stop_token& stop) {
        const auto deadline = steady_clock::now() + time;
        std::unique_lock lock(mutex);
        while (door == Door::Unknown && !stop.stop_requested() && steady_clock::now() < deadline)
            changed.wait_for(lock, glance);
        return door;
    }
};

AuthenticatedLink::AuthenticatedLink(std::shared_ptr<Link> inner, LinkIdentity identity)
    : m_inner(std::move(inner))
    , m_identity(std::move(identity))
    , m_knowledge(std::make_shared<Knowledge>()) {}

AuthenticatedLink::~AuthenticatedLink() = default;

namespace {

/// Whether gdb's protocol is spoken there, without a handshake before it. A guard takes the packet for noise.
Result<bool> stub_answers(int descriptor, const Patience& patience) {
    constexpr std::string_view packet = "$qAttached#8f";
    constexpr std::string_view answer = "$1#31";
    TRY(send_all(descriptor, {reinterpret_cast<const uint8_t*>(packet.data()), packet.size()}, patience.left()));
    std::string heard;
    while (TRY(patience.wait(descriptor, POLLIN))) {
        char letter = 0;
        const ssize_t size = ::read(descriptor, &letter, 1);
        if (size == 0)
            return fail("the instance closed the connection");
        if (size > 0)
            heard += letter;
        if (heard.ends_with(answer)) {
            const uint8_t acknowledgement = '+';
            TRY(send_all(descriptor, {&acknowledgement, 1}, patience.left()));
            return true;
        }
    }
    return false;
}

} // namespace

Result<FileDescriptor> AuthenticatedLink::open(ChannelName channel, const OpenOptions& options) {
    if (channel == ChannelName::Console || (!m_inner->has(ChannelName::Control) && m_identity.key.empty()))
        return m_inner->open(channel, options);
    if (const auto refused = m_knowledge->recent_refusal(channel))
        return std::unexpected(*refused);
    if (channel == ChannelName::Control)
        return open_control(options);
    const Door door =
        m_inner->has(ChannelName::Control) ? m_knowledge->wait_for_door(door_time, options.stop) : Door::Unknown;
    if (door == Door::Open)
        return m_inner->open(channel, options);
    if (door == Door::Unknown && channel != ChannelName::Gdb)
        return std::unexpected(m_knowledge->silence());
    if (const auto refused = check_role(channel); !refused)
        return std::unexpected(refused.error());
    auto stream = TRY(m_inner->open(channel, options));
    // An open instance that is held in a debugger has a stub that answers.
    if (door == Door::Unknown &&
        TRY(stub_answers(stream.get(), Patience({.timeout = stub_time, .stop = options.stop}))))
        return stream;
    return pass_guard(std::move(stream), channel, options);
}

Result<FileDescriptor> AuthenticatedLink::open_control(const OpenOptions& options) {
    const auto key = load_key(m_identity);
    if (!key && !m_identity.key.empty())
        return std::unexpected(key.error());
    auto stream = TRY(m_inner->open(ChannelName::Control, options));
    RelayOptions relay;
    relay.wish = {.channel = wire::ChannelKind::Control, .role = m_identity.role};
    relay.key = key.value_or(nullptr);
    relay.key_name = key_name(m_identity);
    relay.greeting = encode_frame(wire::FrameType::QueryHello, 0);
    relay.reopen = [inner = m_inner,
                    again = OpenOptions{.timeout = options.timeout, .steal = options.steal, .stop = {}}] {
        return inner->open(ChannelName::Control, again);
    };
    struct Verdict {
        std::mutex mutex;
        std::condition_variable changed;
        std::optional<Admission> admission;
    };
    const auto verdict = std::make_shared<Verdict>();
    relay.on_decided = [verdict, knowledge = m_knowledge](const Admission& admission) {
        knowledge->note_control(admission);
        const std::lock_guard lock(verdict->mutex);
        verdict->admission = admission;
        verdict->changed.notify_all();
    };
    auto ours = TRY(start_handshake_relay(std::move(stream), std::move(relay)));
    const auto deadline = steady_clock::now() + answer_time;
    std::unique_lock lock(verdict->mutex);
    while (!verdict->admission && !options.stop.stop_requested() && steady_clock::now() < deadline)
        verdict->changed.wait_for(lock, glance);
    if (verdict->admission && verdict->admission->failure)
        return std::unexpected(verdict->admission->failure->error);
    if (!verdict->admission && !key) {
        const std::lock_guard known(m_knowledge->mutex);
        m_knowledge->control_error =
            Error{"the instance does not answer: it is held in a debugger, or it asks for a key and you have none",
                  "Make one: uniscope key new; `uniscope key enroll` shows how to let it in."};
    } else if (!verdict->admission) {
        const std::lock_guard known(m_knowledge->mutex);
        m_knowledge->control_error =
            Error{"the instance does not answer",
                  "It is held in a debugger, or no key is enrolled in it: `uniscope key enroll` shows how."};
    }
    return ours;
}

wire::Role AuthenticatedLink::role_for(ChannelName channel) const {
    const wire::ChannelKind kind = kind_of(channel);
    if (kind != wire::ChannelKind::Gdb)
        return wire::minimum_role(kind); // no more than the channel is good for
    const std::lock_guard lock(m_knowledge->mutex);
    return m_identity.role != wire::Role::None ? m_identity.role : m_knowledge->role;
}

/// A role that is too low needs no attempt.
Result<> AuthenticatedLink::check_role(ChannelName channel) const {
    const wire::Role needed = wire::minimum_role(kind_of(channel));
    const std::lock_guard lock(m_knowledge->mutex);
    const wire::Role role = m_identity.role != wire::Role::None ? m_identity.role : m_knowledge->role;
    if (role == wire::Role::None || role >= needed)
        return {};
    return fail(fmt::format("a {} has nothing on the {} channel", name_of(role), name_of(channel)),
                fmt::format("That takes a key with the role {}.", name_of(needed)));
}

Result<FileDescriptor> AuthenticatedLink::pass_guard(FileDescriptor stream, ChannelName channel,
                                                     const OpenOptions& options) {
    const auto key = TRY(load_key(m_identity));
    auto admitted = authenticate(std::move(stream), {.channel = kind_of(channel), .role = role_for(channel)}, *key,
                                 key_name(m_identity), options);
    if (!admitted) {
        m_knowledge->note(channel, admitted.error());
        return std::unexpected(admitted.error().error);
    }
    return plain_end(std::move(*admitted));
}

} // namespace tracer
