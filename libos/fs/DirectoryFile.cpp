#include "libos/fs/DirectoryFile.h"

#include "libos/base/Bits.h"
#include "libos/fs/FileSystem.h"

#include <cstring>

namespace fs {

base::Result<size_t> DirectoryFile::read(Transfer&) {
    return base::fail(base::Error::IsDirectory);
}

base::Result<uint64_t> DirectoryFile::seek(int64_t offset, int whence) {
    SleepLocker locker(m_offset_lock);
    if (whence == abi::seek_cur)
        offset += static_cast<int64_t>(m_cookie);
    else if (whence != abi::seek_set)
        return base::fail(base::Error::Invalid);
    if (offset < 0)
        return base::fail(base::Error::Invalid);
    m_cookie = static_cast<uint64_t>(offset);
    return m_cookie;
}

base::Result<size_t> DirectoryFile::read_entries(Transfer& to, bool old_layout) {
    // struct linux_dirent64: u64 inode, s64 next offset, u16 record length, u8 type, name with its 0, to 8 bytes.
    // struct linux_dirent, the old layout: the name comes at once, the type is the record's last byte.
    alignas(8) std::byte record[24 + max_name_length + 8];
    SleepLocker locker(m_offset_lock);
    FileSystem::ReadEntry next;
    while (true) {
        if (!file_system().read_entry(*this, m_cookie, next)) {
            inode().touch_accessed();
            return to.moved();
        }
        auto name = next.name();
        auto header = old_layout ? 18u : 19u;
        auto length = base::align_up(header + name.size() + 1 + (old_layout ? 1 : 0), 8);
        if (length > to.remaining()) {
            if (to.moved() > 0)
                return to.moved();
            return base::fail(base::Error::Invalid);
        }
        std::memset(record, 0, length);
        auto length16 = static_cast<uint16_t>(length);
        std::memcpy(record, &next.inode_number, 8);
        std::memcpy(record + 8, &next.cookie, 8);
        std::memcpy(record + 16, &length16, 2);
        record[old_layout ? length - 1 : 18] = std::byte(next.type);
        std::memcpy(record + header, name.data(), name.size());
        auto result = to.put(std::span(record).first(length));
        if (!result) {
            if (to.moved() > 0)
                return to.moved();
            return base::fail(result.error());
        }
        m_cookie = next.cookie;
    }
}

} // namespace fs
