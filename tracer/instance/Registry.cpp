#include "tracer/instance/Registry.h"

#include "tracer/instance/Directories.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <thread>

namespace tracer {

namespace fs = std::filesystem;

namespace {

/// The lock of `directory`, if nobody holds it. Nothing when somebody does, or when there is none.
FileDescriptor try_lock(const fs::path& directory, int operation, bool create = false) {
    const fs::path path = directory / "lock";
    FileDescriptor lock(::open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600));
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
    if constexpr (std::is_arithmetic_v<T>)
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
            {"started_unix", facts.started_unix}};
}

nlohmann::json to_json(const Ending& ending) {
    return {{"status", ending.status},
            {"how", ending.how},
            {"reason", ending.reason},
            {"core", ending.core},
            {"ended_unix", ending.ended_unix}};
}

Result<> write_json(const fs::path& path, const nlohmann::json& value) {
    const fs::path temporary = path.string() + ".new";
    const std::string text = value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    {
        std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
        file << text;
        file.close();
        if (!file)
            return fail(fmt::format("cannot write {}", temporary.string()), "Is the disk full?");
    }
    if (rename(temporary.c_str(), path.c_str()) != 0)
        return fail_errno(fmt::format("cannot write {}", path.string()), errno);
    return {};
}

std::optional<nlohmann::json> read_json(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return std::nullopt;
    auto value = nlohmann::json::parse(file, nullptr, false);
    if (!value.is_object())
        return std::nullopt;
    return value;
}

Result<Registry> Registry::open() {
    return Registry(TRY(runtime_directory()));
}

Result<ClaimedName> Registry::claim(std::string_view name) const {
    if (!is_valid_name(name))
        return fail(fmt::format("`{}` cannot be an instance's name", name),
                    "Use up to 48 letters, digits, `.`, `-` and `_`, beginning with a letter or digit.");
    const fs::path directory = m_base / name;
    for (int attempt = 0; attempt < 10; ++attempt) {
        if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
            return fail_errno(fmt::format("cannot make the directory {}", directory.string()), errno);
        FileDescriptor lock = try_lock(directory, LOCK_EX, true);
        if (lock) {
            std::error_code ignored;
            for (const auto& entry : fs::directory_iterator(directory, ignored))
                if (entry.path().filename() != "lock")
                    fs::remove_all(entry.path(), ignored);
            return ClaimedName{std::string(name), directory, std::move(lock)};
        }
        // Somebody who looks whether it lives holds the lock for a moment.
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return fail(fmt::format("an instance named `{}` is running already", name),
                fmt::format("Choose another --name, or stop it: uniscope stop {}", name));
}

Result<ClaimedName> Registry::claim_for_image(const fs::path& image) const {
    std::string base = image.filename().string().substr(0, 40);
    std::ranges::replace_if(base, [](char letter) { return !is_valid_name(std::string("a") + letter); }, '-');
    if (!is_valid_name(base))
        base = "instance";
    for (int number = 1; number < 10000; ++number) {
        auto claimed = claim(number == 1 ? base : fmt::format("{}-{}", base, number));
        if (claimed || claimed.error().message.find("running already") == std::string::npos)
            return claimed;
    }
    return fail("there are too many instances of this image", "Give one a name with --name.");
}

std::optional<Instance> Registry::read(const fs::path& directory) const {
    const auto facts = read_json(directory / "instance.json");
    if (!facts)
        return std::nullopt;
    Instance instance;
    instance.directory = directory;
    instance.facts = {get<std::string>(*facts, "name", directory.filename()),
                      get<std::string>(*facts, "image", ""),
                      get<std::string>(*facts, "build_id", ""),
                      get<unsigned>(*facts, "cpus", 0),
                      get<uint32_t>(*facts, "memory_mib", 0),
                      get<std::string>(*facts, "machine", ""),
                      get<std::string>(*facts, "accelerator", ""),
                      get<int64_t>(*facts, "pid", 0),
                      get<int64_t>(*facts, "qemu_pid", 0),
                      get<int64_t>(*facts, "started_unix", 0)};
    // The order matters: a supervisor writes its ending while it still holds the lock.
    instance.alive = !try_lock(directory, LOCK_SH);
    if (const auto ending = read_json(directory / "ending.json"))
        instance.ending = Ending{get<int>(*ending, "status", 0), get<std::string>(*ending, "how", ""),
                                 get<std::string>(*ending, "reason", ""), get<std::string>(*ending, "core", ""),
                                 get<int64_t>(*ending, "ended_unix", 0)};
    return instance;
}

void Registry::remove_if_dead(const fs::path& directory) const {
    const FileDescriptor lock = try_lock(directory, LOCK_EX);
    std::error_code ignored;
    if (lock)
        fs::remove_all(directory, ignored);
}

Result<std::vector<Instance>> Registry::list() const {
    std::vector<Instance> instances;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(m_base, error)) {
        const auto instance = read(entry.path());
        if (!instance)
            continue; // being made, or none of ours
        const bool forgotten =
            instance->ending && instance->ending->ended_unix + keep_ended_seconds < std::time(nullptr);
        if (!instance->alive && (!instance->ending || forgotten))
            remove_if_dead(entry.path());
        else
            instances.push_back(*instance);
    }
    if (error)
        return fail_errno(fmt::format("cannot list {}", m_base.string()), error.value());
    std::ranges::sort(instances, {}, [](const Instance& instance) { return instance.facts.name; });
    return instances;
}

Result<Instance> Registry::find(std::string_view name) const {
    if (is_valid_name(name))
        if (auto instance = read(m_base / name); instance && (instance->alive || instance->ending))
            return *instance;
    std::string running;
    for (const Instance& instance : list().value_or(std::vector<Instance>()))
        if (instance.alive)
            running += (running.empty() ? "" : ", ") + instance.facts.name;
    return fail(fmt::format("there is no instance `{}`", name),
                running.empty() ? "Nothing runs. Start one: uniscope run IMAGE" : "Running: " + running);
}

Result<Instance> Registry::find_alive(std::string_view name) const {
    auto instance = TRY(find(name));
    if (!instance.alive)
        return fail(fmt::format("the instance `{}` has ended with status {}", name, instance.ending->status),
                    fmt::format("Start it again: uniscope run --name {} {}", name, instance.facts.image));
    return instance;
}

} // namespace tracer
