#pragma once
// Seam above the machine's files, for gdb's vFile packets: `info proc mappings`, `gcore`, `remote get`. They are read,
// not changed. Called as Target is, see there; like its other optional parts, a target without it returns null.

#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "gdbstub/Refusal.h"

namespace gdbstub {

/// stat(2).
struct FileStatus {
    uint64_t device = 0;
    uint64_t inode = 0;
    /// Type and permissions, Linux' st_mode.
    uint32_t mode = 0;
    uint64_t links = 0;
    uint32_t user = 0;
    uint32_t group = 0;
    uint64_t device_number = 0;
    uint64_t size = 0;
    uint64_t block_size = 0;
    /// Of 512 bytes.
    uint64_t blocks = 0;
    /// Seconds since 1970.
    int64_t accessed = 0;
    int64_t modified = 0;
    int64_t changed = 0;
};

class Files {
public:
    /// For reading. A number that the other functions take.
    virtual Answer<uint32_t> open(std::string_view path) = 0;
    virtual Answer<> close(uint32_t file) = 0;
    /// As many bytes as there are and fit; 0 at the end.
    virtual Answer<size_t> read(uint32_t file, uint64_t offset, std::span<uint8_t> out) = 0;
    virtual Answer<FileStatus> status(uint32_t file) = 0;
    /// Of what a symbolic link leads to.
    virtual Answer<FileStatus> status(std::string_view path) = 0;
    virtual Answer<std::string_view> link_target(std::string_view path) = 0;
    /// The client is gone.
    virtual void close_all() = 0;

protected:
    ~Files() = default;
};

} // namespace gdbstub
