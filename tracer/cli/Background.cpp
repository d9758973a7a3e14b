#include "tracer/cli/Background.h"

#include "tracer/cli/Verb.h"
#include "tracer/link/Socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>

namespace cli {

using tracer::fail;
using tracer::Result;

namespace {

// Longer than any supervisor waits for its guest.
constexpr std::chrono::seconds background_timeout{90};

void tell(tracer::FileDescriptor& to_parent, const Result<>& result) {
    nlohmann::json message = {{"ok", result.has_value()}};
    if (!result) {
        message["message"] = result.error().message;
        message["hint"] = result.error().hint;
    }
    const std::string text = message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    (void)tracer::send_all(to_parent.get(), {reinterpret_cast<const uint8_t*>(text.data()), text.size()},
                           std::chrono::seconds(1));
    to_parent.reset();
}

void leave_terminal(const std::filesystem::path& directory) {
    setsid();
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int log =
        open((directory / "supervisor.log").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0600);
    dup2(null, STDIN_FILENO);
    dup2(log >= 0 ? log : null, STDOUT_FILENO);
    dup2(log >= 0 ? log : null, STDERR_FILENO);
}

} // namespace

Result<> start_in_background(tracer::ClaimedName name,
                             std::function<Result<>(tracer::ClaimedName name, Ready ready)> serve) {
    auto [ours, theirs] = TRY(tracer::socket_pair());
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child < 0)
        return tracer::fail_errno("cannot make a process", errno);
    const std::filesystem::path directory = name.directory;
    if (child == 0) {
        ours.reset();
        leave_terminal(directory);
        const auto ended =
            serve(std::move(name), [&to_parent = theirs](const Result<>& result) { tell(to_parent, result); });
        if (!ended)
            print_error(ended.error());
        std::fflush(nullptr);
        _exit(ended ? 0 : 125);
    }
    theirs.reset();
    std::string text;
    while (true) {
        const auto bytes = tracer::receive_some(ours.get(), 65536, background_timeout);
        if (!bytes) {
            kill(child, SIGTERM);
            return std::unexpected(bytes.error());
        }
        if (bytes->empty())
            break;
        text.append(bytes->begin(), bytes->end());
    }
    const auto message = nlohmann::json::parse(text, nullptr, false);
    if (!message.is_object())
        return fail("the supervisor ended without a word",
                    fmt::format("Its log: {}", (directory / "supervisor.log").string()));
    if (!message.value("ok", false))
        return fail(message.value("message", ""), message.value("hint", ""));
    return {};
}

} // namespace cli
