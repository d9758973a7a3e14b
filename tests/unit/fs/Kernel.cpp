#include "Kernel.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace fs_test {

base::Result<memory::PhysicalAddress> FakePages::allocate_zeroed_page() {
    if (left == 0)
        return base::fail(base::Error::NoMemory);
    --left;
    ++used;
    auto* page = std::aligned_alloc(4096, 4096);
    std::memset(page, 0, 4096);
    return reinterpret_cast<memory::PhysicalAddress>(page);
}

void FakePages::free_page(memory::PhysicalAddress page) {
    ++left;
    --used;
    std::free(reinterpret_cast<void*>(page));
}

base::Result<> FakeConsole::write(std::span<const std::byte> bytes) {
    output.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
}

base::Result<size_t> FakeConsole::read(std::span<std::byte> to, sched::Deadline deadline) {
    if (input.empty() && deadline == 0)
        return base::fail(base::Error::Again);
    auto count = std::min(to.size(), input.size());
    std::memcpy(to.data(), input.data(), count);
    input.erase(0, count);
    return count;
}

void FakeRandom::fill(std::span<std::byte> to) {
    std::memset(to.data(), 0x5a, to.size());
}

base::Result<> FakeProc::generate(fs::ProcFile file, base::TextBuilder& text) {
    if (file == fs::ProcFile::SelfMaps) { // larger than the first buffer
        for (int i = 0; i < 1000; ++i)
            text.put("00400000-00401000 r-xp\n");
        return {};
    }
    if (file == fs::ProcFile::SelfSmaps)
        return base::fail(base::Error::NoEntry);
    text.put("text ").decimal(static_cast<unsigned>(file)).put('\n');
    return {};
}

uint64_t FakeClock::monotonic_nanoseconds() {
    return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

Kernel::Kernel(uint64_t data_page_limit, fs::SocketSource* sockets) {
    auto ready = fs::initialize({pages, console, random, proc, clock, data_page_limit, sockets});
    EXPECT_TRUE(ready.has_value());
}

Kernel::~Kernel() {
    fs::shut_down();
    EXPECT_EQ(pages.used, 0u);
}

syscalls::Handler handler_of(int number) {
    for (const auto& entry : fs::system_calls) {
        if (entry.number == number)
            return entry.handler;
    }
    ADD_FAILURE() << "no system call " << number;
    std::abort();
}

void write_file(const std::string& path, std::string_view contents) {
    auto file = call(fs::sys_open, path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ASSERT_GE(file, 0) << path;
    EXPECT_EQ(call(fs::sys_write, file, contents.data(), contents.size()), static_cast<int64_t>(contents.size()));
    EXPECT_EQ(call(fs::sys_close, file), 0);
}

std::string read_file(const std::string& path) {
    auto file = call(fs::sys_open, path.c_str(), O_RDONLY, 0);
    EXPECT_GE(file, 0) << path;
    std::string contents;
    char buffer[1000];
    for (int64_t count = 0; (count = call(fs::sys_read, file, buffer, sizeof(buffer))) > 0;)
        contents.append(buffer, static_cast<size_t>(count));
    call(fs::sys_close, file);
    return contents;
}

std::vector<std::string> names_in(const std::string& path) {
    auto directory = call(fs::sys_open, path.c_str(), O_RDONLY | O_DIRECTORY, 0);
    EXPECT_GE(directory, 0) << path;
    std::vector<std::string> names;
    alignas(8) char buffer[300];
    for (int64_t count = 0; (count = call(fs::sys_getdents64, directory, buffer, sizeof(buffer))) > 0;) {
        for (int64_t at = 0; at < count;) {
            uint16_t length = 0;
            std::memcpy(&length, buffer + at + 16, 2);
            names.emplace_back(buffer + at + 19);
            at += length;
        }
    }
    call(fs::sys_close, directory);
    std::ranges::sort(names);
    return names;
}

} // namespace fs_test
