// The tree as it is before the initrd: /dev, /proc, /sys, /tmp; and the standard streams.

#include "libos/fs/Devices.h"
#include "libos/fs/FileSystem.h"
#include "libos/fs/Place.h"
#include "libos/fs/RegularFile.h"
#include "libos/fs/TextFile.h"

#include <new>
#include <optional>

namespace fs {

namespace {

/// A global that is never destroyed: the kernel does not return from main.
template <typename T>
union Permanent {
    constexpr Permanent()
        : value() {}
    constexpr ~Permanent() {}
    T value;
};

constinit Permanent<FileSystem> g_file_system;
constinit Permanent<std::optional<Services>> g_services;

struct DeviceName {
    std::string_view path;
    uint64_t number;
    uint32_t permissions;
};
constexpr DeviceName device_names[] = {
    {"/dev/null", devices::null, 0666},       {"/dev/zero", devices::zero, 0666},
    {"/dev/full", devices::full, 0666},       {"/dev/random", devices::random, 0666},
    {"/dev/urandom", devices::urandom, 0666}, {"/dev/tty", devices::tty, 0666},
    {"/dev/console", devices::console, 0600},
};

struct GeneratedName {
    std::string_view path;
    ProcFile source;
};
constexpr GeneratedName generated_names[] = {
    {"/proc/self/maps", ProcFile::SelfMaps},
    {"/proc/self/smaps", ProcFile::SelfSmaps},
    {"/proc/self/stat", ProcFile::SelfStat},
    {"/proc/self/statm", ProcFile::SelfStatm},
    {"/proc/self/status", ProcFile::SelfStatus},
    {"/proc/self/cmdline", ProcFile::SelfCommandLine},
    {"/proc/self/environ", ProcFile::SelfEnvironment},
    {"/proc/self/comm", ProcFile::SelfCommand},
    {"/proc/self/auxv", ProcFile::SelfAuxiliary},
    {"/proc/self/limits", ProcFile::SelfLimits},
    {"/proc/cpuinfo", ProcFile::CpuInfo},
    {"/proc/meminfo", ProcFile::MemoryInfo},
    {"/proc/stat", ProcFile::Stat},
    {"/proc/uptime", ProcFile::Uptime},
    {"/proc/loadavg", ProcFile::LoadAverage},
    {"/proc/version", ProcFile::Version},
    {"/proc/cmdline", ProcFile::CommandLine},
    {"/sys/devices/system/cpu/online", ProcFile::OnlineCpus},
    {"/sys/devices/system/cpu/possible", ProcFile::OnlineCpus},
    {"/sys/devices/system/cpu/present", ProcFile::OnlineCpus},
    {"/sys/devices/system/clocksource/clocksource0/current_clocksource", ProcFile::ClockSource},
};

struct FixedText {
    std::string_view path;
    std::string_view text;
};
constexpr FixedText fixed_texts[] = {
    {"/proc/filesystems", "nodev\ttmpfs\n"},
    {"/proc/mounts", "rootfs / tmpfs rw 0 0\n"},
    {"/proc/self/mounts", "rootfs / tmpfs rw 0 0\n"},
    {"/proc/self/mountinfo", "1 0 0:1 / / rw - tmpfs rootfs rw\n"},
    {"/proc/self/cgroup", "0::/\n"},
    {"/proc/self/oom_score_adj", "0\n"},
    {"/proc/sys/vm/overcommit_memory", "1\n"},
    {"/proc/sys/vm/max_map_count", "65530\n"},
    {"/proc/sys/net/core/somaxconn", "4096\n"},
    {"/proc/sys/kernel/ngroups_max", "65536\n"},
    {"/proc/sys/kernel/pid_max", "4194304\n"},
    {"/proc/sys/kernel/osrelease", "6.1.0-uniscope\n"},
    {"/proc/sys/fs/file-max", "65536\n"},
    {"/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n"},
};

struct LinkName {
    std::string_view path;
    std::string_view target;
};
constexpr LinkName link_names[] = {
    {"/dev/fd", "/proc/self/fd"},
    {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"},
    {"/dev/stderr", "/proc/self/fd/2"},
};

constexpr std::string_view directories[] = {"/dev",       "/dev/shm",      "/etc", "/proc",
                                            "/proc/self", "/proc/self/fd", "/sys", "/tmp"};

} // namespace

FileSystem& file_system() {
    return g_file_system.value;
}

Services& services() {
    return *g_services.value;
}

base::Result<> FileSystem::make_parents(std::string_view path) {
    for (size_t at = path.find('/', 1); at != std::string_view::npos; at = path.find('/', at + 1)) {
        auto made = make_directory({}, path.substr(0, at), 0755);
        if (!made && made.error() != base::Error::Exists)
            return made;
    }
    return {};
}

base::Result<> FileSystem::add_at(std::string_view path, base::Reference<Inode> inode) {
    TRY(make_parents(path));
    SleepLocker locker(m_tree);
    auto place = TRY(free_place({}, path, false));
    return add(place, std::move(inode));
}

base::Result<> FileSystem::make_tree() {
    auto root = TRY(Directory::create(0755));
    root->add_links(2);
    m_root = TRY(Entry::create("", base::Reference<Inode>(root)));
    m_working_directory = m_root;
    for (auto path : directories)
        TRY(make_directory({}, path, 0755));
    for (const auto& device : device_names)
        TRY(add_at(device.path, TRY(Device::create(device.number, device.permissions))));
    for (const auto& name : generated_names)
        TRY(add_at(name.path, TRY(TextFile::create(name.source))));
    for (const auto& text : fixed_texts)
        TRY(add_at(text.path, TRY(TextFile::create(text.text))));
    for (const auto& link : link_names)
        TRY(make_symbolic_link(link.target, {}, link.path));
    TRY(make_symbolic_link(services().proc.executable_path(), {}, "/proc/self/exe"));
    {
        SleepLocker locker(m_tree);
        m_descriptor_links = base::Reference<Entry>::share(TRY(walk({}, "/proc/self/fd", 0)).entry);
    }
    base::Text<32> process;
    process.put("/proc/").decimal(services().proc.process_id());
    TRY(make_symbolic_link("self", {}, process.view()));
    TRY(find({}, "/tmp", 0))->set_permissions(01777);
    TRY(find({}, "/dev/shm", 0))->set_permissions(01777);
    return {};
}

base::Result<> initialize(const Services& given) {
    g_services.value.emplace(given);
    auto& system = file_system();
    TRY(system.make_tree());
    auto console = TRY(system.open({}, "/dev/console", abi::o_rdwr, 0));
    for (auto i = 0; i < 3; ++i)
        TRY(system.m_descriptors.add(console, false));
    return {};
}

void shut_down() {
    auto& system = file_system();
    system.m_descriptors.free_chunks();
    system.m_working_directory = nullptr;
    system.m_descriptor_links = nullptr;
    system.release_retired_links();
    if (system.m_root)
        system.m_root->inode().as_directory()->clear();
    system.m_root = nullptr;
    system.m_umask = 022;
}

} // namespace fs
