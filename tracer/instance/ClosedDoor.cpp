#include "tracer/instance/ClosedDoor.h"

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <mutex>

namespace tracer {

struct ClosedDoor::Admissions {
    std::mutex mutex;
    std::map<ChannelName, Admission> decided;
};

ClosedDoor::ClosedDoor(LinkIdentity identity, std::string name)
    : m_identity(std::move(identity))
    , m_name(std::move(name))
    , m_key(load_key(m_identity))
    , m_admissions(std::make_shared<Admissions>()) {}

Result<FileDescriptor> ClosedDoor::guard(FileDescriptor stream, ChannelName channel) {
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
