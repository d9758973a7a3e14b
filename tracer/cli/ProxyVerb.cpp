#include "tracer/cli/Bridge.h"
#include "tracer/cli/Target.h"
#include "tracer/cli/Verb.h"
#include "tracer/link/InstanceLink.h"
#include "tracer/link/ManageClient.h"
#include "tracer/link/SshLink.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>

namespace cli {

namespace {

using std::chrono::seconds;
using tracer::fail;
using tracer::Result;

struct Options {
    std::string name;
    std::string channel;
    bool steal = false;
};

/// One gdb and one recorder: whoever has the channel is named, or sent away.
Result<> make_room(const tracer::Instance& instance, tracer::ChannelName channel, bool steal) {
    const bool is_gdb = channel == tracer::ChannelName::Gdb;
    if (!is_gdb && channel != tracer::ChannelName::Trace)
        return {};
    const auto socket = instance.socket("manage");
    const auto status = TRY(tracer::manage(socket, {{"do", "status"}}, seconds(5)));
    if (status.value(is_gdb ? "debugger" : "recording", false)) {
        const std::string who = status.value(is_gdb ? "debugger_by" : "recording_by", "somebody");
        if (!steal)
            return fail(fmt::format("{} {} already, by {}", instance.facts.name,
                                    is_gdb ? "is being debugged" : "is being recorded", who),
                        "One at a time: wait for the other's end, or take over with --steal.");
        TRY(tracer::manage(socket, {{"do", "steal"}, {"what", is_gdb ? "gdb" : "recording"}}, seconds(15)));
    }
    TRY(tracer::manage(socket, {{"do", "reach"}, {"what", name_of(channel)}, {"steal", steal}}, seconds(25)));
    return {};
}

Result<int> proxy(const Options& options) {
    const auto channel = tracer::parse_channel_name(options.channel);
    if (!channel || *channel == tracer::ChannelName::Crash)
        return fail(fmt::format("there is no channel `{}`", options.channel),
                    "There are console, control, gdb and trace.");
    const Target target = TRY(open_target(options.name));
    TRY(make_room(target.instance, *channel, options.steal));
    tracer::InstanceLink link(target.instance.directory, target.name());
    const auto stream = TRY(link.open(*channel));
    fmt::print("{}\n", tracer::proxy_greeting);
    std::fflush(stdout);
    TRY(bridge_standard_streams(stream));
    return 0;
}

const VerbRegistration g_proxy{{
    .name = "proxy",
    .usage = "[OPTIONS] NAME CHANNEL",
    .summary = "Join the standard streams to a channel of an instance",
    .details =
        "What an endpoint ssh://HOST/NAME runs on HOST. CHANNEL is console, control, gdb or trace. The first line of\n"
        "the output is `uniscope-proxy 1`, what follows are the channel's bytes.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("NAME", options->name).required();
        line.add_option("CHANNEL", options->channel).required();
        line.add_flag("--steal", options->steal, "Take the channel from whoever has it");
        return [options] { return proxy(*options); };
    },
}};

} // namespace

} // namespace cli
