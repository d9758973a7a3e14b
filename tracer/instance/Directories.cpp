#include "tracer/instance/Directories.h"

#include <fmt/format.h>
#include <grp.h>
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

namespace {

constexpr const char* system_group = "uniscope";

fs::path system_path() {
    const fs::path chosen = from_environment("UNISCOPE_SYSTEM_REGISTRY");
    return chosen.empty() ? fs::path("/run/uniscope") : chosen;
}

Result<fs::path> make_data_directory(std::string_view name) {
    fs::path base = from_environment("XDG_DATA_HOME");
    if (base.empty())
        base = home() / ".local/share";
    TRY(make_private_directory(base / "uniscope"));
    return make_private_directory(base / "uniscope" / name);
}

} // namespace

Result<std::optional<fs::path>> system_directory() {
    const fs::path path = system_path();
    struct stat status{};
    if (lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT)
            return std::nullopt;
        return fail_errno(fmt::format("cannot look at {}", path.string()), errno);
    }
    if (!S_ISDIR(status.st_mode) || (status.st_uid != 0 && status.st_uid != getuid()))
        return fail(fmt::format("{} is not a directory of root", path.string()));
    if ((status.st_mode & 07) != 0)
        return fail(fmt::format("{} is open to everybody (mode {:o})", path.string(), status.st_mode & 07777),
                    fmt::format("It has to be for its group alone: chmod 3770 {}", path.string()));
    if ((status.st_mode & 020) != 0 && (status.st_mode & S_ISVTX) == 0)
        return fail(fmt::format("in {} the members of its group can put files in each other's way (mode {:o})",
                                path.string(), status.st_mode & 07777),
                    fmt::format("Set the sticky bit: chmod 3770 {}", path.string()));
    if (access(path.c_str(), R_OK | W_OK | X_OK) != 0) {
        const group* entry = getgrgid(status.st_gid);
        return fail(fmt::format("{} is for the group {}, and you are not in it", path.string(),
                                entry ? entry->gr_name : std::to_string(status.st_gid)),
                    "An administrator lets you in: usermod -aG GROUP USER, then log in again.");
    }
    return path;
}

Result<fs::path> make_system_directory() {
    if (const auto there = TRY(system_directory()))
        return *there;
    const fs::path path = system_path();
    const std::string hint = fmt::format(
        "An administrator makes it: groupadd --system {0}; install -d -m 3770 -g {0} {1}", system_group, path.string());
    if (getuid() != 0)
        return fail(fmt::format("there is no system registry {}", path.string()), hint);
    const group* entry = getgrnam(system_group);
    if (!entry)
        return fail(fmt::format("there is no group `{}`, which the system registry is for", system_group), hint);
    if (mkdir(path.c_str(), 0700) != 0 || chown(path.c_str(), 0, entry->gr_gid) != 0 || chmod(path.c_str(), 03770) != 0)
        return fail_errno(fmt::format("cannot make the system registry {}", path.string()), errno);
    return path;
}

Result<fs::path> crash_directory() {
    return make_data_directory("crashes");
}

Result<fs::path> symbol_directory() {
    return make_data_directory("symbols");
}

Result<fs::path> key_directory() {
    fs::path base = from_environment("XDG_CONFIG_HOME");
    if (base.empty())
        base = home() / ".config";
    TRY(make_private_directory(base / "uniscope"));
    return make_private_directory(base / "uniscope/keys");
}

Result<fs::path> cache_directory() {
    fs::path base = from_environment("XDG_CACHE_HOME");
    if (base.empty())
        base = home() / ".cache";
    return make_private_directory(base / "uniscope");
}

} // namespace tracer
