#include "tracer/instance/SupervisorState.h"

#include "tracer/image/Image.h"
#include "tracer/instance/Cpio.h"
#include "tracer/instance/Process.h"
#include "tracer/instance/QemuCommand.h"

#include <fmt/format.h>
#include <sys/wait.h>

namespace tracer {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr seconds hello_timeout{60};
/// From QMP's quit to SIGKILL.
constexpr milliseconds quit_timeout{3000};

} // namespace

Result<std::array<FileDescriptor, 6>> Supervisor::State::launch() {
    LaunchOptions& launch = options.launch;
    fs::path initrd;
    if (launch.rootfs) {
        initrd = name.directory / "rootfs.cpio";
        TRY(write_cpio(*launch.rootfs, initrd));
    }
    std::array<FileDescriptor, 6> ours;
    std::array<FileDescriptor, 6> theirs;
    std::array<int, 6> numbers{};
    for (size_t i = 0; i < ours.size(); ++i) {
        auto pair = TRY(socket_pair());
        ours[i] = std::move(pair.first);
        theirs[i] = std::move(pair.second);
        numbers[i] = theirs[i].get();
    }
    launch.input = options.foreground ? Terminal::kind_of_input() : ConsoleInput::None;
    launch.realtime_ns = std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
    const auto command = make_qemu_command(options.qemu, launch, options.accelerator, initrd,
                                           {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]});
    if (options.verbose)
        say(fmt::format("running {}", fmt::join(command, " ")));
    qemu_pid = TRY(spawn(command, numbers, name.directory / "qemu.log"));
    return ours;
}

Result<> Supervisor::State::start() {
    facts = {name.name,
             options.launch.image.string(),
             options.build_id,
             options.launch.cpus,
             options.launch.memory_mib,
             std::string(name_of(options.launch.machine)),
             std::string(name_of(options.accelerator)),
             getpid(),
             0,
             std::time(nullptr)};
    handle_signals();
    auto descriptors = TRY(launch());
    facts.qemu_pid = qemu_pid;

    std::array<std::shared_ptr<Channel>, 6> channels;
    for (size_t i = 0; i < channels.size(); ++i)
        channels[i] = Channel::create(Channel::Socket(loop, asio::local::stream_protocol(), descriptors[i].release()));
    console = channels[0];
    if (options.foreground)
        terminal = std::make_unique<Terminal>(loop, console);
    console->on_bytes = [this](Channel::Bytes bytes) {
        log.append(bytes);
        if (terminal)
            terminal->write(bytes);
    };
    console->on_close = [this] { console_ended = true; };
    console->start();
    gdb = std::make_unique<GdbServer>(loop, channels[1], [this] { qmp->execute("inject-nmi"); });
    control = std::make_unique<ControlHub>(loop, channels[2]);
    control->on_hello = [this](const wire::HelloMessage& hello) { guest_said_hello(hello); };
    control->on_exited = [this](const wire::ExitedMessage& message) { guest_exited(message); };
    control->on_broken = [this](const Error& error) { say(error.message); };
    control->on_recording = [this](bool begins) {
        if (begins)
            trace->begin();
    };
    trace = std::make_unique<TraceRelay>(loop, channels[3]);
    crash = std::make_unique<CrashReceiver>(channels[4]);
    crash->open_file = [this] { return CrashFile::create(name.name); };
    crash->on_begin = [this] { core_began(); };
    crash->on_end = [this](const Result<fs::path>& core) { core_ended(core); };
    qmp = std::make_unique<Qmp>(channels[5]);
    qmp->on_event = [this](const std::string& event, const nlohmann::json& data) {
        if (event == "SHUTDOWN")
            machine_stopped(data);
    };
    qmp->on_ready = [this] {
        if (options.launch.wait == WaitFor::Boot)
            report_ready({});
    };
    return open_services();
}

Result<> Supervisor::State::open_services() {
    manager = std::make_unique<ManageServer>(loop, [this](const nlohmann::json& request, ManageServer::Answer answer) {
        manage(request, std::move(answer));
    });
    TRY(gdb->listen(name.directory / "gdb.sock"));
    TRY(control->listen(name.directory / "control.sock"));
    TRY(trace->listen(name.directory / "trace.sock"));
    TRY(manager->listen(name.directory / "manage.sock"));
    TRY(write_json(name.directory / "instance.json", to_json(facts)));
    ready_timer.expires_after(hello_timeout);
    ready_timer.async_wait([this](asio::error_code error) {
        if (error || !options.on_ready)
            return;
        report_ready(fail(fmt::format("{} did not report within {} s that it is up", name.name, hello_timeout.count()),
                          fmt::format("What it printed last:\n{}",
                                      last_lines(read_console_log(name.directory / "console.log").value_or(""), 10))));
        end(failed_status, "failed", "it did not come up");
    });
    return {};
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
    fs::remove(name.directory / "rootfs.cpio", ignored);
    if (const BuildId id = build_id_from_bytes(hello.build_id); id != options.build_id)
        say(fmt::format("{} says that it is build {}, but its file is build {}", name.name, id, options.build_id));
    if (last_alive == std::chrono::steady_clock::time_point{})
        watch_guest();
    report_ready({});
}

void Supervisor::State::guest_exited(const wire::ExitedMessage& message) {
    exited = true;
    control->acknowledge_exit();
    if (crash->has_begun() && !crash->has_ended())
        return; // the end of the core says the rest
    conclude(static_cast<int>(message.status & 0xff), "exited");
    after(power_off_timeout, [this] { quit_machine(); });
}

nlohmann::json Supervisor::State::status() const {
    const bool up = control->hello().has_value() || options.launch.wait == WaitFor::Boot;
    const char* state = ending ? "ending" : gdb->is_stopped() ? "stopped" : up ? "running" : "starting";
    return {{"ok", true},
            {"state", state},
            {"debugger", gdb->has_client()},
            {"recording", trace->is_recording()},
            {"hello", control->hello().has_value()}};
}

void Supervisor::State::manage(const nlohmann::json& request, ManageServer::Answer answer) {
    const auto found = request.find("do");
    const std::string what = found != request.end() && found->is_string() ? found->get<std::string>() : "";
    if (what == "status")
        answer(status());
    else if (what == "wait")
        waiters.push_back(std::move(answer));
    else if (what == "quit" || what == "kill") {
        answer({{"ok", true}});
        const bool stop = what == "quit";
        conclude(128 + (stop ? SIGTERM : SIGKILL), stop ? "stopped" : "killed", "on request");
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

void Supervisor::State::conclude(int status, std::string how, std::string reason, const fs::path& core) {
    if (!ending)
        ending = Ending{status, std::move(how), std::move(reason), core.string(), std::time(nullptr)};
}

void Supervisor::State::end(int status, std::string how, std::string reason) {
    conclude(status, std::move(how), std::move(reason));
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
    if (!ending) {
        std::string text = last_lines(read_console_log(name.directory / "qemu.log").value_or(""), 10);
        if (!text.empty())
            text = ":\n" + text.substr(0, text.size() - 1);
        conclude(failed_status, "failed", fmt::format("QEMU ended with {}{}", describe_wait_status(wait_status), text));
    }
    // What QEMU wrote before it ended is still in the sockets.
    if (console_ended || !console->is_open())
        finish();
    else {
        console->on_close = [this] { finish(); };
        after(seconds(1), [this] { finish(); });
    }
}

void Supervisor::State::finish() {
    if (std::exchange(finished, true))
        return;
    nlohmann::json summary = to_json(*ending);
    if (const auto written = write_json(name.directory / "ending.json", summary); !written)
        say(written.error().message);
    summary["ok"] = true;
    for (const auto& answer : std::exchange(waiters, {}))
        answer(summary);
    gdb->close();
    control->close();
    trace->close();
    crash->close();
    manager->close();
    timer.cancel();
    ready_timer.cancel();
    watch_timer.cancel();
    stop_signals.cancel();
    child_signals.cancel();
    if (!terminal) {
        console->close();
        return;
    }
    terminal->stop_input();
    after(seconds(5), [this] { loop.stop(); }); // whoever reads our output does not
    terminal->when_written([this] {
        timer.cancel();
        console->close();
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
        fs::remove_all(state.name.directory, ignored);
        state.report_ready(started);
        return std::unexpected(started.error());
    }
    while (!state.finished)
        state.loop.run_one();
    state.loop.run_for(seconds(6));
    if (state.options.on_ready) {
        std::string hint = last_lines(read_console_log(state.name.directory / "console.log").value_or(""), 10);
        if (!hint.empty())
            hint = "What it printed last:\n" + hint.substr(0, hint.size() - 1);
        state.report_ready(
            fail(fmt::format("{} ended before it was up: {}", state.name.name, state.ending->reason), hint));
    }
    return *state.ending;
}

} // namespace tracer
