#include "tracer/cli/Launch.h"
#include "tracer/cli/Output.h"
#include "tracer/cli/Target.h"
#include "tracer/cli/Verb.h"
#include "tracer/image/Image.h"
#include "tracer/instance/Registry.h"
#include "tracer/link/ManageClient.h"
#include "tracer/symbols/FindImage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>

namespace cli {

namespace {

using tracer::fail;
using tracer::Result;

/// A gdb that is sent away is detached, if need be by an NMI.
constexpr std::chrono::seconds steal_timeout{15};
/// A channel over ssh takes a login.
constexpr std::chrono::seconds reach_timeout{25};

struct Options {
    LaunchArguments launch;
    std::string target;
    std::string image;
    bool steal = false;
    bool show_command = false;
    std::vector<std::string> gdb_arguments;
};

/// Prints what an instance prints while gdb has the terminal.
class ConsoleFollower {
public:
    explicit ConsoleFollower(std::filesystem::path log)
        : m_thread([this, log = std::move(log)] { follow(log); }) {}
    ~ConsoleFollower() {
        m_stop = true;
        m_thread.join();
    }

private:
    void follow(const std::filesystem::path& path) {
        const tracer::FileDescriptor log(open(path.c_str(), O_RDONLY | O_CLOEXEC));
        std::array<char, 4096> buffer;
        bool last_look = false;
        while (log) {
            const ssize_t size = read(log.get(), buffer.data(), buffer.size());
            if (size > 0 && write(STDOUT_FILENO, buffer.data(), static_cast<size_t>(size)) < 0)
                return;
            if (size > 0)
                continue;
            if (last_look)
                return;
            last_look = m_stop;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }

    std::atomic<bool> m_stop = false;
    std::thread m_thread;
};

/// The file to take symbols from: the one that was given, which must be the build that runs, or the one that is.
Result<std::string> symbol_file(const tracer::Instance& instance, const std::string& given) {
    const tracer::InstanceFacts& facts = instance.facts;
    if (given.empty() && facts.image.empty() && facts.build_id.empty())
        return fail(fmt::format("{} does not tell which image it runs", facts.name), "Name it with --image FILE.");
    if (given.empty())
        return TRY(tracer::find_image(facts.image, facts.build_id)).string();
    const auto file = TRY(tracer::Image::open(given));
    if (!facts.build_id.empty() && file.build_id() != facts.build_id)
        return fail(
            fmt::format("{} runs build {}, but {} is build {}", facts.name, facts.build_id, given, file.build_id()),
            "Give the file that it was started from with --image, or start it anew.");
    return given;
}

Result<std::vector<std::string>> gdb_command(const tracer::Instance& instance, const Options& options) {
    const char* chosen = std::getenv("UNISCOPE_GDB");
    std::vector<std::string> command = {chosen && *chosen ? chosen : "gdb", "-q",
                                        TRY(symbol_file(instance, options.image))};
    for (const char* setting : {
             "set sysroot /",                     // static images: nothing is to be fetched from the target
             "set remotetimeout 10",              // a guest under load is slow, not gone
             "set dcache line-size 4096",         // backtraces read stacks in pages, not in words
             "set breakpoint always-inserted on", // the guest counts their hits as long as they are in
             "set print thread-events off",
         }) {
        command.emplace_back("-iex");
        command.emplace_back(setting);
    }
    command.emplace_back("-ex");
    command.push_back("target remote " + instance.socket("gdb").string());
    command.insert(command.end(), options.gdb_arguments.begin(), options.gdb_arguments.end());
    return command;
}

Result<int> run_gdb(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    for (const std::string& word : command)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    std::fflush(nullptr);
    std::signal(SIGINT, SIG_IGN); // Ctrl-C is gdb's
    std::signal(SIGQUIT, SIG_IGN);
    const pid_t child = fork();
    if (child < 0)
        return tracer::fail_errno("cannot make a process", errno);
    if (child == 0) {
        for (const int number : {SIGINT, SIGQUIT, SIGPIPE})
            std::signal(number, SIG_DFL);
        execvp(arguments[0], arguments.data());
        fmt::print(stderr,
                   "uniscope: cannot run {}: {}\nInstall it (Debian: apt install gdb), or set UNISCOPE_GDB to it.\n",
                   command.front(), std::strerror(errno));
        _exit(127);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Result<int> attach(const tracer::Instance& instance, const Options& options) {
    if (options.show_command) {
        fmt::print("{}\n", quote_for_shell(TRY(gdb_command(instance, options))));
        return 0;
    }
    const auto socket = instance.socket("manage");
    const auto status = TRY(tracer::manage(socket, {{"do", "status"}}, std::chrono::seconds(5)));
    const auto command = TRY(gdb_command(instance, options));
    if (status.value("debugger", false)) {
        if (!options.steal)
            return fail(fmt::format("a gdb is attached to {} already: {}", instance.facts.name,
                                    status.value("debugger_by", "it comes or goes just now")),
                        "One at a time: quit the other one, or send it away with --steal.");
        TRY(tracer::manage(socket, {{"do", "steal"}, {"what", "gdb"}}, steal_timeout));
    }
    TRY(tracer::manage(socket, {{"do", "reach"}, {"what", "gdb"}, {"steal", options.steal}}, reach_timeout));
    return run_gdb(command);
}

/// Boots an image held at its entry point, debugs it, and ends it.
Result<int> debug_image(Options options) {
    if (options.show_command)
        return fail(fmt::format("{} is an image, and no instance that gdb could attach to", options.target),
                    fmt::format("Boot it first: uniscope run {}", options.target));
    if (options.launch.wait.empty())
        options.launch.wait = "app";
    Launch launch = TRY(prepare_launch(options.launch, {options.target}));
    const std::string name = TRY(launch_in_background(std::move(launch)));
    const auto registry = TRY(tracer::Registry::open());
    const auto instance = TRY(registry.find(name));
    Result<int> status = 0;
    {
        const ConsoleFollower follower(instance.console_log());
        status = attach(instance, options);
        (void)tracer::manage(instance.socket("manage"), {{"do", "quit"}}, std::chrono::seconds(3));
    }
    return status;
}

Result<int> debug(const Options& options) {
    if (options.target.empty())
        return fail("which instance is to be debugged?", "`uniscope ps` lists them; an image works, too.");
    std::error_code error;
    const auto known = TRY(tracer::Registry::open()).find(options.target);
    const bool is_instance = known && (known->alive || !known->ending);
    if (!is_instance && !tracer::looks_like_endpoint(options.target) && std::filesystem::exists(options.target, error))
        return debug_image(options);
    const Target target = TRY(open_target(options.target, options.image, options.launch.identity));
    return attach(target.instance, options);
}

const VerbRegistration g_gdb{{
    .name = "gdb",
    .usage = "[OPTIONS] NAME|ENDPOINT|IMAGE [-- GDB-ARGS...]",
    .summary = "Attach gdb to an instance, or boot an image under it",
    .details = "With NAME or ENDPOINT, the instance goes on when gdb leaves. With IMAGE, it is booted, held at the "
               "app's entry\n"
               "point, and ends with gdb.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("TARGET", options->target);
        line.add_option("GDB-ARGS", options->gdb_arguments);
        line.add_option("--image", options->image, "Image file to take symbols from, the instance's own unless told")
            .type_name("FILE");
        line.add_flag("--steal", options->steal, "Send away the gdb that is attached; the instance goes on in between");
        line.add_flag("--show-command", options->show_command, "Print the gdb command line and do nothing");
        add_launch_options(line, options->launch);
        return [options] { return debug(*options); };
    },
}};

} // namespace

} // namespace cli
