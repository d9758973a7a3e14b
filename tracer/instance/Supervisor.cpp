#include "tracer/instance/SupervisorState.h"

#include "tracer/image/Image.h"
#include "tracer/instance/Cpio.h"
#include "tracer/instance/Process.h"
#include "tracer/link/LineLink.h"

#include <fmt/format.h>
#include <sys/wait.h>

namespace tracer {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

constexpr seconds hello_timeout{60};
/// From QMP's quit to SIGKILL.
constexpr milliseconds quit_timeout{3000};
constexpr milliseconds door_patience{5000};
constexpr milliseconds door_look{20};

} // namespace

Result<Supervisor::State::Lines> Supervisor::State::launch() {
    LaunchOptions& launch = options.launch;
    fs::path initrd;
    if (launch.rootfs) {
        initrd = services.directory() / "rootfs.cpio";
        TRY(write_cpio(*launch.rootfs, initrd));
    }
    Lines ours;
    Lines theirs;
    QemuDescriptors descriptors{};
    std::vector<int> inherited;
    for (size_t line = 0; line < line_count; ++line) {
        if (!needs_line(launch, line))
            continue;
        auto pair = TRY(socket_pair());
        ours[line] = std::move(pair.first);
        theirs[line] = std::move(pair.second);
        descriptors[line] = theirs[line].get();
        inherited.push_back(descriptors[line]);
    }
    launch.input = options.foreground ? Terminal::kind_of_input() : ConsoleInput::None;
    launch.realtime_ns = std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
    const auto command = make_qemu_command(options.qemu, launch, options.accelerator, initrd, descriptors);
    if (options.verbose)
        services.say(fmt::format("running {}", fmt::join(command, " ")));
    qemu_pid = TRY(spawn(command, inherited, services.directory() / "qemu.log"));
    return ours;
}

Result<> Supervisor::State::start() {
    services.facts = {services.name().name,
                      options.launch.image.string(),
                      options.build_id,
                      options.launch.cpus,
                      options.launch.memory_mib,
                      std::string(name_of(options.launch.machine)),
                      std::string(name_of(options.accelerator)),
                      getpid(),
                      0,
                      std::time(nullptr),
                      std::string(name_of(options.launch.link)),
                      "",
                      false};
    handle_signals();
    Lines lines = TRY(launch());
    services.facts.qemu_pid = qemu_pid;
    if (options.launch.closed)
        door.emplace(options.launch.identity, services.name().name);
    connect_services();
    TRY(use_lines(std::move(lines)));
    return open_services();
}

void Supervisor::State::connect_services() {
    services.console.on_output = [this](Channel::Bytes bytes) {
        if (terminal)
            terminal->write(bytes);
    };
    services.console.on_lost = [this] {
        console_ended = true;
        if (qemu_pid < 0)
            finish();
    };
    services.control.on_hello = [this](const wire::HelloMessage& hello) { guest_said_hello(hello); };
    services.control.on_exited = [this](const wire::ExitedMessage& message) { guest_exited(message); };
    services.crash.on_begin = [this] { core_began(); };
    services.crash.on_end = [this](const Result<fs::path>& core) { core_ended(core); };
    services.on_request = [this](const nlohmann::json& request, ManageServer::Answer answer) {
        manage(request, std::move(answer));
    };
}

Result<> Supervisor::State::use_lines(Lines lines) {
    for (const ChannelName channel : all_channels) {
        auto& line = lines[static_cast<size_t>(channel)];
        if (!line)
            continue;
        if (channel != ChannelName::Console) {
            if (door)
                line = TRY(door->guard(std::move(line), channel));
            services.set_channel(channel, Channel::create(loop, std::move(line)));
        } else if (options.launch.link == LinkKind::Serial) {
            TRY(use_serial(std::move(line)));
        } else {
            use_console(Channel::create(loop, std::move(line)));
        }
    }
    qmp = std::make_unique<Qmp>(Channel::create(loop, std::move(lines[qmp_line])));
    qmp->on_event = [this](const std::string& event, const nlohmann::json& data) {
        if (event == "SHUTDOWN")
            machine_stopped(data);
    };
    qmp->on_ready = [this] {
        if (options.launch.wait == WaitFor::Boot || options.launch.closed)
            report_ready({}); // it may never say Hello to us
    };
    auto& vhost_user = lines[vhost_user_line];
    return vhost_user ? use_vsock(std::move(vhost_user)) : Result<>();
}

Result<> Supervisor::State::use_vsock(FileDescriptor vhost_user) {
    // The guest's own vsock ports are reached there, as with other hypervisors.
    vsock = TRY(VsockChannels::create(loop, std::move(vhost_user), services.directory() / "vsock.sock",
                                      [this](const std::string& what) { services.say(what); }));
    if (door)
        vsock->guard = [this](FileDescriptor stream, ChannelName channel) {
            return door->guard(std::move(stream), channel);
        };
    vsock->on_open = [this](ChannelName channel, std::shared_ptr<Channel> stream) {
        services.set_channel(channel, std::move(stream));
    };
    when_lost([this](ChannelName channel) {
        if (vsock)
            vsock->lost(channel);
    });
    for (const ChannelName channel : all_channels)
        if (!options.launch.has_line(channel))
            vsock->keep(channel);
    return {};
}

Result<> Supervisor::State::use_serial(FileDescriptor line) {
    std::unique_ptr<Link> framed =
        std::make_unique<LineLink>(std::move(line), fmt::format("{}'s serial line", services.facts.name));
    if (door)
        framed = door->guarded(std::move(framed));
    use_console(Channel::create(loop, TRY(framed->open(ChannelName::Console, {}))));
    serial = std::make_unique<LinkChannels>(loop, std::move(framed));
    serial->on_open = [this](ChannelName channel, std::shared_ptr<Channel> stream) {
        services.set_channel(channel, std::move(stream));
    };
    when_lost([this](ChannelName channel) {
        if (serial)
            serial->lost(channel);
    });
    for (const ChannelName channel : all_channels)
        if (channel != ChannelName::Console)
            serial->keep(channel);
    return {};
}

void Supervisor::State::use_console(std::shared_ptr<Channel> stream) {
    if (options.foreground)
        terminal = std::make_unique<Terminal>(loop, stream);
    services.set_channel(ChannelName::Console, std::move(stream));
}

void Supervisor::State::when_lost(const std::function<void(ChannelName)>& open_again) {
    services.control.on_lost = [open_again] { open_again(ChannelName::Control); };
    services.gdb.on_lost = [open_again] { open_again(ChannelName::Gdb); };
    services.trace.on_lost = [open_again] { open_again(ChannelName::Trace); };
    services.crash.on_lost = [open_again] { open_again(ChannelName::Crash); };
    // They are being opened all the time: who comes early waits.
    services.gdb.on_wanted = [] {};
    services.trace.on_wanted = [] {};
}

Result<> Supervisor::State::open_services() {
    TRY(services.open());
    ready_timer.expires_after(hello_timeout);
    ready_timer.async_wait([this](asio::error_code error) {
        if (error || !options.on_ready)
            return;
        const std::string& name = services.name().name;
        report_ready(fail(fmt::format("{} did not report within {} s that it is up", name, hello_timeout.count()),
                          fmt::format("What it printed last:\n{}", last_words())));
        end(failed_status, "failed", "it did not come up");
    });
    return {};
}

std::string Supervisor::State::last_words() const {
    return last_lines(read_console_log(services.directory() / "console.log").value_or(""), 10);
}

void Supervisor::State::handle_signals() {
    stop_signals.add(SIGTERM);
    if (options.foreground) {
        stop_signals.add(SIGINT);
        stop_signals.add(SIGHUP);
    }
    stop_signals.async_wait([this](asio::error_code error, int number) {
        if (error)
            return;
        end(128 + number, "stopped", fmt::format("{} was sent to its supervisor", strsignal(number)));
        stop_signals.async_wait([this](asio::error_code again, int) {
            if (!again)
                kill(qemu_pid, SIGKILL);
        });
    });
    child_signals.async_wait([this](asio::error_code error, int) {
        int wait_status = 0;
        if (!error && waitpid(qemu_pid, &wait_status, WNOHANG) == qemu_pid)
            machine_gone(wait_status);
    });
}

void Supervisor::State::report_ready(const Result<>& result) {
    ready_timer.cancel();
    if (options.on_ready)
        std::exchange(options.on_ready, nullptr)(result);
}

void Supervisor::State::guest_said_hello(const wire::HelloMessage& hello) {
    std::error_code ignored;
    fs::remove(services.directory() / "rootfs.cpio", ignored);
    if (const BuildId id = build_id_from_bytes(hello.build_id); id != options.build_id)
        services.say(fmt::format("{} says that it is build {}, but its file is build {}", services.name().name, id,
                                 options.build_id));
    if (!std::exchange(is_watched, true))
        watch_guest();
    report_ready({});
}

void Supervisor::State::guest_exited(const wire::ExitedMessage& message) {
    exited = true;
    services.control.acknowledge_exit();
    if (services.crash.has_begun() && !services.crash.has_ended())
        return; // the end of the core says the rest
    services.conclude(static_cast<int>(message.status & 0xff), "exited");
    after(power_off_timeout, [this] { quit_machine(); });
}

nlohmann::json Supervisor::State::status() const {
    const bool up = services.control.hello().has_value() || options.launch.wait == WaitFor::Boot || door;
    const char* state = services.ending()           ? "ending"
                        : services.gdb.is_stopped() ? "stopped"
                        : up                        ? "running"
                                                    : "starting";
    nlohmann::json status = services.status();
    status["state"] = state;
    status["link"] = services.facts.link;
    if (serial)
        status["line"] = serial->link().statistics();
    return status;
}

void Supervisor::State::manage(const nlohmann::json& request, ManageServer::Answer answer) {
    const auto found = request.find("do");
    const std::string what = found != request.end() && found->is_string() ? found->get<std::string>() : "";
    if (what == "status")
        answer(status());
    else if (what == "reach")
        reach(request, answer);
    else if (what == "quit" || what == "kill") {
        answer({{"ok", true}});
        const bool stop = what == "quit";
        services.conclude(128 + (stop ? SIGTERM : SIGKILL), stop ? "stopped" : "killed", "on request");
        if (stop)
            quit_machine();
        else
            kill(qemu_pid, SIGKILL);
    } else if (what == "dump" && request.contains("path") && request["path"].is_string())
        qmp->execute("dump-guest-memory",
                     {{"paging", false}, {"protocol", "file:" + request["path"].get<std::string>()}},
                     [answer](const Result<nlohmann::json>& reply) {
                         answer(reply ? nlohmann::json{{"ok", true}} : failure_answer(reply.error()));
                     });
    else
        answer(failure_answer({"the supervisor does not know this request", "Use the tools of one release."}));
}

/// Its stub is always there; whether it lets us in is another matter.
void Supervisor::State::reach(const nlohmann::json& request, const ManageServer::Answer& answer) {
    const auto what = request.find("what");
    const auto channel =
        what != request.end() && what->is_string() ? parse_channel_name(what->get<std::string>()) : std::nullopt;
    if (door && channel)
        await_door(*channel, answer, steady_clock::now() + door_patience);
    else
        answer({{"ok", true}});
}

/// One that has just been started may not have come to its handshakes yet.
void Supervisor::State::await_door(ChannelName channel, const ManageServer::Answer& answer,
                                   steady_clock::time_point limit) {
    if (!door->is_decided(channel) && !quitting && steady_clock::now() < limit) {
        const auto pause = std::make_shared<asio::steady_timer>(loop, door_look);
        pause->async_wait(
            [this, pause, channel, answer, limit](asio::error_code) { await_door(channel, answer, limit); });
        return;
    }
    const auto checked = door->check(channel);
    answer(checked ? nlohmann::json{{"ok", true}} : failure_answer(checked.error()));
}

void Supervisor::State::end(int status, std::string how, std::string reason) {
    services.conclude(status, std::move(how), std::move(reason));
    quit_machine();
}

void Supervisor::State::quit_machine() {
    if (std::exchange(quitting, true))
        return;
    timer.cancel();
    qmp->execute("quit");
    kill_timer.expires_after(quit_timeout);
    kill_timer.async_wait([this](asio::error_code error) {
        if (!error)
            kill(qemu_pid, SIGKILL);
    });
}

void Supervisor::State::machine_gone(int wait_status) {
    qemu_pid = -1;
    quitting = true;
    timer.cancel();
    kill_timer.cancel();
    if (!services.ending()) {
        std::string text = last_lines(read_console_log(services.directory() / "qemu.log").value_or(""), 10);
        if (!text.empty())
            text = ":\n" + text.substr(0, text.size() - 1);
        services.conclude(failed_status, "failed",
                          fmt::format("QEMU ended with {}{}", describe_wait_status(wait_status), text));
    }
    // What QEMU wrote before it ended is still in the sockets.
    if (console_ended)
        finish();
    else
        after(seconds(1), [this] { finish(); });
}

void Supervisor::State::finish() {
    if (std::exchange(finished, true))
        return;
    services.publish_ending();
    vsock.reset();
    serial.reset();
    services.close();
    timer.cancel();
    ready_timer.cancel();
    watch_timer.cancel();
    stop_signals.cancel();
    child_signals.cancel();
    if (!terminal) {
        services.console.close();
        return;
    }
    terminal->stop_input();
    after(seconds(5), [this] { loop.stop(); }); // whoever reads our output does not
    terminal->when_written([this] {
        timer.cancel();
        services.console.close();
    });
}

Supervisor::Supervisor(SupervisorOptions options, ClaimedName name)
    : m_state(std::make_unique<State>(std::move(options), std::move(name))) {}

Supervisor::~Supervisor() {
    if (m_state->qemu_pid > 0) {
        kill(m_state->qemu_pid, SIGKILL);
        waitpid(m_state->qemu_pid, nullptr, 0);
    }
}

Result<Ending> Supervisor::run() {
    State& state = *m_state;
    if (const auto started = state.start(); !started) {
        std::error_code ignored;
        fs::remove_all(state.services.directory(), ignored);
        state.report_ready(started);
        return std::unexpected(started.error());
    }
    while (!state.finished)
        state.loop.run_one();
    state.loop.run_for(seconds(6));
    if (state.options.on_ready) {
        std::string hint = state.last_words();
        if (!hint.empty())
            hint = "What it printed last:\n" + hint.substr(0, hint.size() - 1);
        state.report_ready(fail(
            fmt::format("{} ended before it was up: {}", state.services.name().name, state.services.ending()->reason),
            hint));
    }
    return *state.services.ending();
}

} // namespace tracer
