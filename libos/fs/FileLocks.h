#pragma once
// FileLocks: the advisory locks on one inode: byte ranges (POSIX locks of the process, and open file description locks)
// and flock(2). One process: its POSIX locks never conflict with each other, only with locks of open files.
//
// m_lock is a leaf; wait() sleeps with it released.

#include "libos/base/Result.h"
#include "libos/fs/Abi.h"
#include "libos/sched/SpinLock.h"
#include "libos/sched/WaitQueue.h"

#include <cstdint>
#include <optional>

namespace fs {

class OpenFile;

enum class LockType : uint8_t { Shared, Exclusive, None };

/// [first, last], with both ends. `owner` is the open file, or null for the process.
struct FileLock {
    const OpenFile* owner = nullptr;
    LockType type = LockType::None;
    uint64_t first = 0;
    uint64_t last = UINT64_MAX;
};

class FileLocks {
public:
    constexpr FileLocks() = default;
    ~FileLocks();
    FileLocks(const FileLocks&) = delete;
    FileLocks& operator=(const FileLocks&) = delete;

    /// Sets or, with LockType::None, removes. On a conflict Error::Again, or with `wait` sleeps until there is none
    /// (Error::Interrupted by a signal).
    base::Result<> set_range(const FileLock& lock, bool wait);
    /// A lock that keeps `lock` from being set.
    std::optional<FileLock> find_conflict(const FileLock& lock);
    base::Result<> set_whole(const OpenFile& owner, LockType type, bool wait);

    /// close(2) of any descriptor of the file drops the process' range locks.
    void release_process();
    /// The last close of an open file drops what it holds.
    void release_file(const OpenFile& file);

private:
    struct Node;
    static Node* conflict_in(Node* list, const FileLock& lock);
    static void apply(Node*& list, const FileLock& lock, Node*& spare, Node*& spare_for_split);
    base::Result<> set(Node*& list, const FileLock& lock, bool wait);
    void release(Node*& list, const OpenFile* owner);

    sched::SpinLock m_lock;
    Node* m_ranges = nullptr;
    Node* m_wholes = nullptr;
    sched::WaitQueue m_waiters;
};

} // namespace fs
