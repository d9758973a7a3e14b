#include "tracer/cli/ViewerProgram.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace cli {

tracer::Result<int> run_viewer(std::vector<std::string> arguments) {
    std::string program = "uniscope-viewer";
    std::error_code error;
    auto beside = std::filesystem::read_symlink("/proc/self/exe", error).replace_filename(program);
    if (!error && access(beside.c_str(), X_OK) == 0)
        program = beside;
    std::vector<char*> argv = {program.data()};
    for (auto& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    execvp(program.c_str(), argv.data());
    if (errno == ENOENT)
        return tracer::fail("the viewer, uniscope-viewer, is not installed",
                            "build it with -DUNISCOPE_VIEWER=ON, or use uniscope report");
    return tracer::fail_errno("cannot start uniscope-viewer", errno);
}

} // namespace cli
