#pragma once
// Starting an instance, for the verbs that do: run, and gdb with an image.

#include "tracer/Result.h"
#include "tracer/cli/CommandLine.h"
#include "tracer/cli/Target.h"
#include "tracer/instance/LaunchOptions.h"
#include "tracer/instance/Registry.h"

#include <string>
#include <vector>

namespace cli {

/// The options as they were typed.
struct LaunchArguments {
    std::string name;
    bool system = false;
    unsigned cpus = 1;
    std::string memory = "128M";
    std::string machine = "microvm";
    std::string accelerator = "auto";
    std::string link = "auto";
    std::string rootfs;
    std::vector<std::string> environment;
    std::vector<std::string> kernel_options;
    std::vector<std::string> qemu_arguments;
    std::string wait;
    bool closed = false;
    IdentityArguments identity;
};

void add_launch_options(CommandLine& line, LaunchArguments& arguments);

/// Everything checked: what is left can only fail in the machine.
struct Launch {
    tracer::LaunchOptions options;
    tracer::Accelerator accelerator = tracer::Accelerator::Tcg;
    std::string accelerator_reason;
    std::string qemu;
    std::string build_id;
    tracer::Scope scope = tracer::Scope::User;
    bool verbose = false;
};

/// `words` are the image and the app's arguments.
tracer::Result<Launch> prepare_launch(const LaunchArguments& arguments, const std::vector<std::string>& words);

/// The QEMU command line, quoted for a shell; channels have the descriptor numbers 3 to 8: console, gdb, control,
/// trace, crash, QMP.
tracer::Result<std::string> shell_command(const Launch& launch);

/// Serves the instance until it ends; yields the exit status for this process.
tracer::Result<int> launch_in_foreground(Launch launch);

/// Starts a supervisor in the background and yields the instance's name once it is up.
tracer::Result<std::string> launch_in_background(Launch launch);

} // namespace cli
