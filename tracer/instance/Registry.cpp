#include "tracer/instance/Registry.h"

#include "tracer/instance/Directories.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <thread>

namespace tracer {

namespace fs = std::filesystem;

namespace {

/// The lock of `directory`, if nobody holds it. Nothing when somebody does, or when there is none and `create_mode` is
/// 0.
FileDescriptor try_lock(const fs::path& directory, int operation, mode_t create_mode = 0) {
    const fs::path path = directory / "lock";
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (create_mode != 0 ? O_CREAT : 0);
    FileDescriptor lock(::open(path.c_str(), flags, create_mode));
    if (!lock || flock(lock.get(), operation | LOCK_NB) != 0)
        return {};
    // Whoever removed the directory held the lock while doing so: the file that is there now may be another.
    struct stat ours{}, named{};
    if (fstat(lock.get(), &ours) != 0 || stat(path.c_str(), &named) != 0 || ours.st_ino != named.st_ino)
        return {};
    return lock;
}

template <typename T>
T get(const nlohmann::json& object, const char* key, T fallback) {
    const auto found = object.find(key);
    if (found == object.end())
        return fallback;
    if constexpr (std::is_same_v<T, bool>)
        return found->is_boolean() ? found->template get<T>() : fallback;
    else if constexpr (std::is_arithmetic_v<T>)
        return found->is_number() ? found->template get<T>() : fallback;
    else
        return found->is_string() ? found->template get<T>() : fallback;
}

} // namespace

nlohmann::json to_json(const InstanceFacts& facts) {
    return {{"name", facts.name},
            {"image", facts.image},
            {"build_id", facts.build_id},
            {"cpus", facts.cpus},
            {"memory_mib", facts.memory_mib},
            {"machine", facts.machine},
            {"accelerator", facts.accelerator},
            {"pid", facts.pid},
            {"qemu_pid", facts.qemu_pid},
            {"started_unix", facts.started_unix},
            {"link", facts.link},
            {"endpoint", facts.endpoint},
            {"transient", facts.transient},
            {"key", facts.key},
            {"role", facts.role}};
}

nlohmann::json to_json(const Ending& ending) {
    return {{"status", ending.status},
            {"how", ending.how},
            {"reason", ending.reason},
            {"core", ending.core},
            {"ended_unix", ending.ended_unix}};
}

Result<> write_json(const fs::path& path, const nlohmann::json& value, mode_t mode) {
    const fs::path temporary = path.string() + ".new";
    const std::string text = value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    unlink(temporary.c_str());
    const FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!file || fchmod(file.get(), mode) != 0 ||
        write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return fail(fmt::format("cannot write {}", temporary.string()), "Is the disk full?");
    if (rename(temporary.c_str(), path.c_str()) != 0)
        return fail_errno(fmt::format("cannot write {}", path.string()), errno);
    return {};
}

std::optional<nlohmann::json> read_json(const fs::path& path) {
    constexpr size_t longest = 1u << 20;
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status{};
    if (!file || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
        static_cast<uint64_t>(status.st_size) > longest)
        return std::nullopt;
    std::string text(static_cast<size_t>(status.st_size), '\0');
    const ssize_t size = read(file.get(), text.data(), text.size());
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    auto value = nlohmann::json::parse(text, nullptr, false);
    if (!value.is_object())
        return std::nullopt;
    return value;
}

namespace {

/// What `directory` says of its instance; nothing when it is being made, or is none of ours.
std::optional<Instance> read_instance(const fs::path& directory, Scope scope) {
    const auto facts = read_json(directory / "instance.json");
    if (!facts)
        return std::nullopt;
    Instance instance;
    instance.directory = directory;
    instance.scope = scope;
    instance.facts = {directory.filename(),
                      get<std::string>(*facts, "image", ""),
                      get<std::string>(*facts, "build_id", ""),
                      get<unsigned>(*facts, "cpus", 0),
                      get<uint32_t>(*facts, "memory_mib", 0),
                      get<std::string>(*facts, "machine", ""),
                      get<std::string>(*facts, "accelerator", ""),
                      get<int64_t>(*facts, "pid", 0),
                      get<int64_t>(*facts, "qemu_pid", 0),
                      get<int64_t>(*facts, "started_unix", 0),
                      get<std::string>(*facts, "link", ""),
                      get<std::string>(*facts, "endpoint", ""),
                      get<bool>(*facts, "transient", false),
                      get<std::string>(*facts, "key", ""),
                      get<std::string>(*facts, "role", "")};
    // The order matters: a supervisor writes its ending while it still holds the lock.
    instance.alive = !try_lock(directory, LOCK_SH);
    if (const auto ending = read_json(directory / "ending.json"))
        instance.ending = Ending{get<int>(*ending, "status", 0), get<std::string>(*ending, "how", ""),
                                 get<std::string>(*ending, "reason", ""), get<std::string>(*ending, "core", ""),
                                 get<int64_t>(*ending, "ended_unix", 0)};
    return instance;
}

bool is_known(const Instance& instance) {
    return instance.alive || instance.ending || (instance.facts.is_added() && !instance.facts.transient);
}

void remove_if_dead(const fs::path& directory) {
    const FileDescriptor lock = try_lock(directory, LOCK_EX);
    std::error_code ignored;
    if (lock)
        fs::remove_all(directory, ignored);
}

/// In the system's registry a name may have been another user's, who could still change what is in there. A name that
/// is free is removed, as far as this user may.
Result<> make_ours(const fs::path& directory) {
    struct stat status{};
    if (lstat(directory.c_str(), &status) != 0 || (S_ISDIR(status.st_mode) && status.st_uid == getuid()))
        return {};
    remove_if_dead(directory);
    if (mkdir(directory.c_str(), 0700) == 0)
        return {};
    return fail(fmt::format("the name `{}` is taken already, by another user", directory.filename().string()),
                "Choose another --name.");
}

Result<> check_not_added(const Instance& instance) {
    const InstanceFacts& facts = instance.facts;
    if (!facts.is_added() || facts.transient)
        return {};
    return fail(fmt::format("an instance named `{}` was added already, at {}", facts.name, facts.endpoint),
                fmt::format("Choose another name, or forget it: uniscope rm {}", facts.name));
}

} // namespace

Result<Registry> Registry::open() {
    std::vector<RegistryDirectory> directories = {{TRY(runtime_directory()), Scope::User}};
    std::string closed_reason;
    const auto system = system_directory();
    if (!system)
        closed_reason = system.error().message;
    else if (*system)
        directories.push_back({**system, Scope::System});
    Registry registry(std::move(directories));
    registry.m_closed_reason = std::move(closed_reason);
    return registry;
}

Result<const RegistryDirectory*> Registry::directory_of(Scope scope) const {
    const auto found = std::ranges::find(m_directories, scope, &RegistryDirectory::scope);
    if (found == m_directories.end())
        return fail(m_closed_reason.empty() ? "there is no system registry" : m_closed_reason,
                    "docs/launchers.md, \"The system registry\", says how to make it and who may use it.");
    return &*found;
}

Result<ClaimedName> Registry::claim(std::string_view name, Scope scope) const {
    if (!is_valid_name(name))
        return fail_invalid_name(name);
    ClaimedName claimed{std::string(name), TRY(directory_of(scope))->path / name, {}, scope};
    const fs::path& directory = claimed.directory;
    const mode_t mode = scope == Scope::System ? 02750 : 0700;
    for (int attempt = 0; attempt < 10; ++attempt) {
        const bool is_new = mkdir(directory.c_str(), 0700) == 0;
        if (!is_new && errno != EEXIST)
            return fail_errno(fmt::format("cannot make the directory {}", directory.string()), errno);
        if (!is_new)
            TRY(make_ours(directory));
        if (chmod(directory.c_str(), mode) != 0) // past the umask
            return fail_errno(fmt::format("cannot set the mode of {}", directory.string()), errno);
        claimed.lock = try_lock(directory, LOCK_EX, claimed.file_mode());
        if (claimed.lock) {
            if (const auto there = read_instance(directory, scope); there && !there->ending)
                TRY(check_not_added(*there));
            fchmod(claimed.lock.get(), claimed.file_mode());
            std::error_code ignored;
            for (const auto& entry : fs::directory_iterator(directory, ignored))
                if (entry.path().filename() != "lock")
                    fs::remove_all(entry.path(), ignored);
            return claimed;
        }
        // Somebody who looks whether it lives holds the lock for a moment.
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    if (const auto there = read_instance(directory, scope))
        TRY(check_not_added(*there));
    return fail(fmt::format("an instance named `{}` is running already", name),
                fmt::format("Choose another --name, or stop it: uniscope stop {}", name));
}

std::optional<ClaimedName> Registry::claim_unserved(const Instance& instance) const {
    for (int attempt = 0; attempt < 10; ++attempt) {
        ClaimedName claimed{instance.facts.name, instance.directory, try_lock(instance.directory, LOCK_EX),
                            instance.scope};
        if (claimed.lock)
            return claimed;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return std::nullopt;
}

Result<ClaimedName> Registry::claim_for_image(const fs::path& image, Scope scope) const {
    std::string base = image.filename().string().substr(0, 40);
    std::ranges::replace_if(base, [](char letter) { return !is_valid_name(std::string("a") + letter); }, '-');
    if (!is_valid_name(base))
        base = "instance";
    for (int number = 1; number < 10000; ++number) {
        auto claimed = claim(number == 1 ? base : fmt::format("{}-{}", base, number), scope);
        if (claimed || claimed.error().message.find(" already") == std::string::npos)
            return claimed;
    }
    return fail("there are too many instances of this image", "Give one a name with --name.");
}

Result<std::vector<Instance>> Registry::list() const {
    std::vector<Instance> instances;
    for (const RegistryDirectory& base : m_directories) {
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(base.path, error)) {
            const auto instance = read_instance(entry.path(), base.scope);
            if (!instance)
                continue;
            const bool forgotten =
                instance->ending && instance->ending->ended_unix + keep_ended_seconds < std::time(nullptr);
            if (!instance->alive && (!is_known(*instance) || forgotten))
                remove_if_dead(entry.path());
            else
                instances.push_back(*instance);
        }
        if (error)
            return fail_errno(fmt::format("cannot list {}", base.path.string()), error.value());
    }
    std::ranges::stable_sort(instances, {}, [](const Instance& instance) { return instance.facts.name; });
    return instances;
}

std::vector<Instance> Registry::find_every(std::string_view name) const {
    std::vector<Instance> found;
    const auto qualified = parse_qualified_name(name);
    for (const RegistryDirectory& base : m_directories)
        if (qualified && qualified->scope.value_or(base.scope) == base.scope)
            if (auto instance = read_instance(base.path / qualified->name, base.scope); instance && is_known(*instance))
                found.push_back(std::move(*instance));
    return found;
}

Result<Instance> Registry::find(std::string_view name) const {
    if (auto found = find_every(name); !found.empty())
        return std::move(found.front());
    std::string running;
    for (const Instance& instance : list().value_or(std::vector<Instance>()))
        if (instance.alive || instance.facts.is_added())
            running += (running.empty() ? "" : ", ") + instance.facts.name;
    std::string hint = running.empty() ? "Nothing runs. Start one: uniscope run IMAGE" : "Running: " + running;
    if (!m_closed_reason.empty())
        hint += fmt::format("\nThe system registry is left out: {}.", m_closed_reason);
    return fail(fmt::format("there is no instance `{}`", name), std::move(hint));
}

Result<Instance> Registry::find_alive(std::string_view name) const {
    auto instance = TRY(find(name));
    if (!instance.alive && instance.ending)
        return fail(fmt::format("the instance `{}` has ended with status {}", name, instance.ending->status),
                    fmt::format("Start it again: uniscope run --name {} {}", name, instance.facts.image));
    return instance;
}

Result<> Registry::remove(const Instance& instance) const {
    const auto claimed = claim_unserved(instance);
    if (!claimed)
        return fail(fmt::format("{} is in use", instance.facts.name));
    std::error_code error;
    fs::remove_all(instance.directory, error);
    if (error)
        return fail_errno(fmt::format("cannot remove {}", instance.directory.string()), error.value());
    return {};
}

} // namespace tracer
