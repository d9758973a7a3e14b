#include "libos/debug/GdbChannels.h"

namespace debug {

void GdbChannels::add(drivers::ByteChannel& channel) {
    for (auto* known : std::span(m_channels).first(m_count)) {
        if (known == &channel)
            return;
    }
    m_channels[m_count++] = &channel;
}

bool GdbChannels::client_is_lost() const {
    return m_session.attached() && m_client != nullptr &&
           (!m_client->is_host_connected() || m_client->connection() != m_connection);
}

size_t GdbChannels::take(std::span<uint8_t> out) {
    if (m_session.attached() && m_client != nullptr)
        return client_is_lost() ? 0 : m_client->read(std::as_writable_bytes(out));
    for (auto* channel : std::span(m_channels).first(m_count)) {
        if (size_t count = take_from(*channel, out); count != 0)
            return count;
    }
    return 0;
}

size_t GdbChannels::take_from(drivers::ByteChannel& channel, std::span<uint8_t> out) {
    size_t count = channel.read(std::as_writable_bytes(out));
    if (count != 0) {
        m_client = &channel;
        m_connection = channel.connection();
    }
    return count;
}

base::Result<size_t> GdbChannels::read(std::span<uint8_t> out) {
    // All are polled: what comes for others goes into their buffers, and stands in nobody's way.
    bool attached = m_session.attached() && m_client != nullptr;
    size_t count = 0;
    for (auto* channel : std::span(m_channels).first(m_count)) {
        auto polled = channel->poll_stopped();
        if (attached && channel == m_client) {
            TRY(polled);
            if (client_is_lost()) {
                m_client = nullptr;
                return base::fail(base::Error::BrokenPipe);
            }
        }
        if (polled && count == 0 && (!attached || channel == m_client))
            count = take_from(*channel, out);
    }
    return count;
}

base::Result<> GdbChannels::write(std::span<const uint8_t> bytes) {
    auto rest = std::as_bytes(bytes);
    while (!rest.empty()) {
        if (m_client == nullptr)
            return base::fail(base::Error::BrokenPipe);
        TRY(m_client->poll_stopped());
        if (client_is_lost())
            return base::fail(base::Error::BrokenPipe);
        // A host that takes nothing for a while may come back: the stub waits for it as long as it takes.
        auto written = m_client->write_some(rest);
        if (written)
            rest = rest.subspan(*written);
        else if (written.error() != base::Error::Again)
            return base::fail(written.error());
        else
            arch::relax();
    }
    return {};
}

} // namespace debug
