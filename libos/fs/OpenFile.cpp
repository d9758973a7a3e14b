#include "libos/fs/OpenFile.h"

#include "libos/base/Bits.h"
#include "libos/fs/EpollFile.h"
#include "libos/fs/FileLocks.h"

#include <limits>

namespace fs {

using base::Error;
using base::fail;

OpenFile::OpenFile(base::Reference<Inode> inode, base::Reference<Entry> entry, int flags)
    : m_inode(std::move(inode))
    , m_entry(std::move(entry))
    , m_flags(flags & ~(abi::o_creat | abi::o_excl | abi::o_noctty | abi::o_trunc | abi::o_cloexec)) {}

OpenFile::~OpenFile() {
    if (auto* locks = m_inode->locks_if_any())
        locks->release_file(*this);
    if (m_watched.load(std::memory_order_relaxed))
        EpollFile::forget(*this);
}

void OpenFile::set_status_flags(int flags) {
    constexpr int settable = abi::o_append | abi::o_nonblock | abi::o_async | abi::o_direct | abi::o_noatime;
    auto before = m_flags.load(std::memory_order_relaxed);
    while (!m_flags.compare_exchange_weak(before, (before & ~settable) | (flags & settable), std::memory_order_relaxed))
        ;
}

base::Result<size_t> OpenFile::read(Transfer&) {
    return fail(Error::Invalid);
}
base::Result<size_t> OpenFile::write(Transfer&) {
    return fail(Error::Invalid);
}
base::Result<size_t> OpenFile::read_at(Transfer&, uint64_t) {
    return fail(Error::IllegalSeek);
}
base::Result<size_t> OpenFile::write_at(Transfer&, uint64_t) {
    return fail(Error::IllegalSeek);
}
base::Result<uint64_t> OpenFile::seek(int64_t, int) {
    return fail(Error::IllegalSeek);
}
base::Result<size_t> OpenFile::read_entries(Transfer&, bool) {
    return fail(Error::NotDirectory);
}
base::Result<uint64_t> OpenFile::ioctl(uint32_t, uint64_t) {
    return fail(Error::NotTerminal);
}
uint32_t OpenFile::poll() {
    return abi::pollin | abi::pollout | abi::pollrdnorm | abi::pollwrnorm;
}

base::Result<size_t> SeekableFile::read(Transfer& to) {
    SleepLocker locker(m_offset_lock);
    auto count = TRY(read_at(to, m_offset));
    m_offset += count;
    return count;
}

base::Result<size_t> SeekableFile::write(Transfer& from) {
    SleepLocker locker(m_offset_lock);
    if (flags() & abi::o_append)
        return append(from, m_offset);
    auto count = TRY(write_at(from, m_offset));
    m_offset += count;
    return count;
}

base::Result<size_t> SeekableFile::append(Transfer& from, uint64_t& offset_after) {
    auto offset = end();
    auto count = TRY(write_at(from, offset));
    offset_after = offset + count;
    return count;
}

base::Result<uint64_t> SeekableFile::next_data(uint64_t offset) {
    if (offset >= end())
        return fail(Error::NoSuchDevice);
    return offset;
}

base::Result<uint64_t> SeekableFile::next_hole(uint64_t offset) {
    if (offset >= end())
        return fail(Error::NoSuchDevice);
    return end();
}

base::Result<uint64_t> SeekableFile::seek(int64_t offset, int whence) {
    SleepLocker locker(m_offset_lock);
    uint64_t from = 0;
    switch (whence) {
    case abi::seek_set:
        break;
    case abi::seek_cur:
        from = m_offset;
        break;
    case abi::seek_end:
        from = end();
        break;
    case abi::seek_data:
    case abi::seek_hole:
        if (offset < 0)
            return fail(Error::NoSuchDevice);
        m_offset = TRY(whence == abi::seek_data ? next_data(static_cast<uint64_t>(offset))
                                                : next_hole(static_cast<uint64_t>(offset)));
        return m_offset;
    default:
        return fail(Error::Invalid);
    }
    int64_t to = 0;
    if (__builtin_add_overflow(static_cast<int64_t>(from), offset, &to) || to < 0)
        return fail(Error::Invalid);
    m_offset = static_cast<uint64_t>(to);
    return m_offset;
}

} // namespace fs
