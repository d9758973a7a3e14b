#pragma once
// Inode: one file, whatever its names: a regular file, directory, symbolic link, device or pipe.
//
// Shared by names (Entry), open files and mappings, through base::Reference. Attributes and data frames are under a
// leaf SpinLock of the inode, so the address space may call page() under its own lock, and any CPU may ask for
// attributes at any time. What changes a directory is under the tree's SleepLock (FileSystem.h).

#include "libos/base/Reference.h"
#include "libos/base/Result.h"
#include "libos/fs/Page.h"
#include "libos/sched/SpinLock.h"

#include <cstdint>
#include <string_view>

namespace fs {

class Directory;
class Entry;
class FileLocks;
class OpenFile;

/// The file type bits of st_mode, shifted down by 12.
enum class FileType : uint8_t {
    Anonymous = 0, // eventfd and the like
    Pipe = 1,
    CharacterDevice = 2,
    Directory = 4,
    BlockDevice = 6,
    Regular = 8,
    SymbolicLink = 10,
    Socket = 12,
};

/// Nanoseconds since 1970.
struct FileTimes {
    int64_t access = 0;
    int64_t modification = 0;
    int64_t change = 0;
    int64_t birth = 0;
};

struct Attributes {
    uint64_t number = 0;
    FileType type = FileType::Regular;
    uint32_t permissions = 0; // the low 12 bits of st_mode
    uint32_t user = 0;
    uint32_t group = 0;
    uint64_t links = 0;
    uint64_t size = 0;
    uint64_t data_pages = 0;
    uint64_t device = 0; // st_rdev
    FileTimes times;
};

class Inode : public base::RefCounted {
public:
    virtual ~Inode();

    FileType type() const { return m_type; }
    uint64_t number() const { return m_number; }
    virtual Attributes attributes() const;

    /// The frame that holds [index * 4096, (index + 1) * 4096). With `create` a hole gets its frame; without, a hole is
    /// a null Reference, and a later write gives that place a frame that a mapping of zeros would not show: mappings of
    /// regular files pass true. Error::Range past the end of the file (SIGBUS); Error::NoSpace; Error::NoSuchDevice for
    /// what cannot be mapped. Takes only the leaf lock.
    virtual base::Result<base::Reference<Page>> page(uint64_t index, bool create);

    /// Makes an open file for it. `flags` are those of open(2), checked; no lock is held.
    virtual base::Result<base::Reference<OpenFile>> open(base::Reference<Entry> entry, int flags) = 0;
    /// ftruncate(2). Error::Invalid for what has no size.
    virtual base::Result<> resize(uint64_t size);
    /// The target of a symbolic link; stays valid as long as the inode. Error::Invalid for anything else.
    virtual base::Result<std::string_view> link_target() const;
    virtual Directory* as_directory() { return nullptr; }

    void set_permissions(uint32_t permissions);
    /// UINT32_MAX leaves one as it is.
    void set_owner(uint32_t user, uint32_t group);
    void set_times(int64_t access, int64_t modification);
    void touch_accessed();
    void touch_modified(); // mtime and ctime
    void touch_changed();  // ctime
    void add_links(int count);

    /// This inode's byte range locks and flock; made at the first use.
    base::Result<FileLocks*> locks();
    FileLocks* locks_if_any() const { return m_locks.load(std::memory_order_acquire); }

protected:
    Inode(FileType type, uint32_t permissions);

    mutable sched::SpinLock m_lock; // a leaf: the frame and heap allocators' locks may be taken inside it
    Attributes m_attributes;        // under m_lock

private:
    const FileType m_type;
    const uint64_t m_number;
    std::atomic<FileLocks*> m_locks{nullptr};
};

} // namespace fs
