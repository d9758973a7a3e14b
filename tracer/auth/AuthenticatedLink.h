#pragma once
// AuthenticatedLink: a link to an instance that somebody else started, whose channels may ask for a key.
//
// Whether they do, the control channel tells: an open instance greets with a frame, one that asks for a key answers a
// handshake, and one that is held in a debugger says nothing for now. The other channels go by what is known of that.

#include "tracer/auth/HandshakeRelay.h"
#include "tracer/link/Link.h"

#include <memory>
#include <string>

namespace tracer {

/// Who the user is to an instance.
struct LinkIdentity {
    std::string key;                    ///< a name in the user's key store; empty: the default one, if there is any
    wire::Role role = wire::Role::None; ///< None: whichever the key has

    bool operator==(const LinkIdentity&) const = default;
};

/// The name of the key that is shown.
std::string key_name(const LinkIdentity& identity);
/// Fails, in words, when there is none.
Result<std::shared_ptr<const PrivateKey>> load_key(const LinkIdentity& identity);
wire::ChannelKind kind_of(ChannelName channel);

/// open() may be called from any thread, by several at once. Threads of open channels may outlive the link.
class AuthenticatedLink final : public Link {
public:
    AuthenticatedLink(std::shared_ptr<Link> inner, LinkIdentity identity);
    ~AuthenticatedLink() override;

    std::string_view kind() const override { return m_inner->kind(); }
    bool has(ChannelName channel) const override { return m_inner->has(channel); }
    std::chrono::milliseconds retry_pause() const override { return m_inner->retry_pause(); }
    nlohmann::json statistics() const override { return m_inner->statistics(); }
    Result<FileDescriptor> open(ChannelName channel, const OpenOptions& options) override;

private:
    struct Knowledge;

    Result<FileDescriptor> open_control(const OpenOptions& options);
    wire::Role role_for(ChannelName channel) const;
    Result<> check_role(ChannelName channel) const;
    Result<FileDescriptor> pass_guard(FileDescriptor stream, ChannelName channel, const OpenOptions& options);

    std::shared_ptr<Link> m_inner;
    LinkIdentity m_identity;
    std::shared_ptr<Knowledge> m_knowledge;
};

} // namespace tracer
