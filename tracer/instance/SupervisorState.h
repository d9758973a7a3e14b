#pragma once
// The inside of Supervisor, the machine that serves an instance: Supervisor.cpp has its life, SupervisorWatch.cpp how
// it is watched, SupervisorCrash.cpp its violent end. What it offers to others is InstanceServices.

#include "tracer/instance/ClosedDoor.h"
#include "tracer/instance/InstanceServices.h"
#include "tracer/instance/LinkChannels.h"
#include "tracer/instance/QemuCommand.h"
#include "tracer/instance/Supervisor.h"
#include "tracer/instance/Terminal.h"
#include "tracer/instance/VsockChannels.h"
#include "tracer/link/Qmp.h"

#include <array>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fmt/format.h>

namespace tracer {

struct Supervisor::State {
    /// Status when the kernel died and no signal names why: as for an abort.
    static constexpr int crashed_status = 128 + SIGABRT;
    static constexpr int failed_status = 125;
    /// From the guest's last word to the machine's own power-off.
    static constexpr std::chrono::milliseconds power_off_timeout{2000};

    State(SupervisorOptions given, ClaimedName claimed)
        : options(std::move(given))
        , services(loop, std::move(claimed), [this] {
            if (qmp)
                qmp->execute("inject-nmi");
        }) {}

    // tracer/instance/Supervisor.cpp, in the order of an instance's life
    Result<> start();
    /// This process' ends of QEMU's lines.
    using Lines = std::array<FileDescriptor, line_count>;
    Result<Lines> launch();
    void connect_services();
    Result<> use_lines(Lines lines);
    Result<> use_vsock(FileDescriptor vhost_user);
    Result<> use_serial(FileDescriptor line);
    void use_console(std::shared_ptr<Channel> stream);
    /// What becomes of channels that QEMU has no line for when they are lost.
    void when_lost(const std::function<void(ChannelName)>& open_again);
    Result<> open_services();
    void handle_signals();
    void report_ready(const Result<>& result);
    std::string last_words() const;

    void guest_said_hello(const wire::HelloMessage& hello);
    void guest_exited(const wire::ExitedMessage& message);
    // SupervisorWatch.cpp
    void watch_guest();
    void guest_is_alive();
    // SupervisorCrash.cpp
    void core_began();
    void core_ended(const Result<std::filesystem::path>& core);
    void watch_core(uint64_t last_size, int quiet_seconds);
    void machine_stopped(const nlohmann::json& data);
    void decide_after_stop();
    void take_core(std::string reason);
    void crashed(int status, std::string reason, const std::filesystem::path& core, std::string_view origin);

    // Supervisor.cpp again
    void manage(const nlohmann::json& request, ManageServer::Answer answer);
    void reach(const nlohmann::json& request, const ManageServer::Answer& answer);
    void await_door(ChannelName channel, const ManageServer::Answer& answer,
                    std::chrono::steady_clock::time_point limit);
    nlohmann::json status() const;

    void end(int status, std::string how, std::string reason = {});
    void quit_machine();
    void machine_gone(int wait_status);
    void finish();

    void after(std::chrono::steady_clock::duration delay, std::function<void()> action) {
        timer.expires_after(delay);
        timer.async_wait([action = std::move(action)](asio::error_code error) {
            if (!error)
                action();
        });
    }

    SupervisorOptions options;
    asio::io_context loop{1};
    InstanceServices services;
    asio::steady_timer timer{loop};      ///< what is waited for next
    asio::steady_timer kill_timer{loop}; ///< QEMU's time to quit
    asio::steady_timer ready_timer{loop};
    asio::steady_timer watch_timer{loop}; ///< the next sign of life
    bool is_watched = false;
    int unanswered = 0; ///< looks since the guest last answered
    bool gdb_was_here = false;
    asio::signal_set stop_signals{loop};
    asio::signal_set child_signals{loop, SIGCHLD};
    pid_t qemu_pid = -1;
    bool quitting = false;
    bool finished = false;
    bool console_ended = false;
    bool taking_core = false;
    std::string stop_reason; ///< of QMP's SHUTDOWN; empty while the machine runs
    bool exited = false;

    std::optional<ClosedDoor> door; ///< of an instance that asks for a key
    std::unique_ptr<Terminal> terminal;
    std::unique_ptr<Qmp> qmp;
    std::unique_ptr<VsockChannels> vsock;
    std::unique_ptr<LinkChannels> serial;
};

} // namespace tracer
