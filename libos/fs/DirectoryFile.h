#pragma once
// DirectoryFile: an open directory, for getdents64, fchdir and the *at calls. Its offset is the cookie of the last name
// read, so names that come and go meanwhile neither repeat nor hide others.

#include "libos/fs/OpenFile.h"

namespace fs {

class DirectoryFile final : public OpenFile {
public:
    DirectoryFile(base::Reference<Inode> inode, base::Reference<Entry> entry, int flags)
        : OpenFile(std::move(inode), std::move(entry), flags) {}

    base::Result<size_t> read(Transfer& to) override;
    base::Result<size_t> read_at(Transfer& to, uint64_t) override { return read(to); }
    base::Result<uint64_t> seek(int64_t offset, int whence) override;
    base::Result<size_t> read_entries(Transfer& to, bool old_layout) override;

private:
    SleepLock m_offset_lock; // outside the tree's lock
    uint64_t m_cookie = 0;
};

} // namespace fs
