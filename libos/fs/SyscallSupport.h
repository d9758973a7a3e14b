#pragma once
// What the system call handlers share: taking paths, descriptors and I/O vectors from the app.

#include "libos/fs/FileSystem.h"
#include "libos/fs/Transfer.h"
#include "libos/syscall/Arguments.h"

namespace fs {

/// A path copied from the app: most are short and stay on the stack.
class PathArgument {
public:
    PathArgument() = default;
    PathArgument(const PathArgument&) = delete;
    PathArgument& operator=(const PathArgument&) = delete;
    ~PathArgument() { delete[] m_long; }

    /// Error::Fault, Error::NameTooLong from 4096 bytes on, Error::NoMemory.
    base::Result<> load(memory::UserAddress address);
    std::string_view view() const { return m_view; }

private:
    static constexpr size_t max_size = 4096; // PATH_MAX, with the 0
    char m_short[256];
    char* m_long = nullptr;
    std::string_view m_view;
};

/// A path with the directory it starts in.
class PathAt {
public:
    /// `flags`: AT_EMPTY_PATH allows a null address.
    base::Result<> load(int descriptor, memory::UserAddress path, int flags = 0);
    const Start& start() const { return m_start; }
    std::string_view view() const { return m_path.view(); }
    /// With AT_EMPTY_PATH and an empty path, the open file itself; null for AT_FDCWD.
    const base::Reference<OpenFile>& file() const { return m_file; }
    /// What it names, with AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW in `flags`.
    base::Result<base::Reference<Inode>> find(int flags) const;

private:
    PathArgument m_path;
    Start m_start;
    base::Reference<OpenFile> m_file;
};

/// An iovec array copied from the app and checked.
class VectorArgument {
public:
    VectorArgument() = default;
    VectorArgument(const VectorArgument&) = delete;
    VectorArgument& operator=(const VectorArgument&) = delete;
    ~VectorArgument() { delete[] m_long; }

    base::Result<> load(memory::UserAddress address, uint64_t count);
    std::span<const MemoryPiece> pieces() const { return m_pieces; }

private:
    MemoryPiece m_short[8];
    MemoryPiece* m_long = nullptr;
    std::span<MemoryPiece> m_pieces;
};

/// One call moves no more: MAX_RW_COUNT.
inline constexpr uint64_t max_transfer = 0x7ffff000;

/// Error::BadFile also for O_PATH files, which most calls refuse.
base::Result<base::Reference<OpenFile>> file_of(int descriptor);
base::Result<base::Reference<OpenFile>> readable_file(int descriptor);
base::Result<base::Reference<OpenFile>> writable_file(int descriptor);

} // namespace fs
