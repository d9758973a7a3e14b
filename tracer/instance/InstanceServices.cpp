#include "tracer/instance/InstanceServices.h"

#include <fmt/format.h>

#include <cstdio>
#include <ctime>

namespace tracer {

namespace {

std::string text_of(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

InstanceServices::InstanceServices(asio::io_context& loop, ClaimedName name, std::function<void()> inject_nmi)
    : console(loop, name.directory / "console.log", name.file_mode())
    , gdb(loop, std::move(inject_nmi))
    , control(loop)
    , trace(loop)
    , manager(loop, [this](const nlohmann::json& request,
                           ManageServer::Answer answer) { manage(request, std::move(answer)); })
    , m_name(std::move(name))
    , m_audit(m_name.directory / "audit.log", m_name.file_mode()) {
    control.on_audit = [this](const wire::AuditMessage& message) {
        if (const auto written = m_audit.append(message); !written)
            say(written.error().message);
    };
    facts.name = m_name.name;
    control.on_broken = [this](const Error& error) { say(error.message); };
    control.on_recording = [this](bool begins) {
        if (begins)
            trace.begin();
    };
    crash.open_file = [this] { return CrashFile::create(m_name.name); };
}

Result<> InstanceServices::open() {
    const mode_t mode = m_name.socket_mode();
    TRY(console.listen(directory() / "console.sock", mode));
    TRY(gdb.listen(directory() / "gdb.sock", mode));
    TRY(control.listen(directory() / "control.sock", mode));
    TRY(trace.listen(directory() / "trace.sock", mode));
    TRY(manager.listen(directory() / "manage.sock", mode));
    return write_facts();
}

Result<> InstanceServices::write_facts() const {
    return write_json(directory() / "instance.json", to_json(facts), m_name.file_mode());
}

void InstanceServices::close() {
    gdb.close();
    control.close();
    trace.close();
    crash.close();
    manager.close();
}

void InstanceServices::set_channel(ChannelName channel, std::shared_ptr<Channel> stream) {
    switch (channel) {
    case ChannelName::Console:
        console.set_guest(std::move(stream));
        break;
    case ChannelName::Gdb:
        gdb.set_stub(std::move(stream));
        break;
    case ChannelName::Control:
        control.set_guest(std::move(stream));
        break;
    case ChannelName::Trace:
        trace.set_guest(std::move(stream));
        break;
    case ChannelName::Crash:
        crash.set_guest(std::move(stream));
        break;
    }
}

bool InstanceServices::has_channel(ChannelName channel) const {
    switch (channel) {
    case ChannelName::Console:
        return console.has_guest();
    case ChannelName::Gdb:
        return gdb.has_stub();
    case ChannelName::Control:
        return control.has_guest();
    case ChannelName::Trace:
        return trace.has_guest();
    case ChannelName::Crash:
        break;
    }
    return crash.has_guest();
}

nlohmann::json InstanceServices::status() const {
    nlohmann::json status = {{"ok", true},
                             {"debugger", gdb.has_client()},
                             {"recording", trace.is_recording()},
                             {"recording_cut", trace.was_cut()},
                             {"hello", control.hello().has_value()},
                             {"channels", nlohmann::json::array()}};
    for (const ChannelName channel : all_channels)
        if (has_channel(channel))
            status["channels"].push_back(name_of(channel));
    if (const auto peer = gdb.client())
        status["debugger_by"] = describe(*peer);
    if (const auto peer = control.recorder())
        status["recording_by"] = describe(*peer);
    return status;
}

void InstanceServices::manage(const nlohmann::json& request, ManageServer::Answer answer) {
    const std::string what = text_of(request, "do");
    if (what == "wait")
        m_waiters.push_back(std::move(answer));
    else if (what == "steal")
        steal(text_of(request, "what"), answer);
    else
        on_request(request, std::move(answer));
}

void InstanceServices::steal(const std::string& what, const ManageServer::Answer& answer) {
    const auto done = [answer] { answer({{"ok", true}}); };
    if (what == "gdb")
        gdb.steal(done);
    else if (what == "recording") {
        control.stop_recording();
        trace.steal(done);
    } else
        answer(failure_answer({"the supervisor does not know what is to be taken over", ""}));
}

void InstanceServices::conclude(int status, std::string how, std::string reason, const std::filesystem::path& core) {
    if (!m_ending)
        m_ending = Ending{status, std::move(how), std::move(reason), core.string(), std::time(nullptr)};
}

void InstanceServices::publish_ending() {
    if (const auto written = write_json(directory() / "ending.json", to_json(*m_ending), m_name.file_mode()); !written)
        say(written.error().message);
    answer_waiters(*m_ending);
}

void InstanceServices::answer_waiters(const Ending& ending) {
    nlohmann::json summary = to_json(ending);
    summary["ok"] = true;
    for (const auto& answer : std::exchange(m_waiters, {}))
        answer(summary);
}

void InstanceServices::say(std::string_view text) const {
    fmt::print(stderr, "uniscope: {}\n", text);
}

} // namespace tracer
