#include "tracer/cli/Output.h"
#include "tracer/cli/Target.h"
#include "tracer/cli/Verb.h"
#include "tracer/instance/HostCore.h"
#include "tracer/link/ManageClient.h"
#include "tracer/symbols/FindImage.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

namespace cli {

namespace {

struct Options {
    std::string name;
    std::string output;
    bool force = false;
};

tracer::Result<int> dump(const Options& options) {
    const Target target = TRY(open_target(options.name));
    const tracer::InstanceFacts& facts = target.instance.facts;
    const std::string output = TRY(output_path(options.output, facts.name, "core", options.force));
    const std::string image = tracer::find_image(facts.image, facts.build_id).value_or(facts.image).string();
    std::error_code error;
    const std::filesystem::path raw = std::filesystem::absolute(output, error).string() + ".dump";
    const auto answer = tracer::manage(target.instance.socket("manage"), {{"do", "dump"}, {"path", raw.string()}},
                                       std::chrono::minutes(2));
    if (!answer) {
        std::filesystem::remove(raw, error);
        return std::unexpected(answer.error());
    }
    const std::string warning =
        TRY(tracer::make_core_from_dump(raw, image, output, crash::CoreOccasion::OnDemand, "taken by uniscope dump"));
    if (!warning.empty())
        fmt::print(stderr, "uniscope: {}\n", warning);
    fmt::print("{}\n", output);
    fmt::print(stderr, "gdb {} {}    opens it\n", image, output);
    return 0;
}

const VerbRegistration g_dump{{
    .name = "dump",
    .usage = "[OPTIONS] NAME|ENDPOINT",
    .summary = "Write a core of a running instance",
    .details = "The instance stands still meanwhile and then goes on. Works on one that hangs, too. Of one that\n"
               "somebody else started, only its hypervisor has the memory.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("NAME", options->name).required();
        line.add_option("-o,--output", options->output, "File to write, NAME-YYYYmmdd-HHMM.core unless told")
            .type_name("PATH");
        line.add_flag("-f,--force", options->force, "Replace what is there");
        return [options] { return dump(*options); };
    },
}};

} // namespace

} // namespace cli
