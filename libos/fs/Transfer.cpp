#include "libos/fs/Transfer.h"

#include <algorithm>
#include <cstring>

namespace fs {

Transfer::Transfer(std::span<const MemoryPiece> pieces)
    : Transfer(pieces, false) {}

Transfer::Transfer(std::span<const MemoryPiece> pieces, bool kernel)
    : m_pieces(pieces)
    , m_kernel(kernel) {
    for (const auto& piece : pieces)
        m_remaining += piece.length;
}

/// Calls `copy(address, offset, length)` for each contiguous run of the next `count` bytes.
template <typename Copy>
base::Result<size_t> Transfer::move(size_t count, Copy copy) {
    count = std::min(count, m_remaining);
    size_t done = 0;
    while (done < count) {
        const auto& piece = m_pieces[m_piece];
        auto run = std::min<size_t>(piece.length - m_offset, count - done);
        if (run > 0) {
            auto result = copy(piece.address + m_offset, done, run);
            if (!result)
                return base::fail(result.error());
            done += run;
            m_offset += run;
            m_remaining -= run;
            m_moved += run;
        }
        if (m_offset == piece.length) {
            ++m_piece;
            m_offset = 0;
        }
    }
    return done;
}

base::Result<size_t> Transfer::put(std::span<const std::byte> from) {
    return move(from.size(), [&](uint64_t address, size_t offset, size_t length) -> base::Result<> {
        if (!m_kernel)
            return memory::copy_to_user(address, from.subspan(offset, length));
        std::memcpy(reinterpret_cast<void*>(address), from.data() + offset, length);
        return {};
    });
}

base::Result<size_t> Transfer::take(std::span<std::byte> to) {
    return move(to.size(), [&](uint64_t address, size_t offset, size_t length) -> base::Result<> {
        if (!m_kernel)
            return memory::copy_from_user(to.subspan(offset, length), address);
        std::memcpy(to.data() + offset, reinterpret_cast<const void*>(address), length);
        return {};
    });
}

base::Result<size_t> Transfer::put_zeros(size_t count) {
    static constexpr std::byte zeros[512] = {};
    count = std::min(count, m_remaining);
    for (size_t done = 0; done < count;)
        done += TRY(put(std::span(zeros).first(std::min(count - done, sizeof(zeros)))));
    return count;
}

void Transfer::give_back(size_t count) {
    ASSERT(count <= m_moved);
    m_moved -= count;
    m_remaining += count;
    while (count > m_offset) {
        count -= m_offset;
        --m_piece;
        m_offset = m_pieces[m_piece].length;
    }
    m_offset -= count;
}

void Transfer::limit(size_t count) {
    m_remaining = std::min(m_remaining, count);
}

} // namespace fs
