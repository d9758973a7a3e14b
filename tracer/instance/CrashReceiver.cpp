#include "tracer/instance/CrashReceiver.h"

#include <algorithm>

namespace tracer {

void CrashReceiver::set_guest(std::shared_ptr<Channel> guest) {
    m_guest = std::move(guest);
    m_decoder = {};
    m_begin.reset();
    m_file.reset();
    m_reason.clear();
    m_received = 0;
    m_ended = false;
    m_guest->on_bytes = [this](Channel::Bytes bytes) { guest_bytes(bytes); };
    m_guest->on_close = [this] { guest_lost(); };
    m_guest->start();
}

void CrashReceiver::guest_bytes(Channel::Bytes bytes) {
    m_decoder.push(bytes);
    while (true) {
        const auto frame = m_decoder.next();
        if (!frame) {
            m_guest->close();
            if (m_begin && !m_ended)
                end(std::unexpected(frame.error()));
            guest_lost();
            return;
        }
        if (!*frame)
            return;
        handle(**frame);
    }
}

void CrashReceiver::guest_lost() {
    m_guest.reset();
    if (on_lost)
        on_lost();
}

void CrashReceiver::handle(const Frame& frame) {
    if (m_ended)
        return;
    if (frame.is(wire::FrameType::CoreBegin)) {
        const auto message = frame.as<wire::CoreBeginMessage>();
        if (!message || m_begin)
            return;
        m_begin = *message;
        const size_t length = std::min<size_t>(message->reason_length, frame.body.size() - sizeof *message);
        const auto* text = reinterpret_cast<const char*>(frame.body.data() + sizeof *message);
        m_reason.assign(text, length);
        auto file = open_file();
        if (file)
            m_file = std::move(*file);
        if (on_begin)
            on_begin();
        if (!file)
            end(std::unexpected(file.error()));
    } else if (frame.is(wire::FrameType::CoreData) && m_file) {
        m_received += frame.body.size();
        if (const auto written = m_file->write(frame.body); !written)
            end(std::unexpected(written.error()));
    } else if (frame.is(wire::FrameType::CoreEnd) && m_file) {
        const auto message = frame.as<wire::CoreEndMessage>();
        if (message && message->size != m_received)
            end(fail("the guest's core lost bytes on the way"));
        else
            end(m_file->finish());
    }
}

void CrashReceiver::end(Result<std::filesystem::path> result) {
    m_ended = true;
    m_file.reset();
    if (on_end)
        on_end(std::move(result));
}

} // namespace tracer
