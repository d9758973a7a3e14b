#include "libos/drivers/VirtioRng.h"

#include <arch/Processor.h>

#include <algorithm>
#include <cstring>

namespace drivers {

base::Result<> VirtioRng::start() {
    auto ready = set_up();
    if (!ready)
        virtio_fail(m_platform, m_transport);
    return ready;
}

base::Result<> VirtioRng::set_up() {
    TRY(virtio_negotiate(m_platform, m_transport, 0));
    TRY(virtio_add_queue(m_platform, m_transport, 0, m_queue));
    m_page = TRY(m_platform.pages().allocate_zeroed_page());
    m_queue.set_interrupts(false);
    virtio_start(m_transport);
    return {};
}

size_t VirtioRng::fill(std::span<std::byte> out, uint32_t timeout_ms) {
    uint64_t limit = m_platform.timestamp_hz() / 1000 * timeout_ms;
    uint64_t start = arch::timestamp();
    size_t count = 0;
    while (count < out.size()) {
        // A buffer of an earlier call that ran into its timeout may still be out: its bytes are as good.
        if (m_queue.in_flight() == 0) {
            BufferSegment segment{m_page, static_cast<uint32_t>(std::min<size_t>(out.size() - count, page_size)), true};
            if (!m_queue.add({&segment, 1}))
                return count;
            if (m_queue.needs_notification())
                m_transport.notify(0);
        }
        auto completion = m_queue.take_used();
        if (!completion) {
            if (m_queue.is_broken() || arch::timestamp() - start > limit)
                return count;
            arch::relax();
            continue;
        }
        size_t length = std::min<size_t>(completion->written, out.size() - count);
        auto* page = static_cast<std::byte*>(m_platform.pages().to_pointer(m_page));
        std::memcpy(out.data() + count, page, length);
        std::memset(page, 0, page_size); // nobody else is to find them
        count += length;
        if (length == 0 && arch::timestamp() - start > limit)
            return count;
    }
    return count;
}

} // namespace drivers
