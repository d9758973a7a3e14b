// Descriptors: open, close, dup, fcntl, locks, ioctl, pipe, memfd.

#include "libos/fs/FileLocks.h"
#include "libos/fs/Pipe.h"
#include "libos/fs/RegularFile.h"
#include "libos/fs/SyscallSupport.h"
#include "libos/fs/Syscalls.h"

#include <algorithm>

namespace fs {

using base::Error;
using base::fail;
using base::Result;
using syscalls::Arguments;

namespace {

Result<uint64_t> open_at(int descriptor, uint64_t path, int flags, uint32_t mode) {
    PathAt at;
    TRY(at.load(descriptor, path));
    auto file = TRY(file_system().open(at.start(), at.view(), flags | abi::o_largefile, mode & 07777));
    return TRY(file_system().descriptors().add(std::move(file), (flags & abi::o_cloexec) != 0));
}

DescriptorTable& descriptors() {
    return file_system().descriptors();
}

} // namespace

Result<uint64_t> sys_open(const Arguments& a) {
    return open_at(abi::at_fdcwd, a.value[0], a.as_int(1), a.as_u32(2));
}
Result<uint64_t> sys_openat(const Arguments& a) {
    return open_at(a.as_int(0), a.value[1], a.as_int(2), a.as_u32(3));
}
Result<uint64_t> sys_creat(const Arguments& a) {
    return open_at(abi::at_fdcwd, a.value[0], abi::o_creat | abi::o_wronly | abi::o_trunc, a.as_u32(1));
}

Result<uint64_t> sys_close(const Arguments& a) {
    TRY(descriptors().close(a.as_int(0)));
    return 0;
}

Result<uint64_t> sys_close_range(const Arguments& a) {
    constexpr uint32_t unshare = 2;
    constexpr uint32_t only_close_on_exec = 4;
    if (a.as_u32(0) > a.as_u32(1) || (a.as_u32(2) & ~(unshare | only_close_on_exec)))
        return fail(Error::Invalid);
    descriptors().close_range(a.as_u32(0), a.as_u32(1), (a.as_u32(2) & only_close_on_exec) != 0);
    return 0;
}

Result<uint64_t> sys_dup(const Arguments& a) {
    return TRY(descriptors().add(TRY(descriptors().get(a.as_int(0))), false));
}

Result<uint64_t> sys_dup2(const Arguments& a) {
    auto file = TRY(descriptors().get(a.as_int(0)));
    if (a.as_int(0) != a.as_int(1))
        TRY(descriptors().replace(a.as_int(1), std::move(file), false));
    return a.as_u32(1);
}

Result<uint64_t> sys_dup3(const Arguments& a) {
    if ((a.as_int(2) & ~abi::o_cloexec) || a.as_int(0) == a.as_int(1))
        return fail(Error::Invalid);
    auto file = TRY(descriptors().get(a.as_int(0)));
    TRY(descriptors().replace(a.as_int(1), std::move(file), a.as_int(2) != 0));
    return a.as_u32(1);
}

namespace {

constexpr uint64_t last_offset = INT64_MAX; // OFFSET_MAX: to the end, however far it moves

Result<FileLock> range_of(OpenFile& file, const abi::flock& given, bool of_open_file) {
    FileLock lock;
    lock.owner = of_open_file ? &file : nullptr;
    int64_t start = 0;
    if (given.l_whence == abi::seek_cur)
        start = static_cast<int64_t>(file.seek(0, abi::seek_cur).value_or(0));
    else if (given.l_whence == abi::seek_end)
        start = static_cast<int64_t>(file.inode().attributes().size);
    else if (given.l_whence != abi::seek_set)
        return fail(Error::Invalid);
    if (__builtin_add_overflow(start, given.l_start, &start))
        return fail(Error::Overflow);
    auto end = start; // the last byte
    if (given.l_len > 0) {
        if (__builtin_add_overflow(start, given.l_len - 1, &end))
            return fail(Error::Overflow);
    } else if (given.l_len < 0) {
        end = start - 1;
        if (__builtin_add_overflow(start, given.l_len, &start))
            return fail(Error::Invalid);
    } else {
        end = INT64_MAX;
    }
    if (start < 0)
        return fail(Error::Invalid);
    lock.first = static_cast<uint64_t>(start);
    lock.last = static_cast<uint64_t>(end);
    if (given.l_type == abi::f_rdlck)
        lock.type = LockType::Shared;
    else if (given.l_type == abi::f_wrlck)
        lock.type = LockType::Exclusive;
    else if (given.l_type != abi::f_unlck)
        return fail(Error::Invalid);
    return lock;
}

Result<uint64_t> get_lock(OpenFile& file, uint64_t address, bool of_open_file) {
    auto given = TRY(memory::read_user<abi::flock>(address));
    if (of_open_file && given.l_pid != 0)
        return fail(Error::Invalid);
    auto lock = TRY(range_of(file, given, of_open_file));
    if (lock.type == LockType::None)
        return fail(Error::Invalid);
    auto* locks = file.inode().locks_if_any();
    auto conflict = locks ? locks->find_conflict(lock) : std::nullopt;
    if (!conflict) {
        given.l_type = abi::f_unlck;
    } else {
        given.l_type = conflict->type == LockType::Shared ? abi::f_rdlck : abi::f_wrlck;
        given.l_whence = abi::seek_set;
        given.l_start = static_cast<int64_t>(conflict->first);
        given.l_len = conflict->last == last_offset ? 0 : static_cast<int64_t>(conflict->last - conflict->first + 1);
        given.l_pid = conflict->owner ? -1 : static_cast<int32_t>(services().proc.process_id());
    }
    TRY(memory::write_user(address, given));
    return 0;
}

Result<uint64_t> set_lock(OpenFile& file, uint64_t address, bool of_open_file, bool wait) {
    auto given = TRY(memory::read_user<abi::flock>(address));
    if (of_open_file && given.l_pid != 0)
        return fail(Error::Invalid);
    auto lock = TRY(range_of(file, given, of_open_file));
    if ((lock.type == LockType::Shared && !file.is_readable()) ||
        (lock.type == LockType::Exclusive && !file.is_writable()))
        return fail(Error::BadFile);
    TRY(TRY(file.inode().locks())->set_range(lock, wait));
    return 0;
}

} // namespace

Result<uint64_t> sys_fcntl(const Arguments& a) {
    auto descriptor = a.as_int(0);
    auto command = a.as_int(1);
    auto file = TRY(descriptors().get(descriptor));
    switch (command) {
    case abi::f_dupfd:
    case abi::f_dupfd_cloexec:
        return TRY(descriptors().add(std::move(file), command == abi::f_dupfd_cloexec, a.as_u32(2)));
    case abi::f_getfd:
        return TRY(descriptors().close_on_exec(descriptor)) ? abi::fd_cloexec : 0;
    case abi::f_setfd:
        TRY(descriptors().set_close_on_exec(descriptor, (a.as_int(2) & abi::fd_cloexec) != 0));
        return 0;
    case abi::f_getfl:
        return static_cast<uint64_t>(file->flags());
    default:
        break;
    }
    if (file->is_path())
        return fail(Error::BadFile);
    switch (command) {
    case abi::f_setfl:
        file->set_status_flags(a.as_int(2));
        return 0;
    case abi::f_getlk:
        return get_lock(*file, a.value[2], false);
    case abi::f_ofd_getlk:
        return get_lock(*file, a.value[2], true);
    case abi::f_setlk:
    case abi::f_setlkw:
        return set_lock(*file, a.value[2], false, command == abi::f_setlkw);
    case abi::f_ofd_setlk:
    case abi::f_ofd_setlkw:
        return set_lock(*file, a.value[2], true, command == abi::f_ofd_setlkw);
    case abi::f_setown:
    case abi::f_getown:
        return 0;
    case abi::f_setpipe_sz:
    case abi::f_getpipe_sz:
        if (file->inode().type() != FileType::Pipe)
            return fail(Error::BadFile);
        return Pipe::capacity;
    default:
        return fail(Error::Invalid);
    }
}

Result<uint64_t> sys_flock(const Arguments& a) {
    auto operation = a.as_int(1);
    auto file = TRY(file_of(a.as_int(0)));
    auto type = LockType::None;
    switch (operation & ~abi::lock_nb) {
    case abi::lock_sh:
        type = LockType::Shared;
        break;
    case abi::lock_ex:
        type = LockType::Exclusive;
        break;
    case abi::lock_un:
        break;
    default:
        return fail(Error::Invalid);
    }
    TRY(TRY(file->inode().locks())->set_whole(*file, type, !(operation & abi::lock_nb)));
    return 0;
}

Result<uint64_t> sys_ioctl(const Arguments& a) {
    auto descriptor = a.as_int(0);
    auto file = TRY(file_of(descriptor));
    switch (a.as_u32(1)) {
    case abi::fioclex:
    case abi::fionclex:
        TRY(descriptors().set_close_on_exec(descriptor, a.as_u32(1) == abi::fioclex));
        return 0;
    case abi::fionbio: {
        auto on = TRY(memory::read_user<int32_t>(a.value[2])) != 0;
        file->set_status_flags((file->flags() & ~abi::o_nonblock) | (on ? abi::o_nonblock : 0));
        return 0;
    }
    default:
        return file->ioctl(a.as_u32(1), a.value[2]);
    }
}

namespace {

Result<uint64_t> make_pipe(uint64_t address, int flags) {
    if (flags & ~(abi::o_cloexec | abi::o_nonblock | abi::o_direct))
        return fail(Error::Invalid);
    auto pipe = TRY(Pipe::create(0600));
    auto reader = TRY(pipe->open_end(nullptr, abi::o_rdonly | (flags & abi::o_nonblock)));
    auto writer = TRY(pipe->open_end(nullptr, abi::o_wronly | (flags & abi::o_nonblock)));
    auto close_on_exec = (flags & abi::o_cloexec) != 0;
    int numbers[2] = {TRY(descriptors().add(std::move(reader), close_on_exec)), -1};
    auto second = descriptors().add(std::move(writer), close_on_exec);
    numbers[1] = second.value_or(-1);
    auto result = second ? memory::write_user(address, numbers) : fail(second.error());
    if (!result) {
        (void)descriptors().close(numbers[0]);
        (void)descriptors().close(numbers[1]);
        return fail(result.error());
    }
    return 0;
}

} // namespace

Result<uint64_t> sys_pipe(const Arguments& a) {
    return make_pipe(a.value[0], 0);
}
Result<uint64_t> sys_pipe2(const Arguments& a) {
    return make_pipe(a.value[0], a.as_int(1));
}

Result<uint64_t> sys_memfd_create(const Arguments& a) {
    constexpr uint32_t close_on_exec = 1;
    constexpr uint32_t known = 0x1f; // sealing and page size are accepted and change nothing
    if (a.as_u32(1) & ~known)
        return fail(Error::Invalid);
    PathArgument name;
    TRY(name.load(a.value[0]));
    if (name.view().size() > max_name_length - 6)
        return fail(Error::Invalid);
    auto file = TRY(RegularFile::create(0777));
    auto open = TRY(file->open(nullptr, abi::o_rdwr | abi::o_largefile));
    return TRY(descriptors().add(std::move(open), (a.as_u32(1) & close_on_exec) != 0));
}

} // namespace fs
