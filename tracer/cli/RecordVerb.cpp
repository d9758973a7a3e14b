#include "tracer/cli/Output.h"
#include "tracer/cli/Target.h"
#include "tracer/cli/Verb.h"
#include "tracer/record/Recorder.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

namespace cli {

namespace {

using std::chrono::steady_clock;
using tracer::Result;

struct Options {
    std::string name;
    std::string output;
    std::string duration;
    std::vector<std::string> command;
    bool snapshot = false;
    std::string image;
    IdentityArguments identity;
    bool force = false;
    bool steal = false;
    bool json = false;
};

volatile std::sig_atomic_t g_interrupted = 0;

double seconds_of(steady_clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

/// "5s", "200ms", "2m", "1.5" (seconds).
Result<steady_clock::duration> parse_duration(const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    const std::string_view unit = end;
    const double scale = unit == "ms" ? 0.001 : unit == "m" || unit == "min" ? 60 : unit == "h" ? 3600 : 1;
    if (end == text.c_str() || !(value > 0) || value * scale > 1e6 || (scale == 1 && !unit.empty() && unit != "s"))
        return tracer::fail(fmt::format("`{}` is no duration", text), "Give it like 5s, 200ms or 2m.");
    return std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(value * scale));
}

/// The command that a recording lasts as long as.
class Command {
public:
    Result<> start(const std::vector<std::string>& words) {
        std::vector<char*> arguments;
        for (const std::string& word : words)
            arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        m_child = fork();
        if (m_child < 0)
            return tracer::fail_errno("cannot make a process", errno);
        if (m_child == 0) {
            std::signal(SIGINT, SIG_DFL);
            std::signal(SIGTERM, SIG_DFL);
            std::signal(SIGPIPE, SIG_DFL);
            execvp(arguments[0], arguments.data());
            fmt::print(stderr, "uniscope: cannot run {}: {}\n", words.front(), std::strerror(errno));
            _exit(127);
        }
        return {};
    }

    bool has_ended() {
        int status = 0;
        if (m_child > 0 && waitpid(m_child, &status, WNOHANG) == m_child)
            set(status);
        return m_status.has_value();
    }

    /// Its exit status as a shell shows it; it is told to end when it still runs.
    int finish() {
        if (m_child > 0 && !has_ended()) {
            kill(m_child, SIGTERM);
            int status = 0;
            if (waitpid(m_child, &status, 0) == m_child)
                set(status);
        }
        return m_status.value_or(0);
    }

private:
    void set(int status) {
        m_child = -1;
        m_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }

    pid_t m_child = -1;
    std::optional<int> m_status;
};

void print_progress(const std::string& name, const tracer::RecordingProgress& progress) {
    const double elapsed = seconds_of(progress.elapsed);
    fmt::print(stderr, "\r\x1b[Krecording {}: {:.1f} s, {}, {:.0f} events/s, {} lost", name, elapsed,
               readable_size(progress.bytes), static_cast<double>(progress.events_delivered) / elapsed,
               progress.events_discarded);
}

void print_summary(const Options& options, const std::string& path, const tracer::RecordingSummary& summary) {
    const tracer::RecordingProgress& progress = summary.progress;
    if (options.json) {
        fmt::print("{}\n", nlohmann::json{{"trace", path},
                                          {"instance", options.name},
                                          {"snapshot", options.snapshot},
                                          {"seconds", seconds_of(progress.elapsed)},
                                          {"bytes", progress.bytes},
                                          {"events_produced", summary.events_produced},
                                          {"events_delivered", progress.events_delivered},
                                          {"events_discarded", progress.events_discarded},
                                          {"damaged_packets", summary.damaged_packets},
                                          {"instance_ended", summary.instance_ended},
                                          {"taken_over", summary.taken_over},
                                          {"interruption", summary.interruption}}
                               .dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
        return;
    }
    if (options.snapshot) // all events before these are gone: that is no loss, but how a flight recorder works
        fmt::print("{}: the last {} events, {}\n", path, progress.events_delivered, readable_size(progress.bytes));
    else
        fmt::print("{}: {:.1f} s, {} events, {}, {} lost\n", path, seconds_of(progress.elapsed),
                   progress.events_delivered, readable_size(progress.bytes), progress.events_discarded);
    if (!summary.interruption.empty())
        fmt::print(stderr, "uniscope: {}\n", summary.interruption);
    fmt::print(stderr, "uniscope report {0}    shows what happened; uniscope view {0}    opens the timeline\n", path);
}

Result<int> record(Options options) {
    if (options.name.empty())
        return tracer::fail("which instance is to be recorded?", "`uniscope ps` lists them.");
    std::optional<steady_clock::duration> duration;
    if (!options.duration.empty())
        duration = TRY(parse_duration(options.duration));
    if (options.snapshot && (duration || !options.command.empty()))
        return tracer::fail("a snapshot is of the past: it has no duration and no command",
                            "Leave out --snapshot to record from now on.");
    const Target target = TRY(open_target(options.name, options.image, options.identity));
    options.name = target.name();
    const std::string path = TRY(output_path(options.output, options.name, "trace", options.force));
    tracer::Recorder recorder = TRY(tracer::Recorder::connect(target.instance, options.steal));
    if (options.snapshot) {
        print_summary(options, path, TRY(recorder.snapshot(path)));
        return 0;
    }

    struct sigaction action{};
    action.sa_handler = [](int) { g_interrupted = 1; };
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    Command command;
    const bool on_terminal = isatty(STDERR_FILENO) != 0 && options.command.empty();
    steady_clock::time_point started;
    const auto summary =
        recorder.record(path, {.should_stop =
                                   [&] {
                                       return g_interrupted != 0 ||
                                              (duration && steady_clock::now() - started >= *duration) ||
                                              (!options.command.empty() && command.has_ended());
                                   },
                               .on_progress =
                                   [&](const tracer::RecordingProgress& progress) {
                                       if (on_terminal)
                                           print_progress(options.name, progress);
                                   },
                               .on_started = [&]() -> Result<> {
                                   started = steady_clock::now();
                                   return options.command.empty() ? Result<>() : command.start(options.command);
                               }});
    if (on_terminal)
        fmt::print(stderr, "\r\x1b[K");
    const int status = command.finish();
    if (!summary)
        return std::unexpected(summary.error());
    print_summary(options, path, *summary);
    return status;
}

const VerbRegistration g_record{{
    .name = "record",
    .usage = "[OPTIONS] NAME|ENDPOINT [-- COMMAND [ARGS...]]",
    .summary = "Record a trace of an instance",
    .details =
        "Records until Ctrl-C, for the time given with -d, or while COMMAND runs, whose exit status it then has.\n"
        "With --snapshot, what the flight recorder holds: the last moments before now.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("NAME", options->name);
        line.add_option("COMMAND", options->command);
        line.add_option("-d,--duration", options->duration, "How long, e.g. 5s, 200ms, 2m").type_name("TIME");
        line.add_flag("--snapshot,--last", options->snapshot, "Take the flight recorder's contents instead");
        line.add_option("-o,--output", options->output, "Directory to make, NAME-YYYYmmdd-HHMM.trace unless told")
            .type_name("PATH");
        line.add_option("--image", options->image, "Image that runs at an ENDPOINT").type_name("FILE");
        add_identity_options(line, options->identity);
        line.add_flag("--steal", options->steal, "End another's recording first; theirs is whole up to then");
        line.add_flag("-f,--force", options->force, "Replace what is there");
        line.add_flag("--json", options->json, "Print the summary as JSON");
        return [options] { return record(*options); };
    },
}};

} // namespace

} // namespace cli
