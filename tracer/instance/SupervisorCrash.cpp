#include "tracer/instance/SupervisorState.h"

#include "tracer/instance/HostCore.h"
#include "tracer/symbols/FindImage.h"

#include <fmt/format.h>

namespace tracer {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// For what is in the sockets when QEMU reports the machine's end.
constexpr milliseconds settle_time{150};
/// A core that stops growing for this long will not be finished.
constexpr seconds core_patience{10};
/// For QEMU to dump the machine's memory.
constexpr seconds dump_timeout{60};

} // namespace

void Supervisor::State::core_began() {
    services.say(fmt::format("{} crashed: {}", services.name().name, services.crash.reason()));
    watch_core(0, 0);
}

void Supervisor::State::watch_core(uint64_t last_size, int quiet_seconds) {
    after(seconds(1), [this, last_size, quiet_seconds] {
        const uint64_t size = services.crash.progress();
        if (size == last_size && quiet_seconds + 1 >= core_patience.count())
            take_core(services.crash.reason());
        else
            watch_core(size, size == last_size ? quiet_seconds + 1 : 0);
    });
}

void Supervisor::State::core_ended(const Result<fs::path>& core) {
    if (core)
        crashed(services.crash.signal() ? 128 + static_cast<int>(services.crash.signal()) : crashed_status,
                services.crash.reason(), *core, "guest");
    else {
        services.say(core.error().message);
        take_core(services.crash.reason());
        return;
    }
    if (!stop_reason.empty() || exited)
        quit_machine();
    else
        after(power_off_timeout, [this] { quit_machine(); });
}

void Supervisor::State::machine_stopped(const nlohmann::json& data) {
    if (quitting || !stop_reason.empty())
        return;
    stop_reason = data.is_object() ? data.value("reason", "unknown") : "unknown";
    if (services.ending()) {
        quit_machine();
        return;
    }
    if (!services.crash.has_begun())
        after(settle_time, [this] { decide_after_stop(); });
}

void Supervisor::State::decide_after_stop() {
    if (services.ending())
        quit_machine();
    else if (services.crash.has_begun() && !services.crash.has_ended())
        watch_core(services.crash.progress(), 0);
    else if (stop_reason == "guest-shutdown" && services.control.hello())
        take_core("it powered off without telling the app's exit status");
    else if (stop_reason == "guest-shutdown" && door)
        end(failed_status, "failed", "it powered off, and, closed to us, did not tell its exit status");
    else if (stop_reason == "guest-shutdown")
        end(failed_status, "failed", "it powered off without telling its exit status");
    else if (stop_reason == "guest-panic")
        take_core("the guest reported a panic");
    else
        take_core("triple fault: the machine reset itself");
}

void Supervisor::State::take_core(std::string reason) {
    if (std::exchange(taking_core, true))
        return;
    auto file = CrashFile::create(services.name().name);
    if (!file) {
        services.say(file.error().message);
        crashed(crashed_status, std::move(reason), {}, "host");
        quit_machine();
        return;
    }
    const fs::path dump = file->path().string() + ".dump";
    const auto shared = std::make_shared<CrashFile>(std::move(*file));
    after(dump_timeout, [this] { quit_machine(); });
    qmp->execute("dump-guest-memory", {{"paging", false}, {"protocol", "file:" + dump.string()}},
                 [this, shared, dump, reason = std::move(reason)](const Result<nlohmann::json>& reply) {
                     fs::path core;
                     Result<std::string> made =
                         reply ? make_core_from_dump(
                                     dump,
                                     find_image(services.facts.image, options.build_id).value_or(services.facts.image),
                                     shared->part_path(), crash::CoreOccasion::Failure, reason)
                               : std::unexpected(reply.error());
                     if (made && !made->empty())
                         services.say(*made);
                     if (const auto path = made ? shared->finish() : std::unexpected(made.error()))
                         core = *path;
                     else
                         services.say(path.error().message);
                     crashed(crashed_status, reason, core, "host");
                     quit_machine();
                 });
}

void Supervisor::State::crashed(int status, std::string reason, const fs::path& core, std::string_view origin) {
    if (!services.crash.has_begun())
        services.say(fmt::format("{} crashed: {}", services.name().name, reason));
    if (!core.empty()) {
        if (const auto written = write_crash_sidecar(core, services.facts, reason, origin); !written)
            services.say(written.error().message);
        services.say(fmt::format("the core is {}\nuniscope crash show    shows why it died", core.string()));
    }
    services.conclude(status, "crashed", std::move(reason), core);
}

} // namespace tracer
