#include "tracer/cli/Launch.h"

#include "tracer/cli/Background.h"
#include "tracer/cli/Output.h"
#include "tracer/cli/Target.h"
#include "tracer/image/Image.h"
#include "tracer/instance/AcceleratorProbe.h"
#include "tracer/instance/QemuCommand.h"
#include "tracer/instance/Supervisor.h"
#include "tracer/symbols/FindImage.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

namespace cli {

namespace fs = std::filesystem;
using tracer::fail;
using tracer::Result;

namespace {

Result<tracer::ClaimedName> claim_name(const Launch& launch) {
    const tracer::Registry registry = TRY(open_registry(launch.scope));
    if (launch.options.name.empty())
        return registry.claim_for_image(launch.options.image, launch.scope);
    return registry.claim(launch.options.name, launch.scope);
}

tracer::SupervisorOptions supervisor_options(Launch launch, const tracer::ClaimedName& name) {
    launch.options.name = name.name;
    return {.launch = std::move(launch.options),
            .accelerator = launch.accelerator,
            .qemu = std::move(launch.qemu),
            .build_id = std::move(launch.build_id),
            .foreground = true,
            .verbose = launch.verbose,
            .on_ready = {}};
}

/// What goes wrong with that keeps nobody from running it.
void keep_symbols(const Launch& launch) {
    const auto image = tracer::Image::open(launch.options.image);
    const auto kept = image ? tracer::remember_image(*image) : std::unexpected(image.error());
    if (!kept && launch.verbose)
        fmt::print(stderr, "uniscope: note: its symbols are not kept: {}\n", kept.error().message);
}

} // namespace

void add_launch_options(CommandLine& line, LaunchArguments& arguments) {
    line.add_option("--name", arguments.name, "Name of the instance; the image's name unless told").type_name("NAME");
    line.add_flag("--system", arguments.system, "Register it for the group of the system registry, not for you alone");
    line.add_option("--cpus", arguments.cpus, "Number of virtual CPUs, 1 unless told (also -smp N)").type_name("N");
    line.add_option("-m,--memory", arguments.memory, "Memory, 128M unless told").type_name("SIZE");
    line.add_option("--machine", arguments.machine, "microvm (unless told) or q35")
        .type_name("MACHINE")
        .envname("UNISCOPE_MACHINE");
    line.add_option("--accel", arguments.accelerator, "auto (unless told: KVM where it works), tcg or kvm")
        .type_name("ACCEL");
    line.add_option("--link", arguments.link,
                    "What carries gdb, traces and control: auto (unless told), virtio-serial, vsock or serial")
        .type_name("LINK")
        .envname("UNISCOPE_LINK");
    line.add_option("--rootfs", arguments.rootfs, "Directory whose contents become the instance's `/`")
        .type_name("DIR");
    line.add_option("--env", arguments.environment, "Environment variable of the app; may be repeated")
        .type_name("NAME=VALUE")
        .one_value_each();
    line.add_flag("--wait{app}", arguments.wait,
                  "Hold at the app's entry point, or with --wait=boot in the kernel, for gdb");
    line.add_flag(
        "--closed", arguments.closed,
        "Let only enrolled keys in, yours too; without it whoever may open its sockets, you alone, is operator");
    add_identity_options(line, arguments.identity);
    line.add_option("--kernel-option", arguments.kernel_options,
                    "Option of the kernel, e.g. loglevel=1 or uniscope.loglevel=1; may be repeated")
        .type_name("WORD")
        .one_value_each();
    line.add_option("--qemu-arg", arguments.qemu_arguments, "One more word for QEMU's command line; may be repeated")
        .type_name("WORD")
        .one_value_each();
}

Result<Launch> prepare_launch(const LaunchArguments& arguments, const std::vector<std::string>& words) {
    Launch launch;
    tracer::LaunchOptions& options = launch.options;
    const auto image = TRY(tracer::Image::open(words.front()));
    TRY(image.check_bootable());
    std::error_code error;
    options.image = fs::absolute(words.front(), error);
    options.arguments = words;
    launch.build_id = image.build_id();

    if (!arguments.name.empty() && !tracer::is_valid_name(arguments.name))
        return tracer::fail_invalid_name(arguments.name);
    options.name = arguments.name;
    launch.scope = arguments.system ? tracer::Scope::System : tracer::Scope::User;
    if (arguments.cpus < 1 || arguments.cpus > 64)
        return fail(fmt::format("an instance cannot have {} CPUs", arguments.cpus), "Give it between 1 and 64.");
    options.cpus = arguments.cpus;
    options.memory_mib = TRY(tracer::parse_memory_size(arguments.memory));
    options.machine = TRY(tracer::parse_machine(arguments.machine));
    options.accelerator = TRY(tracer::parse_accelerator(arguments.accelerator));
    options.link = TRY(tracer::parse_link(arguments.link));
    for (const std::string& variable : arguments.environment)
        if (variable.find('=') == std::string::npos || variable.starts_with('='))
            return fail(fmt::format("--env {} is not NAME=VALUE", variable), "Give it like --env TZ=UTC.");
    options.environment = arguments.environment;
    for (std::string_view word : arguments.kernel_options) {
        constexpr std::string_view prefix = "uniscope.";
        if (word.starts_with(prefix)) // as it stands on a command line
            word.remove_prefix(prefix.size());
        options.kernel_options.emplace_back(word);
    }
    options.qemu_arguments = arguments.qemu_arguments;
    options.closed = arguments.closed;
    options.identity = TRY(parse_identity(arguments.identity));
    if (!arguments.rootfs.empty()) {
        if (!fs::is_directory(arguments.rootfs, error))
            return fail(fmt::format("the root file system {} is not a directory", arguments.rootfs),
                        "Give a directory with --rootfs; its contents become `/`.");
        options.rootfs = arguments.rootfs;
    }
    if (arguments.wait == "app")
        options.wait = tracer::WaitFor::App;
    else if (arguments.wait == "boot")
        options.wait = tracer::WaitFor::Boot;
    else if (!arguments.wait.empty())
        return fail(fmt::format("an instance cannot wait at `{}`", arguments.wait), "Use --wait or --wait=boot.");

    launch.qemu = TRY(tracer::find_qemu());
    const auto choice = TRY(tracer::choose_accelerator(options.accelerator, launch.qemu));
    launch.accelerator = choice.accelerator;
    launch.accelerator_reason = choice.reason;
    return launch;
}

Result<std::string> shell_command(const Launch& launch) {
    tracer::QemuDescriptors descriptors{};
    int next = 3;
    for (size_t line = 0; line < descriptors.size(); ++line)
        if (tracer::needs_line(launch.options, line))
            descriptors[line] = next++;
    const auto command = tracer::make_qemu_command(launch.qemu, launch.options, launch.accelerator, "", descriptors);
    return quote_for_shell(command);
}

Result<int> launch_in_foreground(Launch launch) {
    tracer::ClaimedName name = TRY(claim_name(launch));
    keep_symbols(launch);
    if (launch.options.wait != tracer::WaitFor::Nothing)
        fmt::print(stderr, "uniscope: {0} waits for gdb: uniscope gdb {0}\n", name.name);
    tracer::SupervisorOptions options = supervisor_options(std::move(launch), name);
    const std::string instance = name.name;
    const tracer::Ending ending = TRY(tracer::Supervisor(std::move(options), std::move(name)).run());
    if (ending.how == "failed")
        return fail(fmt::format("{}: {}", instance, ending.reason), fmt::format("Its log: uniscope logs {}", instance));
    return ending.status;
}

Result<std::string> launch_in_background(Launch launch) {
    tracer::ClaimedName name = TRY(claim_name(launch));
    keep_symbols(launch);
    const std::string instance = to_string(tracer::QualifiedName{
        launch.scope == tracer::Scope::System ? std::optional(launch.scope) : std::nullopt, name.name});
    TRY(start_in_background(std::move(name), [&launch](tracer::ClaimedName claimed, Ready ready) -> Result<> {
        tracer::SupervisorOptions options = supervisor_options(std::move(launch), claimed);
        options.foreground = false;
        options.on_ready = std::move(ready);
        TRY(tracer::Supervisor(std::move(options), std::move(claimed)).run());
        return {};
    }));
    return instance;
}

} // namespace cli
