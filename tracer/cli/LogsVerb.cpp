#include "tracer/cli/Target.h"
#include "tracer/cli/Verb.h"
#include "tracer/instance/ConsoleLog.h"
#include "tracer/instance/Registry.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <thread>

namespace cli {

namespace {

struct Options {
    std::string name;
    bool follow = false;
};

/// Copies what is there; false when the standard output has gone.
bool copy_out(int descriptor) {
    std::array<char, 65536> buffer;
    while (true) {
        const ssize_t size = read(descriptor, buffer.data(), buffer.size());
        if (size <= 0)
            return true;
        if (std::fwrite(buffer.data(), 1, static_cast<size_t>(size), stdout) != static_cast<size_t>(size) ||
            std::fflush(stdout) != 0)
            return false;
    }
}

bool is_same_file(int descriptor, const std::filesystem::path& path) {
    struct stat ours{}, named{};
    return fstat(descriptor, &ours) == 0 && stat(path.c_str(), &named) == 0 && ours.st_ino == named.st_ino;
}

tracer::Result<int> show(const Options& options) {
    const auto registry = TRY(tracer::Registry::open());
    Target target;
    if (tracer::looks_like_endpoint(options.name)) {
        if (!options.follow)
            return tracer::fail(fmt::format("nobody has listened to {} so far", options.name),
                                "Give -f for what it prints from now on, or `uniscope add` it to have it logged.");
        target = TRY(open_target(options.name));
    } else
        target.instance = TRY(registry.find(options.name));
    auto instance = target.instance;
    const std::string name = fmt::format("{}/{}", name_of(instance.scope), instance.facts.name);
    const auto path = instance.console_log();
    tracer::FileDescriptor log(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const tracer::FileDescriptor older(open((path.string() + ".1").c_str(), O_RDONLY | O_CLOEXEC));
    if (older && !copy_out(older.get()))
        return 0;
    if (!log)
        return tracer::fail_errno(fmt::format("cannot read {}", path.string()), errno);
    while (true) {
        // Whether it lives is asked before the last look, so that nothing printed at the end is missed.
        instance = registry.find(name).value_or(tracer::Instance{});
        if (!copy_out(log.get()) || !options.follow || !instance.alive)
            return 0;
        if (!is_same_file(log.get(), path)) {
            copy_out(log.get());
            log = tracer::FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

const VerbRegistration g_logs{{
    .name = "logs",
    .usage = "[OPTIONS] NAME|ENDPOINT",
    .summary = "Show what an instance printed",
    .details = "The newest 4 to 8 MiB of it; for a day after its end, too.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("NAME", options->name).required();
        line.add_flag("-f,--follow", options->follow, "Go on until the instance ends");
        return [options] { return show(*options); };
    },
}};

} // namespace

} // namespace cli
