#pragma once
// Transfer: the memory side of a read or a write: where the bytes go to or come from, in pieces, with how many have
// moved. App memory (one buffer or an iovec) or the kernel's. Used by one thread; no SpinLock may be held while it
// moves app memory, because that may page fault.

#include "libos/base/Assert.h"
#include "libos/base/Result.h"
#include "libos/memory/UserMemory.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace fs {

/// Linux's struct iovec.
struct MemoryPiece {
    uint64_t address;
    uint64_t length;
};

class Transfer {
public:
    /// `pieces` is kernel memory that outlives this; the addresses in it are the app's. Their sum fits in an int64_t.
    explicit Transfer(std::span<const MemoryPiece> pieces);

    /// Between a file and a buffer of the kernel.
    static Transfer kernel(const MemoryPiece& piece) { return Transfer(std::span(&piece, 1), true); }
    static MemoryPiece piece_of(std::span<const std::byte> buffer) {
        return {reinterpret_cast<uint64_t>(buffer.data()), buffer.size()};
    }

    size_t remaining() const { return m_remaining; }
    size_t moved() const { return m_moved; }
    bool done() const { return m_remaining == 0; }

    /// Copies `from` to the next bytes, as many as there is room for. Error::Fault when an address is bad; what was
    /// moved before stays moved.
    base::Result<size_t> put(std::span<const std::byte> from);
    /// Copies the next bytes to `to`, as many as there are.
    base::Result<size_t> take(std::span<std::byte> to);
    base::Result<size_t> put_zeros(size_t count);
    /// Undoes the last `count` bytes of take().
    void give_back(size_t count);
    /// Leaves at most `count` bytes to move.
    void limit(size_t count);

private:
    Transfer(std::span<const MemoryPiece> pieces, bool kernel);

    template <typename Copy>
    base::Result<size_t> move(size_t count, Copy copy);

    std::span<const MemoryPiece> m_pieces;
    size_t m_piece = 0;
    size_t m_offset = 0; // inside m_pieces[m_piece]
    size_t m_remaining = 0;
    size_t m_moved = 0;
    bool m_kernel = false;
};

/// The result of a read or write that ended with `result`: an error after some bytes moved counts as those bytes.
inline base::Result<size_t> bytes_moved(const Transfer& transfer, const base::Result<>& result) {
    if (!result && transfer.moved() == 0)
        return base::fail(result.error());
    return transfer.moved();
}

} // namespace fs
