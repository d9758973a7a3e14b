#pragma once
// OpenFile: an open file description: what a file descriptor names, and dup() and mappings share. It has the offset and
// the status flags. Files, devices, pipes and sockets are subclasses; what one does not override answers as Linux does
// for a file without that operation.
//
// Called in thread context with no SpinLock held, from several threads at a time; each subclass locks what it needs.

#include "libos/base/Reference.h"
#include "libos/base/Result.h"
#include "libos/fs/Abi.h"
#include "libos/fs/Entry.h"
#include "libos/fs/Inode.h"
#include "libos/fs/SleepLock.h"
#include "libos/fs/Transfer.h"

#include <atomic>
#include <cstdint>

namespace fs {

class EpollFile;
class Socket;

class OpenFile : public base::RefCounted {
public:
    virtual ~OpenFile();

    Inode& inode() const { return *m_inode; }
    /// The name it was opened by; null for pipes, sockets and the like.
    const base::Reference<Entry>& entry() const { return m_entry; }

    /// O_ACCMODE, status flags and O_PATH; not the creation flags.
    int flags() const { return m_flags.load(std::memory_order_relaxed); }
    /// Replaces the flags that F_SETFL may change.
    void set_status_flags(int flags);
    bool is_readable() const { return (flags() & (abi::o_accmode | abi::o_path)) != abi::o_wronly && !is_path(); }
    bool is_writable() const { return (flags() & abi::o_accmode) != abi::o_rdonly && !is_path(); }
    bool is_path() const { return (flags() & abi::o_path) != 0; }
    bool is_nonblocking() const { return (flags() & abi::o_nonblock) != 0; }

    /// From and to the offset of the file, which they move. 0 is the end of the file. They need not check
    /// is_readable().
    virtual base::Result<size_t> read(Transfer& to);
    virtual base::Result<size_t> write(Transfer& from);
    /// Error::IllegalSeek where there is no offset.
    virtual base::Result<size_t> read_at(Transfer& to, uint64_t offset);
    virtual base::Result<size_t> write_at(Transfer& from, uint64_t offset);
    virtual base::Result<uint64_t> seek(int64_t offset, int whence);
    /// getdents64: whole linux_dirent64 records into `to`. Error::NotDirectory.
    virtual base::Result<size_t> read_entries(Transfer& to, bool old_layout);
    virtual base::Result<uint64_t> ioctl(uint32_t request, uint64_t argument);
    /// What would not block now, in poll(2)'s bits. A subclass that answers differently over time calls
    /// readiness_changed() at each change.
    virtual uint32_t poll();
    /// Whether epoll takes it: regular files and directories are always ready, and refused.
    virtual bool can_poll() const { return false; }
    /// Grows with each change that poll() may show; what edge-triggered epoll goes by.
    virtual uint64_t activity() const { return 0; }
    virtual EpollFile* as_epoll() { return nullptr; }
    virtual Socket* as_socket() { return nullptr; }
    /// From now on the last close tells EpollFile.
    void set_watched() { m_watched.store(true, std::memory_order_relaxed); }

protected:
    OpenFile(base::Reference<Inode> inode, base::Reference<Entry> entry, int flags);

private:
    const base::Reference<Inode> m_inode;
    const base::Reference<Entry> m_entry;
    std::atomic<int> m_flags;
    std::atomic<bool> m_watched{false};
};

/// An open file with an offset: regular files, generated text, devices that count bytes.
class SeekableFile : public OpenFile {
public:
    base::Result<size_t> read(Transfer& to) final;
    base::Result<size_t> write(Transfer& from) final;
    base::Result<uint64_t> seek(int64_t offset, int whence) final;

    /// Error::NoData past the end; for SEEK_DATA and SEEK_HOLE.
    virtual base::Result<uint64_t> next_data(uint64_t offset);
    virtual base::Result<uint64_t> next_hole(uint64_t offset);
    virtual uint64_t end() = 0;

protected:
    using OpenFile::OpenFile;
    /// Writes at the end and gives the offset after the last byte written.
    virtual base::Result<size_t> append(Transfer& from, uint64_t& offset_after);

private:
    SleepLock m_offset_lock; // outside Inode locks; never held while the tree's is taken
    uint64_t m_offset = 0;
};

/// Wakes threads in poll, select and epoll_wait to look again. Any context but an NMI.
void readiness_changed();

} // namespace fs
