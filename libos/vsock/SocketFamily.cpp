#include "libos/vsock/SocketFamily.h"

#include "libos/fs/SocketAbi.h"
#include "libos/vsock/StreamSocket.h"

#include <algorithm>

namespace vsock {

using base::Error;
using base::fail;
using base::Result;

namespace {
constexpr uint64_t frame_size = 4096;
} // namespace

template <typename Allocate>
Result<memory::PhysicalAddress> BoundedFrames::count(Allocate allocate) {
    if (m_used.fetch_add(1, std::memory_order_relaxed) >= m_limit) {
        m_used.fetch_sub(1, std::memory_order_relaxed);
        return fail(Error::NoMemory);
    }
    auto page = allocate();
    if (!page)
        m_used.fetch_sub(1, std::memory_order_relaxed);
    return page;
}

Result<memory::PhysicalAddress> BoundedFrames::allocate_zeroed_page() {
    return count([this] { return m_pages.allocate_zeroed_page(); });
}
Result<memory::PhysicalAddress> BoundedFrames::allocate_page() {
    return count([this] { return m_pages.allocate_page(); });
}

void BoundedFrames::free_page(memory::PhysicalAddress page) {
    m_pages.free_page(page);
    m_used.fetch_sub(1, std::memory_order_relaxed);
}

uint64_t BoundedFrames::left() const {
    uint64_t used = m_used.load(std::memory_order_relaxed);
    return used < m_limit ? m_limit - used : 0;
}

Result<ReceiveBuffer> SocketFamily::make_buffer(uint64_t wanted) {
    uint64_t left = m_frames.left();
    uint64_t kept = std::min<uint64_t>(left, m_engine.free_endpoints());
    uint64_t size = std::min({wanted, uint64_t{max_buffer}, (left - kept) / 4 * frame_size});
    for (size = std::max(size, frame_size);; size /= 2) {
        auto buffer = ReceiveBuffer::create(m_frames, static_cast<uint32_t>(size));
        if (buffer)
            return buffer;
        if (size <= frame_size)
            return fail(Error::NoBuffers);
    }
}

Result<base::Reference<fs::OpenFile>> SocketFamily::create(int family, int type, int protocol, int flags) {
    namespace abi = fs::abi;
    if (family != abi::af_vsock)
        return fail(Error::AddressFamilyNotSupported);
    if (protocol != 0 && protocol != abi::af_vsock)
        return fail(Error::ProtocolNotSupported);
    if (type == abi::sock_dgram)
        return fail(Error::NoDevice); // as Linux without a transport that has datagrams
    if (type != abi::sock_stream)
        return fail(Error::SocketTypeNotSupported);
    return StreamSocket::create(*this, flags);
}

} // namespace vsock
