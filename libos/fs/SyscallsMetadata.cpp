// Asking for and setting attributes: stat, statx, statfs, chmod, chown, times, access, readlink.

#include "libos/fs/SyscallSupport.h"
#include "libos/fs/Syscalls.h"

#include <algorithm>

namespace fs {

using base::Error;
using base::fail;
using base::Result;
using syscalls::Arguments;

namespace {

constexpr uint64_t device_of_tree = 1;
constexpr int64_t second = 1'000'000'000;

uint32_t mode_of(const Attributes& attributes) {
    return static_cast<uint32_t>(attributes.type) << 12 | attributes.permissions;
}

/// Rounds down, so that nanoseconds are positive before 1970 too.
abi::timespec time_of(int64_t nanoseconds) {
    auto seconds = nanoseconds / second;
    auto rest = nanoseconds % second;
    if (rest < 0) {
        --seconds;
        rest += second;
    }
    return {seconds, rest};
}

Result<uint64_t> write_stat(const Inode& inode, memory::UserAddress to) {
    auto attributes = inode.attributes();
    abi::stat stat = {};
    stat.st_dev = device_of_tree;
    stat.st_ino = attributes.number;
    stat.st_nlink = attributes.links;
    stat.st_mode = mode_of(attributes);
    stat.st_uid = attributes.user;
    stat.st_gid = attributes.group;
    stat.st_rdev = attributes.device;
    stat.st_size = static_cast<int64_t>(attributes.size);
    stat.st_blksize = page_size;
    stat.st_blocks = static_cast<int64_t>(attributes.data_pages * (page_size / 512));
    stat.st_atim = time_of(attributes.times.access);
    stat.st_mtim = time_of(attributes.times.modification);
    stat.st_ctim = time_of(attributes.times.change);
    TRY(memory::write_user(to, stat));
    return 0;
}

Result<uint64_t> stat_at(int descriptor, uint64_t path, uint64_t to, int flags) {
    constexpr int known = abi::at_symlink_nofollow | abi::at_no_automount | abi::at_empty_path;
    if (flags & ~known)
        return fail(Error::Invalid);
    PathAt at;
    TRY(at.load(descriptor, path, flags));
    return write_stat(*TRY(at.find(flags)), to);
}

} // namespace

Result<uint64_t> sys_stat(const Arguments& a) {
    return stat_at(abi::at_fdcwd, a.value[0], a.value[1], 0);
}
Result<uint64_t> sys_lstat(const Arguments& a) {
    return stat_at(abi::at_fdcwd, a.value[0], a.value[1], abi::at_symlink_nofollow);
}
Result<uint64_t> sys_newfstatat(const Arguments& a) {
    return stat_at(a.as_int(0), a.value[1], a.value[2], a.as_int(3));
}
Result<uint64_t> sys_fstat(const Arguments& a) {
    return write_stat(TRY(file_system().descriptors().get(a.as_int(0)))->inode(), a.value[1]);
}

Result<uint64_t> sys_statx(const Arguments& a) {
    auto flags = a.as_int(2);
    constexpr int known =
        abi::at_symlink_nofollow | abi::at_no_automount | abi::at_empty_path | abi::at_statx_sync_type;
    if ((flags & ~known) || (flags & abi::at_statx_sync_type) == abi::at_statx_sync_type || (a.as_u32(3) >> 31))
        return fail(Error::Invalid);
    PathAt at;
    TRY(at.load(a.as_int(0), a.value[1], flags));
    auto attributes = TRY(at.find(flags))->attributes();
    auto time = [](int64_t nanoseconds) {
        auto [seconds, rest] = time_of(nanoseconds);
        return abi::statx_timestamp{seconds, static_cast<uint32_t>(rest), 0};
    };
    abi::statx statx = {};
    statx.stx_mask = abi::statx_basic_stats | abi::statx_btime;
    statx.stx_blksize = page_size;
    statx.stx_nlink = static_cast<uint32_t>(attributes.links);
    statx.stx_uid = attributes.user;
    statx.stx_gid = attributes.group;
    statx.stx_mode = static_cast<uint16_t>(mode_of(attributes));
    statx.stx_ino = attributes.number;
    statx.stx_size = attributes.size;
    statx.stx_blocks = attributes.data_pages * (page_size / 512);
    statx.stx_atime = time(attributes.times.access);
    statx.stx_btime = time(attributes.times.birth);
    statx.stx_ctime = time(attributes.times.change);
    statx.stx_mtime = time(attributes.times.modification);
    statx.stx_rdev_major = static_cast<uint32_t>(attributes.device >> 8);
    statx.stx_rdev_minor = static_cast<uint32_t>(attributes.device & 0xff);
    statx.stx_dev_minor = device_of_tree;
    TRY(memory::write_user(a.value[4], statx));
    return 0;
}

namespace {

Result<uint64_t> write_statfs(memory::UserAddress to) {
    auto memory = services().proc.memory();
    auto limit = services().data_page_limit;
    auto free = memory.free_bytes / page_size;
    abi::statfs statfs = {};
    statfs.f_type = abi::tmpfs_magic;
    statfs.f_bsize = page_size;
    statfs.f_frsize = page_size;
    statfs.f_blocks = limit ? limit : memory.total_bytes / page_size;
    statfs.f_bfree = limit ? std::min(free, limit - std::min(limit, pages_in_use())) : free;
    statfs.f_bavail = statfs.f_bfree;
    statfs.f_namelen = max_name_length;
    TRY(memory::write_user(to, statfs));
    return 0;
}

} // namespace

Result<uint64_t> sys_statfs(const Arguments& a) {
    PathArgument path;
    TRY(path.load(a.value[0]));
    TRY(file_system().find({}, path.view(), 0));
    return write_statfs(a.value[1]);
}

Result<uint64_t> sys_fstatfs(const Arguments& a) {
    TRY(file_system().descriptors().get(a.as_int(0)));
    return write_statfs(a.value[1]);
}

namespace {

Result<uint64_t> chmod_at(int descriptor, uint64_t path, uint32_t mode, int flags) {
    if (flags & ~(abi::at_symlink_nofollow | abi::at_empty_path))
        return fail(Error::Invalid);
    PathAt at;
    TRY(at.load(descriptor, path, flags));
    auto inode = TRY(at.find(flags));
    if (inode->type() == FileType::SymbolicLink)
        return fail(Error::NotSupported);
    inode->set_permissions(mode);
    return 0;
}

Result<uint64_t> chown_at(int descriptor, uint64_t path, uint32_t user, uint32_t group, int flags) {
    if (flags & ~(abi::at_symlink_nofollow | abi::at_empty_path))
        return fail(Error::Invalid);
    PathAt at;
    TRY(at.load(descriptor, path, flags));
    TRY(at.find(flags))->set_owner(user, group);
    return 0;
}

} // namespace

Result<uint64_t> sys_chmod(const Arguments& a) {
    return chmod_at(abi::at_fdcwd, a.value[0], a.as_u32(1), 0);
}
Result<uint64_t> sys_fchmodat(const Arguments& a) {
    return chmod_at(a.as_int(0), a.value[1], a.as_u32(2), 0);
}
Result<uint64_t> sys_fchmodat2(const Arguments& a) {
    return chmod_at(a.as_int(0), a.value[1], a.as_u32(2), a.as_int(3));
}
Result<uint64_t> sys_fchmod(const Arguments& a) {
    TRY(file_of(a.as_int(0)))->inode().set_permissions(a.as_u32(1));
    return 0;
}

Result<uint64_t> sys_chown(const Arguments& a) {
    return chown_at(abi::at_fdcwd, a.value[0], a.as_u32(1), a.as_u32(2), 0);
}
Result<uint64_t> sys_lchown(const Arguments& a) {
    return chown_at(abi::at_fdcwd, a.value[0], a.as_u32(1), a.as_u32(2), abi::at_symlink_nofollow);
}
Result<uint64_t> sys_fchownat(const Arguments& a) {
    return chown_at(a.as_int(0), a.value[1], a.as_u32(2), a.as_u32(3), a.as_int(4));
}
Result<uint64_t> sys_fchown(const Arguments& a) {
    TRY(file_of(a.as_int(0)))->inode().set_owner(a.as_u32(1), a.as_u32(2));
    return 0;
}

namespace {

/// The new time: now, as before, or given.
Result<int64_t> new_time(const abi::timespec& given, int64_t before) {
    if (given.tv_nsec == abi::utime_omit)
        return before;
    if (given.tv_nsec == abi::utime_now)
        return services().clock.realtime_nanoseconds();
    if (given.tv_nsec < 0 || given.tv_nsec >= second)
        return fail(Error::Invalid);
    constexpr auto limit = INT64_MAX / second - 1;
    return std::clamp(given.tv_sec, -limit, limit) * second + given.tv_nsec;
}

Result<uint64_t> set_times(Inode& inode, std::span<const abi::timespec, 2> times) {
    auto before = inode.attributes().times;
    auto access = TRY(new_time(times[0], before.access));
    auto modification = TRY(new_time(times[1], before.modification));
    if (times[0].tv_nsec != abi::utime_omit || times[1].tv_nsec != abi::utime_omit)
        inode.set_times(access, modification);
    return 0;
}

} // namespace

Result<uint64_t> sys_utimensat(const Arguments& a) {
    abi::timespec times[2] = {{0, abi::utime_now}, {0, abi::utime_now}};
    auto flags = a.as_int(3);
    if (a.value[2])
        TRY(memory::copy_from_user(std::as_writable_bytes(std::span(times)), a.value[2]));
    if (flags & ~(abi::at_symlink_nofollow | abi::at_empty_path))
        return fail(Error::Invalid);
    if (a.value[1] == 0 && a.as_int(0) != abi::at_fdcwd)
        return set_times(TRY(file_of(a.as_int(0)))->inode(), times);
    PathAt at;
    TRY(at.load(a.as_int(0), a.value[1], flags));
    return set_times(*TRY(at.find(flags)), times);
}

Result<uint64_t> sys_utimes(const Arguments& a) {
    abi::timespec times[2] = {{0, abi::utime_now}, {0, abi::utime_now}};
    if (a.value[1]) {
        TRY(memory::copy_from_user(std::as_writable_bytes(std::span(times)), a.value[1]));
        for (auto& time : times) { // microseconds
            if (time.tv_nsec < 0 || time.tv_nsec >= 1'000'000)
                return fail(Error::Invalid);
            time.tv_nsec *= 1000;
        }
    }
    PathAt at;
    TRY(at.load(abi::at_fdcwd, a.value[0]));
    return set_times(*TRY(at.find(0)), times);
}

namespace {

/// The app is root: everything may be read and written; a file is executed only if somebody may.
Result<uint64_t> access_at(int descriptor, uint64_t path, int mode, int flags) {
    if ((mode & ~7) || (flags & ~(abi::at_eaccess | abi::at_symlink_nofollow | abi::at_empty_path)))
        return fail(Error::Invalid);
    PathAt at;
    TRY(at.load(descriptor, path, flags));
    auto attributes = TRY(at.find(flags))->attributes();
    if ((mode & 1) && attributes.type != FileType::Directory && !(attributes.permissions & 0111))
        return fail(Error::Access);
    return 0;
}

Result<uint64_t> readlink_at(int descriptor, uint64_t path, uint64_t to, int size) {
    if (size <= 0)
        return fail(Error::Invalid);
    PathAt at;
    TRY(at.load(descriptor, path, descriptor == abi::at_fdcwd ? 0 : abi::at_empty_path));
    auto flags = abi::at_symlink_nofollow | (at.file() ? abi::at_empty_path : 0);
    auto inode = TRY(at.find(flags));
    auto target = inode->link_target();
    if (!target) // Linux: EINVAL, but for an empty path ENOENT
        return fail(at.file() ? Error::NoEntry : target.error());
    auto part = target->substr(0, static_cast<size_t>(size));
    TRY(memory::copy_to_user(to, std::as_bytes(std::span(part))));
    return part.size();
}

} // namespace

Result<uint64_t> sys_access(const Arguments& a) {
    return access_at(abi::at_fdcwd, a.value[0], a.as_int(1), 0);
}
Result<uint64_t> sys_faccessat(const Arguments& a) {
    return access_at(a.as_int(0), a.value[1], a.as_int(2), 0);
}
Result<uint64_t> sys_faccessat2(const Arguments& a) {
    return access_at(a.as_int(0), a.value[1], a.as_int(2), a.as_int(3));
}

Result<uint64_t> sys_readlink(const Arguments& a) {
    return readlink_at(abi::at_fdcwd, a.value[0], a.value[1], a.as_int(2));
}
Result<uint64_t> sys_readlinkat(const Arguments& a) {
    return readlink_at(a.as_int(0), a.value[1], a.value[2], a.as_int(3));
}

} // namespace fs
