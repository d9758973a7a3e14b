#pragma once
// Which instances there are: one directory each under the runtime directory.
//
//     NAME/lock           held (flock) by the supervisor as long as it lives: what tells a live instance from a dead
//     one NAME/instance.json  InstanceFacts, written at the start NAME/ending.json    Ending, written when it is over
//     NAME/console.log    what it printed (ConsoleLog)
//     NAME/*.sock         gdb, control, trace and manage, while it lives

#include "tracer/Result.h"
#include "tracer/link/InstanceName.h"
#include "tracer/link/Socket.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tracer {

struct InstanceFacts {
    std::string name;
    std::string image; ///< absolute path
    std::string build_id;
    unsigned cpus = 1;
    uint32_t memory_mib = 0;
    std::string machine;
    std::string accelerator;
    int64_t pid = 0; ///< the supervisor
    int64_t qemu_pid = 0;
    int64_t started_unix = 0; ///< seconds since 1970
};

/// How an instance ended.
struct Ending {
    int status = 0;         ///< exit status that `run` and `wait` report
    std::string how;        ///< "exited", "crashed", "stopped", "killed", "failed"
    std::string reason;     ///< a sentence unless it exited
    std::string core;       ///< path of the crash file, may be empty
    int64_t ended_unix = 0; ///< seconds since 1970
};

struct Instance {
    std::filesystem::path directory;
    InstanceFacts facts;
    bool alive = false;
    std::optional<Ending> ending;

    std::filesystem::path socket(std::string_view name) const { return directory / (std::string(name) + ".sock"); }
    std::filesystem::path console_log() const { return directory / "console.log"; }
};

/// A name taken for a new instance. The lock lives as long as the object and every process that inherits it.
struct ClaimedName {
    std::string name;
    std::filesystem::path directory;
    FileDescriptor lock;
};

class Registry {
public:
    /// How long a finished instance can be asked about.
    static constexpr int64_t keep_ended_seconds = 24 * 3600;

    static Result<Registry> open();
    explicit Registry(std::filesystem::path base)
        : m_base(std::move(base)) {}

    /// Takes exactly `name`; fails when a live instance has it. What a finished one left is removed.
    Result<ClaimedName> claim(std::string_view name) const;
    /// Takes a free name made from the image's: "shop", "shop-2".
    Result<ClaimedName> claim_for_image(const std::filesystem::path& image) const;

    /// All instances by name, finished ones too. Entries without a living supervisor and without an ending (it was
    /// killed), and endings older than keep_ended_seconds, are removed on the way.
    Result<std::vector<Instance>> list() const;

    /// The instance of that name, live or finished.
    Result<Instance> find(std::string_view name) const;
    /// Fails unless it lives.
    Result<Instance> find_alive(std::string_view name) const;

private:
    std::optional<Instance> read(const std::filesystem::path& directory) const;
    void remove_if_dead(const std::filesystem::path& directory) const;

    std::filesystem::path m_base;
};

nlohmann::json to_json(const InstanceFacts& facts);
nlohmann::json to_json(const Ending& ending);

/// Written to a temporary file and renamed, so that a reader sees all or nothing.
Result<> write_json(const std::filesystem::path& path, const nlohmann::json& value);
std::optional<nlohmann::json> read_json(const std::filesystem::path& path);

} // namespace tracer
