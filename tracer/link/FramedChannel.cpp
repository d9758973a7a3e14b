#include "tracer/link/FramedChannel.h"

#include "probes/wire/Channel.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tracer {

namespace {

constexpr serial::SerialChannel id_of(ChannelName name) {
    switch (name) {
    case ChannelName::Console:
        return serial::SerialChannel::Console;
    case ChannelName::Gdb:
        return serial::SerialChannel::Gdb;
    case ChannelName::Control:
        return serial::SerialChannel::Control;
    case ChannelName::Trace:
        return serial::SerialChannel::Trace;
    case ChannelName::Crash:
        break;
    }
    return serial::SerialChannel::Crash;
}

} // namespace

size_t FrameBoundary::follow(std::span<const uint8_t> bytes_untrusted) {
    size_t taken = 0;
    while (taken < bytes_untrusted.size()) {
        const auto rest = bytes_untrusted.subspan(taken);
        if (m_left != 0) {
            const size_t count = std::min<uint64_t>(m_left, rest.size());
            m_left -= count;
            taken += count;
        } else {
            m_header[m_header_size++] = rest[0];
            ++taken;
            if (m_header_size < m_header.size())
                continue;
            wire::FrameHeader header;
            static_assert(sizeof header == sizeof m_header);
            std::memcpy(&header, m_header.data(), sizeof header);
            m_header_size = 0;
            // Of a stream that makes no sense every byte is as good as any other: its reader closes it.
            m_left = header.magic == wire::frame_magic ? header.length : 0;
        }
        if (is_at_boundary())
            break;
    }
    return taken;
}

FramedChannel::FramedChannel(ChannelName name)
    : m_name(name)
    , m_id(id_of(name)) {}

short FramedChannel::events(const serial::Link& link) const {
    return static_cast<short>((has_undelivered() ? POLLOUT : 0) | (link.room(m_id) != 0 ? POLLIN : 0));
}

Result<FileDescriptor> FramedChannel::open() {
    auto pair = TRY(socket_pair());
    m_socket = std::move(pair.first);
    m_hung_up = false;
    m_has_input = true;
    m_in_step = !has_frames() || m_boundary.is_at_boundary();
    return std::move(pair.second);
}

void FramedChannel::close() {
    m_socket.reset();
    if (!is_console())
        m_held.clear();
}

void FramedChannel::end_session() {
    if (is_console())
        return;
    send_held();
    close();
    m_boundary.reset();
    m_in_step = true;
}

void FramedChannel::add_text(serial::Link& link, std::span<const uint8_t> text) {
    std::array<uint8_t, 1024> buffer;
    for (size_t count; m_held.size() < max_text && (count = link.read(m_id, buffer)) != 0;)
        take(std::span(buffer).first(count));
    const size_t count = std::min(text.size(), max_text - std::min(m_held.size(), max_text));
    m_held.insert(m_held.end(), text.begin(), text.begin() + static_cast<ptrdiff_t>(count));
    m_dropped_text += text.size() - count;
}

void FramedChannel::take(std::span<const uint8_t> bytes) {
    while (has_frames() && !bytes.empty() && !(is_open() && m_in_step)) {
        // The rest of a frame whose beginning went to somebody else, or to nobody.
        bytes = bytes.subspan(m_boundary.follow(bytes));
        m_in_step = m_boundary.is_at_boundary();
    }
    if (!is_open() && !is_console())
        return;
    m_held.insert(m_held.end(), bytes.begin(), bytes.end());
    while (has_frames() && !bytes.empty())
        bytes = bytes.subspan(m_boundary.follow(bytes));
}

void FramedChannel::send_held() {
    size_t sent = 0;
    while (is_open() && sent < m_held.size()) {
        const ssize_t count =
            send(m_socket.get(), m_held.data() + sent, m_held.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno != EAGAIN)
            close(); // the user has gone
        if (count <= 0)
            break;
        sent += static_cast<size_t>(count);
    }
    m_held.erase(m_held.begin(), m_held.begin() + static_cast<ptrdiff_t>(std::min(sent, m_held.size())));
}

void FramedChannel::deliver(serial::Link& link) {
    std::array<uint8_t, 4096> buffer;
    send_held();
    while (!has_undelivered() && (is_open() || is_on_demand())) {
        const size_t count = link.read(m_id, buffer);
        if (count == 0)
            return;
        take(std::span(buffer).first(count));
        send_held();
    }
}

void FramedChannel::collect(serial::Link& link) {
    std::array<uint8_t, 4096> buffer;
    while (is_open() && m_has_input) {
        const size_t room = std::min(link.room(m_id), buffer.size());
        if (room == 0) {
            if (m_hung_up && !link.is_up())
                close(); // nobody to tell what it left
            return;
        }
        const ssize_t count = recv(m_socket.get(), buffer.data(), room, MSG_DONTWAIT);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN) {
            m_has_input = false;
            return;
        }
        if (count <= 0)
            close();
        else
            link.write(m_id, std::span(buffer).first(static_cast<size_t>(count)));
    }
}

} // namespace tracer
