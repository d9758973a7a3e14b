#include "tracer/instance/Directories.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace tracer {

namespace fs = std::filesystem;

namespace {

/// The specification has relative paths ignored.
fs::path from_environment(const char* variable) {
    const char* value = std::getenv(variable);
    return value && value[0] == '/' ? fs::path(value) : fs::path();
}

fs::path home() {
    if (fs::path path = from_environment("HOME"); !path.empty())
        return path;
    const passwd* entry = getpwuid(getuid());
    return entry && entry->pw_dir ? fs::path(entry->pw_dir) : fs::path("/");
}

} // namespace

Result<fs::path> make_private_directory(const fs::path& path) {
    std::error_code error;
    if (path.has_parent_path())
        fs::create_directories(path.parent_path(), error);
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return fail_errno(fmt::format("cannot make the directory {}", path.string()), errno);
    struct stat status{};
    if (lstat(path.c_str(), &status) != 0)
        return fail_errno(fmt::format("cannot look at {}", path.string()), errno);
    if (!S_ISDIR(status.st_mode) || status.st_uid != getuid())
        return fail(fmt::format("{} is not a directory of yours", path.string()),
                    "Remove it, or set XDG_RUNTIME_DIR to a directory of your own.");
    if ((status.st_mode & 077) != 0 && chmod(path.c_str(), 0700) != 0)
        return fail_errno(fmt::format("cannot close {} to others", path.string()), errno);
    return path;
}

Result<fs::path> runtime_directory() {
    if (const fs::path base = from_environment("XDG_RUNTIME_DIR"); !base.empty())
        return make_private_directory(base / "uniscope");
    const fs::path run = fmt::format("/run/user/{}", getuid());
    if (access(run.c_str(), W_OK) == 0)
        return make_private_directory(run / "uniscope");
    return make_private_directory(fmt::format("/tmp/uniscope-{}", getuid()));
}

Result<fs::path> crash_directory() {
    fs::path base = from_environment("XDG_DATA_HOME");
    if (base.empty())
        base = home() / ".local/share";
    TRY(make_private_directory(base / "uniscope"));
    return make_private_directory(base / "uniscope/crashes");
}

Result<fs::path> cache_directory() {
    fs::path base = from_environment("XDG_CACHE_HOME");
    if (base.empty())
        base = home() / ".cache";
    return make_private_directory(base / "uniscope");
}

} // namespace tracer
