#pragma once
// The system calls on files, and their part of the one table (syscall/Table.h).

#include "libos/syscall/Table.h"

#include <cstdint>

namespace fs {

base::Result<uint64_t> sys_read(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_write(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_open(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_close(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_stat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_fstat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_lstat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_lseek(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_ioctl(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_pread64(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_pwrite64(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_readv(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_writev(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_access(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_pipe(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_dup(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_dup2(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_sendfile(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_fcntl(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_flock(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_fsync(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_truncate(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_ftruncate(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_getdents(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_getcwd(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_chdir(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_fchdir(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_rename(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_mkdir(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_rmdir(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_creat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_link(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_unlink(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_symlink(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_readlink(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_chmod(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_fchmod(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_chown(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_fchown(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_lchown(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_umask(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_mknod(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_statfs(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_fstatfs(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_sync(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_getdents64(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_fadvise64(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_utimes(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_openat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_mkdirat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_mknodat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_fchownat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_newfstatat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_unlinkat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_renameat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_linkat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_symlinkat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_readlinkat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_fchmodat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_faccessat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_syncfs(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_utimensat(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_fallocate(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_dup3(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_pipe2(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_preadv(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_pwritev(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_renameat2(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_memfd_create(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_copy_file_range(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_preadv2(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_pwritev2(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_statx(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_close_range(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_faccessat2(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_fchmodat2(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_poll(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_select(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_epoll_create(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_epoll_wait(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_epoll_ctl(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_pselect6(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_ppoll(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_epoll_pwait2(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_eventfd(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_eventfd2(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_epoll_create1(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_socket(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_connect(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_accept(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_sendto(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_recvfrom(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_sendmsg(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_recvmsg(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_shutdown(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_bind(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_listen(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_getsockname(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_getpeername(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_socketpair(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_setsockopt(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_getsockopt(const syscalls::Arguments& arguments);
base::Result<uint64_t> sys_accept4(const syscalls::Arguments& arguments);

// The short names are for this table only.
namespace table {

using enum syscalls::ArgumentKind;

inline constexpr syscalls::Entry system_calls[] = {
    {0, "read", {Descriptor, Pointer, Size}, sys_read},
    {1, "write", {Descriptor, Pointer, Size}, sys_write},
    {2, "open", {Path, Flags, Mode}, sys_open},
    {3, "close", {Descriptor}, sys_close},
    {4, "stat", {Path, Pointer}, sys_stat},
    {5, "fstat", {Descriptor, Pointer}, sys_fstat},
    {6, "lstat", {Path, Pointer}, sys_lstat},
    {7, "poll", {Pointer, Unsigned, Int}, sys_poll},
    {8, "lseek", {Descriptor, Offset, Int}, sys_lseek},
    {16, "ioctl", {Descriptor, Flags, Pointer}, sys_ioctl},
    {17, "pread64", {Descriptor, Pointer, Size, Offset}, sys_pread64},
    {18, "pwrite64", {Descriptor, Pointer, Size, Offset}, sys_pwrite64},
    {19, "readv", {Descriptor, Pointer, Int}, sys_readv},
    {20, "writev", {Descriptor, Pointer, Int}, sys_writev},
    {21, "access", {Path, Mode}, sys_access},
    {22, "pipe", {Pointer}, sys_pipe},
    {23, "select", {Int, Pointer, Pointer, Pointer, Pointer}, sys_select},
    {32, "dup", {Descriptor}, sys_dup},
    {33, "dup2", {Descriptor, Descriptor}, sys_dup2},
    {40, "sendfile", {Descriptor, Descriptor, Pointer, Size}, sys_sendfile},
    {41, "socket", {Int, Flags, Int}, sys_socket},
    {42, "connect", {Descriptor, Pointer, Int}, sys_connect},
    {43, "accept", {Descriptor, Pointer, Pointer}, sys_accept},
    {44, "sendto", {Descriptor, Pointer, Size, Flags, Pointer, Int}, sys_sendto},
    {45, "recvfrom", {Descriptor, Pointer, Size, Flags, Pointer, Pointer}, sys_recvfrom},
    {46, "sendmsg", {Descriptor, Pointer, Flags}, sys_sendmsg},
    {47, "recvmsg", {Descriptor, Pointer, Flags}, sys_recvmsg},
    {48, "shutdown", {Descriptor, Int}, sys_shutdown},
    {49, "bind", {Descriptor, Pointer, Int}, sys_bind},
    {50, "listen", {Descriptor, Int}, sys_listen},
    {51, "getsockname", {Descriptor, Pointer, Pointer}, sys_getsockname},
    {52, "getpeername", {Descriptor, Pointer, Pointer}, sys_getpeername},
    {53, "socketpair", {Int, Flags, Int, Pointer}, sys_socketpair},
    {54, "setsockopt", {Descriptor, Int, Int, Pointer, Int}, sys_setsockopt},
    {55, "getsockopt", {Descriptor, Int, Int, Pointer, Pointer}, sys_getsockopt},
    {72, "fcntl", {Descriptor, Int, Pointer}, sys_fcntl},
    {73, "flock", {Descriptor, Flags}, sys_flock},
    {74, "fsync", {Descriptor}, sys_fsync},
    {75, "fdatasync", {Descriptor}, sys_fsync},
    {76, "truncate", {Path, Offset}, sys_truncate},
    {77, "ftruncate", {Descriptor, Offset}, sys_ftruncate},
    {78, "getdents", {Descriptor, Pointer, Size}, sys_getdents},
    {79, "getcwd", {Pointer, Size}, sys_getcwd},
    {80, "chdir", {Path}, sys_chdir},
    {81, "fchdir", {Descriptor}, sys_fchdir},
    {82, "rename", {Path, Path}, sys_rename},
    {83, "mkdir", {Path, Mode}, sys_mkdir},
    {84, "rmdir", {Path}, sys_rmdir},
    {85, "creat", {Path, Mode}, sys_creat},
    {86, "link", {Path, Path}, sys_link},
    {87, "unlink", {Path}, sys_unlink},
    {88, "symlink", {Path, Path}, sys_symlink},
    {89, "readlink", {Path, Pointer, Size}, sys_readlink},
    {90, "chmod", {Path, Mode}, sys_chmod},
    {91, "fchmod", {Descriptor, Mode}, sys_fchmod},
    {92, "chown", {Path, Int, Int}, sys_chown},
    {93, "fchown", {Descriptor, Int, Int}, sys_fchown},
    {94, "lchown", {Path, Int, Int}, sys_lchown},
    {95, "umask", {Mode}, sys_umask},
    {133, "mknod", {Path, Mode, Unsigned}, sys_mknod},
    {137, "statfs", {Path, Pointer}, sys_statfs},
    {138, "fstatfs", {Descriptor, Pointer}, sys_fstatfs},
    {162, "sync", {}, sys_sync},
    {213, "epoll_create", {Int}, sys_epoll_create},
    {217, "getdents64", {Descriptor, Pointer, Size}, sys_getdents64},
    {221, "fadvise64", {Descriptor, Offset, Size, Int}, sys_fadvise64},
    {232, "epoll_wait", {Descriptor, Pointer, Int, Int}, sys_epoll_wait},
    {233, "epoll_ctl", {Descriptor, Int, Descriptor, Pointer}, sys_epoll_ctl},
    {235, "utimes", {Path, Pointer}, sys_utimes},
    {257, "openat", {Descriptor, Path, Flags, Mode}, sys_openat},
    {258, "mkdirat", {Descriptor, Path, Mode}, sys_mkdirat},
    {259, "mknodat", {Descriptor, Path, Mode, Unsigned}, sys_mknodat},
    {260, "fchownat", {Descriptor, Path, Int, Int, Flags}, sys_fchownat},
    {262, "newfstatat", {Descriptor, Path, Pointer, Flags}, sys_newfstatat},
    {263, "unlinkat", {Descriptor, Path, Flags}, sys_unlinkat},
    {264, "renameat", {Descriptor, Path, Descriptor, Path}, sys_renameat},
    {265, "linkat", {Descriptor, Path, Descriptor, Path, Flags}, sys_linkat},
    {266, "symlinkat", {Path, Descriptor, Path}, sys_symlinkat},
    {267, "readlinkat", {Descriptor, Path, Pointer, Size}, sys_readlinkat},
    {268, "fchmodat", {Descriptor, Path, Mode}, sys_fchmodat},
    {269, "faccessat", {Descriptor, Path, Mode}, sys_faccessat},
    {270, "pselect6", {Int, Pointer, Pointer, Pointer, Pointer, Pointer}, sys_pselect6},
    {271, "ppoll", {Pointer, Unsigned, Pointer, Pointer, Size}, sys_ppoll},
    {277, "sync_file_range", {Descriptor, Offset, Offset, Flags}, sys_syncfs},
    {280, "utimensat", {Descriptor, Path, Pointer, Flags}, sys_utimensat},
    {281, "epoll_pwait", {Descriptor, Pointer, Int, Int, Pointer, Size}, sys_epoll_wait},
    {284, "eventfd", {Unsigned}, sys_eventfd},
    {285, "fallocate", {Descriptor, Flags, Offset, Offset}, sys_fallocate},
    {288, "accept4", {Descriptor, Pointer, Pointer, Flags}, sys_accept4},
    {290, "eventfd2", {Unsigned, Flags}, sys_eventfd2},
    {291, "epoll_create1", {Flags}, sys_epoll_create1},
    {292, "dup3", {Descriptor, Descriptor, Flags}, sys_dup3},
    {293, "pipe2", {Pointer, Flags}, sys_pipe2},
    {295, "preadv", {Descriptor, Pointer, Int, Offset}, sys_preadv},
    {296, "pwritev", {Descriptor, Pointer, Int, Offset}, sys_pwritev},
    {306, "syncfs", {Descriptor}, sys_syncfs},
    {316, "renameat2", {Descriptor, Path, Descriptor, Path, Flags}, sys_renameat2},
    {319, "memfd_create", {Path, Flags}, sys_memfd_create},
    {326, "copy_file_range", {Descriptor, Pointer, Descriptor, Pointer, Size, Flags}, sys_copy_file_range},
    {327, "preadv2", {Descriptor, Pointer, Int, Offset, Unsigned, Flags}, sys_preadv2},
    {328, "pwritev2", {Descriptor, Pointer, Int, Offset, Unsigned, Flags}, sys_pwritev2},
    {332, "statx", {Descriptor, Path, Flags, Flags, Pointer}, sys_statx},
    {436, "close_range", {Int, Int, Flags}, sys_close_range},
    {439, "faccessat2", {Descriptor, Path, Mode, Flags}, sys_faccessat2},
    {441, "epoll_pwait2", {Descriptor, Pointer, Int, Pointer, Pointer, Size}, sys_epoll_pwait2},
    {452, "fchmodat2", {Descriptor, Path, Mode, Flags}, sys_fchmodat2},
};

} // namespace table

using table::system_calls;

} // namespace fs
