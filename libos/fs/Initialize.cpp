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

/// What the tree holds from the start, in the order of a walk: a directory, then what is in it, one deeper.
struct Node {
    enum class Kind : uint8_t { Directory, Device, Generated, Text, Link, ExecutableLink };

    uint8_t depth;
    Kind kind;
    uint16_t permissions;
    std::string_view name;
    uint64_t number = 0; // of a device, or of a ProcFile
    std::string_view text = {};
};

consteval Node directory(uint8_t depth, std::string_view name, uint16_t permissions = 0755) {
    return {depth, Node::Kind::Directory, permissions, name};
}
consteval Node device(uint8_t depth, std::string_view name, uint64_t number, uint16_t permissions = 0666) {
    return {depth, Node::Kind::Device, permissions, name, number};
}
consteval Node generated(uint8_t depth, std::string_view name, ProcFile source) {
    return {depth, Node::Kind::Generated, 0444, name, static_cast<uint64_t>(source)};
}
consteval Node text(uint8_t depth, std::string_view name, std::string_view content) {
    return {depth, Node::Kind::Text, 0444, name, 0, content};
}
consteval Node link(uint8_t depth, std::string_view name, std::string_view target) {
    return {depth, Node::Kind::Link, 0777, name, 0, target};
}

constexpr Node nodes[] = {
    directory(0, "dev"),
    device(1, "null", devices::null),
    device(1, "zero", devices::zero),
    device(1, "full", devices::full),
    device(1, "random", devices::random),
    device(1, "urandom", devices::urandom),
    device(1, "tty", devices::tty),
    device(1, "console", devices::console, 0600),
    device(1, "vsock", devices::vsock),
    directory(1, "shm", 01777),
    link(1, "fd", "/proc/self/fd"),
    link(1, "stdin", "/proc/self/fd/0"),
    link(1, "stdout", "/proc/self/fd/1"),
    link(1, "stderr", "/proc/self/fd/2"),
    directory(0, "etc"),
    directory(0, "proc"),
    generated(1, "cpuinfo", ProcFile::CpuInfo),
    generated(1, "meminfo", ProcFile::MemoryInfo),
    generated(1, "stat", ProcFile::Stat),
    generated(1, "uptime", ProcFile::Uptime),
    generated(1, "loadavg", ProcFile::LoadAverage),
    generated(1, "version", ProcFile::Version),
    generated(1, "cmdline", ProcFile::CommandLine),
    text(1, "filesystems", "nodev\ttmpfs\n"),
    text(1, "mounts", "rootfs / tmpfs rw 0 0\n"),
    directory(1, "self"),
    directory(2, "fd"),
    {2, Node::Kind::ExecutableLink, 0777, "exe"},
    link(2, "cwd", "/"),
    link(2, "root", "/"),
    generated(2, "maps", ProcFile::SelfMaps),
    generated(2, "smaps", ProcFile::SelfSmaps),
    generated(2, "stat", ProcFile::SelfStat),
    generated(2, "statm", ProcFile::SelfStatm),
    generated(2, "status", ProcFile::SelfStatus),
    generated(2, "cmdline", ProcFile::SelfCommandLine),
    generated(2, "environ", ProcFile::SelfEnvironment),
    generated(2, "comm", ProcFile::SelfCommand),
    generated(2, "auxv", ProcFile::SelfAuxiliary),
    generated(2, "limits", ProcFile::SelfLimits),
    text(2, "mounts", "rootfs / tmpfs rw 0 0\n"),
    text(2, "mountinfo", "1 0 0:1 / / rw - tmpfs rootfs rw\n"),
    text(2, "cgroup", "0::/\n"),
    text(2, "oom_score_adj", "0\n"),
    directory(1, "sys"),
    directory(2, "fs"),
    text(3, "file-max", "65536\n"),
    directory(2, "kernel"),
    text(3, "ngroups_max", "65536\n"),
    text(3, "osrelease", "6.1.0-uniscope\n"),
    text(3, "pid_max", "4194304\n"),
    directory(2, "net"),
    directory(3, "core"),
    text(4, "somaxconn", "4096\n"),
    directory(2, "vm"),
    text(3, "max_map_count", "65530\n"),
    text(3, "overcommit_memory", "1\n"),
    directory(0, "sys"),
    directory(1, "devices"),
    directory(2, "system"),
    directory(3, "clocksource"),
    directory(4, "clocksource0"),
    generated(5, "current_clocksource", ProcFile::ClockSource),
    directory(3, "cpu"),
    generated(4, "online", ProcFile::OnlineCpus),
    generated(4, "possible", ProcFile::OnlineCpus),
    generated(4, "present", ProcFile::OnlineCpus),
    directory(1, "kernel"),
    directory(2, "mm"),
    directory(3, "transparent_hugepage"),
    text(4, "enabled", "always madvise [never]\n"),
    directory(0, "tmp", 01777),
};
constexpr size_t max_depth = 5;

base::Result<base::Reference<Inode>> make_inode(const Node& node) {
    using Made = base::Reference<Inode>;
    switch (node.kind) {
    case Node::Kind::Directory:
        return Made(TRY(Directory::create(node.permissions)));
    case Node::Kind::Device:
        return Made(TRY(Device::create(node.number, node.permissions)));
    case Node::Kind::Generated:
        return Made(TRY(TextFile::create(static_cast<ProcFile>(node.number))));
    case Node::Kind::Text:
        return Made(TRY(TextFile::create(node.text)));
    case Node::Kind::Link:
        return Made(TRY(SymbolicLink::create(node.text)));
    case Node::Kind::ExecutableLink:
        return Made(TRY(SymbolicLink::create(services().proc.executable_path())));
    }
    return base::fail(base::Error::Invalid);
}

} // namespace

FileSystem& file_system() {
    return g_file_system.value;
}

Services& services() {
    return *g_services.value;
}

base::Result<> FileSystem::make_tree() {
    auto root = TRY(Directory::create(0755));
    root->add_links(2);
    m_root = TRY(Entry::create("", base::Reference<Inode>(root)));
    m_working_directory = m_root;
    SleepLocker locker(m_tree);
    Entry* parents[max_depth + 1] = {m_root.get()};
    for (const auto& node : nodes) {
        Place place{.parent = parents[node.depth], .name = node.name};
        TRY(add(place, TRY(make_inode(node))));
        if (node.kind == Node::Kind::Directory)
            parents[node.depth + 1] = place.entry;
    }
    if (services().ports)
        TRY(add_ports(*services().ports));
    m_descriptor_links = base::Reference<Entry>::share(TRY(walk({}, "/proc/self/fd", 0)).entry);
    base::Text<20> process;
    process.decimal(services().proc.process_id());
    Place place{.parent = TRY(walk({}, "/proc", 0)).entry, .name = process.view()};
    return add(place, TRY(SymbolicLink::create("self")));
}

base::Result<> FileSystem::add_ports(PortSource& ports) {
    Entry* directory = nullptr;
    for (unsigned number = 0; number < ports.count(); ++number) {
        auto name = ports.name(number);
        if (name.empty() || name == "." || name == ".." || name.contains('/'))
            continue;
        if (!directory) {
            Place place{.parent = TRY(walk({}, "/dev", 0)).entry, .name = "virtio-ports"};
            TRY(add(place, TRY(Directory::create(0755))));
            directory = place.entry;
        }
        Place place{.parent = directory, .name = name};
        if (!place.directory().find(name)) // the host may give two the same name: the first one has it
            TRY(add(place, TRY(Device::create(device_number(devices::port_major, number), 0600))));
    }
    return {};
}

base::Result<> FileSystem::open_standard_streams() {
    auto entry = [this] -> base::Result<base::Reference<Entry>> {
        SleepLocker locker(m_tree);
        return base::Reference<Entry>::share(TRY(walk({}, "/dev/console", 0)).entry);
    };
    auto device = TRY(entry());
    auto console = TRY(device->inode().open(device, abi::o_rdwr));
    for (auto i = 0; i < 3; ++i)
        TRY(m_descriptors.add(console, false));
    return {};
}

base::Result<> initialize(const Services& given) {
    g_services.value.emplace(given);
    TRY(file_system().make_tree());
    return file_system().open_standard_streams();
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
