#pragma once
// The Linux x86-64 system call ABI of files: constants and layouts, under the names of the manual, in lower case:
// upper case ones are macros in the C library that hosted tests include.
// Source: include/uapi/asm-generic/{fcntl,stat,ioctls,poll}.h, include/uapi/linux/{fs,fcntl,stat,eventpoll}.h,
// arch/x86/include/uapi/asm/stat.h of Linux. The constants are written out because the image has no libc headers.
// NOLINTBEGIN(readability-identifier-naming): the names are the ABI's.

#include <cstdint>

namespace fs::abi {

inline constexpr int at_fdcwd = -100;
inline constexpr int at_symlink_nofollow = 0x100;
inline constexpr int at_removedir = 0x200;
inline constexpr int at_eaccess = 0x200;
inline constexpr int at_symlink_follow = 0x400;
inline constexpr int at_no_automount = 0x800;
inline constexpr int at_empty_path = 0x1000;
inline constexpr int at_statx_sync_type = 0x6000;

inline constexpr int o_rdonly = 0;
inline constexpr int o_wronly = 1;
inline constexpr int o_rdwr = 2;
inline constexpr int o_accmode = 3;
inline constexpr int o_creat = 0100;
inline constexpr int o_excl = 0200;
inline constexpr int o_noctty = 0400;
inline constexpr int o_trunc = 01000;
inline constexpr int o_append = 02000;
inline constexpr int o_nonblock = 04000;
inline constexpr int o_dsync = 010000;
inline constexpr int o_async = 020000;
inline constexpr int o_direct = 040000;
inline constexpr int o_largefile = 0100000;
inline constexpr int o_directory = 0200000;
inline constexpr int o_nofollow = 0400000;
inline constexpr int o_noatime = 01000000;
inline constexpr int o_cloexec = 02000000;
inline constexpr int o_sync = 04010000;
inline constexpr int o_path = 010000000;
inline constexpr int o_tmpfile = 020000000 | o_directory;

inline constexpr int seek_set = 0;
inline constexpr int seek_cur = 1;
inline constexpr int seek_end = 2;
inline constexpr int seek_data = 3;
inline constexpr int seek_hole = 4;

inline constexpr uint32_t pollin = 0x1;
inline constexpr uint32_t pollpri = 0x2;
inline constexpr uint32_t pollout = 0x4;
inline constexpr uint32_t pollerr = 0x8;
inline constexpr uint32_t pollhup = 0x10;
inline constexpr uint32_t pollnval = 0x20;
inline constexpr uint32_t pollrdnorm = 0x40;
inline constexpr uint32_t pollwrnorm = 0x100;
inline constexpr uint32_t pollrdhup = 0x2000;

inline constexpr int f_dupfd = 0;
inline constexpr int f_getfd = 1;
inline constexpr int f_setfd = 2;
inline constexpr int f_getfl = 3;
inline constexpr int f_setfl = 4;
inline constexpr int f_getlk = 5;
inline constexpr int f_setlk = 6;
inline constexpr int f_setlkw = 7;
inline constexpr int f_setown = 8;
inline constexpr int f_getown = 9;
inline constexpr int f_ofd_getlk = 36;
inline constexpr int f_ofd_setlk = 37;
inline constexpr int f_ofd_setlkw = 38;
inline constexpr int f_dupfd_cloexec = 1030;
inline constexpr int f_setpipe_sz = 1031;
inline constexpr int f_getpipe_sz = 1032;
inline constexpr int f_add_seals = 1033;
inline constexpr int f_get_seals = 1034;
inline constexpr int fd_cloexec = 1;

inline constexpr int f_rdlck = 0;
inline constexpr int f_wrlck = 1;
inline constexpr int f_unlck = 2;

inline constexpr int lock_sh = 1;
inline constexpr int lock_ex = 2;
inline constexpr int lock_nb = 4;
inline constexpr int lock_un = 8;

inline constexpr uint32_t tcgets = 0x5401;
inline constexpr uint32_t tcsets = 0x5402;
inline constexpr uint32_t tcsetsw = 0x5403;
inline constexpr uint32_t tcsetsf = 0x5404;
inline constexpr uint32_t tiocgpgrp = 0x540f;
inline constexpr uint32_t tiocspgrp = 0x5410;
inline constexpr uint32_t tiocgwinsz = 0x5413;
inline constexpr uint32_t tiocswinsz = 0x5414;
inline constexpr uint32_t fionread = 0x541b;
inline constexpr uint32_t fionbio = 0x5421;
inline constexpr uint32_t fionclex = 0x5450;
inline constexpr uint32_t fioclex = 0x5451;

inline constexpr uint32_t rename_noreplace = 1;
inline constexpr uint32_t rename_exchange = 2;

inline constexpr int falloc_fl_keep_size = 1;
inline constexpr int falloc_fl_punch_hole = 2;
inline constexpr int falloc_fl_zero_range = 0x10;

inline constexpr int64_t utime_now = 0x3fffffff;
inline constexpr int64_t utime_omit = 0x3ffffffe;

inline constexpr uint64_t tmpfs_magic = 0x01021994;

struct timespec {
    int64_t tv_sec;
    int64_t tv_nsec;
};

struct stat {
    uint64_t st_dev;
    uint64_t st_ino;
    uint64_t st_nlink;
    uint32_t st_mode;
    uint32_t st_uid;
    uint32_t st_gid;
    uint32_t padding;
    uint64_t st_rdev;
    int64_t st_size;
    int64_t st_blksize;
    int64_t st_blocks;
    timespec st_atim;
    timespec st_mtim;
    timespec st_ctim;
    int64_t reserved[3];
};
static_assert(sizeof(stat) == 144);

struct statx_timestamp {
    int64_t tv_sec;
    uint32_t tv_nsec;
    int32_t padding;
};

struct statx {
    uint32_t stx_mask;
    uint32_t stx_blksize;
    uint64_t stx_attributes;
    uint32_t stx_nlink;
    uint32_t stx_uid;
    uint32_t stx_gid;
    uint16_t stx_mode;
    uint16_t padding;
    uint64_t stx_ino;
    uint64_t stx_size;
    uint64_t stx_blocks;
    uint64_t stx_attributes_mask;
    statx_timestamp stx_atime;
    statx_timestamp stx_btime;
    statx_timestamp stx_ctime;
    statx_timestamp stx_mtime;
    uint32_t stx_rdev_major;
    uint32_t stx_rdev_minor;
    uint32_t stx_dev_major;
    uint32_t stx_dev_minor;
    uint64_t spare[14];
};
static_assert(sizeof(statx) == 256);
inline constexpr uint32_t statx_basic_stats = 0x7ff;
inline constexpr uint32_t statx_btime = 0x800;

struct statfs {
    int64_t f_type;
    int64_t f_bsize;
    uint64_t f_blocks;
    uint64_t f_bfree;
    uint64_t f_bavail;
    uint64_t f_files;
    uint64_t f_ffree;
    int32_t f_fsid[2];
    int64_t f_namelen;
    int64_t f_frsize;
    int64_t f_flags;
    int64_t f_spare[4];
};
static_assert(sizeof(statfs) == 120);

struct flock {
    int16_t l_type;
    int16_t l_whence;
    int32_t padding;
    int64_t l_start;
    int64_t l_len;
    int32_t l_pid;
    int32_t padding_after;
};
static_assert(sizeof(flock) == 32);

struct pollfd {
    int32_t fd;
    int16_t events;
    int16_t revents;
};

struct [[gnu::packed]] epoll_event {
    uint32_t events;
    uint64_t data;
};
static_assert(sizeof(epoll_event) == 12);

// NOLINTEND(readability-identifier-naming)

} // namespace fs::abi
