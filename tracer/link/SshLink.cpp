#include "tracer/link/SshLink.h"

#include "tracer/link/Connect.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace tracer {

namespace {

/// A login takes several round trips and perhaps a program's start.
constexpr std::chrono::milliseconds least_timeout{15000};
/// From the end of ssh's output to its own.
constexpr std::chrono::milliseconds exit_time{2000};
constexpr size_t longest_greeting = 256;
constexpr size_t longest_complaint = 2048;

/// Starts a program of the PATH with `stream` as its input and output. Signals are as in a fresh process.
Result<pid_t> start_program(const std::vector<std::string>& words, int stream, int errors) {
    std::vector<char*> arguments;
    for (const std::string& word : words)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, stream, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, stream, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    // A group of its own: the terminal's Ctrl-C is gdb's.
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    pid_t child = -1;
    const int error = posix_spawnp(&child, arguments[0], &actions, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0)
        return fail_errno(fmt::format("cannot run {}", words.front()), error,
                          "Install it (Debian: apt install openssh-client).");
    return child;
}

/// What a program wrote to its standard error stream, lines joined by "; ".
std::string complaint_of(int errors) {
    std::string text(longest_complaint, '\0');
    const ssize_t size = pread(errors, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    std::string joined;
    for (size_t begin = 0; begin < text.size();) {
        const size_t end = std::min(text.find('\n', begin), text.size());
        std::string line = text.substr(begin, end - begin);
        while (!line.empty() && (line.back() == '\r' || line.back() == ' '))
            line.pop_back();
        if (!line.empty())
            joined += (joined.empty() ? "" : "; ") + line;
        begin = end + 1;
    }
    return joined;
}

} // namespace

std::vector<std::string> ssh_command(const Endpoint& endpoint, const std::vector<std::string>& remote) {
    std::vector<std::string> words = {"ssh", "-T", "-o", "BatchMode=yes"};
    if (endpoint.port != 0) {
        words.emplace_back("-p");
        words.push_back(std::to_string(endpoint.port));
    }
    std::string host = endpoint.host;
    // ssh takes an IPv6 address without the brackets.
    std::erase_if(host, [](char letter) { return letter == '[' || letter == ']'; });
    words.emplace_back("--");
    words.push_back(std::move(host));
    words.insert(words.end(), remote.begin(), remote.end());
    return words;
}

SshLink::~SshLink() {
    reap();
    for (const pid_t child : m_children) {
        kill(child, SIGTERM);
        waitpid(child, nullptr, 0);
    }
}

void SshLink::reap() {
    const std::lock_guard lock(m_mutex);
    std::erase_if(m_children, [](pid_t child) { return waitpid(child, nullptr, WNOHANG) != 0; });
}

Result<FileDescriptor> SshLink::open(ChannelName channel, const OpenOptions& options) {
    reap();
    const std::string where = fmt::format("{} on {}", m_endpoint.name, m_endpoint.host);
    if (!has(channel))
        return fail(fmt::format("the {} channel of {} is taken by the supervisor over there", name_of(channel), where));
    auto [ours, theirs] = TRY(socket_pair());
    const FileDescriptor errors(memfd_create("ssh-errors", MFD_CLOEXEC));
    if (!errors)
        return fail_errno("cannot make a file for what ssh says", errno);
    std::vector<std::string> remote = {"uniscope", "proxy", m_endpoint.name, std::string(name_of(channel))};
    if (options.steal)
        remote.insert(remote.begin() + 2, "--steal");
    const pid_t child = TRY(start_program(ssh_command(m_endpoint, remote), theirs.get(), errors.get()));
    {
        const std::lock_guard lock(m_mutex);
        m_children.push_back(child);
    }
    theirs.reset();
    OpenOptions longer = options;
    longer.timeout = std::max(options.timeout, least_timeout);
    const auto greeting = read_line(ours.get(), longest_greeting, Patience(longer), where);
    if (greeting && *greeting == proxy_greeting)
        return std::move(ours);
    // Its end says why; one that has none is ended.
    ours.reset();
    const Patience patience(OpenOptions{.timeout = exit_time, .steal = false, .stop = options.stop});
    siginfo_t info{};
    while (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0 &&
           patience.pause(std::chrono::milliseconds(20))) {
    }
    if (info.si_pid == 0)
        kill(child, SIGTERM);
    const std::string complaint = complaint_of(errors.get());
    const std::string hint = fmt::format("Try it by hand: ssh {} uniscope ps", m_endpoint.host);
    if (!complaint.empty())
        return fail(fmt::format("cannot reach {}: {}", where, complaint), hint);
    if (!greeting)
        return fail(fmt::format("cannot reach {}: {}", where, greeting.error().message), hint);
    if (!greeting->empty())
        return fail(
            fmt::format("cannot reach {}: the login printed `{}`, where nothing may be printed", where, *greeting),
            "Commands over ssh run the shell's start-up files (~/.bashrc): they must not print.");
    return fail(fmt::format("cannot reach {}: ssh ended without a word", where), hint);
}

} // namespace tracer
