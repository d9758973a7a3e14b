#pragma once
// What the file system needs around it, for tests: a whole "kernel" of fakes that a test can look into, and the system
// calls by their names, called as the dispatcher would.

#include "libos/fs/FileSystem.h"
#include "libos/fs/Syscalls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

namespace fs_test {

/// Frames from malloc; `left` of them.
class FakePages final : public memory::PageAllocator {
public:
    base::Result<memory::PhysicalAddress> allocate_zeroed_page() override;
    void free_page(memory::PhysicalAddress page) override;
    void* to_pointer(memory::PhysicalAddress page) override { return reinterpret_cast<void*>(page); }

    std::atomic<size_t> left = SIZE_MAX;
    std::atomic<size_t> used = 0;
};

class FakeConsole final : public fs::Console {
public:
    base::Result<> write(std::span<const std::byte> bytes) override;
    base::Result<size_t> read(std::span<std::byte> to, sched::Deadline deadline) override;
    size_t readable_bytes() override { return input.size(); }
    bool is_terminal() override { return terminal; }
    fs::TerminalAttributes attributes() override { return termios; }
    void set_attributes(const fs::TerminalAttributes& attributes) override { termios = attributes; }
    fs::TerminalSize size() override { return {25, 80, 0, 0}; }

    std::string output;
    std::string input;
    bool terminal = true;
    fs::TerminalAttributes termios = {};
};

class FakeRandom final : public fs::RandomSource {
public:
    void fill(std::span<std::byte> to) override;
};

class FakeProc final : public fs::ProcSource {
public:
    base::Result<> generate(fs::ProcFile file, base::TextBuilder& text) override;
    std::string_view executable_path() override { return "/bin/app"; }
    uint64_t process_id() override { return 7; }
    fs::MemoryFigures memory() override { return {64 << 20, 32 << 20}; }
};

class FakeClock final : public fs::Clock {
public:
    int64_t realtime_nanoseconds() override { return ++now; }
    uint64_t monotonic_nanoseconds() override;

    std::atomic<int64_t> now = 1'700'000'000'000'000'000;
};

/// A file system from start to shut-down; ASan then tells what leaked, `pages` whether a frame did.
class Kernel : public testing::Test {
protected:
    explicit Kernel(uint64_t data_page_limit = 0, fs::SocketSource* sockets = nullptr);
    ~Kernel() override;

    FakePages pages;
    FakeConsole console;
    FakeRandom random;
    FakeProc proc;
    FakeClock clock;
};

template <typename T>
uint64_t as_value(T value) {
    if constexpr (std::is_pointer_v<T>)
        return reinterpret_cast<uint64_t>(value);
    else if constexpr (std::is_null_pointer_v<T>)
        return 0;
    else
        return static_cast<uint64_t>(static_cast<int64_t>(value));
}

/// Runs a handler as the dispatcher does: the value, or -errno.
template <typename... Values>
int64_t call(syscalls::Handler handler, Values... values) {
    auto result = handler(syscalls::Arguments{{as_value(values)...}});
    return result ? static_cast<int64_t>(*result) : -static_cast<int64_t>(result.error());
}

/// The handler of a system call number.
syscalls::Handler handler_of(int number);

/// Whole files.
void write_file(const std::string& path, std::string_view contents);
std::string read_file(const std::string& path);
std::vector<std::string> names_in(const std::string& path);

} // namespace fs_test
