#pragma once
// VirtioRng: random bytes from the host (Virtual I/O Device 1.2, section 5.4), by polling: it is asked at boot and when
// the generator is reseeded. Thread context, one caller at a time.

#include "libos/drivers/VirtioTransport.h"

#include <cstddef>
#include <span>

namespace drivers {

class VirtioRng {
public:
    /// Both outlive the device.
    VirtioRng(Platform& platform, VirtioTransport& transport)
        : m_platform(platform)
        , m_transport(transport) {}
    VirtioRng(const VirtioRng&) = delete;
    VirtioRng& operator=(const VirtioRng&) = delete;

    base::Result<> start();

    /// Fills `out` from the start and returns how much it got within `timeout_ms`: a host may be short of entropy.
    /// The caller mixes it with other sources, as the host is not to be the only one.
    size_t fill(std::span<std::byte> out, uint32_t timeout_ms);

private:
    base::Result<> set_up();

    static constexpr uint32_t page_size = 4096;

    Platform& m_platform;
    VirtioTransport& m_transport;
    VirtQueue m_queue;
    PhysicalAddress m_page = 0;
};

} // namespace drivers
