// The same random system calls, with the same arguments, to this file system and to the Linux that runs the test: every
// result, error and byte must be the same. A failure prints the calls that led to it.
#include "Kernel.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

namespace {

using fs_test::call;
using fs_test::Kernel;

/// Both systems start in a directory this deep, so that `..` does not reach what differs above.
const std::string depth = "/1/2/3/4/5/6/7/8/9/10/11/12";

class DifferentialTest : public Kernel, public testing::WithParamInterface<int> {
protected:
    DifferentialTest()
        : m_random(static_cast<unsigned>(GetParam())) {
        // A tmpfs is the nearest relative.
        auto base = ::access("/dev/shm", W_OK) == 0 ? std::string("/dev/shm") : testing::TempDir();
        m_base = base + "/uniscope-fs-XXXXXX";
        EXPECT_NE(::mkdtemp(m_base.data()), nullptr);
        m_home = std::filesystem::current_path();
        m_umask = ::umask(022);
        std::filesystem::create_directories(m_base + depth);
        std::filesystem::current_path(m_base + depth);
        for (size_t at = 1; at != std::string::npos; at = depth.find('/', at + 1))
            call(fs::sys_mkdir, depth.substr(0, depth.find('/', at + 1)).c_str(), 0755);
        EXPECT_EQ(call(fs::sys_chdir, depth.c_str()), 0);
    }
    ~DifferentialTest() override {
        for (auto [linux_file, ours] : m_files)
            ::close(linux_file);
        ::umask(m_umask);
        std::filesystem::current_path(m_home);
        std::filesystem::remove_all(m_base);
    }

    template <typename... Values>
    static int64_t linux_call(int number, Values... values) {
        auto result = ::syscall(number, values...);
        return result < 0 ? -errno : result;
    }

    /// The same call to both.
    template <typename... Values>
    int64_t both(const char* name, int number, Values... values) {
        auto theirs = linux_call(number, values...);
        auto ours = call(fs_test::handler_of(number), values...);
        note(name, theirs, values...);
        EXPECT_EQ(ours, theirs) << m_log.str();
        return theirs;
    }

    template <typename... Values>
    void note(const char* name, int64_t result, Values... values) {
        m_log << name << '(';
        ((m_log << ' ' << values), ...);
        m_log << " ) = " << result << '\n';
    }

    unsigned below(unsigned limit) { return static_cast<unsigned>(m_random() % limit); }

    std::string any_path() {
        static constexpr const char* names[] = {"a", "b", "c", "d", "e", ".", "..", "a", "b", "c"};
        std::string path;
        for (auto count = below(3) + 1; count > 0; --count) {
            path += names[below(10)];
            if (count > 1 || below(8) == 0)
                path += below(10) == 0 ? "//" : "/";
        }
        if (below(200) == 0)
            path.clear();
        if (below(200) == 0)
            path = std::string(256, 'n');
        return path;
    }

    /// For calls with two paths: which of two errors comes first when one path is empty is not worth imitating.
    std::string any_name() {
        auto path = any_path();
        return path.empty() ? "a" : path;
    }

    bool has_file() const { return !m_files.empty(); }
    std::pair<int, int>& any_file() { return m_files[below(static_cast<unsigned>(m_files.size()))]; }

    void open_any() {
        static constexpr int flags[] = {O_CREAT, O_CREAT, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW};
        auto flag = static_cast<int>(below(3));
        for (int count = static_cast<int>(below(4)); count > 0; --count)
            flag |= flags[below(8)];
        if (below(10) == 0)
            flag |= O_PATH;
        if ((flag & O_CREAT) && (flag & O_DIRECTORY)) // Linux changed what this means in 6.4
            flag &= ~O_DIRECTORY;
        auto path = any_path();
        auto theirs = linux_call(SYS_openat, AT_FDCWD, path.c_str(), flag, 0644);
        auto ours = call(fs::sys_openat, AT_FDCWD, path.c_str(), flag, 0644);
        note("open", theirs, path, flag);
        if (theirs >= 0 && ours >= 0)
            m_files.emplace_back(theirs, ours);
        else
            EXPECT_EQ(ours, theirs) << m_log.str();
    }

    void close_one() {
        auto at = below(static_cast<unsigned>(m_files.size()));
        auto [theirs, ours] = m_files[at];
        EXPECT_EQ(::close(theirs), 0);
        EXPECT_EQ(call(fs::sys_close, ours), 0);
        note("close", 0, theirs);
        m_files.erase(m_files.begin() + at);
    }

    /// A call on an open file.
    template <typename... Values>
    int64_t on_file(const char* name, int number, Values... values) {
        auto [theirs, ours] = any_file();
        auto expected = linux_call(number, theirs, values...);
        auto result = call(fs_test::handler_of(number), ours, values...);
        note(name, expected, theirs, values...);
        EXPECT_EQ(result, expected) << m_log.str();
        return expected;
    }

    /// A call on an open file that fills a buffer: once for each, then the buffers are compared.
    template <typename... Values>
    void read_on_file(const char* name, int number, size_t size, Values... values) {
        auto [theirs, ours] = any_file();
        std::vector<char> expected(size + 1);
        std::vector<char> result(size + 1);
        auto count = linux_call(number, theirs, expected.data(), size, values...);
        note(name, count, theirs, size, values...);
        EXPECT_EQ(call(fs_test::handler_of(number), ours, result.data(), size, values...), count) << m_log.str();
        EXPECT_EQ(expected, result) << m_log.str();
    }

    static std::string describe(const struct stat& stat) {
        std::ostringstream text;
        text << "mode " << std::oct << stat.st_mode << std::dec << " links " << stat.st_nlink;
        if (!S_ISDIR(stat.st_mode))
            text << " size " << stat.st_size;
        return text.str();
    }

    void stat_any() {
        auto path = any_path();
        auto flags = below(2) ? AT_SYMLINK_NOFOLLOW : 0;
        struct stat theirs = {};
        struct stat ours = {};
        auto expected = linux_call(SYS_newfstatat, AT_FDCWD, path.c_str(), &theirs, flags);
        note("stat", expected, path, flags);
        EXPECT_EQ(call(fs::sys_newfstatat, AT_FDCWD, path.c_str(), &ours, flags), expected) << m_log.str();
        EXPECT_EQ(describe(ours), describe(theirs)) << m_log.str();
    }

    void stat_file() {
        auto [theirs, ours] = any_file();
        struct stat expected = {};
        struct stat result = {};
        EXPECT_EQ(linux_call(SYS_fstat, theirs, &expected), call(fs::sys_fstat, ours, &result));
        note("fstat", 0, theirs);
        EXPECT_EQ(describe(result), describe(expected)) << m_log.str();
    }

    void readlink_any() {
        auto path = any_path();
        std::array<char, 40> theirs = {};
        std::array<char, 40> ours = {};
        auto size = below(40);
        auto expected = linux_call(SYS_readlink, path.c_str(), theirs.data(), size);
        note("readlink", expected, path, size);
        EXPECT_EQ(call(fs::sys_readlink, path.c_str(), ours.data(), size), expected) << m_log.str();
        EXPECT_EQ(theirs, ours) << m_log.str();
    }

    void write_any() {
        std::string data(below(3) == 0 ? below(20000) : below(50), static_cast<char>('a' + below(26)));
        auto [theirs, ours] = any_file();
        auto positioned = below(2) == 0;
        auto offset = static_cast<long>(below(100000)) - (below(20) == 0 ? 100000 : 0);
        auto number = positioned ? SYS_pwrite64 : SYS_write;
        auto expected = linux_call(number, theirs, data.data(), data.size(), offset);
        note(positioned ? "pwrite" : "write", expected, theirs, data.size(), offset);
        EXPECT_EQ(call(fs_test::handler_of(number), ours, data.data(), data.size(), offset), expected) << m_log.str();
    }

    void copy_any() {
        auto [from_theirs, from_ours] = any_file();
        auto [to_theirs, to_ours] = any_file();
        auto count = below(10000);
        long offset = below(30000);
        long their_offset = offset;
        long our_offset = offset;
        auto with_offset = below(2) == 0;
        if (below(2) == 0) {
            auto expected =
                linux_call(SYS_sendfile, to_theirs, from_theirs, with_offset ? &their_offset : nullptr, count);
            note("sendfile", expected, to_theirs, from_theirs, with_offset ? offset : -1, count);
            EXPECT_EQ(call(fs::sys_sendfile, to_ours, from_ours, with_offset ? &our_offset : nullptr, count), expected)
                << m_log.str();
        } else {
            auto expected = linux_call(SYS_copy_file_range, from_theirs, with_offset ? &their_offset : nullptr,
                                       to_theirs, nullptr, count, 0);
            note("copy_file_range", expected, from_theirs, with_offset ? offset : -1, to_theirs, count);
            EXPECT_EQ(call(fs::sys_copy_file_range, from_ours, with_offset ? &our_offset : nullptr, to_ours, nullptr,
                           count, 0),
                      expected)
                << m_log.str();
        }
        EXPECT_EQ(our_offset, their_offset) << m_log.str();
    }

    void getcwd_any() {
        char theirs[4096] = {};
        char ours[4096] = {};
        auto expected = linux_call(SYS_getcwd, theirs, sizeof(theirs));
        auto result = call(fs::sys_getcwd, ours, sizeof(ours));
        note("getcwd", expected, theirs, ours);
        if (expected < 0 || result < 0)
            EXPECT_EQ(result, expected) << m_log.str();
        else
            EXPECT_EQ(m_base + ours, theirs) << m_log.str();
    }

    void lock_any(bool flock_too) {
        static constexpr int commands[] = {F_GETLK, F_SETLK, F_OFD_GETLK, F_OFD_SETLK};
        static constexpr short types[] = {F_RDLCK, F_WRLCK, F_UNLCK};
        auto [theirs, ours] = any_file();
        if (flock_too && below(4) == 0) {
            static constexpr int operations[] = {LOCK_SH, LOCK_EX, LOCK_UN};
            auto operation = operations[below(3)] | LOCK_NB;
            auto expected = linux_call(SYS_flock, theirs, operation);
            note("flock", expected, theirs, operation);
            EXPECT_EQ(call(fs::sys_flock, ours, operation), expected) << m_log.str();
            return;
        }
        struct flock lock = {};
        lock.l_type = types[below(3)];
        lock.l_whence = static_cast<short>(below(3));
        lock.l_start = static_cast<long>(below(20)) - (below(6) == 0 ? 10 : 0);
        lock.l_len = below(4) == 0 ? 0 : static_cast<long>(below(20)) - (below(6) == 0 ? 10 : 0);
        auto command = commands[below(4)];
        if (command == F_OFD_GETLK && lock.l_type == F_UNLCK) // Linux changed what this means in 6.6
            command = F_GETLK;
        auto result = lock;
        auto expected = linux_call(SYS_fcntl, theirs, command, &lock);
        note("lock", expected, theirs, command, lock.l_type, lock.l_whence, lock.l_start, lock.l_len);
        EXPECT_EQ(call(fs::sys_fcntl, ours, command, &result), expected) << m_log.str();
        result.l_pid = lock.l_pid;
        EXPECT_EQ(std::memcmp(&lock, &result, sizeof(lock)), 0)
            << m_log.str() << "got " << result.l_type << ' ' << result.l_start << ' ' << result.l_len;
    }

    void step() {
        switch (below(has_file() ? 28 : 14)) {
        case 0:
        case 1:
            return m_files.size() < 12 ? open_any() : close_one();
        case 2:
            both("mkdir", SYS_mkdir, any_path().c_str(), 0755);
            return;
        case 3:
            both("rmdir", SYS_rmdir, any_path().c_str());
            return;
        case 4:
            both("unlink", SYS_unlink, any_path().c_str());
            return;
        case 5: {
            static constexpr unsigned flags[] = {0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE, 3, 64};
            both("rename", SYS_renameat2, AT_FDCWD, any_name().c_str(), AT_FDCWD, any_name().c_str(), flags[below(7)]);
            return;
        }
        case 6:
            both("link", SYS_linkat, AT_FDCWD, any_name().c_str(), AT_FDCWD, any_name().c_str(),
                 below(2) ? AT_SYMLINK_FOLLOW : 0);
            return;
        case 7:
            both("symlink", SYS_symlink, any_name().c_str(), any_name().c_str());
            return;
        case 8:
            return readlink_any();
        case 9:
            return stat_any();
        case 10:
            both("truncate", SYS_truncate, any_path().c_str(), static_cast<long>(below(100000)) - 10);
            return;
        case 11:
            both("access", SYS_access, any_path().c_str(), static_cast<int>(below(9)));
            return;
        case 12:
            if (below(4) == 0)
                both("chdir", SYS_chdir, any_path().c_str());
            else
                both("chmod", SYS_chmod, any_path().c_str(), 0600 | below(0100) | (below(2) ? 0100 : 0));
            return;
        case 13:
            return getcwd_any();
        case 14:
        case 15:
        case 16:
            return write_any();
        case 17:
            return read_on_file("read", SYS_read, below(30000));
        case 18:
            return read_on_file("pread", SYS_pread64, below(30000), static_cast<long>(below(100000)) - 5);
        case 19:
            // What fallocate reserved is data here and a hole there; both are allowed.
            on_file("lseek", SYS_lseek, static_cast<long>(below(100000)) - (below(4) == 0 ? 50000 : 0),
                    static_cast<int>(below(m_reserved ? 3 : 6)));
            return;
        case 20:
            on_file("ftruncate", SYS_ftruncate, static_cast<long>(below(100000)) - 5);
            return;
        case 21:
            return stat_file();
        case 22:
            return close_one();
        case 23:
            on_file("getfl", SYS_fcntl, F_GETFL);
            return;
        case 24: {
            static constexpr int modes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                            FALLOC_FL_PUNCH_HOLE};
            m_reserved = true;
            on_file("fallocate", SYS_fallocate, modes[below(4)], static_cast<long>(below(50000)) - 5,
                    static_cast<long>(below(30000)) - 5);
            return;
        }
        case 25:
            return copy_any();
        case 26:
            return lock_any(true);
        default:
            on_file("fsync", SYS_fsync);
        }
    }

    /// All names, types, sizes and contents below where both started.
    void compare_trees() {
        auto theirs = names_of(m_base + depth, [](const std::string& path) {
            std::vector<std::string> names = {".", ".."};
            for (const auto& entry : std::filesystem::directory_iterator(path))
                names.push_back(entry.path().filename());
            std::ranges::sort(names);
            return names;
        });
        auto ours = names_of(depth, fs_test::names_in);
        EXPECT_EQ(ours, theirs) << m_log.str();
    }

    template <typename List>
    std::string names_of(const std::string& path, List list) {
        std::string text;
        auto is_linux = path.starts_with(m_base);
        for (const auto& name : list(path)) {
            auto full = path + "/" + name;
            struct stat stat = {};
            if (is_linux)
                EXPECT_EQ(linux_call(SYS_newfstatat, AT_FDCWD, full.c_str(), &stat, AT_SYMLINK_NOFOLLOW), 0);
            else
                EXPECT_EQ(call(fs::sys_lstat, full.c_str(), &stat), 0);
            text += full.substr(is_linux ? m_base.size() : 0) + " " + describe(stat) + "\n";
            if (S_ISREG(stat.st_mode)) {
                std::string contents;
                if (is_linux) {
                    std::ifstream file(full);
                    contents = std::string(std::istreambuf_iterator<char>(file), {});
                } else {
                    contents = fs_test::read_file(full);
                }
                text += std::to_string(std::hash<std::string>()(contents)) + "\n";
            }
            if (S_ISDIR(stat.st_mode) && name != "." && name != "..")
                text += names_of(full, list);
        }
        return text;
    }

    std::mt19937 m_random;
    std::string m_base;
    std::string m_home;
    mode_t m_umask = 0;
    std::vector<std::pair<int, int>> m_files; // Linux' and our descriptor
    bool m_reserved = false;
    std::ostringstream m_log;
};

TEST_P(DifferentialTest, RandomCallsAgree) {
    for (int i = 0; i < 1500 && !HasFailure(); ++i)
        step();
    if (!HasFailure())
        compare_trees();
}

TEST_P(DifferentialTest, RandomLocksAgree) {
    for (const char* name : {"a", "b"}) {
        auto theirs = linux_call(SYS_openat, AT_FDCWD, name, O_RDWR | O_CREAT, 0644);
        auto ours = call(fs::sys_openat, AT_FDCWD, name, O_RDWR | O_CREAT, 0644);
        ASSERT_GE(theirs, 0);
        ASSERT_GE(ours, 0);
        m_files.emplace_back(theirs, ours);
    }
    for (int i = 0; i < 800 && !HasFailure(); ++i) {
        auto choice = below(40);
        if (choice == 0 && m_files.size() > 2) {
            close_one();
        } else if (choice == 1 && m_files.size() < 6) {
            const auto* name = below(2) ? "a" : "b";
            m_files.emplace_back(linux_call(SYS_openat, AT_FDCWD, name, O_RDWR),
                                 call(fs::sys_openat, AT_FDCWD, name, O_RDWR));
            note("open", m_files.back().first, name);
        } else {
            lock_any(true);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DifferentialTest, testing::Range(0, 12));

} // namespace
