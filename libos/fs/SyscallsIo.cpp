// Moving bytes: read, write and their kin; offsets and sizes.

#include "libos/fs/RegularFile.h"
#include "libos/fs/SyscallSupport.h"
#include "libos/fs/Syscalls.h"

#include <algorithm>
#include <new>

namespace fs {

using base::Error;
using base::fail;
using base::Result;
using syscalls::Arguments;

namespace {

/// One buffer of the app.
struct Buffer {
    Buffer(uint64_t address, uint64_t length)
        : piece{address, std::min(length, max_transfer)} {}
    MemoryPiece piece;
    Transfer transfer{std::span(&piece, 1)};
};

Result<uint64_t> checked_offset(int64_t offset) {
    if (offset < 0)
        return fail(Error::Invalid);
    return static_cast<uint64_t>(offset);
}

} // namespace

Result<uint64_t> sys_read(const Arguments& a) {
    auto file = TRY(readable_file(a.as_int(0)));
    Buffer buffer(a.value[1], a.value[2]);
    return file->read(buffer.transfer);
}

Result<uint64_t> sys_write(const Arguments& a) {
    auto file = TRY(writable_file(a.as_int(0)));
    Buffer buffer(a.value[1], a.value[2]);
    return file->write(buffer.transfer);
}

Result<uint64_t> sys_pread64(const Arguments& a) {
    auto offset = TRY(checked_offset(a.as_i64(3)));
    auto file = TRY(readable_file(a.as_int(0)));
    Buffer buffer(a.value[1], a.value[2]);
    return file->read_at(buffer.transfer, offset);
}

Result<uint64_t> sys_pwrite64(const Arguments& a) {
    auto offset = TRY(checked_offset(a.as_i64(3)));
    auto file = TRY(writable_file(a.as_int(0)));
    Buffer buffer(a.value[1], a.value[2]);
    return file->write_at(buffer.transfer, offset);
}

Result<uint64_t> sys_readv(const Arguments& a) {
    auto file = TRY(readable_file(a.as_int(0)));
    VectorArgument vector;
    TRY(vector.load(a.value[1], a.value[2]));
    Transfer transfer(vector.pieces());
    return file->read(transfer);
}

Result<uint64_t> sys_writev(const Arguments& a) {
    auto file = TRY(writable_file(a.as_int(0)));
    VectorArgument vector;
    TRY(vector.load(a.value[1], a.value[2]));
    Transfer transfer(vector.pieces());
    return file->write(transfer);
}

Result<uint64_t> sys_preadv(const Arguments& a) {
    auto offset = TRY(checked_offset(a.as_i64(3)));
    auto file = TRY(readable_file(a.as_int(0)));
    VectorArgument vector;
    TRY(vector.load(a.value[1], a.value[2]));
    Transfer transfer(vector.pieces());
    return file->read_at(transfer, offset);
}

Result<uint64_t> sys_pwritev(const Arguments& a) {
    auto offset = TRY(checked_offset(a.as_i64(3)));
    auto file = TRY(writable_file(a.as_int(0)));
    VectorArgument vector;
    TRY(vector.load(a.value[1], a.value[2]));
    Transfer transfer(vector.pieces());
    return file->write_at(transfer, offset);
}

namespace {
// RWF_HIPRI, RWF_DSYNC and RWF_SYNC ask for nothing here; RWF_NOWAIT and RWF_APPEND are not supported.
constexpr uint64_t ignored_rw_flags = 7;
} // namespace

Result<uint64_t> sys_preadv2(const Arguments& a) {
    if (a.value[5] & ~ignored_rw_flags)
        return fail(Error::NotSupported);
    return a.as_i64(3) == -1 ? sys_readv(a) : sys_preadv(a);
}

Result<uint64_t> sys_pwritev2(const Arguments& a) {
    if (a.value[5] & ~ignored_rw_flags)
        return fail(Error::NotSupported);
    return a.as_i64(3) == -1 ? sys_writev(a) : sys_pwritev(a);
}

Result<uint64_t> sys_lseek(const Arguments& a) {
    return TRY(file_of(a.as_int(0)))->seek(a.as_i64(1), a.as_int(2));
}

Result<uint64_t> sys_getdents64(const Arguments& a) {
    auto file = TRY(file_of(a.as_int(0)));
    Buffer buffer(a.value[1], a.as_u32(2));
    return file->read_entries(buffer.transfer, false);
}

Result<uint64_t> sys_getdents(const Arguments& a) {
    auto file = TRY(file_of(a.as_int(0)));
    Buffer buffer(a.value[1], a.as_u32(2));
    return file->read_entries(buffer.transfer, true);
}

Result<uint64_t> sys_ftruncate(const Arguments& a) {
    auto size = TRY(checked_offset(a.as_i64(1)));
    auto file = TRY(file_of(a.as_int(0)));
    if (!file->is_writable() || file->inode().type() != FileType::Regular)
        return fail(Error::Invalid);
    TRY(file->inode().resize(size));
    return 0;
}

Result<uint64_t> sys_truncate(const Arguments& a) {
    auto size = TRY(checked_offset(a.as_i64(1)));
    PathArgument path;
    TRY(path.load(a.value[0]));
    auto inode = TRY(file_system().find({}, path.view(), 0));
    if (inode->as_directory())
        return fail(Error::IsDirectory);
    TRY(inode->resize(size));
    return 0;
}

Result<uint64_t> sys_fallocate(const Arguments& a) {
    auto offset = a.as_i64(2);
    auto length = a.as_i64(3);
    auto mode = a.as_int(1);
    auto file = TRY(file_of(a.as_int(0)));
    if (offset < 0 || length <= 0)
        return fail(Error::Invalid);
    if ((mode & ~(abi::falloc_fl_keep_size | abi::falloc_fl_punch_hole | abi::falloc_fl_zero_range)) != 0 ||
        ((mode & abi::falloc_fl_punch_hole) != 0 && mode != (abi::falloc_fl_punch_hole | abi::falloc_fl_keep_size)))
        return fail(Error::NotSupported);
    if (!file->is_writable())
        return fail(Error::BadFile);
    if (file->inode().type() == FileType::Pipe)
        return fail(Error::IllegalSeek);
    if (file->inode().type() != FileType::Regular)
        return fail(Error::NoSuchDevice);
    auto& inode = static_cast<RegularFile&>(file->inode());
    TRY(inode.allocate(mode, static_cast<uint64_t>(offset), static_cast<uint64_t>(length)));
    return 0;
}

// There is no disk: what is written is as safe as it gets.
Result<uint64_t> sys_fsync(const Arguments& a) {
    auto type = TRY(file_of(a.as_int(0)))->inode().type();
    if (type != FileType::Regular && type != FileType::Directory)
        return fail(Error::Invalid);
    return 0;
}

Result<uint64_t> sys_sync(const Arguments&) {
    return 0;
}

Result<uint64_t> sys_syncfs(const Arguments& a) {
    TRY(file_of(a.as_int(0)));
    return 0;
}

Result<uint64_t> sys_fadvise64(const Arguments& a) {
    if (TRY(file_of(a.as_int(0)))->inode().type() == FileType::Pipe)
        return fail(Error::IllegalSeek);
    return 0;
}

namespace {

/// A file and where in it: at an offset of the app's, or from the file's own on; both are moved when all is done, so a
/// file copied to itself has one place to read and another to write, as on Linux.
struct End {
    base::Reference<OpenFile> file;
    memory::UserAddress offset_address = 0;
    bool has_offset = true;
    uint64_t offset = 0;

    Result<> load_offset(memory::UserAddress address) {
        offset_address = address;
        if (address) {
            offset = TRY(checked_offset(TRY(memory::read_user<int64_t>(address))));
            return {};
        }
        auto own = file->seek(0, abi::seek_cur);
        has_offset = own.has_value();
        offset = own.value_or(0);
        return {};
    }
    Result<> store_offset() const {
        if (offset_address)
            return memory::write_user(offset_address, offset);
        if (has_offset)
            TRY(file->seek(static_cast<int64_t>(offset), abi::seek_set));
        return {};
    }
    Result<size_t> read(std::span<std::byte> to) {
        auto piece = Transfer::piece_of(to);
        auto transfer = Transfer::kernel(piece);
        auto count = TRY(has_offset ? file->read_at(transfer, offset) : file->read(transfer));
        offset += count;
        return count;
    }
    Result<size_t> write(std::span<const std::byte> from) {
        auto piece = Transfer::piece_of(from);
        auto transfer = Transfer::kernel(piece);
        auto count = TRY(has_offset ? file->write_at(transfer, offset) : file->write(transfer));
        offset += count;
        return count;
    }
};

Result<uint64_t> copy(End& from, End& to, uint64_t count) {
    auto buffer = TRY(Page::create());
    uint64_t copied = 0;
    Result<> result;
    while (copied < count && result) {
        auto part = from.read(buffer->bytes().first(std::min(count - copied, page_size)));
        if (!part) {
            result = fail(part.error());
            break;
        }
        if (*part == 0)
            break;
        auto written = to.write(buffer->bytes().first(*part));
        auto done = written.value_or(0);
        copied += done;
        if (done < *part) {
            from.offset -= *part - done;
            if (!written)
                result = fail(written.error());
            break;
        }
    }
    if (!result && copied == 0)
        return fail(result.error());
    TRY(from.store_offset());
    TRY(to.store_offset());
    return copied;
}

} // namespace

Result<uint64_t> sys_sendfile(const Arguments& a) {
    End from{TRY(readable_file(a.as_int(1)))};
    End to{TRY(writable_file(a.as_int(0)))};
    if (from.file->inode().type() != FileType::Regular || (to.file->flags() & abi::o_append))
        return fail(Error::Invalid);
    TRY(from.load_offset(a.value[2]));
    TRY(to.load_offset(0));
    return copy(from, to, std::min(a.value[3], max_transfer));
}

Result<uint64_t> sys_copy_file_range(const Arguments& a) {
    if (a.as_u32(5) != 0)
        return fail(Error::Invalid);
    End from{TRY(file_of(a.as_int(0)))};
    End to{TRY(file_of(a.as_int(2)))};
    for (auto* inode : {&from.file->inode(), &to.file->inode()}) {
        if (inode->as_directory())
            return fail(Error::IsDirectory);
        if (inode->type() != FileType::Regular)
            return fail(Error::Invalid);
    }
    if (!from.file->is_readable() || !to.file->is_writable() || (to.file->flags() & abi::o_append))
        return fail(Error::BadFile);
    TRY(from.load_offset(a.value[1]));
    TRY(to.load_offset(a.value[3]));
    auto size = from.file->inode().attributes().size;
    auto count = std::min({a.value[4], max_transfer, size - std::min(size, from.offset)});
    if (&from.file->inode() == &to.file->inode() && from.offset < to.offset + count && to.offset < from.offset + count)
        return fail(Error::Invalid);
    return copy(from, to, count);
}

} // namespace fs
