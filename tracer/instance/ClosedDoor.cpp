#include "tracer/instance/ClosedDoor.h"

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <mutex>

namespace tracer {

using std::chrono::milliseconds;

struct ClosedDoor::Admissions {
    std::mutex mutex;
    std::map<ChannelName, Admission> decided;
};

ClosedDoor::ClosedDoor(LinkIdentity identity, std::string name)
    : m_identity(std::move(identity))
    , m_name(std::move(name))
    , m_key(load_key(m_identity))
    , m_admissions(std::make_shared<Admissions>()) {}

Result<FileDescriptor> ClosedDoor::guard(FileDescriptor stream, ChannelName channel) const {
    RelayOptions options;
    options.wish.channel = kind_of(channel);
    // No more than the channel is good for.
    options.wish.role = channel == ChannelName::Trace || channel == ChannelName::Crash
                            ? wire::minimum_role(options.wish.channel)
                            : m_identity.role;
    options.key = m_key.value_or(nullptr);
    options.key_name = key_name(m_identity);
    options.on_decided = [admissions = m_admissions, name = m_name, channel](const Admission& admission) {
        if (admission.failure && admission.failure->refused && channel == ChannelName::Control)
            fmt::print(stderr, "uniscope: {} lets us in nowhere: {}\n", name, admission.failure->error.message);
        const std::lock_guard lock(admissions->mutex);
        admissions->decided[channel] = admission;
    };
    return start_handshake_relay(std::move(stream), std::move(options));
}

namespace {

class GuardedLink final : public Link {
public:
    GuardedLink(std::unique_ptr<Link> inner, const ClosedDoor& door)
        : m_inner(std::move(inner))
        , m_door(door) {}

    std::string_view kind() const override { return m_inner->kind(); }
    bool has(ChannelName channel) const override { return m_inner->has(channel); }
    milliseconds retry_pause() const override { return m_inner->retry_pause(); }
    nlohmann::json statistics() const override { return m_inner->statistics(); }
    Result<FileDescriptor> open(ChannelName channel, const OpenOptions& options) override {
        auto stream = TRY(m_inner->open(channel, options));
        return channel == ChannelName::Console ? std::move(stream) : m_door.guard(std::move(stream), channel);
    }

private:
    std::unique_ptr<Link> m_inner;
    ClosedDoor m_door;
};

} // namespace

std::unique_ptr<Link> ClosedDoor::guarded(std::unique_ptr<Link> link) const {
    return std::make_unique<GuardedLink>(std::move(link), *this);
}

bool ClosedDoor::is_decided(ChannelName channel) const {
    const std::lock_guard lock(m_admissions->mutex);
    return !m_key || m_admissions->decided.contains(channel);
}

Result<> ClosedDoor::check(ChannelName channel) const {
    if (!m_key)
        return fail(fmt::format("{} was started closed: it asks for a key, and {}", m_name, m_key.error().message),
                    m_key.error().hint);
    const std::lock_guard lock(m_admissions->mutex);
    const auto found = m_admissions->decided.find(channel);
    if (found == m_admissions->decided.end())
        return fail(fmt::format("{} was started closed and does not answer on {}", m_name, name_of(channel)),
                    "Either it still boots, or no key is enrolled in it: `uniscope key enroll` shows how.");
    if (found->second.failure)
        return std::unexpected(found->second.failure->error);
    return {};
}

} // namespace tracer
