#pragma once
// Which instances there are: one directory each, in the user's registry and in the system's (Directories.h).
//
//     NAME/lock           held (flock) by the supervisor as long as it lives: what tells a live instance from a dead
//     one NAME/instance.json  InstanceFacts, written at the start NAME/ending.json    Ending, written when it is over
//     NAME/console.log    what it printed (ConsoleLog)
//     NAME/audit.log      who came to it, and what they changed (AuditLog)
//     NAME/*.sock         console, control, gdb, trace and manage, while it lives
//
// What is in the system's registry was written by any member of its group. Its directory is sticky and an instance's is
// writable by its owner alone, so nobody can put files or links in another's way; what is read from it is checked, and
// no process id in it is believed.

#include "tracer/Result.h"
#include "tracer/link/InstanceName.h"
#include "tracer/link/Socket.h"

#include <sys/types.h>

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
    std::string link;         ///< "virtio-serial", "vsock", "serial", "ssh"; empty when not known yet
    std::string endpoint;     ///< of an added instance, which somebody else started; else empty
    bool transient = false;   ///< added for the time of a verb
    std::string key = {};     ///< of an added instance: which of its owner's keys, when it was said
    std::string role = {};    ///< as what, when it was said

    /// Registered by `uniscope add`, or for the time of a verb: forgotten, never stopped.
    bool is_added() const { return !endpoint.empty(); }
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
    Scope scope = Scope::User;
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
    Scope scope = Scope::User;

    /// What the registry's group may do: use the sockets, read the rest.
    mode_t socket_mode() const { return scope == Scope::System ? 0660 : 0600; }
    mode_t file_mode() const { return scope == Scope::System ? 0640 : 0600; }
};

struct RegistryDirectory {
    std::filesystem::path path;
    Scope scope = Scope::User;
};

class Registry {
public:
    /// How long a finished instance can be asked about.
    static constexpr int64_t keep_ended_seconds = 24 * 3600;

    /// The user's registry, and the system's where there is one that this user may enter.
    static Result<Registry> open();
    /// The directories in the order of looking up.
    explicit Registry(std::vector<RegistryDirectory> directories)
        : m_directories(std::move(directories)) {}

    /// Takes exactly `name`; fails when a live or an added instance of that registry has it. What a finished one left
    /// is removed.
    Result<ClaimedName> claim(std::string_view name, Scope scope = Scope::User) const;
    /// Takes a free name made from the image's: "shop", "shop-2".
    Result<ClaimedName> claim_for_image(const std::filesystem::path& image, Scope scope = Scope::User) const;
    /// Takes the name of an added instance that nobody serves, leaving its files; nothing when somebody does.
    std::optional<ClaimedName> claim_unserved(const Instance& instance) const;

    /// All instances by name, finished ones too. Entries without a living supervisor, without an ending (it was
    /// killed) and not added, and endings older than keep_ended_seconds, are removed on the way.
    Result<std::vector<Instance>> list() const;

    /// The instance of that name, live, finished or added. Of two, the user's own, unless the name says which.
    Result<Instance> find(std::string_view name) const;
    /// Fails when it has ended.
    Result<Instance> find_alive(std::string_view name) const;
    /// All of that name: more than one when they clash.
    std::vector<Instance> find_every(std::string_view name) const;

    /// Removes what is known of an instance that has no supervisor (any more).
    Result<> remove(const Instance& instance) const;

    /// Why the system's registry is left out; empty when it is not, or when there is none.
    const std::string& closed_reason() const { return m_closed_reason; }

private:
    Result<const RegistryDirectory*> directory_of(Scope scope) const;

    std::vector<RegistryDirectory> m_directories;
    std::string m_closed_reason;
};

nlohmann::json to_json(const InstanceFacts& facts);
nlohmann::json to_json(const Ending& ending);

/// Written to a temporary file and renamed, so that a reader sees all or nothing.
Result<> write_json(const std::filesystem::path& path, const nlohmann::json& value, mode_t mode = 0600);
/// An object of at most 1 MiB in a regular file.
std::optional<nlohmann::json> read_json(const std::filesystem::path& path);

} // namespace tracer
