#pragma once
// InstanceServices: what an instance offers to the rest of the tool, over its channels, whoever made these. Supervisor
// has it for a machine that it runs, AttachedInstance for one that somebody else started.

#include "tracer/instance/AuditLog.h"
#include "tracer/instance/ConsoleServer.h"
#include "tracer/instance/ControlHub.h"
#include "tracer/instance/CrashReceiver.h"
#include "tracer/instance/GdbServer.h"
#include "tracer/instance/ManageServer.h"
#include "tracer/instance/Registry.h"
#include "tracer/instance/TraceRelay.h"
#include "tracer/link/Link.h"

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace tracer {

/// Owns the instance's entry in the registry, its sockets, console log and crash files. On the event loop's thread.
class InstanceServices {
public:
    /// `inject_nmi` breaks into a guest that does not answer gdb; may do nothing.
    InstanceServices(asio::io_context& loop, ClaimedName name, std::function<void()> inject_nmi);

    /// What this does not answer itself: everything but `wait` and `steal`.
    ManageServer::Handler on_request;

    /// Opens the sockets and writes the facts: from here on, others find the instance.
    Result<> open();
    /// Closes sockets and channels, but for the console, whose last words may still be on their way.
    void close();

    /// Gives a channel to the service that it is for.
    void set_channel(ChannelName channel, std::shared_ptr<Channel> stream);
    bool has_channel(ChannelName channel) const;

    /// {"ok": true, "debugger": …, "recording": …, "recording_cut": …, "hello": …, "channels": […]}: the part of a
    /// status that any instance has.
    nlohmann::json status() const;

    /// The first call decides how the instance ended.
    void conclude(int status, std::string how, std::string reason = {}, const std::filesystem::path& core = {});
    const std::optional<Ending>& ending() const { return m_ending; }
    /// Writes the ending and tells it to those who wait.
    void publish_ending();
    /// Answers those who wait, of an instance that may live again.
    void answer_waiters(const Ending& ending);

    Result<> write_facts() const;

    void say(std::string_view text) const;

    const ClaimedName& name() const { return m_name; }
    const std::filesystem::path& directory() const { return m_name.directory; }
    InstanceFacts facts;

    ConsoleServer console;
    GdbServer gdb;
    ControlHub control;
    TraceRelay trace;
    CrashReceiver crash;
    ManageServer manager;

private:
    void manage(const nlohmann::json& request, ManageServer::Answer answer);
    void steal(const std::string& what, const ManageServer::Answer& answer);

    ClaimedName m_name;
    AuditLog m_audit;
    std::optional<Ending> m_ending;
    std::vector<ManageServer::Answer> m_waiters;
};

} // namespace tracer
