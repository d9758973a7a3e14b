#include "tracer/instance/SupervisorState.h"

#include <charconv>

namespace tracer {

using std::chrono::seconds;

namespace {

constexpr seconds probe_interval{2};

/// The guest's CPUs watch each other (uniscope.watchdog, docs/channels.md); where none can, the supervisor waits as
/// long.
seconds silence_limit(const LaunchOptions& launch) {
    seconds limit{10};
    for (const std::string& option : launch.kernel_options) {
        constexpr std::string_view name = "watchdog=";
        int value = 0;
        if (option.starts_with(name) &&
            std::from_chars(option.data() + name.size(), option.data() + option.size(), value).ec == std::errc())
            limit = seconds(value);
    }
    return limit;
}

} // namespace

void Supervisor::State::guest_is_alive() {
    unanswered = 0;
}

void Supervisor::State::watch_guest() {
    const seconds limit = silence_limit(options.launch);
    if (limit == seconds(0))
        return;
    services.control.on_alive = [this] { guest_is_alive(); };
    guest_is_alive();
    watch_timer.expires_after(probe_interval);
    // Called again by itself; ends with the machine.
    static constexpr auto tick = [](State& self, seconds silence, const auto& again) -> void {
        self.watch_timer.async_wait([&self, silence, again](asio::error_code error) {
            if (error || self.quitting || self.services.ending() || self.taking_core ||
                self.services.crash.has_begun() || !self.stop_reason.empty())
                return;
            // Somebody who debugs it may hold it as long as they like; so may `--wait`, until the first gdb has come.
            self.gdb_was_here = self.gdb_was_here || self.services.gdb.has_client();
            // A gdb that has gone holds it until the stub was taken leave of.
            const bool held =
                !self.services.gdb.is_free() || (self.options.launch.wait != WaitFor::Nothing && !self.gdb_was_here);
            // By the questions that it left without an answer, not by the clock: a host that was asleep, or had no time
            // for either of them, is no guest that hangs.
            self.unanswered = held ? 0 : self.unanswered + 1;
            const seconds silent = (self.unanswered - 1) * probe_interval;
            // Twice the guest's own limit: with several CPUs its report is the better one, and comes first.
            if (silent > 2 * silence) {
                self.take_core(
                    fmt::format("it hangs: no answer for {} s, and none of its CPUs reports why", silent.count()));
                return;
            }
            self.services.control.probe();
            self.watch_timer.expires_after(probe_interval);
            again(self, silence, again);
        });
    };
    tick(*this, limit, tick);
}

} // namespace tracer
