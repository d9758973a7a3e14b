// Names: creating, linking, removing, renaming; the working directory and the umask.

#include "libos/fs/SyscallSupport.h"
#include "libos/fs/Syscalls.h"

#include <algorithm>
#include <new>

namespace fs {

using base::Error;
using base::fail;
using base::Result;
using syscalls::Arguments;

namespace {

/// A call's result when it has no value.
Result<uint64_t> done(const Result<>& result) {
    if (!result)
        return fail(result.error());
    return 0;
}

Result<uint64_t> mkdir_at(int descriptor, uint64_t path, uint32_t mode) {
    PathAt at;
    TRY(at.load(descriptor, path));
    return done(file_system().make_directory(at.start(), at.view(), mode));
}

Result<uint64_t> mknod_at(int descriptor, uint64_t path, uint32_t mode, uint64_t device) {
    PathAt at;
    TRY(at.load(descriptor, path));
    return done(file_system().make_node(at.start(), at.view(), mode, device));
}

Result<uint64_t> link_at(int from_descriptor, uint64_t from, int to_descriptor, uint64_t to, int flags) {
    if (flags & ~(abi::at_symlink_follow | abi::at_empty_path))
        return fail(Error::Invalid);
    PathAt from_at;
    PathAt to_at;
    TRY(from_at.load(from_descriptor, from, flags));
    TRY(to_at.load(to_descriptor, to));
    return done(file_system().make_link(from_at.start(), from_at.view(), to_at.start(), to_at.view(), flags));
}

Result<uint64_t> symlink_at(uint64_t target, int descriptor, uint64_t path) {
    PathArgument text;
    PathAt at;
    TRY(text.load(target));
    if (text.view().empty())
        return fail(Error::NoEntry);
    TRY(at.load(descriptor, path));
    return done(file_system().make_symbolic_link(text.view(), at.start(), at.view()));
}

Result<uint64_t> unlink_at(int descriptor, uint64_t path, int flags) {
    if (flags & ~abi::at_removedir)
        return fail(Error::Invalid);
    PathAt at;
    TRY(at.load(descriptor, path));
    return done((flags & abi::at_removedir) ? file_system().remove_directory(at.start(), at.view())
                                            : file_system().remove_file(at.start(), at.view()));
}

Result<uint64_t> rename_at(int from_descriptor, uint64_t from, int to_descriptor, uint64_t to, uint32_t flags) {
    if ((flags & ~(abi::rename_noreplace | abi::rename_exchange)) != 0 ||
        flags == (abi::rename_noreplace | abi::rename_exchange))
        return fail(Error::Invalid);
    PathAt from_at;
    PathAt to_at;
    TRY(from_at.load(from_descriptor, from));
    TRY(to_at.load(to_descriptor, to));
    return done(file_system().rename(from_at.start(), from_at.view(), to_at.start(), to_at.view(), flags));
}

} // namespace

Result<uint64_t> sys_mkdir(const Arguments& a) {
    return mkdir_at(abi::at_fdcwd, a.value[0], a.as_u32(1));
}
Result<uint64_t> sys_mkdirat(const Arguments& a) {
    return mkdir_at(a.as_int(0), a.value[1], a.as_u32(2));
}

Result<uint64_t> sys_mknod(const Arguments& a) {
    return mknod_at(abi::at_fdcwd, a.value[0], a.as_u32(1), a.as_u32(2));
}
Result<uint64_t> sys_mknodat(const Arguments& a) {
    return mknod_at(a.as_int(0), a.value[1], a.as_u32(2), a.as_u32(3));
}

Result<uint64_t> sys_link(const Arguments& a) {
    return link_at(abi::at_fdcwd, a.value[0], abi::at_fdcwd, a.value[1], 0);
}
Result<uint64_t> sys_linkat(const Arguments& a) {
    return link_at(a.as_int(0), a.value[1], a.as_int(2), a.value[3], a.as_int(4));
}

Result<uint64_t> sys_symlink(const Arguments& a) {
    return symlink_at(a.value[0], abi::at_fdcwd, a.value[1]);
}
Result<uint64_t> sys_symlinkat(const Arguments& a) {
    return symlink_at(a.value[0], a.as_int(1), a.value[2]);
}

Result<uint64_t> sys_unlink(const Arguments& a) {
    return unlink_at(abi::at_fdcwd, a.value[0], 0);
}
Result<uint64_t> sys_rmdir(const Arguments& a) {
    return unlink_at(abi::at_fdcwd, a.value[0], abi::at_removedir);
}
Result<uint64_t> sys_unlinkat(const Arguments& a) {
    return unlink_at(a.as_int(0), a.value[1], a.as_int(2));
}

Result<uint64_t> sys_rename(const Arguments& a) {
    return rename_at(abi::at_fdcwd, a.value[0], abi::at_fdcwd, a.value[1], 0);
}
Result<uint64_t> sys_renameat(const Arguments& a) {
    return rename_at(a.as_int(0), a.value[1], a.as_int(2), a.value[3], 0);
}
Result<uint64_t> sys_renameat2(const Arguments& a) {
    return rename_at(a.as_int(0), a.value[1], a.as_int(2), a.value[3], a.as_u32(4));
}

Result<uint64_t> sys_chdir(const Arguments& a) {
    PathArgument path;
    TRY(path.load(a.value[0]));
    return done(file_system().change_directory({}, path.view()));
}

Result<uint64_t> sys_fchdir(const Arguments& a) {
    auto file = TRY(file_system().descriptors().get(a.as_int(0)));
    return done(file_system().change_directory(TRY(file_system().start_at(*file)), {}));
}

Result<uint64_t> sys_getcwd(const Arguments& a) {
    constexpr uint64_t max_path = 4096;
    auto size = std::min(a.value[1], max_path);
    auto* buffer = new (std::nothrow) char[max_path];
    if (!buffer)
        return fail(Error::NoMemory);
    base::TextBuilder text(std::span(buffer, max_path));
    auto result = file_system().working_directory(text);
    text.put('\0');
    if (result && text.truncated())
        result = fail(Error::NameTooLong);
    else if (result && text.size() > size)
        result = fail(Error::Range);
    if (result)
        result = memory::copy_to_user(a.value[0], std::as_bytes(std::span(text.view())));
    auto length = text.size();
    delete[] buffer;
    if (!result)
        return fail(result.error());
    return length;
}

Result<uint64_t> sys_umask(const Arguments& a) {
    return file_system().set_umask(a.as_u32(0));
}

} // namespace fs
