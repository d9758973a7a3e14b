#include "libos/fs/SyscallSupport.h"

#include <algorithm>
#include <new>

namespace fs {

using base::Error;
using base::fail;

base::Result<> PathArgument::load(memory::UserAddress address) {
    auto length = memory::copy_string_from_user(m_short, address);
    if (length) {
        m_view = {m_short, *length};
        return {};
    }
    if (length.error() != Error::NameTooLong)
        return fail(length.error());
    m_long = new (std::nothrow) char[max_size];
    if (!m_long)
        return fail(Error::NoMemory);
    m_view = {m_long, TRY(memory::copy_string_from_user(std::span(m_long, max_size), address))};
    return {};
}

base::Result<> PathAt::load(int descriptor, memory::UserAddress path, int flags) {
    auto may_be_empty = (flags & abi::at_empty_path) != 0;
    if (path != 0 || !may_be_empty)
        TRY(m_path.load(path));
    if (m_path.view().starts_with('/'))
        return {};
    if (m_path.view().empty() && !may_be_empty)
        return fail(Error::NoEntry);
    if (descriptor == abi::at_fdcwd)
        return {};
    auto file = TRY(file_system().descriptors().get(descriptor));
    if (m_path.view().empty()) {
        m_start = file->entry();
        m_file = std::move(file);
        return {};
    }
    m_start = TRY(file_system().start_at(*file));
    return {};
}

base::Result<base::Reference<Inode>> PathAt::find(int flags) const {
    if (m_file)
        return base::Reference<Inode>::share(m_file->inode());
    return file_system().find(m_start, view(), flags);
}

base::Result<> VectorArgument::load(memory::UserAddress address, uint64_t count) {
    constexpr uint64_t max_pieces = 1024; // UIO_MAXIOV
    if (count > max_pieces)
        return fail(Error::Invalid);
    auto* pieces = m_short;
    if (count > std::size(m_short)) {
        m_long = new (std::nothrow) MemoryPiece[count];
        if (!m_long)
            return fail(Error::NoMemory);
        pieces = m_long;
    }
    m_pieces = std::span(pieces, count);
    TRY(memory::copy_from_user(std::as_writable_bytes(m_pieces), address));
    uint64_t sum = 0;
    for (auto& piece : m_pieces) {
        if (piece.length > INT64_MAX)
            return fail(Error::Invalid);
        piece.length = std::min(piece.length, max_transfer - sum);
        sum += piece.length;
    }
    return {};
}

base::Result<base::Reference<OpenFile>> file_of(int descriptor) {
    auto file = TRY(file_system().descriptors().get(descriptor));
    if (file->is_path())
        return fail(Error::BadFile);
    return file;
}

base::Result<base::Reference<OpenFile>> readable_file(int descriptor) {
    auto file = TRY(file_system().descriptors().get(descriptor));
    if (!file->is_readable())
        return fail(Error::BadFile);
    return file;
}

base::Result<base::Reference<OpenFile>> writable_file(int descriptor) {
    auto file = TRY(file_system().descriptors().get(descriptor));
    if (!file->is_writable())
        return fail(Error::BadFile);
    return file;
}

} // namespace fs
