#pragma once
// FileSystem: the tree of names, what changes it, and the process' view of it: working directory, umask, descriptors.
// There is one, made by fs::initialize(); thread context only.
//
// Locks, outermost first. A path and all other app memory is copied before the first and results after the last:
//   SeekableFile::m_offset_lock   SleepLock  one open file's offset, held over its read or write
//   RegularFile::m_write_lock     SleepLock  writers of one file; app memory is read under it
//   FileSystem::m_tree            SleepLock  every Entry and Directory; never together with the two above
//   leaves: Inode::m_lock, FileLocks' and DescriptorTable's SpinLocks; only the allocators' locks inside them
// The address space's lock may be taken before m_tree, and before the leaves.

#include "libos/base/Result.h"
#include "libos/fs/DescriptorTable.h"
#include "libos/fs/Entry.h"
#include "libos/fs/OpenFile.h"
#include "libos/fs/Services.h"

#include <atomic>
#include <span>
#include <string_view>

namespace fs {

/// Where a relative path starts; null is the working directory.
using Start = base::Reference<Entry>;

class FileSystem {
public:
    constexpr FileSystem() = default;

    DescriptorTable& descriptors() { return m_descriptors; }

    /// For the stopped world, where nobody can be waited for: whether there is a tree, and no thread that changes it.
    bool is_at_rest() const { return m_root && !m_tree.is_held(); }

    /// open(2) without a descriptor. `mode` is what O_CREAT gives, before the umask.
    base::Result<base::Reference<OpenFile>> open(const Start& start, std::string_view path, int flags, uint32_t mode);
    /// AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH count in `flags`.
    base::Result<base::Reference<Inode>> find(const Start& start, std::string_view path, int flags);
    base::Result<> make_directory(const Start& start, std::string_view path, uint32_t mode);
    /// `mode` has the type bits: a regular file, a pipe or a device.
    base::Result<> make_node(const Start& start, std::string_view path, uint32_t mode, uint64_t device);
    base::Result<> make_link(const Start& from_start, std::string_view from, const Start& to_start, std::string_view to,
                             int flags);
    base::Result<> make_symbolic_link(std::string_view target, const Start& start, std::string_view path);
    base::Result<> remove_file(const Start& start, std::string_view path);
    base::Result<> remove_directory(const Start& start, std::string_view path);
    /// `flags`: nothing, or one of RENAME_NOREPLACE and RENAME_EXCHANGE.
    base::Result<> rename(const Start& from_start, std::string_view from, const Start& to_start, std::string_view to,
                          uint32_t flags);
    base::Result<> change_directory(const Start& start, std::string_view path);

    /// The absolute path as it is now; " (deleted)" after it when it has no name any more, as in /proc/self/maps.
    /// Cut off when the buffer is too short; `text.truncated()` says so.
    void path_of(const Entry& entry, base::TextBuilder& text);
    /// getcwd(2). Error::NoEntry when the directory was removed.
    base::Result<> working_directory(base::TextBuilder& text);
    uint32_t set_umask(uint32_t mask) { return m_umask.exchange(mask & 0777); }

    /// Fills the tree from a newc cpio archive, over what is there: directories merge, later files replace earlier.
    /// Untrusted: Error::Invalid for a broken archive, Error::NoSpace or NoMemory; what came before stays.
    base::Result<> populate(std::span<const std::byte> archive);

    /// An open file's, for fchdir and the *at calls. Error::NotDirectory.
    base::Result<Start> start_at(OpenFile& file);

    /// One name for getdents64.
    struct ReadEntry {
        char characters[max_name_length];
        size_t name_length = 0;
        uint64_t inode_number = 0;
        FileType type = FileType::Regular;
        uint64_t cookie = 0;
        base::Reference<Entry> entry; // what was told; passed in again, the one after it is found at once

        std::string_view name() const { return {characters, name_length}; }
    };
    /// The first name of the directory after `cookie`; false at the end.
    bool read_entry(OpenFile& directory, uint64_t cookie, ReadEntry& next);

private:
    friend base::Result<> initialize(const Services& services);
    friend void shut_down();
    struct Place;
    base::Result<Place> walk(const Start& start, std::string_view path, unsigned options);
    base::Result<base::Reference<OpenFile>> open_temporary(const Start& start, std::string_view path, int flags,
                                                           uint32_t mode);
    base::Result<Place> free_place(const Start& start, std::string_view path, bool for_directory);
    base::Result<> add(Place& place, base::Reference<Inode> inode);
    void unlink(Entry& entry);
    base::Result<> rename_checked(Place& from, Place& to, uint32_t flags);
    void append_path(const Entry& entry, base::TextBuilder& text);
    base::Result<> make_tree();
    base::Result<> add_ports(PortSource& ports);
    base::Result<> open_standard_streams();
    void tell_link(OpenFile& file, base::TextBuilder& text);
    base::Result<> refresh_descriptor_link(std::string_view name);
    base::Result<> refresh_descriptor_links();
    base::Result<> refresh_working_directory_link();
    base::Result<> set_link(Entry& directory, std::string_view name, std::string_view target);
    void retire(base::Reference<Entry> link);
    void release_retired_links();
    base::Result<> make_parents(std::string_view path);

    SleepLock m_tree;
    base::Reference<Entry> m_root;
    base::Reference<Entry> m_working_directory;
    base::Reference<Entry> m_descriptor_links; // /proc/self/fd
    Entry* m_retired_links = nullptr;          // chained by m_next, with their counts
    std::atomic<uint32_t> m_umask{022};
    DescriptorTable m_descriptors;
};

FileSystem& file_system();
Services& services();

/// Once, before the first system call, with memory and heap working: makes the tree with /dev, /proc, /sys and /tmp,
/// and opens the console as descriptors 0, 1 and 2.
base::Result<> initialize(const Services& services);
/// Drops everything, for tests.
void shut_down();

} // namespace fs
