#pragma once
// Blocking Unix sockets for the CLI's side of an instance, and descriptors that close themselves.

#include "tracer/Result.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

namespace tracer {

/// Owns a file descriptor.
class FileDescriptor {
public:
    FileDescriptor() = default;
    explicit FileDescriptor(int descriptor)
        : m_descriptor(descriptor) {}
    FileDescriptor(FileDescriptor&& other) noexcept
        : m_descriptor(std::exchange(other.m_descriptor, -1)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        std::swap(m_descriptor, other.m_descriptor);
        return *this;
    }
    ~FileDescriptor() { reset(); }

    int get() const { return m_descriptor; }
    int release() { return std::exchange(m_descriptor, -1); }
    void reset();
    explicit operator bool() const { return m_descriptor >= 0; }

private:
    int m_descriptor = -1;
};

/// Longest path that a Unix socket address holds.
inline constexpr size_t max_socket_path = 107;

/// Connects to a listening Unix socket, within five seconds. `what` names the other side in the error.
Result<FileDescriptor> connect_unix(const std::filesystem::path& path, std::string_view what);

/// Both ends of a connected pair, close-on-exec.
Result<std::pair<FileDescriptor, FileDescriptor>> socket_pair();

/// Writes everything, or fails after `timeout` without progress.
Result<> send_all(int descriptor, std::span<const uint8_t> bytes, std::chrono::milliseconds timeout);

/// Waits for bytes and reads at most `size` of them; empty at the end of the stream. Fails after `timeout`; a timeout
/// is told from other failures by wait_readable().
Result<std::vector<uint8_t>> receive_some(int descriptor, size_t size, std::chrono::milliseconds timeout);

/// True when there is something to read (or the stream ended), false when `timeout` passed.
Result<bool> wait_readable(int descriptor, std::chrono::milliseconds timeout);

} // namespace tracer
