#pragma once
// Byte ranges that lie in several pieces, as virtio buffers do.
//
// The pieces may be guest memory, which the guest changes while it is read: what is copied out is checked after the
// copy, never before.

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace tracer::vsock {

using Parts = std::span<const iovec>;

inline size_t total_size(Parts parts) {
    size_t size = 0;
    for (const iovec& part : parts)
        size += part.iov_len;
    return size;
}

/// Copies the first `size` bytes of `parts`, which hold that many.
inline void copy_from_parts(Parts parts, void* to, size_t size) {
    auto* at = static_cast<std::byte*>(to);
    for (const iovec& part : parts) {
        const size_t portion = std::min(size, part.iov_len);
        if (portion == 0)
            continue;
        std::memcpy(at, part.iov_base, portion);
        at += portion;
        size -= portion;
    }
}

/// Copies into the first `size` bytes of `parts`, which hold that many.
inline void copy_to_parts(Parts parts, const void* from, size_t size) {
    const auto* at = static_cast<const std::byte*>(from);
    for (const iovec& part : parts) {
        const size_t portion = std::min(size, part.iov_len);
        if (portion == 0)
            continue;
        std::memcpy(part.iov_base, at, portion);
        at += portion;
        size -= portion;
    }
}

/// Appends to `to` the pieces of `parts` from `skip` on, at most `limit` bytes; returns how many bytes those are.
inline size_t append_slice(std::vector<iovec>& to, Parts parts, size_t skip, size_t limit) {
    size_t taken = 0;
    for (const iovec& part : parts) {
        if (taken == limit)
            break;
        if (skip >= part.iov_len) {
            skip -= part.iov_len;
            continue;
        }
        const size_t portion = std::min(part.iov_len - skip, limit - taken);
        to.push_back({static_cast<std::byte*>(part.iov_base) + skip, portion});
        taken += portion;
        skip = 0;
    }
    return taken;
}

} // namespace tracer::vsock
