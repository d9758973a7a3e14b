#include "tracer/instance/AttachedInstance.h"

#include "tracer/image/Image.h"
#include "tracer/instance/CrashFile.h"
#include "tracer/instance/InstanceServices.h"
#include "tracer/instance/LinkChannels.h"

#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <map>

namespace tracer {

namespace fs = std::filesystem;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

/// Until the link is open; a login over ssh is the slowest.
constexpr seconds ready_timeout{20};
/// From then on, for the first word of the instance, which one that is held in a debugger does not say.
constexpr seconds hello_timeout{4};
constexpr seconds probe_interval{2};
/// A guest that says nothing for so long is out of reach, unless a debugger holds it.
constexpr seconds silence_limit{10};
/// For detaching and for the end of a recording, before the supervisor goes.
constexpr seconds leave_timeout{8};
/// For the first holder of a transient instance, and for a gdb that was announced.
constexpr seconds arrival_timeout{15};

constexpr int crashed_status = 128 + SIGABRT;

/// One user at a time, wherever that user is: such a channel is open only while somebody here uses it.
bool is_on_demand(ChannelName channel) {
    return channel == ChannelName::Gdb || channel == ChannelName::Trace;
}

/// Over ssh, the supervisor over there has the key.
std::unique_ptr<Link> make_attached_link(const AttachOptions& options) {
    auto link = make_link(options.endpoint);
    if (options.endpoint.kind == Endpoint::Kind::Ssh)
        return link;
    return std::make_unique<AuthenticatedLink>(std::move(link), options.identity);
}

} // namespace

struct AttachedInstance::State {
    State(AttachOptions given, ClaimedName name)
        : options(std::move(given))
        , services(loop, std::move(name), [] {})
        , channels(loop, make_attached_link(options)) {}

    Result<> start();
    void connect_services();
    void connect_channels();
    void keep_channels();
    void wait_for_word(seconds time);
    void report_ready(const Result<>& result);

    void channel_open(ChannelName channel, std::shared_ptr<Channel> stream);
    void channel_failed(ChannelName channel, const Error& error);
    void channel_lost(ChannelName channel);
    void said_hello(const wire::HelloMessage& hello);
    void is_alive();
    void watch();
    void exited(const wire::ExitedMessage& message);
    void core_ended(const Result<fs::path>& core);
    void tell_end(int status, std::string how, std::string reason, const fs::path& core = {});

    /// The channel by which the instance is known to be there.
    ChannelName vital() const;
    bool is_reachable() const;
    std::string problem() const;
    nlohmann::json status() const;
    void manage(const nlohmann::json& request, const ManageServer::Answer& answer);
    void reach(const nlohmann::json& request, const ManageServer::Answer& answer);
    void answer_reaching(ChannelName channel, const Result<>& result);
    /// What was opened for somebody who does not come is closed after a while.
    void close_when_idle();
    bool is_free(ChannelName channel) const;
    void let_go(ChannelName channel);

    void leave();
    void finish();

    AttachOptions options;
    asio::io_context loop{1};
    InstanceServices services;
    LinkChannels channels;
    asio::signal_set signals{loop, SIGTERM};
    asio::steady_timer ready_timer{loop};
    asio::steady_timer watch_timer{loop};
    asio::steady_timer leave_timer{loop};
    asio::steady_timer arrival_timer{loop};
    asio::steady_timer idle_timer{loop}; ///< for channels that were reached and not used
    steady_clock::time_point last_alive{};
    std::map<ChannelName, std::vector<ManageServer::Answer>> reaching; ///< who waits for the channel
    std::optional<Ending> last_end;                                    ///< of the instance's latest life
    mutable bool has_control = false;
    bool was_reached = false;
    bool forget = false;
    bool leaving = false;
    bool finished = false;
};

Result<> AttachedInstance::State::start() {
    InstanceFacts& facts = services.facts;
    facts.image = options.image;
    facts.build_id = options.build_id;
    facts.cpus = 0;
    facts.pid = getpid();
    facts.started_unix = std::time(nullptr);
    facts.endpoint = to_string(options.endpoint);
    facts.transient = options.transient;
    facts.key = options.identity.key;
    facts.role = options.identity.role == wire::Role::None ? "" : name_of(options.identity.role);
    facts.link = channels.link().kind();
    signals.async_wait([this](asio::error_code error, int) {
        if (!error)
            leave();
    });
    connect_services();
    connect_channels();
    TRY(services.open());
    keep_channels();
    channels.keep(vital());
    wait_for_word(ready_timeout);
    if (options.transient) {
        arrival_timer.expires_after(ready_timeout + arrival_timeout);
        arrival_timer.async_wait([this](asio::error_code error) {
            if (!error && services.manager.holders() == 0)
                leave();
        });
    }
    watch();
    return {};
}

void AttachedInstance::State::connect_services() {
    services.on_request = [this](const nlohmann::json& request, const ManageServer::Answer& answer) {
        manage(request, answer);
    };
    services.manager.on_released = [this] {
        if (options.transient)
            leave();
    };
    services.console.on_lost = [this] { channel_lost(ChannelName::Console); };
    services.gdb.on_lost = [this] { channel_lost(ChannelName::Gdb); };
    services.gdb.on_wanted = [this] { channels.keep(ChannelName::Gdb); };
    services.gdb.on_idle = [this] { let_go(ChannelName::Gdb); };
    services.trace.on_wanted = [this] { channels.keep(ChannelName::Trace); };
    services.trace.on_idle = [this] { let_go(ChannelName::Trace); };
    services.trace.on_lost = [this] { channel_lost(ChannelName::Trace); };
    services.control.on_lost = [this] { channel_lost(ChannelName::Control); };
    services.control.on_hello = [this](const wire::HelloMessage& hello) { said_hello(hello); };
    services.control.on_alive = [this] { is_alive(); };
    services.control.on_exited = [this](const wire::ExitedMessage& message) { exited(message); };
    services.crash.on_lost = [this] { channel_lost(ChannelName::Crash); };
    services.crash.on_begin = [this] {
        services.say(fmt::format("{} crashed: {}", services.facts.name, services.crash.reason()));
    };
    services.crash.on_end = [this](const Result<fs::path>& core) { core_ended(core); };
}

/// Those that the link is known to have: a socket may appear later, and a line show itself to be framed.
void AttachedInstance::State::keep_channels() {
    for (const ChannelName channel : all_channels)
        if (!is_on_demand(channel) && channels.link().has(channel) && !leaving)
            channels.keep(channel);
}

void AttachedInstance::State::connect_channels() {
    channels.on_open = [this](ChannelName channel, std::shared_ptr<Channel> stream) {
        channel_open(channel, std::move(stream));
    };
    channels.on_failure = [this](ChannelName channel, const Error& error) { channel_failed(channel, error); };
}

void AttachedInstance::State::wait_for_word(seconds time) {
    ready_timer.expires_after(time);
    ready_timer.async_wait([this](asio::error_code error) {
        if (error)
            return;
        if (options.transient && services.has_channel(vital()))
            report_ready({}); // enough for gdb; other verbs say what they miss
        else
            report_ready(
                fail(problem(),
                     "It is held in a debugger, or another host has the channel, or no key of yours is enrolled in "
                     "it."));
    });
}

void AttachedInstance::State::report_ready(const Result<>& result) {
    ready_timer.cancel();
    if (options.on_ready)
        std::exchange(options.on_ready, nullptr)(result);
    if (!result && options.transient)
        leave();
}

void AttachedInstance::State::channel_open(ChannelName channel, std::shared_ptr<Channel> stream) {
    if (services.facts.link != channels.link().kind()) {
        services.facts.link = channels.link().kind();
        (void)services.write_facts();
    }
    services.set_channel(channel, std::move(stream));
    keep_channels();
    if (channel == ChannelName::Control) {
        // The guest greets a host that is new to it; one that it took for the same is asked.
        services.control.query_hello();
        services.control.probe();
        if (options.on_ready)
            wait_for_word(hello_timeout);
    }
    if (!is_on_demand(channel))
        return;
    const bool is_announced = reaching.contains(channel);
    answer_reaching(channel, {});
    if (channel == vital()) { // there is a line; whether a stub is at its end, only a stop would tell
        was_reached = true;
        report_ready({});
    }
    if (!is_announced && is_free(channel))
        let_go(channel);
}

bool AttachedInstance::State::is_free(ChannelName channel) const {
    return channel == ChannelName::Gdb ? services.gdb.is_free() : services.trace.is_free();
}

void AttachedInstance::State::let_go(ChannelName channel) {
    channels.drop(channel);
    if (channel == ChannelName::Gdb)
        services.gdb.let_stub_go();
    else
        services.trace.let_guest_go();
}

void AttachedInstance::State::channel_failed(ChannelName channel, const Error& error) {
    answer_reaching(channel, std::unexpected(error));
    if (channel == ChannelName::Gdb)
        services.gdb.refuse();
    if (channel == ChannelName::Trace)
        services.trace.refuse();
    if (is_on_demand(channel) && channel != vital() && !(channel == ChannelName::Gdb && services.gdb.owes_leave()))
        channels.drop(channel);
    if (channel == vital())
        report_ready(std::unexpected(error));
}

void AttachedInstance::State::channel_lost(ChannelName channel) {
    if (channel == ChannelName::Crash && services.crash.has_begun() && !services.crash.has_ended())
        services.say(fmt::format("{}: the link was cut in the middle of a core", services.facts.name));
    if (is_on_demand(channel) && !(channel == ChannelName::Gdb && services.gdb.owes_leave()))
        channels.drop(channel);
    else
        channels.lost(channel);
}

void AttachedInstance::State::said_hello(const wire::HelloMessage& hello) {
    const BuildId running = build_id_from_bytes(hello.build_id);
    if (!options.build_id.empty() && running != options.build_id)
        services.say(fmt::format("{} runs build {}, but {} is build {}", services.facts.name, running, options.image,
                                 options.build_id));
    last_end.reset();
    services.facts.build_id = running;
    services.facts.cpus = hello.cpu_count;
    (void)services.write_facts();
    is_alive();
    report_ready({});
}

void AttachedInstance::State::is_alive() {
    constexpr uint64_t page_size = 4096;
    last_alive = steady_clock::now();
    was_reached = true;
    if (const auto& guest = services.control.guest_status(); guest && services.facts.memory_mib == 0) {
        services.facts.memory_mib = static_cast<uint32_t>((guest->total_pages * page_size) >> 20);
        (void)services.write_facts();
    }
}

void AttachedInstance::State::watch() {
    watch_timer.expires_after(probe_interval);
    watch_timer.async_wait([this](asio::error_code error) {
        if (error)
            return;
        keep_channels();
        services.control.probe();
        watch();
    });
}

ChannelName AttachedInstance::State::vital() const {
    // A directory's sockets go with the machine: what was there once will be there again.
    has_control = has_control || channels.link().has(ChannelName::Control);
    return has_control ? ChannelName::Control : ChannelName::Gdb;
}

bool AttachedInstance::State::is_reachable() const {
    if (vital() == ChannelName::Gdb)
        return was_reached && !channels.problem(ChannelName::Gdb);
    return services.control.has_guest() &&
           (services.gdb.is_stopped() || (was_reached && steady_clock::now() - last_alive < silence_limit));
}

std::string AttachedInstance::State::problem() const {
    if (const auto& error = channels.problem(vital()))
        return error->message;
    return fmt::format("{} does not answer", to_string(options.endpoint));
}

nlohmann::json AttachedInstance::State::status() const {
    nlohmann::json status = services.status();
    const bool reachable = is_reachable();
    const bool tried = was_reached || !options.on_ready;
    status["state"] = services.gdb.is_stopped() ? "stopped"
                      : reachable               ? "running"
                      : last_end                ? last_end->how
                      : tried                   ? "unreachable"
                                                : "connecting";
    status["link"] = channels.link().kind();
    if (auto counts = channels.link().statistics(); !counts.is_null())
        status["line"] = std::move(counts);
    status["endpoint"] = services.facts.endpoint;
    status["reachable"] = reachable;
    if (!reachable && tried)
        status["problem"] = problem();
    if (last_end)
        status["last_end"] = to_json(*last_end);
    return status;
}

void AttachedInstance::State::exited(const wire::ExitedMessage& message) {
    services.control.acknowledge_exit();
    if (services.crash.has_begun())
        return; // the end of the core says the rest
    tell_end(static_cast<int>(message.status & 0xff), "exited", {});
}

void AttachedInstance::State::core_ended(const Result<fs::path>& core) {
    const uint32_t signal = services.crash.signal();
    const std::string& reason = services.crash.reason();
    if (!core)
        services.say(core.error().message);
    else if (const auto written = write_crash_sidecar(*core, services.facts, reason, "guest"); !written)
        services.say(written.error().message);
    tell_end(signal != 0 ? 128 + static_cast<int>(signal) : crashed_status, "crashed", reason,
             core.value_or(fs::path()));
}

/// The instance may be started again where it was started: this supervisor stays.
void AttachedInstance::State::tell_end(int status, std::string how, std::string reason, const fs::path& core) {
    last_end = Ending{status, std::move(how), std::move(reason), core.string(), std::time(nullptr)};
    services.say(fmt::format("{} {} with status {}", services.facts.name, last_end->how, status));
    services.answer_waiters(*last_end);
    last_alive = {};
}

void AttachedInstance::State::manage(const nlohmann::json& request, const ManageServer::Answer& answer) {
    const auto found = request.find("do");
    const std::string what = found != request.end() && found->is_string() ? found->get<std::string>() : "";
    const std::string& name = services.facts.name;
    if (what == "status")
        answer(status());
    else if (what == "reach")
        reach(request, answer);
    else if (what == "forget") {
        forget = true;
        answer({{"ok", true}});
        leave();
    } else if (what == "quit" || what == "kill")
        answer(failure_answer({fmt::format("{} was started by somebody else: it can be forgotten, not stopped", name),
                               fmt::format("Stop it where it was started; `uniscope rm {}` forgets it.", name)}));
    else if (what == "dump")
        answer(failure_answer({fmt::format("{} was started by somebody else: its hypervisor has its memory", name),
                               "With libvirt: virsh dump --memory-only; with QEMU: dump-guest-memory. A crash of it "
                               "still leaves a core here."}));
    else
        answer(failure_answer({"the supervisor does not know this request", "Use the tools of one release."}));
}

/// Opens a channel for who comes next, who would only see that the connection was closed.
void AttachedInstance::State::reach(const nlohmann::json& request, const ManageServer::Answer& answer) {
    const auto what = request.find("what");
    const auto channel =
        what != request.end() && what->is_string() ? parse_channel_name(what->get<std::string>()) : std::nullopt;
    if (!channel || !is_on_demand(*channel) || services.has_channel(*channel)) {
        answer({{"ok", true}});
        close_when_idle();
        return;
    }
    reaching[*channel].push_back(answer);
    channels.keep(*channel, request.value("steal", nlohmann::json()) == true);
}

void AttachedInstance::State::answer_reaching(ChannelName channel, const Result<>& result) {
    const auto waiting = reaching.extract(channel);
    if (waiting.empty())
        return;
    for (const auto& answer : waiting.mapped())
        answer(result ? nlohmann::json{{"ok", true}} : failure_answer(result.error()));
    close_when_idle();
}

void AttachedInstance::State::close_when_idle() {
    idle_timer.expires_after(arrival_timeout);
    idle_timer.async_wait([this](asio::error_code error) {
        for (const ChannelName idle : {ChannelName::Gdb, ChannelName::Trace})
            if (!error && services.has_channel(idle) && is_free(idle))
                let_go(idle);
    });
}

void AttachedInstance::State::leave() {
    if (std::exchange(leaving, true))
        return;
    services.manager.refuse_holders();
    leave_timer.expires_after(leave_timeout);
    leave_timer.async_wait([this](asio::error_code error) {
        if (!error)
            finish();
    });
    services.control.stop_recording();
    services.gdb.steal([this] { services.trace.steal([this] { finish(); }); });
}

void AttachedInstance::State::finish() {
    if (std::exchange(finished, true))
        return;
    channels.drop_all();
    services.close();
    services.console.close();
    for (asio::steady_timer* timer : {&ready_timer, &watch_timer, &leave_timer, &arrival_timer, &idle_timer})
        timer->cancel();
    signals.cancel();
    std::error_code ignored;
    if (forget || options.transient)
        fs::remove_all(services.directory(), ignored);
}

AttachedInstance::AttachedInstance(AttachOptions options, ClaimedName name)
    : m_state(std::make_unique<State>(std::move(options), std::move(name))) {}

AttachedInstance::~AttachedInstance() = default;

Result<> AttachedInstance::run() {
    State& state = *m_state;
    if (const auto started = state.start(); !started) {
        // What could not be registered leaves nothing.
        std::error_code ignored;
        if (!fs::exists(state.services.directory() / "instance.json", ignored))
            fs::remove_all(state.services.directory(), ignored);
        state.options.transient = false;
        state.report_ready(started);
        return started;
    }
    while (!state.finished)
        state.loop.run_one();
    state.loop.run_for(std::chrono::milliseconds(100)); // what is queued to be sent
    return {};
}

} // namespace tracer
