// What Linux in a temporary directory cannot show: the tree at boot, devices, frames, limits.
#include "Kernel.h"

#include "libos/fs/RegularFile.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <termios.h>

#include <cerrno>
#include <cstring>

namespace {

using fs_test::call;
using fs_test::Kernel;
using fs_test::read_file;
using fs_test::write_file;

class FileSystemTest : public Kernel {};

TEST_F(FileSystemTest, StandardStreamsAreTheConsole) {
    EXPECT_EQ(call(fs::sys_write, 1, "out", 3), 3);
    EXPECT_EQ(call(fs::sys_write, 2, "err", 3), 3);
    iovec pieces[] = {{const_cast<char*>("a"), 1}, {const_cast<char*>("bc"), 2}};
    EXPECT_EQ(call(fs::sys_writev, 1, pieces, 2), 3);
    EXPECT_EQ(console.output, "outerrabc");
    console.input = "in\n";
    char buffer[8] = {};
    EXPECT_EQ(call(fs::sys_read, 0, buffer, 8), 3);
    EXPECT_STREQ(buffer, "in\n");
    EXPECT_EQ(call(fs::sys_lseek, 1, 0, SEEK_CUR), -ESPIPE);
    char termios[36];
    EXPECT_EQ(call(fs::sys_ioctl, 1, TCGETS, termios), 0);
    winsize size = {};
    EXPECT_EQ(call(fs::sys_ioctl, 1, TIOCGWINSZ, &size), 0);
    EXPECT_EQ(size.ws_col, 80);
    console.terminal = false;
    EXPECT_EQ(call(fs::sys_ioctl, 1, TCGETS, termios), -ENOTTY);
}

TEST_F(FileSystemTest, NonBlockingConsole) {
    EXPECT_EQ(call(fs::sys_fcntl, 0, F_SETFL, O_NONBLOCK), 0);
    char c = 0;
    EXPECT_EQ(call(fs::sys_read, 0, &c, 1), -EAGAIN);
}

TEST_F(FileSystemTest, Devices) {
    EXPECT_EQ(read_file("/dev/null"), "");
    char buffer[3000];
    std::memset(buffer, 1, sizeof(buffer));
    auto zero = call(fs::sys_open, "/dev/zero", O_RDWR, 0);
    EXPECT_EQ(call(fs::sys_read, zero, buffer, sizeof(buffer)), 3000);
    EXPECT_EQ(std::string_view(buffer, 3000), std::string(3000, 0));
    auto random_device = call(fs::sys_open, "/dev/urandom", O_RDONLY, 0);
    EXPECT_EQ(call(fs::sys_read, random_device, buffer, sizeof(buffer)), 3000);
    EXPECT_EQ(std::string_view(buffer, 3000), std::string(3000, 0x5a));
    auto full = call(fs::sys_open, "/dev/full", O_WRONLY, 0);
    EXPECT_EQ(call(fs::sys_write, full, buffer, 1), -ENOSPC);
    struct stat stat = {};
    EXPECT_EQ(call(fs::sys_fstat, full, &stat), 0);
    EXPECT_TRUE(S_ISCHR(stat.st_mode));
    EXPECT_EQ(stat.st_rdev, 0x107u);
}

TEST_F(FileSystemTest, GeneratedText) {
    EXPECT_EQ(read_file("/proc/self/maps").size(), 23000u);
    EXPECT_EQ(read_file("/proc/7/stat"), read_file("/proc/self/stat"));
    EXPECT_EQ(call(fs::sys_open, "/proc/self/smaps", O_RDONLY, 0), -ENOENT);
    EXPECT_EQ(read_file("/proc/sys/vm/overcommit_memory"), "1\n");
    EXPECT_FALSE(read_file("/sys/devices/system/cpu/online").empty());
    char target[64] = {};
    EXPECT_EQ(call(fs::sys_readlink, "/proc/self/exe", target, sizeof(target)), 8);
    EXPECT_STREQ(target, "/bin/app");
}

TEST_F(FileSystemTest, DescriptorLinks) {
    write_file("/tmp/a", "text");
    auto file = call(fs::sys_open, "/tmp/a", O_RDONLY, 0);
    auto link = "/proc/self/fd/" + std::to_string(file);
    auto target = [&] {
        char buffer[64] = {};
        call(fs::sys_readlink, link.c_str(), buffer, sizeof(buffer));
        return std::string(buffer);
    };
    EXPECT_EQ(target(), "/tmp/a");
    EXPECT_EQ(read_file(link), "text");
    EXPECT_EQ(call(fs::sys_rename, "/tmp/a", "/tmp/b"), 0);
    EXPECT_EQ(target(), "/tmp/b");
    // The last is the directory's own.
    EXPECT_EQ(fs_test::names_in("/dev/fd"), (std::vector<std::string>{".", "..", "0", "1", "2", "3", "4"}));
    EXPECT_EQ(call(fs::sys_close, file), 0);
    EXPECT_EQ(target(), "");
    EXPECT_EQ(call(fs::sys_open, link.c_str(), O_RDONLY, 0), -ENOENT);
    auto output = call(fs::sys_open, "/dev/stdout", O_WRONLY, 0);
    EXPECT_EQ(call(fs::sys_write, output, "x", 1), 1);
    EXPECT_EQ(console.output, "x");
    // A link that names itself, renamed over itself while what it names changes.
    link = "/proc/self/fd/5";
    EXPECT_EQ(call(fs::sys_open, link.c_str(), O_PATH | O_NOFOLLOW, 0), -ENOENT);
    EXPECT_EQ(call(fs::sys_open, "/proc/self/fd/0", O_PATH | O_NOFOLLOW, 0), 4);
    EXPECT_EQ(call(fs::sys_dup2, 4, 0), 0);
    EXPECT_EQ(call(fs::sys_open, "/proc/self/fd/0", O_RDONLY, 0), -ENOENT) << "the link was replaced";
    EXPECT_EQ(call(fs::sys_rename, "/proc/self/fd/0", "/proc/self/fd/0"), 0);
    int pipe[2];
    EXPECT_EQ(call(fs::sys_pipe2, pipe, 0), 0);
    link = "/proc/self/fd/" + std::to_string(pipe[0]);
    EXPECT_EQ(target().substr(0, 6), "pipe:[");
}

TEST_F(FileSystemTest, UnlinkedFilesKeepTheirData) {
    auto file = call(fs::sys_open, "/tmp/a", O_RDWR | O_CREAT, 0600);
    EXPECT_EQ(call(fs::sys_write, file, "data", 4), 4);
    EXPECT_EQ(call(fs::sys_unlink, "/tmp/a"), 0);
    char buffer[5] = {};
    EXPECT_EQ(call(fs::sys_pread64, file, buffer, 4, 0), 4);
    EXPECT_STREQ(buffer, "data");
    EXPECT_EQ(pages.used, 1u);
    EXPECT_EQ(call(fs::sys_close, file), 0);
    EXPECT_EQ(pages.used, 0u);
}

TEST_F(FileSystemTest, MappedFramesAreTheFile) {
    write_file("/tmp/a", std::string(5000, 'x'));
    auto inode = *fs::file_system().find({}, "/tmp/a", 0);
    auto page = *inode->page(1, true);
    page->bytes()[0] = std::byte('y');
    EXPECT_EQ(read_file("/tmp/a").substr(4095, 3), "xyx");
    EXPECT_EQ(inode->page(2, true).error(), base::Error::Range);
    // A truncate takes the frame from the file, not from the mapping.
    EXPECT_EQ(call(fs::sys_truncate, "/tmp/a", 0), 0);
    EXPECT_EQ(page->bytes()[0], std::byte('y'));
    EXPECT_EQ(inode->page(0, true).error(), base::Error::Range);
}

TEST_F(FileSystemTest, GrowingAgainReadsZeros) {
    write_file("/tmp/a", "abcdef");
    auto inode = *fs::file_system().find({}, "/tmp/a", 0);
    auto page = *inode->page(0, true);
    page->bytes()[100] = std::byte('y'); // a mapping may write past the end
    EXPECT_EQ(call(fs::sys_truncate, "/tmp/a", 200), 0);
    EXPECT_EQ(read_file("/tmp/a"), "abcdef" + std::string(194, 0));
}

TEST_F(FileSystemTest, SparseFilesCostWhatIsWritten) {
    auto file = call(fs::sys_open, "/tmp/a", O_RDWR | O_CREAT, 0600);
    EXPECT_EQ(call(fs::sys_pwrite64, file, "x", 1, int64_t{1} << 40), 1);
    EXPECT_EQ(pages.used, 1u);
    EXPECT_EQ(call(fs::sys_lseek, file, 0, SEEK_DATA), int64_t{1} << 40);
    EXPECT_EQ(call(fs::sys_pwrite64, file, "x", 1, INT64_MAX), -EFBIG);
    EXPECT_EQ(call(fs::sys_ftruncate, file, INT64_MAX), 0);
    EXPECT_EQ(call(fs::sys_ftruncate, file, 0), 0);
    EXPECT_EQ(pages.used, 0u);
}

TEST_F(FileSystemTest, RunningOutOfFramesIsNoSpace) {
    pages.left = 2;
    auto file = call(fs::sys_open, "/tmp/a", O_RDWR | O_CREAT, 0600);
    std::string data(3 * 4096, 'x');
    EXPECT_EQ(call(fs::sys_write, file, data.data(), data.size()), 2 * 4096);
    EXPECT_EQ(call(fs::sys_write, file, data.data(), data.size()), -ENOSPC);
    EXPECT_EQ(call(fs::sys_ftruncate, file, 0), 0);
    EXPECT_EQ(call(fs::sys_pwrite64, file, "x", 1, 0), 1);
}

class LimitedFileSystemTest : public Kernel {
protected:
    LimitedFileSystemTest()
        : Kernel(2) {}
};

TEST_F(LimitedFileSystemTest, TheLimitIsNoSpace) {
    auto file = call(fs::sys_open, "/tmp/a", O_RDWR | O_CREAT, 0600);
    std::string data(3 * 4096, 'x');
    EXPECT_EQ(call(fs::sys_write, file, data.data(), data.size()), 2 * 4096);
    struct statfs statfs = {};
    EXPECT_EQ(call(fs::sys_statfs, "/tmp", &statfs), 0);
    EXPECT_EQ(statfs.f_blocks, 2u);
    EXPECT_EQ(statfs.f_bfree, 0u);
}

TEST_F(FileSystemTest, BadAddressesAreFaults) {
    EXPECT_EQ(call(fs::sys_open, 8, O_RDONLY, 0), -EFAULT);
    EXPECT_EQ(call(fs::sys_write, 1, 8, 1), -EFAULT);
    EXPECT_EQ(call(fs::sys_stat, "/", 8), -EFAULT);
    iovec pieces[] = {{const_cast<char*>("a"), 1}, {reinterpret_cast<void*>(8), 2}};
    write_file("/tmp/a", "");
    auto file = call(fs::sys_open, "/tmp/a", O_WRONLY, 0);
    EXPECT_EQ(call(fs::sys_writev, file, pieces, 2), 1);
    EXPECT_EQ(read_file("/tmp/a"), "a");
}

TEST_F(FileSystemTest, PathsTooLong) {
    EXPECT_EQ(call(fs::sys_open, std::string(256, 'n').c_str(), O_RDONLY, 0), -ENAMETOOLONG);
    EXPECT_EQ(call(fs::sys_mkdir, std::string(255, 'n').c_str(), 0755), 0);
    EXPECT_EQ(call(fs::sys_open, std::string(4096, '/').c_str(), O_RDONLY, 0), -ENAMETOOLONG);
    EXPECT_GE(call(fs::sys_open, std::string(4095, '/').c_str(), O_RDONLY, 0), 0);
}

TEST_F(FileSystemTest, DescriptorsAreTheLowestFree) {
    EXPECT_EQ(call(fs::sys_dup, 0), 3);
    EXPECT_EQ(call(fs::sys_dup, 0), 4);
    EXPECT_EQ(call(fs::sys_close, 3), 0);
    EXPECT_EQ(call(fs::sys_close, 3), -EBADF);
    EXPECT_EQ(call(fs::sys_dup, 0), 3);
    EXPECT_EQ(call(fs::sys_fcntl, 0, F_DUPFD_CLOEXEC, 600), 600);
    EXPECT_EQ(call(fs::sys_fcntl, 600, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(call(fs::sys_dup2, 0, 700), 700);
    EXPECT_EQ(call(fs::sys_dup3, 0, 0, 0), -EINVAL);
    EXPECT_EQ(call(fs::sys_dup2, 0, 0), 0);
    EXPECT_EQ(call(fs::sys_close_range, 3, -1, 0), 0);
    EXPECT_EQ(call(fs::sys_close, 700), -EBADF);
    fs::file_system().descriptors().set_limit(5);
    EXPECT_EQ(call(fs::sys_dup, 0), 3);
    EXPECT_EQ(call(fs::sys_dup, 0), 4);
    EXPECT_EQ(call(fs::sys_dup, 0), -EMFILE);
    EXPECT_EQ(call(fs::sys_dup2, 0, 5), -EBADF);
}

TEST_F(FileSystemTest, LongDirectoriesReadWhole) {
    EXPECT_EQ(call(fs::sys_mkdir, "/many", 0755), 0);
    for (int i = 0; i < 3000; ++i)
        write_file("/many/name" + std::to_string(i), "");
    EXPECT_EQ(fs_test::names_in("/many").size(), 3002u);
}

TEST_F(FileSystemTest, RemovedWorkingDirectory) {
    EXPECT_EQ(call(fs::sys_mkdir, "/a", 0755), 0);
    EXPECT_EQ(call(fs::sys_mkdir, "/a/b", 0755), 0);
    EXPECT_EQ(call(fs::sys_chdir, "/a/b"), 0);
    EXPECT_EQ(call(fs::sys_rmdir, "/a/b"), 0);
    EXPECT_EQ(call(fs::sys_rmdir, "/a"), 0);
    char buffer[100];
    EXPECT_EQ(call(fs::sys_getcwd, buffer, sizeof(buffer)), -ENOENT);
    EXPECT_EQ(call(fs::sys_open, "x", O_CREAT | O_RDWR, 0600), -ENOENT);
    EXPECT_EQ(call(fs::sys_chdir, "../.."), 0);
    EXPECT_EQ(call(fs::sys_getcwd, buffer, sizeof(buffer)), 2);
}

TEST_F(FileSystemTest, PathOfAnOpenFile) {
    EXPECT_EQ(call(fs::sys_mkdir, "/a", 0755), 0);
    auto number = call(fs::sys_open, "/a/file", O_RDWR | O_CREAT, 0600);
    auto file = *fs::file_system().descriptors().get(static_cast<int>(number));
    auto path = [&] {
        base::Text<100> text;
        fs::file_system().path_of(*file->entry(), text);
        return std::string(text.view());
    };
    EXPECT_EQ(path(), "/a/file");
    EXPECT_EQ(call(fs::sys_rename, "/a/file", "/b"), 0);
    EXPECT_EQ(path(), "/b");
    EXPECT_EQ(call(fs::sys_unlink, "/b"), 0);
    EXPECT_EQ(path(), "/b (deleted)");
}

TEST_F(FileSystemTest, TimesMove) {
    write_file("/tmp/a", "x");
    struct stat before = {};
    struct stat after = {};
    EXPECT_EQ(call(fs::sys_stat, "/tmp/a", &before), 0);
    write_file("/tmp/a", "y");
    EXPECT_EQ(call(fs::sys_stat, "/tmp/a", &after), 0);
    EXPECT_LT(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    timespec times[2] = {{-5, 7}, {0, UTIME_OMIT}};
    EXPECT_EQ(call(fs::sys_utimensat, AT_FDCWD, "/tmp/a", times, 0), 0);
    EXPECT_EQ(call(fs::sys_stat, "/tmp/a", &before), 0);
    EXPECT_EQ(before.st_atim.tv_sec, -5);
    EXPECT_EQ(before.st_atim.tv_nsec, 7);
    EXPECT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

} // namespace
