// Pipes, eventfd, poll, select and epoll.
#include "Kernel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>

#include <cerrno>
#include <numeric>
#include <thread>

namespace {

using fs_test::call;
using fs_test::Kernel;

class PollTest : public Kernel {
protected:
    PollTest() { EXPECT_EQ(call(fs::sys_pipe2, pipe, 0), 0); }

    int64_t write(std::string_view text) { return call(fs::sys_write, pipe[1], text.data(), text.size()); }
    std::string read() {
        char buffer[100];
        auto count = call(fs::sys_read, pipe[0], buffer, sizeof(buffer));
        return count < 0 ? std::to_string(count) : std::string(buffer, static_cast<size_t>(count));
    }
    void set_nonblocking() {
        EXPECT_EQ(call(fs::sys_fcntl, pipe[0], F_SETFL, O_NONBLOCK), 0);
        EXPECT_EQ(call(fs::sys_fcntl, pipe[1], F_SETFL, O_NONBLOCK), 0);
    }

    int pipe[2] = {};
};

TEST_F(PollTest, PipeEnds) {
    EXPECT_EQ(write("abc"), 3);
    int available = 0;
    EXPECT_EQ(call(fs::sys_ioctl, pipe[0], FIONREAD, &available), 0);
    EXPECT_EQ(available, 3);
    EXPECT_EQ(read(), "abc");
    EXPECT_EQ(call(fs::sys_read, pipe[1], &available, 1), -EBADF);
    EXPECT_EQ(call(fs::sys_lseek, pipe[0], 0, SEEK_SET), -ESPIPE);
    EXPECT_EQ(write("rest"), 4);
    EXPECT_EQ(call(fs::sys_close, pipe[1]), 0);
    EXPECT_EQ(read(), "rest");
    EXPECT_EQ(read(), "");
}

TEST_F(PollTest, PipeWithoutReader) {
    EXPECT_EQ(call(fs::sys_close, pipe[0]), 0);
    EXPECT_EQ(write("x"), -EPIPE);
    pollfd watched = {pipe[1], POLLOUT, 0};
    EXPECT_EQ(call(fs::sys_poll, &watched, 1, 0), 1);
    EXPECT_TRUE(watched.revents & POLLERR);
}

TEST_F(PollTest, PipeWouldBlock) {
    set_nonblocking();
    EXPECT_EQ(read(), std::to_string(-EAGAIN));
    std::string half(40000, 'x');
    EXPECT_EQ(write(half), 40000);
    EXPECT_EQ(write(half), 65536 - 40000);
    EXPECT_EQ(write("x"), -EAGAIN);
    EXPECT_EQ(read().size(), 100u);
    EXPECT_EQ(write(std::string(4096, 'x')), -EAGAIN) << "up to PIPE_BUF it is all or nothing";
    EXPECT_EQ(write(std::string(100, 'x')), 100);
}

TEST_F(PollTest, PipeBetweenThreads) {
    constexpr size_t total = 1 << 20;
    std::thread writer([&] {
        std::vector<uint8_t> data(total);
        std::iota(data.begin(), data.end(), 0);
        EXPECT_EQ(call(fs::sys_write, pipe[1], data.data(), data.size()), static_cast<int64_t>(total));
        call(fs::sys_close, pipe[1]);
    });
    uint8_t buffer[5000];
    size_t received = 0;
    auto right = true;
    for (int64_t count = 0; (count = call(fs::sys_read, pipe[0], buffer, sizeof(buffer))) > 0;) {
        for (int64_t i = 0; i < count; ++i)
            right = right && buffer[i] == static_cast<uint8_t>(received++);
    }
    writer.join();
    EXPECT_EQ(received, total);
    EXPECT_TRUE(right);
}

TEST_F(PollTest, NamedPipe) {
    EXPECT_EQ(call(fs::sys_mknod, "/fifo", S_IFIFO | 0600, 0), 0);
    EXPECT_EQ(call(fs::sys_open, "/fifo", O_WRONLY | O_NONBLOCK, 0), -ENXIO);
    int64_t writer = -1;
    std::thread opener([&] { writer = call(fs::sys_open, "/fifo", O_WRONLY, 0); });
    auto reader = call(fs::sys_open, "/fifo", O_RDONLY, 0);
    opener.join();
    EXPECT_EQ(call(fs::sys_write, writer, "x", 1), 1);
    char c = 0;
    EXPECT_EQ(call(fs::sys_read, reader, &c, 1), 1);
}

TEST_F(PollTest, EventFile) {
    auto event = call(fs::sys_eventfd2, 3, EFD_NONBLOCK);
    uint64_t value = 4;
    EXPECT_EQ(call(fs::sys_write, event, &value, 8), 8);
    EXPECT_EQ(call(fs::sys_read, event, &value, 8), 8);
    EXPECT_EQ(value, 7u);
    EXPECT_EQ(call(fs::sys_read, event, &value, 8), -EAGAIN);
    EXPECT_EQ(call(fs::sys_read, event, &value, 4), -EINVAL);
    value = UINT64_MAX;
    EXPECT_EQ(call(fs::sys_write, event, &value, 8), -EINVAL);
    auto semaphore = call(fs::sys_eventfd2, 2, EFD_SEMAPHORE | EFD_NONBLOCK);
    EXPECT_EQ(call(fs::sys_read, semaphore, &value, 8), 8);
    EXPECT_EQ(value, 1u);
    struct stat stat = {};
    EXPECT_EQ(call(fs::sys_fstat, event, &stat), 0);
    EXPECT_EQ(stat.st_mode, 0600u);
}

TEST_F(PollTest, PollAndSelect) {
    pollfd watched[] = {{pipe[0], POLLIN, 0}, {pipe[1], POLLOUT, 0}, {-1, POLLIN, 7}, {99, POLLIN, 0}};
    EXPECT_EQ(call(fs::sys_poll, watched, 4, -1), 2);
    EXPECT_EQ(watched[0].revents, 0);
    EXPECT_EQ(watched[1].revents, POLLOUT);
    EXPECT_EQ(watched[2].revents, 0);
    EXPECT_EQ(watched[3].revents, POLLNVAL);
    EXPECT_EQ(call(fs::sys_poll, watched, 1, 5), 0);

    fd_set reading;
    FD_ZERO(&reading);
    FD_SET(pipe[0], &reading);
    timeval soon = {0, 1000};
    EXPECT_EQ(call(fs::sys_select, pipe[0] + 1, &reading, nullptr, nullptr, &soon), 0);
    EXPECT_FALSE(FD_ISSET(pipe[0], &reading));
    FD_SET(pipe[0], &reading);
    std::thread writer([&] { write("x"); });
    EXPECT_EQ(call(fs::sys_select, pipe[0] + 1, &reading, nullptr, nullptr, nullptr), 1);
    EXPECT_TRUE(FD_ISSET(pipe[0], &reading));
    writer.join();
}

class EpollTest : public PollTest {
protected:
    EpollTest()
        : epoll(call(fs::sys_epoll_create1, 0)) {}

    void watch(int64_t file, uint32_t events, int operation = EPOLL_CTL_ADD) {
        epoll_event event = {events, {.u64 = 42}};
        EXPECT_EQ(call(fs::sys_epoll_ctl, epoll, operation, file, &event), 0);
    }
    int64_t wait(int timeout = 0) { return call(fs::sys_epoll_wait, epoll, events, 4, timeout); }

    int64_t epoll;
    epoll_event events[4] = {};
};

TEST_F(EpollTest, LevelTriggered) {
    watch(pipe[0], EPOLLIN);
    EXPECT_EQ(wait(), 0);
    EXPECT_EQ(wait(2), 0);
    write("ab");
    EXPECT_EQ(wait(), 1);
    EXPECT_EQ(wait(), 1);
    EXPECT_EQ(events[0].events, EPOLLIN);
    EXPECT_EQ(events[0].data.u64, 42u);
    read();
    EXPECT_EQ(wait(), 0);
}

TEST_F(EpollTest, EdgeTriggered) {
    watch(pipe[0], EPOLLIN | EPOLLET);
    write("a");
    EXPECT_EQ(wait(), 1);
    EXPECT_EQ(wait(), 0);
    write("b");
    EXPECT_EQ(wait(), 1);
    read();
    write("c");
    EXPECT_EQ(wait(), 1) << "drained and filled between two waits";
}

TEST_F(EpollTest, OneShot) {
    watch(pipe[0], EPOLLIN | EPOLLONESHOT);
    write("a");
    EXPECT_EQ(wait(), 1);
    write("b");
    EXPECT_EQ(wait(), 0);
    watch(pipe[0], EPOLLIN | EPOLLONESHOT, EPOLL_CTL_MOD);
    EXPECT_EQ(wait(), 1);
}

TEST_F(EpollTest, ControlErrors) {
    epoll_event event = {};
    EXPECT_EQ(call(fs::sys_epoll_ctl, epoll, EPOLL_CTL_MOD, pipe[0], &event), -ENOENT);
    EXPECT_EQ(call(fs::sys_epoll_ctl, epoll, EPOLL_CTL_DEL, pipe[0], nullptr), -ENOENT);
    watch(pipe[0], EPOLLIN);
    EXPECT_EQ(call(fs::sys_epoll_ctl, epoll, EPOLL_CTL_ADD, pipe[0], &event), -EEXIST);
    EXPECT_EQ(call(fs::sys_epoll_ctl, epoll, EPOLL_CTL_ADD, epoll, &event), -EINVAL);
    EXPECT_EQ(call(fs::sys_epoll_ctl, pipe[0], EPOLL_CTL_ADD, pipe[1], &event), -EINVAL);
    auto file = call(fs::sys_open, "/tmp/a", O_RDWR | O_CREAT, 0600);
    EXPECT_EQ(call(fs::sys_epoll_ctl, epoll, EPOLL_CTL_ADD, file, &event), -EPERM);
}

TEST_F(EpollTest, ClosedFilesLeave) {
    watch(pipe[1], EPOLLOUT);
    EXPECT_EQ(wait(), 1);
    auto copy = call(fs::sys_dup, pipe[1]);
    EXPECT_EQ(call(fs::sys_close, pipe[1]), 0);
    EXPECT_EQ(wait(), 1) << "the open file lives on in its copy";
    EXPECT_EQ(call(fs::sys_close, copy), 0);
    EXPECT_EQ(wait(), 0);
}

TEST_F(EpollTest, EachFileHasItsTurn) {
    std::vector<int64_t> files;
    for (int i = 0; i < 10; ++i) {
        files.push_back(call(fs::sys_eventfd2, 1, 0));
        epoll_event event = {EPOLLIN, {.u64 = static_cast<uint64_t>(i)}};
        EXPECT_EQ(call(fs::sys_epoll_ctl, epoll, EPOLL_CTL_ADD, files.back(), &event), 0);
    }
    std::vector<int> seen(10);
    for (int round = 0; round < 5; ++round) {
        EXPECT_EQ(wait(), 4);
        for (const auto& event : events)
            ++seen[event.data.u64];
    }
    EXPECT_EQ(seen, std::vector<int>(10, 2));
}

TEST_F(EpollTest, NestedAndAcrossThreads) {
    auto outer = call(fs::sys_epoll_create1, 0);
    epoll_event event = {EPOLLIN, {.u64 = 1}};
    EXPECT_EQ(call(fs::sys_epoll_ctl, outer, EPOLL_CTL_ADD, epoll, &event), 0);
    EXPECT_EQ(call(fs::sys_epoll_ctl, epoll, EPOLL_CTL_ADD, outer, &event), -ELOOP);
    watch(pipe[0], EPOLLIN);
    std::thread writer([&] { write("x"); });
    EXPECT_EQ(call(fs::sys_epoll_wait, outer, events, 4, -1), 1);
    writer.join();
}

} // namespace
