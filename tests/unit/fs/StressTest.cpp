// Several threads at once: what must hold whatever the order.
#include "Kernel.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <random>
#include <thread>

namespace {

using fs_test::call;
using fs_test::Kernel;

class StressTest : public Kernel {
protected:
    static constexpr int thread_count = 4;

    static void remove_all(const std::string& path) {
        if (call(fs::sys_unlink, path.c_str()) == 0)
            return;
        struct stat stat = {};
        if (call(fs::sys_lstat, path.c_str(), &stat) != 0)
            return;
        for (const auto& name : fs_test::names_in(path)) {
            if (name != "." && name != "..")
                remove_all(path + "/" + name);
        }
        EXPECT_EQ(call(fs::sys_rmdir, path.c_str()), 0) << path;
    }

    template <typename Work>
    static void on_threads(Work work) {
        std::vector<std::thread> threads;
        for (int i = 0; i < thread_count; ++i)
            threads.emplace_back([i, work] { work(i); });
        for (auto& thread : threads)
            thread.join();
    }
};

TEST_F(StressTest, AppendedRecordsStayWhole) {
    on_threads([](int number) {
        auto file = call(fs::sys_open, "/log", O_WRONLY | O_CREAT | O_APPEND, 0600);
        std::string record(100 + static_cast<size_t>(number), static_cast<char>('a' + number));
        record += '\n';
        for (int i = 0; i < 300; ++i)
            EXPECT_EQ(call(fs::sys_write, file, record.data(), record.size()), static_cast<int64_t>(record.size()));
        call(fs::sys_close, file);
    });
    auto contents = fs_test::read_file("/log");
    size_t records = 0;
    for (size_t at = 0; at < contents.size(); ++records) {
        auto end = contents.find('\n', at);
        ASSERT_EQ(contents.substr(at, end - at), std::string(end - at, contents[at]));
        ASSERT_EQ(end - at, 100u + static_cast<size_t>(contents[at] - 'a'));
        at = end + 1;
    }
    EXPECT_EQ(records, 300u * thread_count);
}

TEST_F(StressTest, RandomCallsLeaveATree) {
    on_threads([](int number) {
        std::mt19937 random(static_cast<unsigned>(number));
        auto any_path = [&] {
            static constexpr const char* names[] = {"/a", "/b", "/c"};
            std::string path = names[random() % 3];
            while (random() % 3 != 0)
                path += names[random() % 3];
            return path;
        };
        std::string data(9000, 'x');
        for (int i = 0; i < 1500; ++i) {
            switch (random() % 8) {
            case 0:
                call(fs::sys_mkdir, any_path().c_str(), 0755);
                break;
            case 1:
                call(fs::sys_rmdir, any_path().c_str());
                break;
            case 2:
                call(fs::sys_unlink, any_path().c_str());
                break;
            case 3:
                call(fs::sys_rename, any_path().c_str(), any_path().c_str());
                break;
            case 4:
                call(fs::sys_truncate, any_path().c_str(), random() % 20000);
                break;
            case 5:
                call(fs::sys_link, any_path().c_str(), any_path().c_str());
                break;
            default:
                auto file = call(fs::sys_open, any_path().c_str(), O_RDWR | O_CREAT, 0600);
                if (file >= 0) {
                    call(fs::sys_pwrite64, file, data.data(), data.size(), random() % 20000);
                    call(fs::sys_read, file, data.data(), data.size());
                    call(fs::sys_close, file);
                }
            }
        }
    });
    // Nothing is open: what frames there are belong to files with names, and go with them.
    for (const auto* name : {"/a", "/b", "/c"})
        remove_all(name);
    EXPECT_EQ(pages.used, 0u);
}

} // namespace
